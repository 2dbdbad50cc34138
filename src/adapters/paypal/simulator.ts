import { createSign } from "node:crypto";
import { crc32 } from "node:zlib";
import type { Json, Minor } from "../../contract/adapter.ts";
import type {
  SimulatedAnswer,
  SimulatedPurchase,
  SimulatedRequest,
  SimulatedWebhook,
  SelfMadeSimulator as Simulator,
} from "../../contract/simulator.ts";
import { amountOf, minorOf } from "./amounts.ts";
import { certificatePlaces } from "./environment.ts";
import { type Authorization, type Capture, type Order, parentOf, type Refund } from "./schema.ts";
import { simulatorCertificate, simulatorKey } from "./simulator-certificate.ts";
import { type Hold, ledgerOf, meaningOf, type Taking } from "./sums.ts";
import { transmission } from "./webhooks.ts";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/**
 * When a webhook is tried that nobody acknowledges, counted from the first attempt: 25 times within three days. PayPal publishes the number and
 * the time, not the pauses (inferred). https://developer.paypal.com/api/rest/webhooks/rest/
 */
export const retrySchedule: readonly number[] = [
  ...[0, 2, 5, 10, 20, 40].map((minutes) => minutes * minute),
  ...Array.from({ length: 19 }, (_, index) => hour + index * ((3 * day - hour) / 18)),
];

/** An authorization can be captured for 29 days. */
const authorizationDays = 29;
/** How many reads of an order that lags do not show the payments in it. */
const laggingReads = 2;

const certificateName = "CERT-simulator-only";

/** Obviously fake: there to be seen nowhere but in PayPal's own answers. */
const shopper = {
  payer_id: "SIMULATEDPAYER",
  name: { given_name: "Testperson", surname: "Approved" },
  email_address: "shopper@example.invalid",
  address: { address_line_1: "Exempelgatan 1", postal_code: "00000", admin_area_2: "Exempelstad", country_code: "SE" },
};

/** Where the simulated PayPal is served: whoever starts it anew in the same process serves it in the same place. */
let servedAt = "http://paypal.invalid";

export interface SimulatorOptions {
  /** Shrinks the retry schedule: 1/60 makes minutes seconds, 0 makes the next attempt due at once. Default 1. */
  readonly timeScale?: number;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  readonly clientId?: string;
  readonly clientSecret?: string;
  readonly webhookId?: string;
}

type Draft<T> = T extends readonly (infer Item)[]
  ? Draft<Item>[]
  : T extends object
    ? { -readonly [Key in keyof T]: Draft<T[Key]> }
    : T;

interface Held {
  readonly purchase: SimulatedPurchase;
  readonly order: Draft<Order>;
  /** Somebody has read in the order that there will be a token: it is made only later. */
  promised: boolean;
  /** The shopper's stored means of payment. */
  token?: string;
  hiddenReads: number;
  loseNext: number;
  delayNext: number;
}

/** A webhook that is to be sent: every attempt is a transmission of its own, of the same event. */
interface Outgoing {
  readonly url: string;
  readonly body: string;
  readonly at: number;
}

interface Action {
  possible(held: Held): boolean;
  /** @param amount in minor units, where the action takes one. */
  act(held: Held, amount: number | undefined): void;
}

