import { createHmac } from "node:crypto";
import { exponentOf, majorFromMinor, minorFromMajor } from "../../lib/money.ts";
import type { Json, Minor } from "../../contract/adapter.ts";
import type {
  SimulatedAnswer,
  SimulatedPurchase,
  SimulatedRequest,
  SimulatedWebhook,
  SelfMadeSimulator as Simulator,
} from "../../contract/simulator.ts";
import { sharedKeyAuthorization } from "./client.ts";
import type { Checkout, Order } from "./schema.ts";

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/**
 * When Walley repeats a webhook that was not answered as it wants, counted from the attempt before; then it gives up.
 * https://dev.walleypay.com/docs/webhooks/overview
 */
export const retryDelays: readonly number[] = [
  5 * second,
  10 * second,
  3 * minute,
  hour,
  4 * hour,
  8 * hour,
  16 * hour,
  24 * hour,
];

const tokenLifeSeconds = 3_599;
/** How long a key is known, and how long its answer is repeated (docs/psp/walley.md, g). */
const keyLife = day;
const answerLife = hour;
/** A session without a purchase ends (docs/psp/walley.md, d). */
const sessionLife = 7 * day;
const authorizationLife = 60 * day;
/** How many reads an order hides from, or shows what it was before our last call. */
const laggingReads = 2;
const tokenPath = "/oauth2/v2.0/token";
const placeholder = "{checkout.id}";
const storeId = "42";

/** Obviously fake: there to be seen nowhere but in Walley's own answers. */
const shopper = {
  email: "shopper@example.invalid",
  mobilePhoneNumber: "+46000000000",
  nationalIdentificationNumber: "000000-0000",
  deliveryAddress: { firstName: "Testperson", lastName: "Approved", address: "Exempelgatan 1", postalCode: "00000" },
};

export interface SimulatorOptions {
  /** Shrinks the pauses of the retry schedule: 1/60 makes minutes seconds, 0 makes the next attempt due at once. Default 1. */
  readonly timeScale?: number;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  /** GUIDs; by default counted, so that a run can be repeated. */
  readonly nextId?: () => string;
  readonly clientId?: string;
  /** Those that are alive: at most two. */
  readonly apiSecrets?: readonly string[];
  readonly username?: string;
  readonly sharedKey?: string;
  readonly webhookUsername?: string;
  readonly webhookPassword?: string;
  /** Signs store-level webhooks by one of the constructions that the documentation leaves open. */
  readonly webhookHmacKey?: string;
  /** Whether somebody has created store-level webhooks in Merchant Hub: the preview product sends nothing before. Default false. */
  readonly storeWebhooks?: boolean;
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };
type Result = NonNullable<Checkout["purchase"]>["result"];

interface SimulatedOrder extends Writable<Pick<Order, "id" | "status">> {
  total: Minor;
  readonly method: string;
  readonly invoices: { readonly id: string; readonly amount: Minor }[];
  expiresAt: number;
  readonly reauthorizations: Map<string, string>;
}

interface Queued {
  readonly webhook: SimulatedWebhook;
  dueAt: number;
  attempts: number;
}

interface Held {
  readonly id: string;
  readonly purchase: SimulatedPurchase;
  readonly openedAt: number;
  status: Checkout["status"];
  result: Result | undefined;
  method: string;
  token: string | undefined;
  order: SimulatedOrder | undefined;
  hiddenReads: number;
  /** What reads still show after a call of ours. */
  stale: { readonly order: Json; reads: number } | undefined;
  charges: number;
  delay: number;
  loseNext: number;
  readonly queued: Queued[];
}

interface Action {
  possible(held: Held): boolean;
  /** @param amount in minor units, where the action takes one. */
  act(held: Held, amount: number | undefined): void;
}

