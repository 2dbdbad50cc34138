import { createHmac } from "node:crypto";
import { isObject } from "../../lib/json.ts";
import { exponentOf, majorFromMinor, minorFromMajor, sum } from "../../lib/money.ts";
import type { Json, Minor } from "../../contract/adapter.ts";
import type {
  Idempotency,
  Kernel,
  Routes,
  SimulatedAction,
  SimulatedAnswer,
  SimulatedCall,
  SimulatedHeld,
  SimulatedRequest,
  Simulation,
  StatedMoney,
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
/** Counted from the first attempt. */
const schedule: readonly number[] = [0, ...retryDelays.map((_, index) => sum(retryDelays.slice(0, index + 1)))];

const tokenLifeSeconds = 3_599;
/** How long a key is known, and how long its answer is repeated (docs/psp/walley.md, g). */
const keyLife = day;
const answerLife = hour;
/** A session without a purchase ends (docs/psp/walley.md, d). */
const sessionLife = 7 * day;
const authorizationLife = 60 * day;
/** How many reads an order hides from, or shows what it was before our last call. */
const laggingReads = 2;
const placeholder = "{checkout.id}";

/** The merchant at the simulated Walley: its client, its user of the legacy API, and what proves its store's webhooks. */
const merchant = {
  clientId: "simulated-client",
  apiSecret: "simulated-api-secret",
  scope: "705798e0-8cef-427c-ae00-6023deba29af/.default",
  storeId: "42",
  // Counts only where `sharedKey` takes the place of the client.
  username: "simulated-user",
  webhookUsername: "walley-hook",
  webhookPassword: "simulated-webhook-password",
};
/** The key of that user. */
export const sharedKey = "simulated-shared-key";
const webhookAuthorization = `Basic ${Buffer.from(`${merchant.webhookUsername}:${merchant.webhookPassword}`).toString("base64")}`;
/** Signs store-level webhooks by one of the constructions that the documentation leaves open. */
export const webhookHmacKey = "simulated-hmac-key";

/** Obviously fake: there to be seen nowhere but in Walley's own answers. */
const shopper = {
  customerId: "simulated-customer-1",
  email: "shopper@example.invalid",
  mobilePhoneNumber: "+46000000000",
  nationalIdentificationNumber: "000000-0000",
  deliveryAddress: { firstName: "Testperson", lastName: "Approved", address: "Exempelgatan 1", postalCode: "00000" },
};
/** What a merchant may attach to a session, as it likes. */
const metadata = { customerId: "simulated-customer-1", note: "Ring twice", "Any key of theirs": { nested: [1, null] } };

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };
type Result = NonNullable<Checkout["purchase"]>["result"];

interface SimulatedOrder extends Writable<Pick<Order, "id" | "status">> {
  total: Minor;
  readonly invoices: { readonly id: string; readonly amount: Minor }[];
  expiresAt: number;
  /** By the id of their `Location`, what became of them. */
  readonly reauthorizations: Map<string, string>;
}

interface Held extends SimulatedHeld {
  readonly openedAt: number;
  status: Checkout["status"];
  result: Result | undefined;
  method: string;
  token: string | undefined;
  order: SimulatedOrder | undefined;
  hiddenReads: number;
  /** What reads still show after a call of ours. */
  stale: { readonly order: Json; reads: number } | undefined;
}

type Action = SimulatedAction<Held>;

/** Walley Checkout with a memory: sessions, orders that lag behind, and notifications. */
export function simulate(kernel: Kernel<Held>): Simulation<Held> {
  const { open, actions, ...rest } = simulateWithStore(kernel);
  const heard = Object.entries(actions).filter(([name]) => !name.startsWith("charge-"));
  return {
    ...rest,
    actions: Object.fromEntries(heard),
    open: (payment) =>
      open({
        ...payment,
        send(outgoing) {
          if (outgoing.webhook !== "webhook") payment.send(outgoing);
        },
      }),
  };
}

