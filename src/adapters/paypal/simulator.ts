import type { Json, Minor } from "../../contract/adapter.ts";
import type {
  Kernel,
  Routes,
  SimulatedAction,
  SimulatedAnswer,
  SimulatedCall,
  SimulatedRequest,
  Simulation,
} from "../../contract/simulator.ts";
import { amountOf, minorOf } from "./amounts.ts";
import { type Authorization, type Capture, parentOf, type Refund } from "./schema.ts";
import {
  type Books,
  booksOn,
  customerOf,
  type Held,
  leftOf,
  openOf,
  paymentsOf,
  shopper,
  takingOf,
} from "./simulator-books.ts";
import { simulatorCertificate } from "./simulator-certificate.ts";
import { account, certificateName, copyOf, nextId, type Teller, tellerOn } from "./simulator-webhooks.ts";

const tokenLifeMs = 32_400_000;
/** How many reads of an order that lags do not show the payments in it. */
const laggingReads = 2;

type Actions = Readonly<Record<string, SimulatedAction<Held>>>;

/** PayPal's orders, payments, vault and webhooks with a memory. */
export function simulate(kernel: Kernel<Held>): Simulation<Held> {
  const teller = tellerOn(kernel);
  const books = booksOn(kernel, teller);
  return {
    settings: () => ({ ...account }),
    namesReversals: true,
    grants: {
      "POST /v1/oauth2/token": (request) => grant(kernel, request),
      [`GET /v1/notifications/certs/${certificateName}`]: () => ({ status: 200, text: simulatorCertificate }),
    },
    refuse: ({ headers }) =>
      kernel.isGranted(headers["authorization"]) ? undefined : { status: 401, body: { error: "invalid_token" } },
    routes: {
      ...orderRoutes(kernel, books),
      ...paymentRoutes(kernel, books),
      ...otherRoutes(kernel, teller),
      ...webhookRoutes(kernel),
    },
    idempotency: {
      header: "paypal-request-id",
      keeps: ({ status }) => status < 300,
      // A repeat is answered with what the first request's piece has become by now.
      repeated: (first) => ({ status: 200, body: pieceLike(kernel, first.body) ?? first.body ?? null }),
    },
    open(payment) {
      const { amount, currency, paymentId: custom_id } = payment.purchase;
      const reference = nextId(payment, "O");
      return {
        payment,
        reference,
        order: {
          id: reference,
          intent: "AUTHORIZE",
          status: "CREATED",
          create_time: `${kernel.time().slice(0, -5)}Z`,
          purchase_units: [{ amount: amountOf(amount, currency), custom_id }],
        },
        sums: { authorized: 0, captured: 0, refunded: 0, released: 0 },
        hold: undefined,
        promised: false,
        token: undefined,
        hiddenReads: 0,
      };
    },
    actions: {
      ...orderActions(teller, books),
      ...payActions(books),
      ...captureActions(kernel, books),
      ...refundActions(books),
      "store-token": {
        possible: ({ promised, token }) => promised && token === undefined,
        act: (of) => books.storeToken(of),
      },
    },
    money: ({ sums, payment }) => (sums.authorized === 0 ? null : { ...sums, currency: payment.purchase.currency }),
    describe,
  };
}

function orderActions({ notify }: Teller, { approve, orderChanged }: Books): Actions {
  const isAsking = ({ order: { status } }: Held): boolean => status === "CREATED" || status === "PAYER_ACTION_REQUIRED";
  const isApproved = (of: Held): boolean =>
    isUnpaid(of) && (of.order.status === "APPROVED" || of.order.status === "SAVED");
  /** All that was approved is given back. */
  const end = (of: Held): void => {
    of.order.status = "VOIDED";
    of.sums.authorized = of.payment.purchase.amount;
    of.sums.released = of.payment.purchase.amount;
  };
  return {
    "require-action": {
      possible: ({ order }) => order.status === "CREATED",
      act: ({ order }) => void (order.status = "PAYER_ACTION_REQUIRED"),
    },
    approve: { possible: isAsking, act: approve },
    save: {
      possible: isAsking,
      act(of) {
        of.order.status = "SAVED";
        orderChanged(of, "SAVED");
      },
    },
    "void-order": {
      possible: isApproved,
      act(of) {
        end(of);
        orderChanged(of, "VOIDED");
      },
    },
    "reverse-approval": {
      possible: isApproved,
      act(of) {
        end(of);
        const [unit] = of.order.purchase_units;
        const purchase_units = [{ custom_id: unit?.custom_id ?? null, invoice_id: unit?.invoice_id ?? null }];
        notify(of, "CHECKOUT.PAYMENT-APPROVAL.REVERSED", "checkout-order", { order_id: of.order.id, purchase_units });
      },
    },
  };
}