/** Walley Checkout with a memory: sessions, orders that lag behind, notifications, and webhooks of the whole store. */
export function createSimulator(options: SimulatorOptions = {}): Simulator {
  const {
    timeScale = 1,
    clientId = "simulated-client",
    apiSecrets = ["simulated-api-secret"],
    username = "simulated-user",
    sharedKey = "simulated-shared-key",
    webhookUsername = "walley-hook",
    webhookPassword = "simulated-webhook-password",
    webhookHmacKey,
    storeWebhooks = false,
  } = options;
  const now = options.now ?? Date.now;
  const nextId = options.nextId ?? countedIds();
  const sessions = new Map<string, Held>();
  /** Access tokens and when each dies. */
  const tokens = new Map<string, number>();
  const keys = new Map<string, { readonly at: number; readonly answer: SimulatedAnswer }>();

  function complete(held: Held, result: Result, method = "Invoice"): void {
    held.status = "PurchaseCompleted";
    held.result = held.purchase.amount === 0 ? "Completed" : result;
    held.method = method;
    if (held.purchase.recurring === true && result !== "Rejected") held.token = nextId();
    // A purchase that is refused at once, or of nothing, makes no order.
    if (held.result !== "Rejected" && held.result !== "Completed") order(held, held.result, method);
    notify(held);
  }

  function order(held: Held, result: Result, method: string): void {
    const { amount } = held.purchase;
    const reviewed = result === "OnHold" || result === "Signing";
    held.order = {
      id: nextId(),
      status: reviewed ? "OnHold" : result === "Activated" ? "Activated" : "NotActivated",
      total: amount,
      method,
      invoices: result === "Activated" ? [{ id: nextId(), amount }] : [],
      expiresAt: now() + authorizationLife,
      reauthorizations: new Map(),
    };
    tell(held, "order:created", { ...amountsOf(held, amount), Status: created[result] });
  }

  function decide(held: Held, accepted: boolean): void {
    const { order: reviewed } = held;
    if (reviewed === undefined) throw new Error("nothing is under review");
    held.result = accepted ? "Preliminary" : "Rejected";
    reviewed.status = accepted ? "NotActivated" : "Rejected";
    notify(held);
    tell(held, accepted ? "order:authorized" : "order:rejected", amountsOf(held, reviewed.total));
  }

  function capture(held: Held, amount: Minor): void {
    const bought = orderOf(held);
    bought.invoices.push({ id: nextId(), amount });
    bought.status = openIn(bought) === 0 ? "Activated" : "PartActivated";
    tell(held, "order:captured", amountsOf(held, amount));
  }

  /** Nothing is sent: no public page names an event for it. */
  function refund(held: Held, amount: Minor): void {
    const bought = orderOf(held);
    bought.invoices.push({ id: nextId(), amount: -amount });
    // A part that is refunded leaves the status as it was (docs/psp/walley.md, e).
    if (bought.status === "Activated" && refundableIn(bought) === 0) bought.status = "Returned";
  }

  function reauthorize(held: Held, total: Minor): string {
    const bought = orderOf(held);
    const was = openIn(bought);
    const id = nextId();
    bought.total = total;
    bought.reauthorizations.set(id, "Completed");
    tell(held, "order:reauthorized", {
      ...amountsOf(held, openIn(bought)),
      OriginalAmount: majorFromMinor(was, held.purchase.currency),
    });
    return id;
  }

  function amountsOf({ purchase }: Held, amount: Minor): Record<string, Json> {
    return { Amount: majorFromMinor(amount, purchase.currency), Currency: purchase.currency };
  }

  function notify(held: Held): void {
    const url = held.purchase.callbackUrls["notification"];
    if (url === undefined) return;
    const filled = url.replaceAll(placeholder, held.id).replaceAll(encodeURIComponent(placeholder), held.id);
    queue(held, { webhook: "notification", method: "GET", url: filled, headers: {}, body: "" });
  }

  /** An event of the store: capitals as in Walley's samples, seven digits of a second. */
  function tell(held: Held, what: string, payload: Readonly<Record<string, Json>>): void {
    const url = held.purchase.callbackUrls["webhook"];
    if (!storeWebhooks || url === undefined) return;
    const OrderId = held.order?.id;
    const body = JSON.stringify({
      Type: `walley:${what}`,
      Timestamp: new Date(now()).toISOString().replace("Z", "0000+00:00"),
      Payload: {
        ...(OrderId === undefined || what.startsWith("authorization") ? {} : { OrderId }),
        Reference: held.purchase.paymentId,
        ...payload,
      },
    });
    const timestamp = String(Math.floor(now() / second));
    const signature = (key: string): string => createHmac("sha256", key).update(`${timestamp}.${body}`).digest("hex");
    queue(held, {
      webhook: "webhook",
      method: "POST",
      url,
      headers: {
        "content-type": "application/json",
        "user-agent": "Walleybot 0.1 (+https://dev.walleypay.com)",
        authorization: `Basic ${Buffer.from(`${webhookUsername}:${webhookPassword}`).toString("base64")}`,
        "walley-correlationid": nextId(),
        "walley-timestamp": timestamp,
        "walley-live": "False",
        ...(webhookHmacKey === undefined ? {} : { "walley-signature": signature(webhookHmacKey) }),
      },
      body,
    });
  }

  function queue(held: Held, webhook: SimulatedWebhook): void {
    held.queued.push({ webhook, dueAt: now() + held.delay, attempts: 0 });
  }

  /** An attempt that got lost is one that was not answered: it is repeated. One that is sent counts as answered. */
  function sendable(held: Held, at: number): SimulatedWebhook[] {
    const sent: SimulatedWebhook[] = [];
    for (const item of held.queued.filter(({ dueAt }) => dueAt <= at)) {
      const pause = retryDelays[item.attempts];
      item.attempts += 1;
      if (held.loseNext === 0) sent.push(item.webhook);
      if (held.loseNext === 0 || pause === undefined) held.queued.splice(held.queued.indexOf(item), 1);
      else item.dueAt += pause * timeScale;
      held.loseNext = Math.max(0, held.loseNext - 1);
    }
    return sent;
  }

  function charge(held: Held, what: "retrying" | "failed", more: Readonly<Record<string, Json>>): void {
    held.charges += 1;
    tell(held, `authorization:${what}`, {
      CustomerToken: held.token ?? "",
      AuthorizationId: `a0000000-0000-4000-8000-${String(held.charges).padStart(12, "0")}`,
      ActionReference: "renewal",
      CreatedOn: new Date(now()).toISOString(),
      ...more,
    });
  }

  const unpaid = ({ status }: Held): boolean => status !== "PurchaseCompleted" && status !== "Aborted";
  const reviewed = (result: Result) => (held: Held) => held.order?.status === "OnHold" && held.result === result;
  const ordered =
    (can: (order: SimulatedOrder) => boolean) =>
    (held: Held): boolean =>
      held.order !== undefined && can(held.order);
  const charged = ({ token }: Held): boolean => storeWebhooks && token !== undefined;

  const actions: Readonly<Record<string, Action>> = {
    pay: { possible: unpaid, act: (held) => complete(held, "Preliminary") },
    "pay-by-card": { possible: unpaid, act: (held) => complete(held, "Preliminary", "Card") },
    "pay-direct": { possible: unpaid, act: (held) => complete(held, "Activated", "Swish") },
    "pay-with-review": { possible: unpaid, act: (held) => complete(held, "OnHold") },
    "pay-with-signing": { possible: unpaid, act: (held) => complete(held, "Signing", "Account") },
    "pay-rejected": { possible: unpaid, act: (held) => complete(held, "Rejected") },
    "pay-with-lag": {
      possible: unpaid,
      act: (held) => {
        complete(held, "Preliminary");
        held.hiddenReads = laggingReads;
      },
    },
    identify: {
      possible: ({ status }) => status === "Initialized",
      act: (held) => void (held.status = "CustomerIdentified"),
    },
    commit: {
      possible: ({ status }) => status === "CustomerIdentified",
      act: (held) => void (held.status = "CommittedToPurchase"),
    },
    abort: {
      possible: unpaid,
      act: (held) => {
        held.status = "Aborted";
        notify(held);
      },
    },
    accept: { possible: reviewed("OnHold"), act: (held) => decide(held, true) },
    reject: { possible: reviewed("OnHold"), act: (held) => decide(held, false) },
    sign: { possible: reviewed("Signing"), act: (held) => decide(held, true) },
    capture: {
      possible: ordered(canCapture),
      act: (held, amount) => capture(held, within(amount, openIn(orderOf(held)))),
    },
    refund: {
      possible: ordered((found) => refundableIn(found) > 0),
      act: (held, amount) => refund(held, within(amount, refundableIn(orderOf(held)))),
    },
    cancel: { possible: ordered(canCapture), act: (held) => void (orderOf(held).status = "Cancelled") },
    expire: { possible: ordered(canCapture), act: (held) => void (orderOf(held).status = "Expired") },
    extend: {
      possible: ordered(({ status }) => status === "Expired"),
      act: (held) => {
        const found = orderOf(held);
        found.status = found.invoices.length === 0 ? "NotActivated" : "PartActivated";
        found.expiresAt = now() + authorizationLife;
        tell(held, "order:extended", amountsOf(held, openIn(found)));
      },
    },
    "change-amount": {
      possible: ordered(canCapture),
      act: (held, amount) => {
        const { total } = orderOf(held);
        void reauthorize(held, total + within(amount ?? Math.ceil(total / 10), Number.MAX_SAFE_INTEGER));
      },
    },
    "charge-retrying": {
      possible: charged,
      act: (held) => charge(held, "retrying", { CurrentAttempt: 1, MaxAttempt: 3, Reason: "PAYMENT_METHOD_NO_FUNDS" }),
    },
    "charge-failed": {
      possible: charged,
      act: (held) => charge(held, "failed", { Reason: "PAYMENT_METHOD_EXPIRED" }),
    },
    "lose-webhook": { possible: () => true, act: (held) => void (held.loseNext += 1) },
    "delay-webhook": { possible: () => true, act: (held) => void (held.delay += 30 * minute * timeScale) },
    "duplicate-webhook": {
      possible: ({ status }) => status === "PurchaseCompleted",
      act: (held) => {
        for (const _ of ["first", "again"]) notify(held);
      },
    },
  };

  function answerToken(body: unknown): SimulatedAnswer {
    const form = new URLSearchParams(typeof body === "string" ? body : "");
    const known = form.get("client_id") === clientId && apiSecrets.includes(form.get("client_secret") ?? "");
    if (!known || form.get("grant_type") !== "client_credentials" || form.get("scope") !== scope)
      return { status: 401, body: { error: "invalid_client", error_description: "simulated: unknown client" } };
    const access_token = `token.${nextId()}`;
    tokens.set(access_token, now() + tokenLifeSeconds * second);
    return { status: 200, body: { token_type: "Bearer", expires_in: tokenLifeSeconds, access_token } };
  }

  function isKnown({ method, path, headers }: SimulatedRequest): boolean {
    const authorization = headers["authorization"] ?? "";
    if ((tokens.get(authorization.replace(/^Bearer /, "")) ?? 0) > now()) return true;
    const legacy = method === "GET" && path.startsWith(`/merchants/${storeId}/`);
    return legacy && authorization === sharedKeyAuthorization({ username, sharedKey }, path, "");
  }

  function answerCheckout(id: string): SimulatedAnswer {
    const held = sessions.get(id);
    if (held === undefined || (unpaid(held) && now() - held.openedAt >= sessionLife)) return refuse(404, "NOT_FOUND");
    return { status: 200, body: { id: nextId(), data: shownCheckout(held), error: null } };
  }

  function answerOrder(request: SimulatedRequest, id: string, rest: string): SimulatedAnswer {
    const held = [...sessions.values()].find((session) => session.order?.id === id);
    if (held?.order === undefined) return refuse(404, "NOT_FOUND");
    if (held.hiddenReads > 0) {
      held.hiddenReads -= 1;
      // One by one the two ways in which Walley says "not yet".
      return held.hiddenReads % 2 === 0 ? refuse(403, "FORBIDDEN") : refuse(404, "NOT_FOUND");
    }
    const [call = "", of] = rest.split("/");
    if (request.method === "GET" && call === "") return { status: 200, body: { data: readOrder(held) } };
    if (request.method === "GET" && call === "reauthorize") {
      const status = held.order.reauthorizations.get(of ?? "");
      return status === undefined ? refuse(404, "NOT_FOUND") : { status: 200, body: { data: { status } } };
    }
    return request.method === "POST" ? answerOnce(request, () => carryOut(held, call, request.body)) : { status: 405 };
  }

  /** Shows for a while what was before our last call. */
  function readOrder(held: Held): Json {
    const { stale } = held;
    if (stale === undefined || stale.reads === 0) return shownOrder(held);
    stale.reads -= 1;
    return stale.order;
  }

  function answerOnce({ headers, path }: SimulatedRequest, carry: () => SimulatedAnswer): SimulatedAnswer {
    const key = headers["x-idempotency"];
    const first = key === undefined ? undefined : keys.get(`${path} ${key}`);
    if (first !== undefined && now() - first.at < answerLife) return first.answer;
    if (first !== undefined && now() - first.at < keyLife) return refuse(422, "IDEMPOTENCY_RESPONSE_EXPIRED");
    const answer = carry();
    if (key !== undefined) keys.set(`${path} ${key}`, { at: now(), answer });
    return answer;
  }

  function carryOut(held: Held, call: string, body: unknown): SimulatedAnswer {
    const found = orderOf(held);
    const { currency } = held.purchase;
    const amount = amountIn(body, currency);
    const before = shownOrder(held);
    const accepted = (location: string): SimulatedAnswer => {
      const { stale } = held;
      held.stale = { order: stale === undefined || stale.reads === 0 ? before : stale.order, reads: laggingReads };
      return { status: 202, headers: { location } };
    };
    const path = `/manage/orders/${found.id}`;
    switch (call) {
      case "capture":
        if (amount === undefined) return refuse(400, "AMOUNT_INVALID");
        if (found.status === "Activated") return refuse(422, "ORDER_ALREADY_CAPTURED");
        if (!canCapture(found) || amount > openIn(found)) return refuse(422, "CAPTURE_NOT_ALLOWED");
        capture(held, amount);
        return accepted(path);
      case "refund":
        if (amount === undefined) return refuse(400, "AMOUNT_INVALID");
        if (amount > refundableIn(found)) return refuse(422, "REFUND_NOT_ALLOWED");
        refund(held, amount);
        return accepted(path);
      case "cancel":
        if (!canCapture(found) && found.status !== "Expired") return refuse(422, "CANCEL_NOT_ALLOWED");
        found.status = "Cancelled";
        return accepted(path);
      case "reauthorize":
        if (amount === undefined) return refuse(400, "AMOUNT_INVALID");
        if (!canCapture(found)) return refuse(422, "REAUTHORIZE_NOT_ALLOWED");
        // The amount is that of the part which is not captured.
        return accepted(`${path}/reauthorize/${reauthorize(held, amount + invoicedIn(found))}`);
      default:
        return { status: 404 };
    }
  }

  function heldOf(reference: string): Held {
    const held = sessions.get(reference);
    if (held === undefined) throw new Error(`Walley knows no session ${reference}`);
    return held;
  }

  function refuse(status: number, reason: string): SimulatedAnswer {
    const errors = [{ reason, message: `simulated: ${reason}` }];
    return { status, body: { id: nextId(), data: null, error: { code: status, message: "simulated", errors } } };
  }

  return {
    settings: (apiUrl) => ({
      apiUrl,
      clientId,
      apiSecret: apiSecrets[0] ?? "",
      scope,
      storeId,
      // Counts only where `sharedKey` takes the place of the client.
      username,
      webhookUsername,
      webhookPassword,
      ...(webhookHmacKey === undefined ? {} : { webhookHmacKey }),
    }),
    answer(request) {
      const { method, path } = request;
      if (path === tokenPath) return method === "POST" ? answerToken(request.body) : { status: 405 };
      if (!isKnown(request)) return refuse(401, "UNAUTHORIZED");
      const [, session] = /^(?:\/merchants\/\d+)?\/checkouts\/([^/]+)$/.exec(path) ?? [];
      if (session !== undefined) return method === "GET" ? answerCheckout(session) : { status: 405 };
      const [, id, rest = ""] = /^\/manage\/orders\/([^/]+)(?:\/(.+))?$/.exec(path) ?? [];
      return id === undefined ? { status: 404 } : answerOrder(request, id, rest);
    },
    preliminary: ({ path }) => path === tokenPath,
    open(purchase) {
      const id = nextId();
      sessions.set(id, {
        id,
        purchase,
        openedAt: now(),
        status: "Initialized",
        result: undefined,
        method: "Invoice",
        token: undefined,
        order: undefined,
        hiddenReads: 0,
        stale: undefined,
        charges: 0,
        delay: 0,
        loseNext: 0,
        queued: [],
      });
      return id;
    },
    actions(reference) {
      const held = heldOf(reference);
      return Object.keys(actions).filter((name) => actions[name]?.possible(held));
    },
    act(reference, name, amount) {
      const held = heldOf(reference);
      const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
      if (!action?.possible(held)) throw new Error(`Walley cannot ${name} this purchase now`);
      action.act(held, amount);
    },
    due: (at) => [...sessions.values()].flatMap((held) => sendable(held, at)),
    describe: (reference) => describe(heldOf(reference)),
  };
}