/** PayPal's orders, payments, vault and webhooks with a memory. */
export function createSimulator(options: SimulatorOptions = {}): Simulator {
  const { timeScale = 1, webhookId = "1SIMULATEDWEBHOOK" } = options;
  const { clientId = "simulated-client", clientSecret = "simulated-client-secret" } = options;
  const now = options.now ?? Date.now;
  const basic = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString("base64")}`;
  // Of the credentials alone, so that a token outlives the simulator that granted it.
  const token = `A21AA${crc32(basic).toString(16).padStart(8, "0")}-simulated-access-token`;
  const held = new Map<string, Held>();
  /** What a request id came to. */
  const answered = new Map<string, () => SimulatedAnswer>();
  const outgoing: Outgoing[] = [];
  /** Every event, by its id: PayPal can be asked for them. */
  const events = new Map<string, Json>();
  let count = 0;
  const time = (after = 0): string => `${new Date(now() + after).toISOString().slice(0, -5)}Z`;
  /** 17 upper-case letters and digits, counted, so that a run can be repeated. */
  const nextId = (kind: string): string => `${kind}${String((count += 1)).padStart(17 - kind.length, "0")}`;

  function paymentsOf({ order }: Held): Draft<NonNullable<Order["purchase_units"][0]["payments"]>> {
    const unit = order.purchase_units[0];
    if (unit === undefined) throw new Error("the order has no purchase unit");
    return (unit.payments ??= { authorizations: [], captures: [], refunds: [] });
  }

  function notify(to: Held, event_type: string, resource_type: string, resource: object): void {
    const url = to.purchase.callbackUrls["webhook"];
    const id = `WH-${nextId("E")}-${nextId("T")}`;
    const body = JSON.stringify({
      id,
      event_version: "1.0",
      create_time: new Date(now()).toISOString(),
      resource_type,
      resource_version: resource_type === "payment_token" ? "3.0" : "2.0",
      event_type,
      summary: `simulated: ${event_type}`,
      resource,
      links: [{ href: `${servedAt}/v1/notifications/webhooks-events/${id}`, rel: "self", method: "GET" }],
    });
    events.set(id, JSON.parse(body) as Json);
    if (to.loseNext > 0) {
      to.loseNext -= 1;
      return;
    }
    if (url === undefined) return;
    const attempt = to.delayNext > 0 ? 1 : 0;
    to.delayNext -= attempt;
    outgoing.push({ url, body, at: now() + (retrySchedule[attempt] ?? 0) * timeScale });
  }

  /** One transmission, signed as PayPal signs. */
  function transmitted({ url, body }: Outgoing): SimulatedWebhook {
    const id = `00000000-0000-11ee-8000-${String((count += 1)).padStart(12, "0")}`;
    const [place = ""] = certificatePlaces(servedAt);
    const text = [id, time(), webhookId, String(crc32(body))].join("|");
    return {
      webhook: "webhook",
      method: "POST",
      url,
      headers: {
        "content-type": "application/json",
        [transmission.transmission_id]: id,
        [transmission.transmission_time]: time(),
        [transmission.transmission_sig]: createSign("sha256").update(text).sign(simulatorKey, "base64"),
        [transmission.cert_url]: `${place}${certificateName}`,
        [transmission.auth_algo]: "SHA256withRSA",
        "paypal-auth-version": "v2",
      },
      body,
    };
  }

  const linksOf = (kind: string, id: string, parent: string, parentId: string) => [
    { href: `${servedAt}/v2/payments/${kind}/${id}`, rel: "self", method: "GET" },
    { href: `${servedAt}${parent}/${parentId}`, rel: "up", method: "GET" },
  ];
  const ours = ({ order: { purchase_units } }: Held) => ({
    custom_id: purchase_units[0]?.custom_id ?? null,
    invoice_id: purchase_units[0]?.invoice_id ?? null,
  });
  const orderChanged = (of: Held, name: string): void =>
    notify(of, `CHECKOUT.ORDER.${name}`, "checkout-order", shown(of));

  function approve(of: Held): void {
    if (of.order.status === "APPROVED" || of.order.status === "SAVED") return;
    of.order.status = "APPROVED";
    of.order.update_time = time();
    orderChanged(of, "APPROVED");
  }

  function authorise(of: Held, status: Authorization["status"]): void {
    approve(of);
    const { order } = of;
    order.intent = "AUTHORIZE";
    order.status = "COMPLETED";
    order.update_time = time();
    const authorization: Draft<Authorization> = {
      id: nextId("A"),
      status,
      ...(status === "PENDING" ? { status_details: { reason: "PENDING_REVIEW" } } : {}),
      amount: totalOf(of),
      create_time: time(),
      update_time: time(),
      expiration_time: time(authorizationDays * day),
    };
    paymentsOf(of).authorizations.push(authorization);
    if (status === "DENIED") orderChanged(of, "COMPLETED");
    else authorizationChanged(of, authorization, "CREATED");
    if (status === "CREATED") store(of);
  }

  function authorizationChanged(of: Held, authorization: Authorization, name: string): void {
    const links = linksOf("authorizations", authorization.id, "/v2/checkout/orders", of.order.id);
    const supplementary_data = { related_ids: { order_id: of.order.id } };
    const resource = { ...authorization, ...ours(of), supplementary_data, links };
    notify(of, `PAYMENT.AUTHORIZATION.${name}`, "authorization", resource);
  }

  function take(
    of: Held,
    amount: Minor,
    status: Capture["status"],
    final: boolean,
    from?: Authorization,
  ): Draft<Capture> {
    const id = nextId("C");
    const parent = from === undefined ? "/v2/checkout/orders" : "/v2/payments/authorizations";
    const related = from === undefined ? {} : { authorization_id: from.id };
    const capture: Draft<Capture> = {
      id,
      status,
      ...(status === "PENDING" ? { status_details: { reason: "TRANSACTION_APPROVED_AWAITING_FUNDING" } } : {}),
      amount: amountOf(amount, of.purchase.currency),
      final_capture: final,
      create_time: time(),
      links: linksOf("captures", id, parent, from?.id ?? of.order.id),
      supplementary_data: { related_ids: related },
    };
    paymentsOf(of).captures.push(capture);
    captureChanged(of, capture, eventOf(capture));
    return capture;
  }

  function captureChanged(of: Held, capture: Capture, name: string): void {
    const related_ids = { order_id: of.order.id, ...capture.supplementary_data?.related_ids };
    notify(of, `PAYMENT.CAPTURE.${name}`, "capture", { ...capture, ...ours(of), supplementary_data: { related_ids } });
  }

  /** The whole purchase at once: the order's own capture. */
  function pay(of: Held, status: Capture["status"]): void {
    approve(of);
    of.order.intent = "CAPTURE";
    of.order.status = "COMPLETED";
    of.order.update_time = time();
    take(of, minorOf(totalOf(of)), status, true);
    orderChanged(of, "COMPLETED");
    if (status === "COMPLETED") store(of);
  }

  /** From the authorization; what is captured last ends it. */
  function captureFrom(
    of: Held,
    authorization: Draft<Authorization>,
    amount: Minor,
    status: Capture["status"],
    final: boolean,
  ) {
    const capture = take(of, amount, status, final, authorization);
    if (meaningOf(capture) === "settled" || meaningOf(capture) === "pending")
      authorization.status =
        spentOn(of, authorization) >= minorOf(authorization.amount) ? "CAPTURED" : "PARTIALLY_CAPTURED";
    authorization.update_time = time();
    return capture;
  }

  function spentOn(of: Held, { id }: Authorization): Minor {
    const { captures } = paymentsOf(of);
    return captures
      .filter(
        (capture) =>
          parentOf("authorizations", capture.links) === id && ["settled", "pending"].includes(meaningOf(capture)),
      )
      .reduce((sum, { amount }) => sum + minorOf(amount), 0);
  }

  function release(of: Held, authorization: Draft<Authorization>, at: string): void {
    authorization.status = "VOIDED";
    authorization.update_time = at;
    authorizationChanged(of, authorization, "VOIDED");
  }

  function giveBack(
    of: Held,
    capture: Draft<Capture>,
    amount: Minor,
    status: Refund["status"],
    customId?: string,
  ): Draft<Refund> {
    const id = nextId("R");
    const refund: Draft<Refund> = {
      id,
      status,
      amount: amountOf(amount, of.purchase.currency),
      custom_id: customId ?? ours(of).custom_id,
      create_time: time(),
      links: linksOf("refunds", id, "/v2/payments/captures", capture.id),
    };
    paymentsOf(of).refunds.push(refund);
    refundChanged(of, refund);
    return refund;
  }

  /** Tells of a refund that is done: its capture shows it too. */
  function refundChanged(of: Held, refund: Draft<Refund>): void {
    const { captures, refunds } = paymentsOf(of);
    const capture = captures.find(({ id }) => id === parentOf("captures", refund.links));
    if (refund.status !== "COMPLETED" || capture === undefined) return;
    const done = refunds
      .filter((other) => other.status === "COMPLETED" && parentOf("captures", other.links) === capture.id)
      .reduce((sum, { amount }) => sum + minorOf(amount), 0);
    capture.status = done >= minorOf(capture.amount) ? "REFUNDED" : "PARTIALLY_REFUNDED";
    const related_ids = { order_id: of.order.id, capture_id: capture.id };
    notify(of, "PAYMENT.CAPTURE.REFUNDED", "refund", { ...refund, supplementary_data: { related_ids } });
  }

  /** A means of payment that was to be stored: the order promises the token, a webhook brings it. */
  function store(of: Held): void {
    if (of.purchase.recurring !== true) return;
    of.order.payment_source = {
      paypal: { attributes: { vault: { status: "APPROVED", customer: { id: customerOf(of) } } } },
    };
  }

  const actions: Readonly<Record<string, Action>> = {
    "require-action": {
      possible: ({ order }) => order.status === "CREATED",
      act: ({ order }) => void (order.status = "PAYER_ACTION_REQUIRED"),
    },
    approve: { possible: ({ order }) => isAsking(order), act: approve },
    save: {
      possible: ({ order }) => isAsking(order),
      act(of) {
        of.order.status = "SAVED";
        orderChanged(of, "SAVED");
      },
    },
    "void-order": {
      possible: (of) => isApproved(of) && isUnpaid(of),
      act(of) {
        of.order.status = "VOIDED";
        orderChanged(of, "VOIDED");
      },
    },
    "reverse-approval": {
      possible: (of) => isApproved(of) && isUnpaid(of),
      act(of) {
        of.order.status = "VOIDED";
        const resource = { order_id: of.order.id, purchase_units: [ours(of)] };
        notify(of, "CHECKOUT.PAYMENT-APPROVAL.REVERSED", "checkout-order", resource);
      },
    },
    pay: { possible: isUnpaid, act: (of) => authorise(of, "CREATED") },
    "pay-with-review": { possible: isUnpaid, act: (of) => authorise(of, "PENDING") },
    "authorise-denied": { possible: isUnpaid, act: (of) => authorise(of, "DENIED") },
    accept: {
      possible: (of) => heldWith(of, "PENDING") !== undefined,
      act(of) {
        const authorization = heldWith(of, "PENDING");
        if (authorization === undefined) return;
        authorization.status = "CREATED";
        delete authorization.status_details;
        authorizationChanged(of, authorization, "CREATED");
      },
    },
    reject: {
      possible: (of) => heldWith(of, "PENDING") !== undefined,
      act(of) {
        const authorization = heldWith(of, "PENDING");
        if (authorization === undefined) return;
        authorization.status = "DENIED";
        authorizationChanged(of, authorization, "VOIDED");
      },
    },
    "pay-at-once": { possible: isUnpaid, act: (of) => pay(of, "COMPLETED") },
    "pay-with-lag": {
      possible: isUnpaid,
      act(of) {
        pay(of, "COMPLETED");
        of.hiddenReads = laggingReads;
      },
    },
    "pay-while-approved": {
      possible: isUnpaid,
      act(of) {
        approve(of);
        take(of, minorOf(totalOf(of)), "COMPLETED", true);
      },
    },
    "pay-pending": { possible: isUnpaid, act: (of) => pay(of, "PENDING") },
    "pay-declined": { possible: isUnpaid, act: (of) => pay(of, "DECLINED") },
    "pay-failed": { possible: isUnpaid, act: (of) => pay(of, "FAILED") },
    "settle-capture": {
      possible: (of) => pendingCapture(of) !== undefined,
      act(of) {
        const capture = pendingCapture(of);
        if (capture === undefined) return;
        capture.status = "COMPLETED";
        delete capture.status_details;
        captureChanged(of, capture, "COMPLETED");
      },
    },
    "deny-capture": {
      possible: (of) => pendingCapture(of) !== undefined,
      act(of) {
        const capture = pendingCapture(of);
        if (capture === undefined) return;
        capture.status = "DECLINED";
        delete capture.status_details;
        const from = paymentsOf(of).authorizations.find(({ id }) => id === parentOf("authorizations", capture.links));
        if (from !== undefined) from.status = spentOn(of, from) === 0 ? "CREATED" : "PARTIALLY_CAPTURED";
        captureChanged(of, capture, "DENIED");
      },
    },
    capture: {
      possible: (of) => openHold(of) !== undefined,
      act(of, amount) {
        const { authorization, open } = holdOf(of);
        captureFrom(of, authorization, within(amount, open), "COMPLETED", false);
      },
    },
    "capture-and-release": {
      possible: (of) => openHold(of) !== undefined,
      act(of, amount) {
        const { authorization, open } = holdOf(of);
        captureFrom(of, authorization, within(amount, open), "COMPLETED", true);
      },
    },
    "capture-pending": {
      possible: (of) => openHold(of) !== undefined,
      act(of, amount) {
        const { authorization, open } = holdOf(of);
        captureFrom(of, authorization, within(amount, open), "PENDING", false);
      },
    },
    "capture-declined": {
      possible: (of) => openHold(of) !== undefined && paymentsOf(of).captures.length < 3,
      act(of, amount) {
        const { authorization, open } = holdOf(of);
        captureFrom(of, authorization, within(amount, open), "DECLINED", false);
      },
    },
    renew: {
      possible: (of) => openHold(of)?.captured === 0,
      act(of) {
        const { authorization } = holdOf(of);
        const renewed = { ...authorization, id: nextId("A"), create_time: time(), update_time: time() };
        paymentsOf(of).authorizations.push({ ...renewed, expiration_time: time(authorizationDays * day) });
        authorizationChanged(of, renewed, "CREATED");
      },
    },
    void: { possible: (of) => openHold(of) !== undefined, act: (of) => release(of, holdOf(of).authorization, time()) },
    expire: {
      possible: (of) => openHold(of) !== undefined,
      act(of) {
        const { authorization } = holdOf(of);
        authorization.expiration_time = time();
        release(of, authorization, time());
      },
    },
    refund: {
      possible: (of) => openTaking(of) !== undefined,
      act(of, amount) {
        const { capture, left } = takingOf(of);
        giveBack(of, capture, within(amount, left), "COMPLETED");
      },
    },
    "refund-pending": {
      possible: (of) => openTaking(of) !== undefined,
      act(of, amount) {
        const { capture, left } = takingOf(of);
        giveBack(of, capture, within(amount, left), "PENDING");
      },
    },
    "settle-refund": {
      possible: (of) => pendingRefund(of) !== undefined,
      act(of) {
        const refund = pendingRefund(of);
        if (refund === undefined) return;
        refund.status = "COMPLETED";
        refundChanged(of, refund);
      },
    },
    "fail-refund": {
      possible: (of) => pendingRefund(of) !== undefined,
      act(of) {
        const refund = pendingRefund(of);
        if (refund !== undefined) refund.status = "FAILED";
      },
    },
    reverse: {
      possible: (of) => openTaking(of) !== undefined,
      act(of) {
        const { capture, left } = takingOf(of);
        capture.status = "REFUNDED";
        capture.status_details = { reason: "CHARGEBACK" };
        const id = nextId("R");
        const links = linksOf("refunds", id, "/v2/payments/captures", capture.id);
        const supplementary_data = { related_ids: { order_id: of.order.id, capture_id: capture.id } };
        const amount = amountOf(left, of.purchase.currency);
        const resource = { id, status: "COMPLETED", amount, ...ours(of), supplementary_data, links };
        notify(of, "PAYMENT.CAPTURE.REVERSED", "refund", resource);
      },
    },
    "store-token": {
      possible: ({ promised, token: stored }) => promised && stored === undefined,
      act(of) {
        of.token = nextId("vault").toLowerCase();
        const { email_address, payer_id } = shopper;
        notify(of, "VAULT.PAYMENT-TOKEN.CREATED", "payment_token", {
          id: of.token,
          customer: { id: customerOf(of) },
          metadata: { order_id: of.order.id },
          payment_source: { paypal: { usage_type: "MERCHANT", email_address, payer_id } },
        });
      },
    },
    "lose-webhook": { possible: ({ loseNext }) => loseNext === 0, act: (of) => void (of.loseNext = 1) },
    "delay-webhook": { possible: ({ delayNext }) => delayNext === 0, act: (of) => void (of.delayNext = 1) },
    "duplicate-webhook": {
      possible: () => outgoing.length > 0,
      act: () => void outgoing.push(...outgoing.slice(-1)),
    },
  };

  /** A second request with the same id is told what became of the first. */
  function once(
    { headers }: SimulatedRequest,
    make: () => { readonly piece: object } | SimulatedAnswer,
  ): SimulatedAnswer {
    const id = headers["paypal-request-id"];
    const first = id === undefined ? undefined : answered.get(id);
    if (first !== undefined) return first();
    const made = make();
    if (!("piece" in made)) return made;
    const told = (status: number): SimulatedAnswer => ({ status, body: copyOf(made.piece) });
    if (id !== undefined) answered.set(id, () => told(200));
    return told(201);
  }

  function answerOrder(of: Held, request: SimulatedRequest, what: string): SimulatedAnswer {
    const does = `${request.method} ${what}`;
    if (does === "GET ") {
      of.promised = of.order.payment_source !== undefined;
      if (of.hiddenReads === 0) return { status: 200, body: shown(of) };
      of.hiddenReads -= 1;
      return { status: 200, body: withoutPayments(shown(of)) };
    }
    if (does !== "POST capture" && does !== "POST authorize") return { status: 404 };
    return once(request, () => {
      if (!isUnpaid(of)) return unprocessable("ORDER_ALREADY_CAPTURED");
      if (of.order.status !== "APPROVED") return unprocessable("ORDER_NOT_APPROVED");
      if (does === "POST capture") pay(of, "COMPLETED");
      else authorise(of, "CREATED");
      return { piece: of.order };
    });
  }

  function answerAuthorization(
    of: Held,
    authorization: Draft<Authorization>,
    request: SimulatedRequest,
    what: string,
  ): SimulatedAnswer {
    const { status } = authorization;
    switch (`${request.method} ${what}`) {
      case "GET ":
        return { status: 200, body: copyOf(authorization) };
      case "POST capture":
        return once(request, () => {
          if (status === "CAPTURED") return unprocessable("AUTHORIZATION_ALREADY_CAPTURED");
          if (status !== "CREATED" && status !== "PARTIALLY_CAPTURED") return unprocessable(`AUTHORIZATION_${status}`);
          const hold = ledgerOf(of.order).holds.find((other) => other.authorization === authorization);
          const asked = fieldsOf(request.body);
          const amount = asked["amount"] === undefined ? (hold?.open ?? 0) : amountIn(asked["amount"]);
          if (amount === undefined) return refuse(400, "INVALID_REQUEST", "INVALID_PARAMETER_SYNTAX");
          if (amount > (hold?.open ?? 0)) return unprocessable("MAX_CAPTURE_AMOUNT_EXCEEDED");
          return { piece: captureFrom(of, authorization, amount, "COMPLETED", asked["final_capture"] === true) };
        });
      case "POST void":
        if (status === "VOIDED") return unprocessable("PREVIOUSLY_VOIDED");
        if (status === "CAPTURED") return unprocessable("PREVIOUSLY_CAPTURED");
        release(of, authorization, time());
        return { status: 204 };
      default:
        return { status: 404 };
    }
  }

  function answerCapture(of: Held, capture: Draft<Capture>, request: SimulatedRequest, what: string): SimulatedAnswer {
    switch (`${request.method} ${what}`) {
      case "GET ":
        return { status: 200, body: copyOf(capture) };
      case "POST refund":
        return once(request, () => {
          if (capture.status === "REFUNDED") return unprocessable("CAPTURE_FULLY_REFUNDED");
          const left = ledgerOf(of.order).takings.find((taking) => taking.capture === capture)?.left ?? 0;
          const asked = fieldsOf(request.body);
          const amount = asked["amount"] === undefined ? left : amountIn(asked["amount"]);
          if (amount === undefined) return refuse(400, "INVALID_REQUEST", "INVALID_PARAMETER_SYNTAX");
          if (amount > left) return unprocessable("REFUND_AMOUNT_EXCEEDED");
          const customId = typeof asked["custom_id"] === "string" ? asked["custom_id"] : undefined;
          return { piece: giveBack(of, capture, amount, "COMPLETED", customId) };
        });
      default:
        return { status: 404 };
    }
  }

  function answerPiece(kind: string, id: string, request: SimulatedRequest, what: string): SimulatedAnswer {
    for (const of of held.values()) {
      const payments = paymentsOf(of);
      const authorization = payments.authorizations.find((piece) => piece.id === id);
      const capture = payments.captures.find((piece) => piece.id === id);
      const refund = payments.refunds.find((piece) => piece.id === id);
      if (kind === "authorizations" && authorization !== undefined)
        return answerAuthorization(of, authorization, request, what);
      if (kind === "captures" && capture !== undefined) return answerCapture(of, capture, request, what);
      if (kind === "refunds" && refund !== undefined && request.method === "GET")
        return { status: 200, body: copyOf(refund) };
    }
    return refuse(404, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID");
  }

  function answerToken(id: string, { method }: SimulatedRequest): SimulatedAnswer {
    const owner = [...held.values()].find((of) => of.token === id);
    if (owner === undefined) return refuse(404, "RESOURCE_NOT_FOUND", "TOKEN_NOT_FOUND");
    if (method === "GET") return { status: 200, body: { id, customer: { id: customerOf(owner) } } };
    if (method !== "DELETE") return { status: 404 };
    delete owner.token;
    return { status: 204 };
  }

  function answerEvent(id: string): SimulatedAnswer {
    const event = events.get(id);
    return event === undefined
      ? refuse(404, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID")
      : { status: 200, body: event };
  }

  /** The buyer's tokens, one a page: whoever reads the first alone misses the others. */
  function answerVault(query: URLSearchParams): SimulatedAnswer {
    const tokens = [...held.values()].filter(
      (of) => of.token !== undefined && customerOf(of) === query.get("customer_id"),
    );
    const page = Number(query.get("page") ?? "1");
    const shownTokens = tokens.slice(page - 1, page).map((of) => ({
      id: of.token ?? "",
      customer: { id: customerOf(of) },
      payment_source: { paypal: { email_address: shopper.email_address, payer_id: shopper.payer_id } },
    }));
    return {
      status: 200,
      body: { total_items: tokens.length, total_pages: tokens.length, payment_tokens: shownTokens },
    };
  }

  function route(request: SimulatedRequest): SimulatedAnswer {
    const { path } = request;
    const [, eventId] = /^\/v1\/notifications\/webhooks-events\/([^/]+)$/.exec(path) ?? [];
    if (eventId !== undefined) return answerEvent(eventId);
    if (path === "/v3/vault/payment-tokens") return answerVault(request.query);
    const [, orderId, orderDoes = ""] = /^\/v2\/checkout\/orders\/([^/]+)(?:\/(\w+))?$/.exec(path) ?? [];
    if (orderId !== undefined) {
      const of = held.get(orderId);
      return of === undefined
        ? refuse(404, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID")
        : answerOrder(of, request, orderDoes);
    }
    const [, kind = "", id = "", does = ""] = /^\/v2\/payments\/(\w+)\/([^/]+)(?:\/(\w+))?$/.exec(path) ?? [];
    if (kind !== "") return answerPiece(kind, id, request, does);
    const [, tokenId] = /^\/v3\/vault\/payment-tokens\/([^/]+)$/.exec(path) ?? [];
    return tokenId === undefined ? { status: 404 } : answerToken(tokenId, request);
  }

  function grant({ headers, body }: SimulatedRequest): SimulatedAnswer {
    const form = new URLSearchParams(typeof body === "string" ? body : "");
    if (headers["authorization"] !== basic)
      return { status: 401, body: { error: "invalid_client", error_description: "Client Authentication failed" } };
    if (form.get("grant_type") !== "client_credentials")
      return { status: 400, body: { error: "unsupported_grant_type", error_description: "Grant Type is NULL" } };
    return { status: 200, body: { access_token: token, token_type: "Bearer", expires_in: 32_400, scope: "simulated" } };
  }

  function refuse(status: number, name: string, issue: string): SimulatedAnswer {
    const debug_id = String((count += 1)).padStart(13, "0");
    return { status, body: { name, message: "simulated", debug_id, details: [{ issue, description: "simulated" }] } };
  }

  function unprocessable(issue: string): SimulatedAnswer {
    return refuse(422, "UNPROCESSABLE_ENTITY", issue);
  }

  function heldOf(reference: string): Held {
    const of = held.get(reference);
    if (of === undefined) throw new Error(`PayPal knows no order ${reference}`);
    return of;
  }

  return {
    settings(apiUrl) {
      servedAt = apiUrl.replace(/\/+$/, "");
      return { apiUrl, clientId, clientSecret, webhookId };
    },
    preliminary: isPreliminary,
    answer(request) {
      const { method, path, headers } = request;
      if (path === tokenPath && method === "POST") return grant(request);
      if (path === `${certificatesPath}${certificateName}` && method === "GET")
        return { status: 200, text: simulatorCertificate };
      if (headers["authorization"] !== `Bearer ${token}`)
        return {
          status: 401,
          body: { error: "invalid_token", error_description: "Token signature verification failed" },
        };
      return route(request);
    },
    open(purchase) {
      const id = nextId("O");
      held.set(id, {
        purchase,
        order: {
          id,
          intent: "AUTHORIZE",
          status: "CREATED",
          create_time: time(),
          purchase_units: [{ amount: amountOf(purchase.amount, purchase.currency), custom_id: purchase.paymentId }],
        },
        promised: false,
        hiddenReads: 0,
        loseNext: 0,
        delayNext: 0,
      });
      return id;
    },
    actions(reference) {
      const of = heldOf(reference);
      return Object.keys(actions).filter((name) => actions[name]?.possible(of));
    },
    act(reference, name, amount) {
      const of = heldOf(reference);
      const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
      if (!action?.possible(of)) throw new Error(`PayPal cannot ${name} this order now`);
      action.act(of, amount);
    },
    due(at) {
      const due = outgoing.filter((webhook) => webhook.at <= at);
      const later = outgoing.filter((webhook) => webhook.at > at);
      outgoing.splice(0, outgoing.length, ...later);
      return due.map(transmitted);
    },
    describe: (reference) => describe(heldOf(reference).order),
  };
}

const tokenPath = "/v1/oauth2/token";
const certificatesPath = "/v1/notifications/certs/";

function isPreliminary({ path }: Pick<SimulatedRequest, "method" | "path">): boolean {
  return path === tokenPath || path.startsWith(certificatesPath);
}

/** Every purchase is another buyer's. */
function customerOf({ order }: Held): string {
  return `customer_${order.id}`;
}

function isAsking({ status }: Order): boolean {
  return status === "CREATED" || status === "PAYER_ACTION_REQUIRED";
}

function isApproved({ order: { status } }: Held): boolean {
  return status === "APPROVED" || status === "SAVED";
}

function isUnpaid({ order: { status, purchase_units } }: Held): boolean {
  const { authorizations = [], captures = [] } = purchase_units[0]?.payments ?? {};
  return authorizations.length + captures.length === 0 && status !== "VOIDED";
}

function heldWith({ order }: Held, status: Authorization["status"]): Draft<Authorization> | undefined {
  return order.purchase_units[0]?.payments?.authorizations.find((authorization) => authorization.status === status);
}

function pendingCapture({ order }: Held): Draft<Capture> | undefined {
  return order.purchase_units[0]?.payments?.captures.find(({ status }) => status === "PENDING");
}

function pendingRefund({ order }: Held): Draft<Refund> | undefined {
  return order.purchase_units[0]?.payments?.refunds.find(({ status }) => status === "PENDING");
}

function openHold({ order }: Held): Hold | undefined {
  return ledgerOf(order).holds.find(({ open, authorization }) => open > 0 && authorization.status !== "PENDING");
}

function holdOf(of: Held): { readonly authorization: Draft<Authorization>; readonly open: Minor } {
  const hold = openHold(of);
  if (hold === undefined) throw new Error("nothing is authorised");
  // The ledger shows the order's own pieces.
  return { authorization: hold.authorization, open: hold.open };
}

function openTaking({ order }: Held): Taking | undefined {
  return ledgerOf(order).takings.find(({ left }) => left > 0);
}

function takingOf(of: Held): { readonly capture: Draft<Capture>; readonly left: Minor } {
  const taking = openTaking(of);
  if (taking === undefined) throw new Error("nothing is captured");
  return { capture: taking.capture, left: taking.left };
}

function totalOf({ purchase }: Held): Draft<Authorization>["amount"] {
  return amountOf(purchase.amount, purchase.currency);
}

function eventOf({ status }: Capture): string {
  return status === "FAILED" ? "DECLINED" : status;
}

function within(amount: number | undefined, limit: number): Minor {
  const chosen = amount ?? limit;
  if (!Number.isSafeInteger(chosen) || chosen <= 0 || chosen > limit) throw new Error(`not an amount up to ${limit}`);
  return chosen;
}

function fieldsOf(body: unknown): Readonly<Record<string, unknown>> {
  return typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
}

function amountIn(given: unknown): Minor | undefined {
  const { currency_code, value } = fieldsOf(given);
  if (typeof currency_code !== "string" || typeof value !== "string" || !/^\d+(\.\d+)?$/.test(value)) return undefined;
  const amount = minorOf({ currency_code, value });
  return amount > 0 ? amount : undefined;
}

/** A copy as it goes over the wire. */
function copyOf(piece: object): Json {
  return JSON.parse(JSON.stringify(piece)) as Json;
}

/** The order with the personal data that the real PayPal sends along. */
function shown({ order }: Held): Record<string, Json> {
  return copyOf({ ...order, payer: shopper, payee: { email_address: "seller@example.invalid" } }) as Record<
    string,
    Json
  >;
}

/** The order as it reads while the payments in it are not there yet. */
function withoutPayments(order: Record<string, Json>): Record<string, Json> {
  const units = (order["purchase_units"] ?? []) as readonly Record<string, Json>[];
  return { ...order, purchase_units: units.map(({ payments: _hidden, ...unit }) => unit) };
}

function describe(order: Order): string {
  const { money, currency, captures, authorizations } = ledgerOf(order);
  const show = (minor: Minor): string => `${amountOf(minor, currency).value} ${currency}`;
  return [
    `order ${order.status}`,
    ...authorizations.map(({ status }) => `authorization ${status}`),
    ...captures.map(({ status }) => `capture ${status}`),
    ...(money.captured === 0 ? [] : [`captured ${show(money.captured)}`]),
    ...(money.refunded === 0 ? [] : [`refunded ${show(money.refunded)}`]),
    ...(money.released === 0 ? [] : [`released ${show(money.released)}`]),
  ].join(", ");
}