function payActions({ approve, authorise, authorizationChanged, pay, take }: Books): Actions {
  const possible = isUnpaid;
  const inReview = ({ hold }: Held): boolean => hold?.status === "PENDING";
  return {
    pay: { possible, act: (of) => authorise(of, "CREATED") },
    "pay-with-review": { possible, act: (of) => authorise(of, "PENDING") },
    "authorise-denied": { possible, act: (of) => authorise(of, "DENIED") },
    accept: {
      possible: inReview,
      act(of) {
        if (of.hold === undefined) return;
        of.hold.status = "CREATED";
        delete of.hold.status_details;
        authorizationChanged(of, of.hold, "CREATED");
      },
    },
    reject: {
      possible: inReview,
      act(of) {
        if (of.hold === undefined) return;
        of.hold.status = "DENIED";
        of.sums.authorized = 0;
        authorizationChanged(of, of.hold, "VOIDED");
      },
    },
    "pay-at-once": { possible, act: (of) => pay(of, "COMPLETED") },
    "pay-with-lag": {
      possible,
      act(of) {
        pay(of, "COMPLETED");
        of.hiddenReads = laggingReads;
      },
    },
    "pay-while-approved": {
      possible,
      act(of) {
        approve(of);
        take(of, of.payment.purchase.amount, "COMPLETED", true);
      },
    },
    "pay-pending": { possible, act: (of) => pay(of, "PENDING") },
    "pay-declined": { possible, act: (of) => pay(of, "DECLINED") },
    "pay-failed": { possible, act: (of) => pay(of, "FAILED") },
  };
}

function captureActions(kernel: Kernel<Held>, { captureFrom, captureChanged, renew, release }: Books): Actions {
  const capturable = (of: Held): boolean => of.hold?.status !== "PENDING" && openOf(of) > 0;
  const amount = { most: openOf };
  const pending = (of: Held) => paymentsOf(of).captures.find(({ status }) => status === "PENDING");
  /** No more will be captured of what is held: a capture that was carried out said so. */
  const hasFinal = (of: Held): boolean =>
    paymentsOf(of).captures.some(({ status, final_capture }) => final_capture === true && status !== "DECLINED");
  const ended = (of: Held, status: "COMPLETED" | "DECLINED") => {
    const capture = pending(of);
    if (capture === undefined) throw new Error("no capture is pending");
    capture.status = status;
    delete capture.status_details;
    return capture;
  };
  return {
    capture: { possible: capturable, amount, act: (of, taken) => void captureFrom(of, taken, "COMPLETED", false) },
    "capture-and-release": {
      possible: capturable,
      amount,
      act: (of, taken) => void captureFrom(of, taken, "COMPLETED", true),
    },
    "capture-pending": {
      possible: capturable,
      amount,
      act: (of, taken) => void captureFrom(of, taken, "PENDING", false),
    },
    "capture-declined": {
      possible: (of) => capturable(of) && paymentsOf(of).captures.length < 3,
      amount,
      act: (of, taken) => void captureFrom(of, taken, "DECLINED", false),
    },
    "settle-capture": {
      possible: (of) => pending(of) !== undefined,
      act(of) {
        const capture = ended(of, "COMPLETED");
        of.sums.captured += minorOf(capture.amount);
        captureChanged(of, capture, "COMPLETED");
      },
    },
    "deny-capture": {
      possible: (of) => pending(of) !== undefined,
      act(of) {
        const capture = ended(of, "DECLINED");
        if (of.hold === undefined) of.sums.authorized = 0;
        // What was voided meanwhile, or ended by a final capture, is released with what was not taken after all.
        else if (of.hold.status === "VOIDED" || hasFinal(of)) of.sums.released += minorOf(capture.amount);
        else of.hold.status = of.sums.captured === 0 ? "CREATED" : "PARTIALLY_CAPTURED";
        captureChanged(of, capture, "DENIED");
      },
    },
    renew: { possible: (of) => capturable(of) && of.sums.captured === 0 && pending(of) === undefined, act: renew },
    cancel: { possible: capturable, act: release },
    expire: {
      possible: capturable,
      act(of) {
        if (of.hold !== undefined) of.hold.expiration_time = `${kernel.time().slice(0, -5)}Z`;
        release(of);
      },
    },
  };
}

