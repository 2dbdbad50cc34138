import { exponentOf, majorFromMinor, sum } from "../../lib/money.ts";
import { cut } from "../../lib/text.ts";
import type { Json, Minor, Money } from "../../contract/adapter.ts";
import type {
  Kernel,
  Routes,
  SimulatedAction,
  SimulatedAnswer,
  SimulatedCall,
  SimulatedHeld,
  SimulatedRequest,
  Simulation,
} from "../../contract/simulator.ts";
import { authHeaders } from "./auth.ts";

const day = 24 * 60 * 60_000;
const orderDays = 60;
/** How far the clocks of both sides may be apart; Svea does not say. */
const skewMs = 15 * 60_000;
/** How many reads of Payment Admin a lagging order stays hidden from. */
const laggingReads = 2;
const vatPercent = 2500;

/** The merchant's credentials at the simulated Svea. */
const account = { merchantId: "100001", apiSecret: "simulated-secret" };

/** Obviously fake: there to be seen nowhere but in Svea's own answers. */
const shopper = {
  FullName: "Testperson, Approved",
  StreetAddress: "Exempelgatan 1",
  CoAddress: null,
  PostalCode: "00000",
  City: "Exempelstad",
  CountryCode: "SE",
};

/** How this Svea differs from the usual one. */
export interface SveaOptions {
  /** Reads of the order before a queued task is carried out. Default 0: at once. */
  readonly queueReads?: number;
}

/** How a payment method behaves: what may be done in parts, and how a delivery is credited. */
type Method = "invoice" | "card" | "swish" | "leasing";
const paymentTypes: Readonly<Record<Method, { readonly checkout: string; readonly admin: string }>> = {
  invoice: { checkout: "INVOICE", admin: "Invoice" },
  card: { checkout: "SVEACARDPAY", admin: "Card" },
  swish: { checkout: "SWISH", admin: "Swish" },
  leasing: { checkout: "LEASINGUNAPPROVED", admin: "Leasing" },
};

interface HeldDelivery {
  readonly id: number;
  readonly at: string;
  readonly amount: Minor;
  readonly credits: { readonly amount: Minor; readonly article?: string }[];
}