const scope = "705798e0-8cef-427c-ae00-6023deba29af/.default";

/** How Walley calls the result of a purchase when it tells of the order. */
const created: Readonly<Record<Result, string>> = {
  Preliminary: "Authorized",
  OnHold: "OnHold",
  Signing: "RequiresSigning",
  Activated: "Captured",
  Rejected: "Rejected",
  Completed: "Completed",
};

function countedIds(): () => string {
  let count = 0;
  return () => `00000000-0000-4000-8000-${String((count += 1)).padStart(12, "0")}`;
}

function orderOf({ order }: Held): SimulatedOrder {
  if (order === undefined) throw new Error("there is no order");
  return order;
}

function invoicedIn({ invoices }: SimulatedOrder): Minor {
  return invoices.reduce((all, { amount }) => all + Math.max(0, amount), 0);
}

function openIn(order: SimulatedOrder): Minor {
  return order.total - invoicedIn(order);
}

function refundableIn({ status, invoices }: SimulatedOrder): Minor {
  return status === "Rejected" ? 0 : invoices.reduce((all, { amount }) => all + amount, 0);
}

function canCapture({ status }: SimulatedOrder): boolean {
  return status === "NotActivated" || status === "PartActivated";
}

function within(amount: number | undefined, limit: number): Minor {
  const chosen = amount ?? limit;
  if (!Number.isSafeInteger(chosen) || chosen <= 0 || chosen > limit) throw new Error(`not an amount up to ${limit}`);
  return chosen;
}