function refundActions({ giveBack, refunded, reverse }: Books): Actions {
  const possible = (of: Held): boolean => takingOf(of) !== undefined;
  const amount = { most: (of: Held): Minor => takingOf(of)?.left ?? 0 };
  const give = (of: Held, given: Minor, status: Refund["status"]): void => {
    const taking = takingOf(of);
    if (taking !== undefined) giveBack(of, taking.capture, given, status);
  };
  const pending = (of: Held) => paymentsOf(of).refunds.find(({ status }) => status === "PENDING");
  return {
    refund: { possible, amount, act: (of, given) => give(of, given, "COMPLETED") },
    "refund-pending": { possible, amount, act: (of, given) => give(of, given, "PENDING") },
    "settle-refund": {
      possible: (of) => pending(of) !== undefined,
      act(of) {
        const refund = pending(of);
        if (refund === undefined) return;
        refund.status = "COMPLETED";
        refunded(of, refund);
      },
    },
    "fail-refund": {
      possible: (of) => pending(of) !== undefined,
      act(of) {
        const refund = pending(of);
        if (refund === undefined) return;
        refund.status = "FAILED";
        const capture = paymentsOf(of).captures.find(({ id }) => id === parentOf("captures", refund.links));
        // Of a capture that PayPal took back it keeps what the refund did not give back.
        if (capture?.status === "REFUNDED") of.sums.refunded += minorOf(refund.amount);
      },
    },
    reverse: { possible, act: reverse },
  };
}

function orderRoutes(kernel: Kernel<Held>, { pay, authorise }: Books): Routes {
  const found = ({ part }: SimulatedCall, then: (of: Held) => SimulatedAnswer): SimulatedAnswer => {
    const of = kernel.find(part("id"));
    return of === undefined ? notFound(kernel) : then(of);
  };
  const once = (call: SimulatedCall, act: (of: Held) => void): SimulatedAnswer =>
    found(call, (of) => {
      if (!isUnpaid(of)) return unprocessable(kernel, "ORDER_ALREADY_CAPTURED");
      if (of.order.status !== "APPROVED") return unprocessable(kernel, "ORDER_NOT_APPROVED");
      act(of);
      return { status: 201, body: copyOf(of.order) };
    });
  return {
    "GET /v2/checkout/orders/{id}": (call) =>
      found(call, (of) => {
        of.promised = of.order.payment_source !== undefined;
        const hides = of.hiddenReads > 0;
        if (hides) of.hiddenReads -= 1;
        return { status: 200, body: shown(kernel, of, hides) };
      }),
    "POST /v2/checkout/orders/{id}/capture": (call) => once(call, (of) => pay(of, "COMPLETED")),
    "POST /v2/checkout/orders/{id}/authorize": (call) => once(call, (of) => authorise(of, "CREATED")),
  };
}

function paymentRoutes(kernel: Kernel<Held>, { captureFrom, release, giveBack }: Books): Routes {
  type Kind = "authorizations" | "captures" | "refunds";
  const found = (
    kind: Kind,
    { part }: SimulatedCall,
    then: (of: Held, piece: Authorization | Capture | Refund) => SimulatedAnswer,
  ): SimulatedAnswer => {
    for (const of of kernel.all()) {
      const piece = paymentsOf(of)[kind].find(({ id }) => id === part("id"));
      if (piece !== undefined) return then(of, piece);
    }
    return notFound(kernel);
  };
  const shows = (kind: Kind) => (call: SimulatedCall) =>
    found(kind, call, (_, piece) => ({ status: 200, body: copyOf(piece) }));
  return {
    "GET /v2/payments/authorizations/{id}": shows("authorizations"),
    "GET /v2/payments/captures/{id}": shows("captures"),
    "GET /v2/payments/refunds/{id}": shows("refunds"),
    "POST /v2/payments/authorizations/{id}/capture": (call) =>
      found("authorizations", call, (of, { id, status }) => {
        if (status === "CAPTURED") return unprocessable(kernel, "AUTHORIZATION_ALREADY_CAPTURED");
        if ((status !== "CREATED" && status !== "PARTIALLY_CAPTURED") || id !== of.hold?.id)
          return unprocessable(kernel, `AUTHORIZATION_${status}`);
        const amount = amountIn(call.fields["amount"], openOf(of));
        if (amount === undefined) return refuse(kernel, 400, "INVALID_REQUEST", "INVALID_PARAMETER_SYNTAX");
        if (amount > openOf(of)) return unprocessable(kernel, "MAX_CAPTURE_AMOUNT_EXCEEDED");
        return {
          status: 201,
          body: copyOf(captureFrom(of, amount, "COMPLETED", call.fields["final_capture"] === true)),
        };
      }),
    "POST /v2/payments/authorizations/{id}/void": (call) =>
      found("authorizations", call, (of, { status }) => {
        if (status === "VOIDED") return unprocessable(kernel, "PREVIOUSLY_VOIDED");
        if (status === "CAPTURED") return unprocessable(kernel, "PREVIOUSLY_CAPTURED");
        release(of);
        return { status: 204 };
      }),
    "POST /v2/payments/captures/{id}/refund": (call) =>
      found("captures", call, (of, { id }) => {
        const capture = paymentsOf(of).captures.find((own) => own.id === id);
        if (capture === undefined) return notFound(kernel);
        if (capture.status === "REFUNDED") return unprocessable(kernel, "CAPTURE_FULLY_REFUNDED");
        const left = leftOf(of, capture);
        const amount = amountIn(call.fields["amount"], left);
        if (amount === undefined) return refuse(kernel, 400, "INVALID_REQUEST", "INVALID_PARAMETER_SYNTAX");
        if (amount > left) return unprocessable(kernel, "REFUND_AMOUNT_EXCEEDED");
        const { custom_id } = call.fields;
        const customId = typeof custom_id === "string" ? custom_id : undefined;
        return { status: 201, body: copyOf(giveBack(of, capture, amount, "COMPLETED", customId)) };
      }),
  };
}