/**
 * The same once somebody has created webhooks of the whole store in Merchant Hub. They name no session: a payment that has no reference yet gets
 * none by them alone.
 */
export function simulateWithStore(kernel: Kernel<Held>): Simulation<Held> {
  return {
    settings: () => merchant,
    currencies: ["SEK", "NOK", "DKK", "EUR"],
    grants: { "POST /oauth2/v2.0/token": (call) => grant(kernel, call) },
    refuse: (request) => (isKnown(kernel, request) ? undefined : refuse(kernel, 401, "UNAUTHORIZED")),
    routes: routesOf(kernel),
    unknown: { status: 404 },
    idempotency: idempotencyOf(kernel),
    open: (payment) => ({
      payment,
      reference: payment.uuid(),
      openedAt: kernel.now(),
      status: "Initialized",
      result: undefined,
      method: "Invoice",
      token: undefined,
      order: undefined,
      hiddenReads: 0,
      stale: undefined,
    }),
    actions: { ...shoppersActions(kernel), ...storesActions(kernel) },
    money: moneyIn,
    describe,
  };
}

function grant(kernel: Kernel<Held>, { fields }: SimulatedCall): SimulatedAnswer {
  const { clientId, apiSecret, scope } = merchant;
  const asked = { client_id: clientId, client_secret: apiSecret, scope, grant_type: "client_credentials" };
  if (Object.entries(asked).some(([name, value]) => fields[name] !== value))
    return { status: 401, body: { error: "invalid_client", error_description: "simulated: unknown client" } };
  const access_token = kernel.grant(tokenLifeSeconds * second);
  return { status: 200, body: { token_type: "Bearer", expires_in: tokenLifeSeconds, access_token } };
}

/** A legacy user may ask about sessions, and about nothing else. */
function isKnown(kernel: Kernel<Held>, { method, path, headers }: SimulatedRequest): boolean {
  const { authorization } = headers;
  if (kernel.isGranted(authorization)) return true;
  const { username, storeId } = merchant;
  const legacy = method === "GET" && path.startsWith(`/merchants/${storeId}/`);
  return legacy && authorization === sharedKeyAuthorization({ username, sharedKey }, path, "");
}

/** A key is known for longer than its answer is repeated. */
function idempotencyOf(kernel: Kernel<Held>): Idempotency {
  return {
    header: "x-idempotency",
    windowMs: keyLife,
    keeps: ({ status }) => status < 300,
    repeated(first) {
      const age = kernel.now() - Date.parse(first.headers?.["date"] ?? "");
      return age < answerLife ? first : refuse(kernel, 422, "IDEMPOTENCY_RESPONSE_EXPIRED");
    },
  };
}