function amountIn(body: unknown, currency: string): Minor | undefined {
  const amount = typeof body === "object" && body !== null ? (body as Record<string, unknown>)["amount"] : undefined;
  return typeof amount === "number" && amount > 0 ? minorFromMajor(amount, currency) : undefined;
}

/** A session as it goes over the wire, with the personal data that the real Walley sends along. */
function shownCheckout({ purchase, status, result, method, token, order }: Held): Json {
  const totalAmount = majorFromMinor(purchase.amount, purchase.currency);
  const countries: Readonly<Record<string, string>> = { NOK: "NO", DKK: "DK", EUR: "FI" };
  const paid = result !== undefined;
  const items = [{ id: "1", description: "Goods", unitPrice: totalAmount, quantity: 1, vat: 25 }];
  return {
    customerType: "PrivateCustomer",
    customer: shopper,
    businessCustomer: null,
    countryCode: countries[purchase.currency] ?? "SE",
    status,
    reference: purchase.paymentId,
    cart: status === "PurchaseCompleted" ? null : { totalAmount, items },
    fees: null,
    purchase: paid ? { amountToPay: totalAmount, paymentName: method, purchaseIdentifier: "1234567890", result } : null,
    order: paid ? { orderId: order?.id ?? null, totalAmount, items, customerToken: token ?? null } : null,
  };
}