function otherRoutes(kernel: Kernel<Held>, { events }: Teller): Routes {
  const tokenOf = (of: Held): Json => ({
    id: of.token ?? "",
    customer: { id: customerOf(of) },
    payment_source: { paypal: { email_address: shopper.email_address, payer_id: shopper.payer_id } },
  });
  return {
    "GET /v1/notifications/webhooks-events/{id}": ({ part }) => {
      const event = events.get(part("id"));
      return event === undefined ? notFound(kernel) : { status: 200, body: event };
    },
    "GET /v3/vault/payment-tokens": ({ query }) => {
      const owned = kernel.all().filter((of) => of.token !== undefined && customerOf(of) === query.get("customer_id"));
      const size = Number(query.get("page_size") ?? "5");
      const length = Math.max(1, kernel.page(owned, 0, size).items.length);
      const { items } = kernel.page(owned, (Number(query.get("page") ?? "1") - 1) * length, size);
      const counted = { total_items: owned.length, total_pages: Math.ceil(owned.length / length) };
      return { status: 200, body: { ...counted, payment_tokens: items.map((of) => tokenOf(of)) } };
    },
    "GET /v3/vault/payment-tokens/{id}": ({ part }) => {
      const owner = kernel.all().find(({ token }) => token === part("id"));
      return owner === undefined ? notFound(kernel) : { status: 200, body: tokenOf(owner) };
    },
    "DELETE /v3/vault/payment-tokens/{id}": ({ part }) => {
      const owner = kernel.all().find(({ token }) => token === part("id"));
      if (owner === undefined) return notFound(kernel);
      owner.token = undefined;
      return { status: 204 };
    },
  };
}

/** The app's webhooks. The one that the merchant's settings name is there from the beginning; where it leads, purchases say. */
function webhookRoutes(kernel: Kernel<Held>): Routes {
  const webhooks = new Map<string, { url: string; event_types: readonly { readonly name: string }[] }>([
    [account.webhookId, { url: "https://shop.example.invalid/paypal", event_types: [{ name: "*" }] }],
  ]);
  const path = "/v1/notifications/webhooks";
  const kept = (id: string) => {
    const { url = "", event_types = [] } = webhooks.get(id) ?? {};
    return copyOf({ id, url, event_types, links: [{ href: `${kernel.apiUrl()}${path}/${id}`, rel: "self" }] });
  };
  return {
    [`GET ${path}`]: () => ({ status: 200, body: { webhooks: kernel.listed([...webhooks.keys()]).map(kept) } }),
    [`POST ${path}`]: ({ fields: { url, event_types } }) => {
      if (typeof url !== "string" || !URL.canParse(url)) return unprocessable(kernel, "INVALID_URL");
      if ([...webhooks.values()].some((one) => one.url === url))
        return refuse(kernel, 400, "WEBHOOK_URL_ALREADY_EXISTS", "x");
      const id = `${kernel.count("app-webhook")}SIMULATEDHOOK`;
      webhooks.set(id, { url, event_types: event_types as never });
      return { status: 201, body: kept(id) };
    },
    [`PATCH ${path}/{id}`]: ({ part, body }) => {
      const webhook = webhooks.get(part("id"));
      if (webhook === undefined) return notFound(kernel);
      for (const { op, path: at, value } of body as readonly { op: string; path: string; value: never }[]) {
        if (op !== "replace") return unprocessable(kernel, "INVALID_PATCH_OPERATION");
        Object.assign(webhook, { [at.slice(1)]: value });
      }
      return { status: 200, body: kept(part("id")) };
    },
  };
}