interface HeldOrder {
  readonly method: Method;
  readonly createdAt: string;
  readonly expiresAt: string;
  status: "Open" | "Delivered" | "Cancelled" | "Failed" | "Processing" | "Expired";
  pending: boolean;
  /** A card that Svea has been paid for: from then on it is credited instead of cancelled. */
  settled: boolean;
  amount: Minor;
  cancelled: Minor;
  deliveries: HeldDelivery[];
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** A purchase as Svea holds it. */
export interface Held extends SimulatedHeld {
  status: "Created" | "Cancelled" | "Final";
  paymentType: string | null;
  token: string | null;
  /** Payment Admin's view; `null` before the purchase. */
  order: HeldOrder | null;
  /** Svea's books: where the money is, whatever the order says of it. */
  readonly books: Writable<Money>;
  hiddenReads: number;
  /** Tasks that are carried out once the order has been read so often. */
  readonly tasks: { reads: number; readonly run: () => void }[];
}

type Action = SimulatedAction<Held>;

/** Svea Checkout and Payment Admin with a memory. */
export function simulate(kernel: Kernel<Held>, { queueReads = 0 }: SveaOptions = {}): Simulation<Held> {
  return {
    settings: (apiUrl) => ({ orderManagementApiUrl: apiUrl, ...account }),
    currencies: ["SEK", "NOK", "DKK", "EUR"],
    refuse: (request) => (isProven(request, kernel.now()) ? undefined : { status: 401 }),
    routes: { ...routesOf(kernel, queueReads), ...subscriptionRoutes(kernel) },
    open: (payment) => ({
      payment,
      reference: String(7_000_000 + payment.number),
      status: "Created",
      paymentType: null,
      token: null,
      order: null,
      books: { authorized: 0, captured: 0, refunded: 0, released: 0 },
      hiddenReads: 0,
      tasks: [],
    }),
    actions: { ...purchasesOf(kernel), ...decisionsOf(kernel), ...portalOf(kernel) },
    money({ order, books, payment }) {
      const holds = order !== null && order.status !== "Processing" && order.status !== "Failed";
      return holds ? { ...books, currency: payment.purchase.currency } : null;
    },
    describe,
  };
}

/** Svea writes its times without a zone. */
function time(kernel: Kernel<Held>, afterMs = 0): string {
  return kernel.time(afterMs).slice(0, 19);
}

function nextId({ payment }: Held): number {
  return 800_000_000 + payment.number * 10_000 + payment.count("id");
}

function push(held: Held): void {
  const placeholders = { "{checkout.order.uri}": held.reference };
  held.payment.send({ webhook: "push", headers: () => ({}), placeholders });
}

function tell(kernel: Kernel<Held>, held: Held, name: string, facts: Readonly<Record<string, Json>> = {}): void {
  const event = {
    EventName: `CheckoutOrder.${name}`,
    CheckoutOrderId: Number(held.reference),
    ...facts,
    CorrelationId: held.payment.uuid(),
    TimestampUtc: `${time(kernel)}.1234567Z`,
  };
  held.payment.send({ webhook: "webhook", body: event });
}

function buy(kernel: Kernel<Held>, held: Held, method: Method, change: Partial<HeldOrder> = {}): HeldOrder {
  const { purchase } = held.payment;
  held.status = "Final";
  held.paymentType = paymentTypes[method].checkout;
  if (purchase.recurring === true) held.token = held.payment.uuid();
  held.order = {
    method,
    createdAt: time(kernel),
    expiresAt: time(kernel, orderDays * day),
    status: "Open",
    pending: false,
    settled: false,
    amount: purchase.amount,
    cancelled: 0,
    deliveries: [],
    ...change,
  };
  held.books.authorized = purchase.amount;
  push(held);
  tell(kernel, held, "Created", { IsPending: held.order.pending });
  return held.order;
}

function deliver(kernel: Kernel<Held>, held: Held, amount: Minor): void {
  const order = orderOf(held);
  const id = nextId(held);
  order.deliveries.push({ id, at: time(kernel), amount, credits: [] });
  held.books.captured += amount;
  if (openOf(order) === 0) order.status = "Delivered";
  tell(kernel, held, "Delivered", { DeliveryId: id });
}

function credit(kernel: Kernel<Held>, held: Held, delivery: HeldDelivery, amount: Minor, article?: string): void {
  delivery.credits.push({ amount, ...(article === undefined ? {} : { article }) });
  held.books.refunded += amount;
  tell(kernel, held, "CreditSucceeded", { CreditId: String(nextId(held)) });
}

function close(kernel: Kernel<Held>, held: Held, reason: "Cancelled" | "Expired"): void {
  const order = orderOf(held);
  // A card that was delivered and not settled: Svea then shows no delivery any more.
  if (order.method === "card" && !order.settled) {
    order.deliveries = [];
    Object.assign(held.books, { captured: 0, refunded: 0 });
  }
  order.cancelled = reason === "Cancelled" ? order.amount - deliveredOf(order) : order.cancelled;
  order.status = reason;
  order.pending = false;
  held.books.released = held.books.authorized - held.books.captured;
  tell(kernel, held, "Closed", { CloseReason: reason });
}

/** @param cancelled the sum that is cancelled in the end. */
function cancelAmount(kernel: Kernel<Held>, held: Held, cancelled: Minor): void {
  const order = orderOf(held);
  const part = cancelled - order.cancelled;
  order.cancelled = cancelled;
  if (cancelled === order.amount) return close(kernel, held, "Cancelled");
  // What was delivered already is given back, not released.
  held.books[order.status === "Open" ? "released" : "refunded"] += part;
  if (order.status === "Open" && openOf(order) === 0) order.status = "Delivered";
  tell(kernel, held, "Updated");
}

/** What the shopper can do. */
function purchasesOf(kernel: Kernel<Held>): Readonly<Record<string, Action>> {
  const possible = ({ status }: Held): boolean => status === "Created";
  return {
    pay: { possible, act: (held) => void buy(kernel, held, "invoice") },
    "pay-by-card": { possible, act: (held) => void buy(kernel, held, "card") },
    "pay-by-swish": { possible, act: (held) => deliver(kernel, held, buy(kernel, held, "swish").amount) },
    "pay-with-review": { possible, act: (held) => void buy(kernel, held, "invoice", { pending: true }) },
    "pay-by-leasing": { possible, act: (held) => void buy(kernel, held, "leasing", { pending: true }) },
    "pay-with-lag": {
      possible,
      act(held) {
        buy(kernel, held, "invoice");
        held.hiddenReads = laggingReads;
      },
    },
    "pay-without-method": { possible, act: (held) => void buy(kernel, held, "card", { status: "Processing" }) },
    abandon: {
      possible,
      act(held) {
        held.status = "Cancelled";
        push(held);
      },
    },
  };
}

/** True where there is an order for which the test holds. */
function withOrder(test: (order: HeldOrder) => boolean): (held: Held) => boolean {
  return ({ order }) => order !== null && test(order);
}

/** What Svea decides, and what happens at the shopper's bank. */
function decisionsOf(kernel: Kernel<Held>): Readonly<Record<string, Action>> {
  const isUnsettled = ({ status, method, settled }: HeldOrder): boolean =>
    status === "Processing" || (method === "card" && status === "Delivered" && !settled);
  return {
    settle: {
      // Whether Svea counts what was cancelled of a delivery beside what is credited of it later is not documented: nothing is credited later.
      possible: withOrder((order) => isUnsettled(order) && deliveredOf(order) + order.cancelled <= order.amount),
      act(held) {
        const order = orderOf(held);
        if (order.status === "Delivered") order.settled = true;
        else order.status = "Open";
      },
    },
    fail: {
      possible: withOrder(({ status }) => status === "Processing"),
      act: (held) => void (orderOf(held).status = "Failed"),
    },
    approve: {
      possible: withOrder(({ pending }) => pending),
      act(held) {
        orderOf(held).pending = false;
        if (held.paymentType === paymentTypes.leasing.checkout) held.paymentType = "LEASINGAPPROVED";
        tell(kernel, held, "PendingStatusReleased");
      },
    },
    refuse: { possible: withOrder(({ pending }) => pending), act: (held) => close(kernel, held, "Cancelled") },
    expire: {
      possible: withOrder(({ status, deliveries }) => status === "Open" && deliveries.length === 0),
      act: (held) => close(kernel, held, "Expired"),
    },
    "fail-credit": {
      possible: withOrder((order) => creditable(order) !== undefined),
      act: (held) => tell(kernel, held, "CreditFailed", { CreditId: String(nextId(held)) }),
    },
  };
}

/** What somebody does in Payment Admin. */
function portalOf(kernel: Kernel<Held>): Readonly<Record<string, Action>> {
  return {
    capture: {
      possible: withOrder((order) => actionsOf(order).includes("CanDeliverOrder")),
      amount: { most: (held) => openOf(orderOf(held)) },
      act(held, amount) {
        const order = orderOf(held);
        if (amount < openOf(order) && order.method !== "invoice")
          throw new Error("Svea delivers this order as a whole");
        deliver(kernel, held, amount);
      },
    },
    refund: {
      possible: withOrder((order) => creditable(order) !== undefined),
      amount: { most: (held) => leftOf(creditable(orderOf(held))) },
      act(held, amount) {
        const delivery = creditable(orderOf(held));
        if (delivery !== undefined) credit(kernel, held, delivery, amount);
      },
    },
    cancel: {
      possible: withOrder((order) => actionsOf(order).includes("CanCancelOrder")),
      act: (held) => close(kernel, held, "Cancelled"),
    },
    "cancel-amount": {
      possible: withOrder((order) => actionsOf(order).includes("CanCancelAmount") && order.status === "Open"),
      amount: { most: (held) => openOf(orderOf(held)) },
      act: (held, amount) => cancelAmount(kernel, held, orderOf(held).cancelled + amount),
    },
    "change-amount": {
      possible: withOrder((order) => actionsOf(order).includes("CanUpdateOrderRow") && order.deliveries.length === 0),
      amount: {
        most: () => Number.MAX_SAFE_INTEGER,
        usual: (held) => orderOf(held).amount + Math.ceil(orderOf(held).amount / 10),
      },
      act(held, amount) {
        orderOf(held).amount = amount;
        held.books.authorized = amount;
        tell(kernel, held, "Updated");
      },
    },
  };
}

/** The Checkout API, and Payment Admin's. */
function routesOf(kernel: Kernel<Held>, queueReads: number): Routes {
  const admin = "/api/v1/orders/{id}";
  type Answering = (held: Held, order: HeldOrder, call: SimulatedCall) => SimulatedAnswer;
  const of = (answering: Answering) => (call: SimulatedCall) => {
    const held = kernel.find(call.part("id"));
    return held === undefined || held.order === null ? refuse(404, "NotFound") : answering(held, held.order, call);
  };
  const ofDelivery = (answering: (held: Held, delivery: HeldDelivery, credits: Credits) => SimulatedAnswer) =>
    of((held, order, { part, fields }) => {
      const delivery = order.deliveries.find(({ id }) => String(id) === part("delivery"));
      if (delivery === undefined) return refuse(404, "NotFound");
      const may = held.tasks.length > 0 ? [] : deliveryActionsOf(order, delivery);
      return answering(held, delivery, { may, left: leftOf(delivery), fields });
    });
  const queue = (held: Held, run: () => void): SimulatedAnswer => {
    if (queueReads === 0) run();
    else held.tasks.push({ reads: queueReads, run });
    return { status: 202, headers: { location: `https://paymentadmin.invalid/api/v1/queue/${nextId(held)}` } };
  };
  return {
    "GET /api/orders/{id}": ({ part }) => {
      const held = kernel.find(part("id"));
      return held === undefined ? refuse(404, "NotFound") : { status: 200, body: shownCheckout(held) };
    },
    [`GET ${admin}`]: of((held, order) => readOrder(kernel, held, order)),
    [`PATCH ${admin}`]: of((held, order, { fields }) => cancelBy(kernel, held, order, fields)),
    [`POST ${admin}/deliveries`]: of((held, order) => {
      // An empty list means all rows; the simulated order has rows for nothing less.
      const may = held.tasks.length === 0 && actionsOf(order).includes("CanDeliverOrder");
      if (!may) return refuse(400, "OrderCannotBeDelivered");
      return queue(held, () => deliver(kernel, held, openOf(order)));
    }),
    [`PATCH ${admin}/deliveries/{delivery}`]: ofDelivery((held, delivery, { may, left, fields }) => {
      const part = (amountIn(fields, "CreditedAmount") ?? 0) - creditedOf(delivery);
      if (!may.includes("CanCreditAmount") || part <= 0 || part > left) return refuse(400, "InvalidCreditedAmount");
      return { ...queue(held, () => credit(kernel, held, delivery, part)), status: 204 };
    }),
    [`POST ${admin}/deliveries/{delivery}/credits`]: ofDelivery((held, delivery, { may, left, fields }) => {
      const row = fields["NewCreditOrderRow"];
      const part = row === undefined ? left : (amountIn(row, "UnitPrice") ?? 0);
      const how = row === undefined ? "CanCreditOrderRows" : "CanCreditNewRow";
      if (!may.includes(how) || part <= 0 || part > left) return refuse(400, "InvalidCredit");
      const article = fieldIn(row, "ArticleNumber");
      return queue(held, () => credit(kernel, held, delivery, part, typeof article === "string" ? article : undefined));
    }),
  };
}

/** A callback subscription. */
interface Subscription {
  readonly SubscriptionId: string;
  readonly CallbackUri: string;
  readonly Events: readonly string[];
  Verified: boolean;
}

/** Payment Admin's callback subscriptions: none is verified until its `Ping` was answered 2xx. */
function subscriptionRoutes(kernel: Kernel<Held>): Routes {
  const subscriptions: Subscription[] = [];
  const path = "/api/v2/callbacks/subscriptions";
  const of = (answer: (one: Subscription) => SimulatedAnswer) => (call: SimulatedCall) => {
    const one = subscriptions.find(({ SubscriptionId: id }) => id === call.part("id"));
    return one === undefined ? refuse(404, "NotFound") : answer(one);
  };
  return {
    [`GET ${path}/`]: () => ({
      status: 200,
      body: kernel.listed(subscriptions).map(({ Events: events, ...one }) => ({ ...one, Events: [...events] })),
    }),
    [`POST ${path}`]: ({ fields: { CallbackUri: uri, Events: events } }) => {
      if (typeof uri !== "string" || !URL.canParse(uri) || !Array.isArray(events))
        return refuse(400, "InvalidCallback");
      const SubscriptionId = kernel.uuid();
      subscriptions.push({ SubscriptionId, CallbackUri: uri, Events: events.map(String), Verified: false });
      return { status: 201, body: { SubscriptionId } };
    },
    [`POST ${path}/{id}/verify`]: of((one) => {
      const body = { EventName: "Ping", CorrelationId: kernel.uuid(), TimestampUtc: `${time(kernel)}.1234567Z` };
      kernel.send(one.CallbackUri, {
        webhook: "webhook",
        body,
        delivered({ status }) {
          one.Verified = status >= 200 && status < 300;
          return one.Verified;
        },
      });
      return { status: 200 };
    }),
    [`DELETE ${path}/{id}`]: of((one) => {
      subscriptions.splice(subscriptions.indexOf(one), 1);
      return { status: 204 };
    }),
  };
}

/** What a request to credit a delivery is judged by. */
interface Credits {
  readonly may: readonly string[];
  readonly left: Minor;
  readonly fields: Readonly<Record<string, unknown>>;
}

function readOrder(kernel: Kernel<Held>, held: Held, order: HeldOrder): SimulatedAnswer {
  if (held.hiddenReads > 0) {
    held.hiddenReads -= 1;
    return refuse(404, "NotFound");
  }
  for (const task of held.tasks) task.reads -= 1;
  while (held.tasks[0] !== undefined && held.tasks[0].reads < 0) held.tasks.shift()?.run();
  return { status: 200, body: shownOrder(kernel, held, order) };
}

function cancelBy(
  kernel: Kernel<Held>,
  held: Held,
  order: HeldOrder,
  fields: Readonly<Record<string, unknown>>,
): SimulatedAnswer {
  if (fields["IsCancelled"] === true) {
    if (!actionsOf(order).includes("CanCancelOrder")) return refuse(400, "OrderCannotBeCancelled");
    close(kernel, held, "Cancelled");
    return { status: 204 };
  }
  const cancelled = amountIn(fields, "CancelledAmount");
  const mayBe = actionsOf(order).includes("CanCancelAmount") && cancelled !== undefined;
  if (!mayBe || cancelled <= order.cancelled || cancelled > order.amount) return refuse(400, "InvalidCancelledAmount");
  cancelAmount(kernel, held, cancelled);
  return { status: 204 };
}

/** The simulator gets the parsed body: what was hashed is what it comes to when it is written again. */
function isProven({ headers, body }: SimulatedRequest, now: number): boolean {
  const at = Date.parse(`${(headers["timestamp"] ?? "").replace(" ", "T")}Z`);
  if (Number.isNaN(at) || Math.abs(now - at) > skewMs) return false;
  const text = body === undefined || body === null || body === "" ? "" : JSON.stringify(body);
  return headers["authorization"] === authHeaders(account, text, at).authorization;
}

function leftOf(delivery: HeldDelivery | undefined): Minor {
  return delivery === undefined ? 0 : delivery.amount - creditedOf(delivery);
}

function orderOf({ order }: Held): HeldOrder {
  if (order === null) throw new Error("nothing has been bought yet");
  return order;
}

function deliveredOf({ deliveries }: HeldOrder): Minor {
  return sum(deliveries, ({ amount }) => amount);
}

function creditedOf({ credits }: HeldDelivery): Minor {
  return sum(credits, ({ amount }) => amount);
}

function openOf(order: HeldOrder): Minor {
  return Math.max(0, order.amount - order.cancelled - deliveredOf(order));
}

/**
 * What each payment method allows, as Svea's own tests show it: https://github.com/sveawebpay/svea-sdk-dotnet
 * (PaymentTests)
 */
function actionsOf(order: HeldOrder): readonly string[] {
  const { status, pending, method, settled } = order;
  if (status === "Open" && pending) return ["CanCancelOrder"];
  if (status === "Open" && openOf(order) > 0) {
    if (method === "card") return ["CanDeliverOrder", "CanCancelOrder", "CanCancelAmount"];
    return ["CanDeliverOrder", "CanDeliverPartially", "CanCancelOrder", "CanCancelOrderRow", "CanUpdateOrderRow"];
  }
  return status === "Delivered" && method === "card" && !settled ? ["CanCancelOrder", "CanCancelAmount"] : [];
}

function deliveryActionsOf({ method, settled }: HeldOrder, delivery: HeldDelivery): readonly string[] {
  if (delivery.amount === creditedOf(delivery)) return [];
  if (method === "swish") return ["CanCreditAmount"];
  if (method === "card") return settled ? ["CanCreditAmount"] : [];
  return ["CanCreditNewRow", "CanCreditOrderRows"];
}

function creditable(order: HeldOrder): HeldDelivery | undefined {
  return order.deliveries.find((delivery) => deliveryActionsOf(order, delivery).length > 0);
}

function fieldIn(body: unknown, name: string): unknown {
  return typeof body === "object" && body !== null ? (body as Record<string, unknown>)[name] : undefined;
}

function amountIn(body: unknown, name: string): Minor | undefined {
  const amount = fieldIn(body, name);
  return Number.isSafeInteger(amount) && Number(amount) > 0 ? Number(amount) : undefined;
}

function refuse(status: number, code: string): SimulatedAnswer {
  return { status, body: { Code: code, Message: `simulated: ${code}`, Errors: [] } };
}

/** Payment Admin's answer, with the personal data that the real Svea sends along. */
function shownOrder(kernel: Kernel<Held>, { reference, payment: { purchase } }: Held, order: HeldOrder): Json {
  return {
    Id: Number(reference),
    Currency: purchase.currency,
    MerchantOrderId: cut(purchase.paymentId, 32),
    OrderStatus: order.status,
    SystemStatus: order.status === "Open" ? "Active" : "Closed",
    SystemStatusMessage: null,
    PaymentCreditStatus: null,
    EmailAddress: "shopper@example.invalid",
    PhoneNumber: "+46000000000",
    PaymentType: order.status === "Processing" ? null : paymentTypes[order.method].admin,
    CreationDate: order.createdAt,
    NationalId: "000000000000",
    IsCompany: false,
    CancelledAmount: order.cancelled,
    OrderAmount: order.amount,
    BillingAddress: shopper,
    ShippingAddress: shopper,
    Deliveries:
      order.deliveries.length === 0
        ? null
        : kernel.listed(order.deliveries).map((delivery) => shownDelivery(kernel, order, delivery)),
    OrderRows: null,
    Actions: actionsOf(order),
    SveaWillBuy: order.method === "invoice" ? true : null,
    ExpirationDate: order.expiresAt,
  };
}

function shownDelivery(kernel: Kernel<Held>, order: HeldOrder, delivery: HeldDelivery): Json {
  const hasRows = order.method === "invoice" || order.method === "leasing";
  const row = {
    OrderRowId: 1,
    Name: "Artikel",
    Quantity: 100,
    UnitPrice: delivery.amount,
    VatPercent: vatPercent,
    Actions: creditedOf(delivery) === 0 ? ["CanCreditRow"] : [],
  };
  return {
    Id: delivery.id,
    CreationDate: delivery.at,
    InvoiceId: order.method === "invoice" ? delivery.id + 1 : null,
    DeliveryAmount: delivery.amount,
    CreditedAmount: creditedOf(delivery),
    Credits: kernel.listed(delivery.credits).map(({ amount, article = "1" }) => ({
      Amount: -amount,
      OrderRows: [{ OrderRowId: 1, ArticleNumber: article, Name: "Artikel", Quantity: -100, UnitPrice: amount }],
      Actions: [],
    })),
    OrderRows: hasRows ? [row] : null,
    Actions: deliveryActionsOf(order, delivery),
    Status: order.method === "invoice" ? "Sent" : null,
  };
}

/** The Checkout API's answer. */
function shownCheckout({ reference, payment: { purchase }, status, paymentType, token }: Held): Json {
  return {
    MerchantSettings: { PushUri: purchase.callbackUrls["push"] ?? null },
    Cart: {
      Items: [
        {
          ArticleNumber: "1",
          Name: "Artikel",
          Quantity: 100,
          UnitPrice: purchase.amount,
          DiscountPercent: 0,
          DiscountAmount: 0,
          VatPercent: vatPercent,
        },
      ],
    },
    Customer: status === "Final" ? { NationalId: "000000000000", CountryCode: "SE", IsCompany: false } : null,
    BillingAddress: status === "Final" ? shopper : null,
    Gui: { Layout: "desktop", Snippet: "<div></div>" },
    Locale: "sv-SE",
    Currency: purchase.currency,
    CountryCode: "SE",
    ClientOrderNumber: cut(purchase.paymentId, 32),
    OrderId: Number(reference),
    EmailAddress: status === "Final" ? "shopper@example.invalid" : null,
    PaymentType: paymentType,
    Payment: null,
    Status: status,
    Recurring: purchase.recurring ?? false,
    RecurringToken: token,
  };
}

function describe({ status, payment: { purchase }, order }: Held): string {
  if (order === null) return status;
  const show = (minor: Minor): string =>
    majorFromMinor(minor, purchase.currency).toFixed(exponentOf(purchase.currency));
  const credited = sum(order.deliveries, creditedOf);
  const parts = [
    `${order.status} ${show(order.amount)} ${purchase.currency} (${order.method})`,
    ...(order.pending ? ["under review"] : []),
    ...(deliveredOf(order) === 0 ? [] : [`delivered ${show(deliveredOf(order))}`]),
    ...(credited === 0 ? [] : [`credited ${show(credited)}`]),
    ...(order.cancelled === 0 ? [] : [`cancelled ${show(order.cancelled)}`]),
    ...(order.settled ? ["settled"] : []),
  ];
  return parts.join(", ");
}