/** What the shopper does, and Walley's decision about it. */
function shoppersActions(kernel: Kernel<Held>): Readonly<Record<string, Action>> {
  const paying = (result: Result, method?: string): Action => ({
    possible: isUnpaid,
    act: (held) => complete(kernel, held, result, method),
  });
  const deciding = (result: Result, isAccepted: boolean): Action => ({
    possible: (held) => held.order?.status === "OnHold" && held.result === result,
    act: (held) => decide(kernel, held, isAccepted),
  });
  return {
    pay: paying("Preliminary"),
    "pay-by-card": paying("Preliminary", "Card"),
    "pay-direct": paying("Activated", "Swish"),
    "pay-with-review": paying("OnHold"),
    "pay-with-signing": paying("Signing", "Account"),
    "pay-rejected": paying("Rejected"),
    "pay-with-lag": {
      possible: isUnpaid,
      act(held) {
        complete(kernel, held, "Preliminary");
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
      possible: isUnpaid,
      act(held) {
        held.status = "Aborted";
        notify(held);
      },
    },
    accept: deciding("OnHold", true),
    reject: deciding("OnHold", false),
    sign: deciding("Signing", true),
  };
}

/** What is done in Merchant Hub, by time, and with the saved token. */
function storesActions(kernel: Kernel<Held>): Readonly<Record<string, Action>> {
  const when =
    (can: (order: SimulatedOrder) => boolean) =>
    ({ order }: Held): boolean =>
      order !== undefined && can(order);
  const charge = (what: "retrying" | "failed", more: Readonly<Record<string, Json>>): Action => ({
    possible: ({ token }) => token !== undefined,
    act: (held) => tellOfCharge(kernel, held, what, more),
  });
  return {
    capture: {
      possible: when(canCapture),
      amount: { most: (held) => openIn(orderOf(held)) },
      act: (held, amount) => capture(kernel, held, amount),
    },
    refund: {
      possible: when((order) => refundableIn(order) > 0),
      amount: { most: (held) => refundableIn(orderOf(held)) },
      act: refund,
    },
    cancel: { possible: when(canCapture), act: (held) => void (orderOf(held).status = "Cancelled") },
    expire: { possible: when(canCapture), act: (held) => void (orderOf(held).status = "Expired") },
    extend: { possible: when(({ status }) => status === "Expired"), act: (held) => extend(kernel, held) },
    "change-amount": {
      possible: when(canCapture),
      amount: { most: () => Number.MAX_SAFE_INTEGER, usual: (held) => Math.ceil(orderOf(held).total / 10) },
      act: (held, amount) => void reauthorize(kernel, held, orderOf(held).total + amount),
    },
    "charge-retrying": charge("retrying", { CurrentAttempt: 1, MaxAttempt: 3, Reason: "PAYMENT_METHOD_NO_FUNDS" }),
    "charge-failed": charge("failed", { Reason: "PAYMENT_METHOD_EXPIRED" }),
  };
}

/** Sessions, and the manage API, whose orders lag. */
function routesOf(kernel: Kernel<Held>): Routes {
  const session = ({ part }: SimulatedCall): SimulatedAnswer => {
    const held = kernel.find(part("id"));
    const isGone = held !== undefined && isUnpaid(held) && kernel.now() - held.openedAt >= sessionLife;
    if (held === undefined || isGone) return refuse(kernel, 404, "NOT_FOUND");
    return { status: 200, body: { id: kernel.uuid(), data: shownCheckout(held), error: null } };
  };
  const ordered =
    (answer: (held: Held, order: SimulatedOrder, call: SimulatedCall) => SimulatedAnswer) =>
    (call: SimulatedCall): SimulatedAnswer => {
      const held = kernel.all().find(({ order }) => order?.id === call.part("id"));
      if (held?.order === undefined) return refuse(kernel, 404, "NOT_FOUND");
      if (held.hiddenReads === 0) return answer(held, held.order, call);
      held.hiddenReads -= 1;
      // One by one the two ways in which Walley says "not yet".
      return held.hiddenReads % 2 === 0 ? refuse(kernel, 403, "FORBIDDEN") : refuse(kernel, 404, "NOT_FOUND");
    };
  const path = "/manage/orders/{id}";
  return {
    "GET /checkouts/{id}": session,
    [`GET /merchants/${merchant.storeId}/checkouts/{id}`]: session,
    [`GET ${path}`]: ordered((held) => ({ status: 200, body: { data: readOrder(kernel, held) } })),
    [`GET ${path}/reauthorize/{of}`]: ordered((_, { reauthorizations }, { part }) => {
      const status = reauthorizations.get(part("of"));
      return status === undefined ? refuse(kernel, 404, "NOT_FOUND") : { status: 200, body: { data: { status } } };
    }),
    [`POST ${path}/capture`]: ordered((held, order, call) => {
      const amount = amountIn(call, held);
      if (amount === undefined) return refuse(kernel, 400, "AMOUNT_INVALID");
      if (order.status === "Activated") return refuse(kernel, 422, "ORDER_ALREADY_CAPTURED");
      if (!canCapture(order) || amount > openIn(order)) return refuse(kernel, 422, "CAPTURE_NOT_ALLOWED");
      return accept(kernel, held, () => capture(kernel, held, amount));
    }),
    [`POST ${path}/refund`]: ordered((held, order, call) => {
      const amount = amountIn(call, held);
      if (amount === undefined) return refuse(kernel, 400, "AMOUNT_INVALID");
      if (amount > refundableIn(order)) return refuse(kernel, 422, "REFUND_NOT_ALLOWED");
      return accept(kernel, held, () => refund(held, amount));
    }),
    [`POST ${path}/cancel`]: ordered((held, order) => {
      if (!canCapture(order) && order.status !== "Expired") return refuse(kernel, 422, "CANCEL_NOT_ALLOWED");
      return accept(kernel, held, () => void (order.status = "Cancelled"));
    }),
    [`POST ${path}/reauthorize`]: ordered((held, order, call) => {
      const amount = amountIn(call, held);
      if (amount === undefined) return refuse(kernel, 400, "AMOUNT_INVALID");
      if (!canCapture(order)) return refuse(kernel, 422, "REAUTHORIZE_NOT_ALLOWED");
      // The amount is that of the part which is not captured.
      return accept(kernel, held, () => `/reauthorize/${reauthorize(kernel, held, amount + invoicedIn(order))}`);
    }),
  };
}

/** Carries out at once, and shows for a while what was before. */
function accept(kernel: Kernel<Held>, held: Held, carryOut: () => string | void): SimulatedAnswer {
  const { stale } = held;
  const before = stale === undefined || stale.reads === 0 ? shownOrder(kernel, held) : stale.order;
  const below = carryOut() ?? "";
  held.stale = { order: before, reads: laggingReads };
  const location = `/manage/orders/${orderOf(held).id}${below}`;
  return { status: 202, headers: { location, date: new Date(kernel.now()).toUTCString() } };
}

function readOrder(kernel: Kernel<Held>, held: Held): Json {
  const { stale } = held;
  if (stale === undefined || stale.reads === 0) return shownOrder(kernel, held);
  stale.reads -= 1;
  return stale.order;
}

function complete(kernel: Kernel<Held>, held: Held, result: Result, method = "Invoice"): void {
  const { purchase } = held.payment;
  held.status = "PurchaseCompleted";
  held.result = purchase.amount === 0 ? "Completed" : result;
  held.method = method;
  if (purchase.recurring === true && result !== "Rejected") held.token = held.payment.uuid();
  // A purchase that is refused at once, or of nothing, makes no order.
  if (held.result !== "Rejected" && held.result !== "Completed") placeOrder(kernel, held, held.result);
  notify(held);
}

function placeOrder(kernel: Kernel<Held>, held: Held, result: Result): void {
  const { amount } = held.payment.purchase;
  const isDirect = result === "Activated";
  const isReviewed = result === "OnHold" || result === "Signing";
  held.order = {
    id: held.payment.uuid(),
    status: isReviewed ? "OnHold" : isDirect ? "Activated" : "NotActivated",
    total: amount,
    invoices: isDirect ? [{ id: held.payment.uuid(), amount }] : [],
    expiresAt: kernel.now() + authorizationLife,
    reauthorizations: new Map(),
  };
  tell(kernel, held, "order:created", { ...amountsOf(held, amount), Status: created[result] });
}

function decide(kernel: Kernel<Held>, held: Held, isAccepted: boolean): void {
  const order = orderOf(held);
  held.result = isAccepted ? "Preliminary" : "Rejected";
  order.status = isAccepted ? "NotActivated" : "Rejected";
  notify(held);
  tell(kernel, held, isAccepted ? "order:authorized" : "order:rejected", amountsOf(held, order.total));
}

function capture(kernel: Kernel<Held>, held: Held, amount: Minor): void {
  const order = orderOf(held);
  order.invoices.push({ id: held.payment.uuid(), amount });
  order.status = openIn(order) === 0 ? "Activated" : "PartActivated";
  tell(kernel, held, "order:captured", amountsOf(held, amount));
}

/** Nothing is sent: no public page names an event for it. */
function refund(held: Held, amount: Minor): void {
  const order = orderOf(held);
  order.invoices.push({ id: held.payment.uuid(), amount: -amount });
  // A part that is refunded leaves the status as it was (docs/psp/walley.md, e).
  if (order.status === "Activated" && refundableIn(order) === 0) order.status = "Returned";
}

function extend(kernel: Kernel<Held>, held: Held): void {
  const order = orderOf(held);
  order.status = order.invoices.length === 0 ? "NotActivated" : "PartActivated";
  order.expiresAt = kernel.now() + authorizationLife;
  tell(kernel, held, "order:extended", amountsOf(held, openIn(order)));
}

function reauthorize(kernel: Kernel<Held>, held: Held, total: Minor): string {
  const order = orderOf(held);
  const { Amount: OriginalAmount = 0 } = amountsOf(held, openIn(order));
  const id = held.payment.uuid();
  order.total = total;
  order.reauthorizations.set(id, "Completed");
  tell(kernel, held, "order:reauthorized", { ...amountsOf(held, openIn(order)), OriginalAmount });
  return id;
}

function notify({ payment, reference }: Held): void {
  payment.send({
    webhook: "notification",
    method: "GET",
    headers: () => ({}),
    placeholders: { [placeholder]: reference },
    schedule,
    delivered: ({ status }) => status === 200,
  });
}

/** An event of the store: capitals as in Walley's samples, seven digits of a second. */
function tell(kernel: Kernel<Held>, held: Held, what: string, payload: Readonly<Record<string, Json>>): void {
  const { payment, order } = held;
  const timestamp = String(Math.floor(kernel.now() / second));
  const correlation = kernel.uuid();
  payment.send({
    webhook: "webhook",
    schedule,
    body: {
      Type: `walley:${what}`,
      Timestamp: longTime(kernel.now()),
      Payload: {
        ...(order === undefined || what.startsWith("authorization") ? {} : { OrderId: order.id }),
        Reference: payment.purchase.paymentId,
        ...payload,
      },
    },
    headers: (body) => ({
      "content-type": "application/json",
      "user-agent": "Walleybot 0.1 (+https://dev.walleypay.com)",
      authorization: webhookAuthorization,
      "walley-correlationid": correlation,
      "walley-timestamp": timestamp,
      "walley-live": "False",
      "walley-signature": createHmac("sha256", webhookHmacKey).update(`${timestamp}.${body}`).digest("hex"),
    }),
  });
}

function tellOfCharge(
  kernel: Kernel<Held>,
  held: Held,
  what: "retrying" | "failed",
  more: Readonly<Record<string, Json>>,
): void {
  tell(kernel, held, `authorization:${what}`, {
    CustomerToken: held.token ?? "",
    AuthorizationId: held.payment.uuid(),
    ActionReference: "renewal",
    CreatedOn: longTime(kernel.now()),
    ...more,
  });
}

/** How Walley calls the result of a purchase when it tells of the order. */
const created: Readonly<Record<Result, string>> = {
  Preliminary: "Authorized",
  OnHold: "OnHold",
  Signing: "RequiresSigning",
  Activated: "Captured",
  Rejected: "Rejected",
  Completed: "Completed",
};

/** A purchase that was refused held nothing, and one of nothing has no order. */
function moneyIn({ status, order, payment: { purchase } }: Held): StatedMoney | null {
  if (status !== "PurchaseCompleted") return null;
  const { currency } = purchase;
  if (order === undefined || order.status === "Rejected")
    return { authorized: 0, captured: 0, refunded: 0, released: 0, currency };
  const isOver = order.status === "Cancelled" || order.status === "Expired";
  return {
    authorized: order.total,
    captured: invoicedIn(order),
    refunded: invoicedIn(order) - refundableIn(order),
    released: isOver ? openIn(order) : 0,
    currency,
  };
}

function isUnpaid({ status }: Held): boolean {
  return status !== "PurchaseCompleted" && status !== "Aborted";
}

function orderOf({ order }: Held): SimulatedOrder {
  if (order === undefined) throw new Error("there is no order");
  return order;
}

function invoicedIn({ invoices }: SimulatedOrder): Minor {
  return sum(invoices, ({ amount }) => Math.max(0, amount));
}

function openIn(order: SimulatedOrder): Minor {
  return order.total - invoicedIn(order);
}

function refundableIn({ status, invoices }: SimulatedOrder): Minor {
  return status === "Rejected" ? 0 : sum(invoices, ({ amount }) => amount);
}

function canCapture({ status }: SimulatedOrder): boolean {
  return status === "NotActivated" || status === "PartActivated";
}

function amountIn({ fields }: SimulatedCall, { payment }: Held): Minor | undefined {
  const amount = isObject(fields) ? fields["amount"] : undefined;
  return typeof amount === "number" && amount > 0 ? minorFromMajor(amount, payment.purchase.currency) : undefined;
}

function amountsOf({ payment: { purchase } }: Held, amount: Minor): Record<string, Json> {
  return { Amount: majorFromMinor(amount, purchase.currency), Currency: purchase.currency };
}

/** Seven digits of a second, and an offset. */
function longTime(at: number): string {
  return new Date(at).toISOString().replace("Z", "0000+00:00");
}

function refuse(kernel: Kernel<Held>, status: number, reason: string): SimulatedAnswer {
  const errors = [{ reason, message: `simulated: ${reason}` }];
  return { status, body: { id: kernel.uuid(), data: null, error: { code: status, message: "simulated", errors } } };
}

/** A session as it goes over the wire, with the personal data that the real Walley sends along. */
function shownCheckout({ payment: { purchase }, status, result, method, token, order }: Held): Json {
  const totalAmount = majorFromMinor(purchase.amount, purchase.currency);
  const countries: Readonly<Record<string, string>> = { NOK: "NO", DKK: "DK", EUR: "EU" };
  const paid = result !== undefined;
  const items = [{ id: "1", description: "Goods", unitPrice: totalAmount, quantity: 1, vat: 25 }];
  return {
    customerType: "PrivateCustomer",
    customer: shopper,
    businessCustomer: null,
    metadata,
    countryCode: countries[purchase.currency] ?? "SE",
    status,
    reference: purchase.paymentId,
    cart: status === "PurchaseCompleted" ? null : { totalAmount, items },
    fees: null,
    purchase: paid ? { amountToPay: totalAmount, paymentName: method, purchaseIdentifier: "1234567890", result } : null,
    order: paid ? { orderId: order?.id ?? null, totalAmount, items, customerToken: token ?? null } : null,
  };
}

function shownOrder(kernel: Kernel<Held>, held: Held): Json {
  const { payment, method, openedAt } = held;
  const { paymentId, currency } = payment.purchase;
  const order = orderOf(held);
  const show = (minor: Minor): number => majorFromMinor(minor, currency);
  return {
    id: order.id,
    reference: paymentId,
    paymentMethod: method,
    totalAmount: show(order.total),
    currency,
    status: order.status,
    salesSegment: "B2C",
    metadata,
    placedAt: longTime(openedAt),
    expiresAt: canCapture(order) ? longTime(order.expiresAt) : null,
    customer: shopper,
    items: [{ id: "1", description: "Goods", unitPrice: show(order.total), quantity: 1, vat: 25 }],
    invoices: kernel.listed(order.invoices.map(({ id, amount }) => ({ id, totalAmount: show(amount) }))),
  };
}

function describe({ payment: { purchase }, status, result, order }: Held): string {
  const { amount, currency } = purchase;
  const show = (minor: Minor): string => majorFromMinor(minor, currency).toFixed(exponentOf(currency));
  if (order === undefined)
    return [status, ...(result === undefined ? [] : [`${result} ${show(amount)} ${currency}`])].join(", ");
  const captured = invoicedIn(order);
  const refunded = captured - refundableIn(order);
  return [
    `${order.status} ${show(order.total)} ${currency}`,
    ...(captured === 0 ? [] : [`captured ${show(captured)}`]),
    ...(refunded === 0 ? [] : [`refunded ${show(refunded)}`]),
  ].join(", ");
}