function shownOrder(held: Held): Json {
  const { purchase } = held;
  const order = orderOf(held);
  const show = (minor: Minor): number => majorFromMinor(minor, purchase.currency);
  return {
    id: order.id,
    reference: purchase.paymentId,
    paymentMethod: order.method,
    totalAmount: show(order.total),
    currency: purchase.currency,
    status: order.status,
    salesSegment: "B2C",
    placedAt: new Date(held.openedAt).toISOString().replace("Z", "0000+00:00"),
    expiresAt: canCapture(order) ? new Date(order.expiresAt).toISOString().replace("Z", "0000+00:00") : null,
    customer: shopper,
    items: [{ id: "1", description: "Goods", unitPrice: show(order.total), quantity: 1, vat: 25 }],
    invoices: order.invoices.map(({ id, amount }) => ({ id, totalAmount: show(amount) })),
  };
}

function describe({ purchase, status, result, order }: Held): string {
  const show = (minor: Minor): string =>
    majorFromMinor(minor, purchase.currency).toFixed(exponentOf(purchase.currency));
  if (order === undefined)
    return [status, ...(result === undefined ? [] : [`${result} ${show(purchase.amount)} ${purchase.currency}`])].join(
      ", ",
    );
  const captured = invoicedIn(order);
  const refunded = captured - refundableIn(order);
  return [
    `${order.status} ${show(order.total)} ${purchase.currency}`,
    ...(captured === 0 ? [] : [`captured ${show(captured)}`]),
    ...(refunded === 0 ? [] : [`refunded ${show(refunded)}`]),
  ].join(", ");
}