function grant(kernel: Kernel<Held>, { headers, body, fields }: SimulatedCall & SimulatedRequest): SimulatedAnswer {
  const form = typeof body === "string" ? new URLSearchParams(body).get("grant_type") : fields["grant_type"];
  const basic = `Basic ${Buffer.from(`${account.clientId}:${account.clientSecret}`).toString("base64")}`;
  if (headers["authorization"] !== basic)
    return { status: 401, body: { error: "invalid_client", error_description: "Client Authentication failed" } };
  if (form !== "client_credentials")
    return { status: 400, body: { error: "unsupported_grant_type", error_description: "Grant Type is NULL" } };
  const access_token = kernel.grant(tokenLifeMs);
  return {
    status: 200,
    body: { access_token, token_type: "Bearer", expires_in: tokenLifeMs / 1_000, scope: "simulated" },
  };
}

function refuse(kernel: Kernel<Held>, status: number, name: string, issue: string): SimulatedAnswer {
  const debug_id = String(kernel.count("debug")).padStart(13, "0");
  return { status, body: { name, message: "simulated", debug_id, details: [{ issue, description: "simulated" }] } };
}

function notFound(kernel: Kernel<Held>): SimulatedAnswer {
  return refuse(kernel, 404, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID");
}

function unprocessable(kernel: Kernel<Held>, issue: string): SimulatedAnswer {
  return refuse(kernel, 422, "UNPROCESSABLE_ENTITY", issue);
}

/** What has become of the piece that was answered. */
function pieceLike(kernel: Kernel<Held>, body: Json | undefined): Json | undefined {
  const id = typeof body === "object" && body !== null && "id" in body ? body["id"] : undefined;
  for (const of of kernel.all()) {
    const { authorizations, captures, refunds } = paymentsOf(of);
    const piece = [of.order, ...authorizations, ...captures, ...refunds].find((one) => one.id === id);
    if (piece !== undefined) return copyOf(piece);
  }
  return undefined;
}

function isUnpaid(of: Held): boolean {
  const { authorizations, captures } = paymentsOf(of);
  return authorizations.length + captures.length === 0 && of.order.status !== "VOIDED";
}

function amountIn(given: unknown, otherwise: Minor): Minor | undefined {
  if (given === undefined) return otherwise;
  if (typeof given !== "object" || given === null) return undefined;
  const { currency_code, value } = given as { readonly currency_code?: unknown; readonly value?: unknown };
  if (typeof currency_code !== "string" || typeof value !== "string" || !/^\d+(\.\d+)?$/.test(value)) return undefined;
  const amount = minorOf({ currency_code, value });
  return amount > 0 ? amount : undefined;
}

/** The order with the personal data that the real PayPal sends along; hidden are the payments in it while it lags. */
function shown(kernel: Kernel<Held>, of: Held, hides: boolean): Json {
  const { authorizations, captures, refunds } = paymentsOf(of);
  const payments = {
    authorizations: kernel.listed(authorizations),
    captures: kernel.listed(captures),
    refunds: kernel.listed(refunds),
  };
  const isEmpty = authorizations.length + captures.length + refunds.length === 0;
  const units = of.order.purchase_units.map(({ payments: _own, ...unit }) =>
    hides || isEmpty ? unit : { ...unit, payments },
  );
  const people = { payer: shopper, payee: { email_address: "seller@example.invalid" } };
  return copyOf({ ...of.order, purchase_units: units, ...people });
}

function describe(of: Held): string {
  const { authorizations, captures } = paymentsOf(of);
  const { captured, refunded, released } = of.sums;
  const { currency } = of.payment.purchase;
  const show = (name: string, minor: Minor): string[] =>
    minor === 0 ? [] : [`${name} ${amountOf(minor, currency).value} ${currency}`];
  return [
    `order ${of.order.status ?? ""}`,
    ...authorizations.map(({ status }) => `authorization ${status}`),
    ...captures.map(({ status }) => `capture ${status}`),
    ...show("captured", captured),
    ...show("refunded", refunded),
    ...show("released", released),
  ].join(", ");
}
