import { exponentOf, majorFromMinor } from "../../lib/money.ts";
import type { Json, Minor } from "../../contract/adapter.ts";
import type {
  SimulatedAnswer,
  SimulatedPurchase,
  SimulatedRequest,
  SimulatedWebhook,
  SelfMadeSimulator as Simulator,
} from "../../contract/simulator.ts";
import { authHeaders } from "./auth.ts";

const hour = 60 * 60_000;
const day = 24 * hour;
const orderDays = 60;
/** How far the clocks of both sides may be apart; Svea does not say. */
const skewMs = 15 * 60_000;
/** How many reads of Payment Admin a lagging order stays hidden from. */
const laggingReads = 2;
const placeholder = "{checkout.order.uri}";
const vatPercent = 2500;

/** Obviously fake: there to be seen nowhere but in Svea's own answers. */
const shopper = {
  FullName: "Testperson, Approved",
  StreetAddress: "Exempelgatan 1",
  CoAddress: null,
  PostalCode: "00000",
  City: "Exempelstad",
  CountryCode: "SE",
};

export interface SimulatorOptions {
  /** Multiplies the delay of a delayed webhook: 0 makes it due at once. Default 1. */
  readonly timeScale?: number;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  readonly merchantId?: string;
  readonly apiSecret?: string;
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

interface Held {
  readonly id: number;
  readonly purchase: SimulatedPurchase;
  status: "Created" | "Cancelled" | "Final";
  paymentType: string | null;
  token: string | null;
  /** Payment Admin's view; `null` before the purchase. */
  order: HeldOrder | null;
  hiddenReads: number;
  /** Tasks that are carried out once the order has been read so often. */
  readonly tasks: { reads: number; readonly run: () => void }[];
  loseNext: number;
  delayNext: boolean;
  readonly queued: { readonly at: number; readonly webhook: SimulatedWebhook }[];
}

interface Action {
  possible(held: Held): boolean;
  /** @param amount in minor units, where the action takes one. */
  act(held: Held, amount: number | undefined): void;
}

/** Svea Checkout and Payment Admin with a memory. */
export function createSimulator(options: SimulatorOptions = {}): Simulator {
  const { timeScale = 1, merchantId = "100001", apiSecret = "simulated-secret", queueReads = 0 } = options;
  const now = options.now ?? Date.now;
  const orders = new Map<number, Held>();
  let ids = 7_000_000;
  const nextId = (): number => (ids += 1);
  const time = (after = 0): string => new Date(now() + after).toISOString().slice(0, 19);
  const guid = (): string => `00000000-0000-4000-8000-${String(nextId()).padStart(12, "0")}`;

  function send(held: Held, webhook: SimulatedWebhook | undefined): void {
    if (webhook === undefined) return;
    if (held.loseNext > 0) {
      held.loseNext -= 1;
      return;
    }
    held.queued.push({ at: now() + (held.delayNext ? hour * timeScale : 0), webhook });
    held.delayNext = false;
  }

  function pushed({ purchase, id }: Held): SimulatedWebhook | undefined {
    const url = purchase.callbackUrls["push"];
    if (url === undefined) return undefined;
    const filled = url.replaceAll(placeholder, String(id)).replaceAll(encodeURIComponent(placeholder), String(id));
    return { webhook: "push", method: "POST", url: filled, headers: {}, body: "" };
  }

  function told(
    { purchase, id }: Held,
    name: string,
    facts: Readonly<Record<string, Json>>,
  ): SimulatedWebhook | undefined {
    const url = purchase.callbackUrls["webhook"];
    if (url === undefined) return undefined;
    const event = {
      EventName: `CheckoutOrder.${name}`,
      CheckoutOrderId: id,
      ...facts,
      CorrelationId: guid(),
      TimestampUtc: `${time()}.1234567Z`,
    };
    const headers = { "content-type": "application/json" };
    return { webhook: "webhook", method: "POST", url, headers, body: JSON.stringify(event) };
  }

  const tell = (held: Held, name: string, facts: Readonly<Record<string, Json>> = {}): void =>
    send(held, told(held, name, facts));

  function buy(held: Held, method: Method, change: Partial<HeldOrder> = {}): HeldOrder {
    held.status = "Final";
    held.paymentType = paymentTypes[method].checkout;
    if (held.purchase.recurring === true) held.token = guid();
    held.order = {
      method,
      createdAt: time(),
      expiresAt: time(orderDays * day),
      status: "Open",
      pending: false,
      settled: false,
      amount: held.purchase.amount,
      cancelled: 0,
      deliveries: [],
      ...change,
    };
    send(held, pushed(held));
    tell(held, "Created", { IsPending: held.order.pending });
    return held.order;
  }

  function deliver(held: Held, amount: Minor): number {
    const order = orderOf(held);
    const id = nextId();
    order.deliveries.push({ id, at: time(), amount, credits: [] });
    if (openOf(order) === 0) order.status = "Delivered";
    tell(held, "Delivered", { DeliveryId: id });
    return id;
  }

  function credit(held: Held, delivery: HeldDelivery, amount: Minor, article?: string): void {
    delivery.credits.push({ amount, ...(article === undefined ? {} : { article }) });
    tell(held, "CreditSucceeded", { CreditId: String(nextId()) });
  }

  function close(held: Held, reason: "Cancelled" | "Expired"): void {
    const order = orderOf(held);
    // A card that was delivered and not settled: Svea then shows no delivery any more.
    if (order.method === "card" && !order.settled) order.deliveries = [];
    order.cancelled = reason === "Cancelled" ? order.amount - deliveredOf(order) : order.cancelled;
    order.status = reason;
    order.pending = false;
    tell(held, "Closed", { CloseReason: reason });
  }

  function cancelAmount(held: Held, cancelled: Minor): void {
    const order = orderOf(held);
    order.cancelled = cancelled;
    if (cancelled === order.amount) close(held, "Cancelled");
    else {
      if (order.status === "Open" && openOf(order) === 0) order.status = "Delivered";
      tell(held, "Updated");
    }
  }

  const unpaid = ({ status }: Held): boolean => status === "Created";
  const withOrder = (test: (order: HeldOrder) => boolean) => (held: Held) => held.order !== null && test(held.order);
  const actions: Readonly<Record<string, Action>> = {
    pay: { possible: unpaid, act: (held) => void buy(held, "invoice") },
    "pay-by-card": { possible: unpaid, act: (held) => void buy(held, "card") },
    "pay-by-swish": {
      possible: unpaid,
      act: (held) => void deliver(held, buy(held, "swish").amount),
    },
    "pay-with-review": { possible: unpaid, act: (held) => void buy(held, "invoice", { pending: true }) },
    "pay-by-leasing": { possible: unpaid, act: (held) => void buy(held, "leasing", { pending: true }) },
    "pay-with-lag": {
      possible: unpaid,
      act: (held) => {
        buy(held, "invoice");
        held.hiddenReads = laggingReads;
      },
    },
    "pay-without-method": { possible: unpaid, act: (held) => void buy(held, "card", { status: "Processing" }) },
    abandon: {
      possible: unpaid,
      act: (held) => {
        held.status = "Cancelled";
        send(held, pushed(held));
      },
    },
    settle: {
      possible: withOrder(
        ({ status, method, settled }) =>
          status === "Processing" || (method === "card" && status === "Delivered" && !settled),
      ),
      act: (held) => {
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
      act: (held) => {
        orderOf(held).pending = false;
        if (held.paymentType === paymentTypes.leasing.checkout) held.paymentType = "LEASINGAPPROVED";
        tell(held, "PendingStatusReleased");
      },
    },
    refuse: { possible: withOrder(({ pending }) => pending), act: (held) => close(held, "Cancelled") },
    capture: {
      possible: withOrder((order) => actionsOf(order).includes("CanDeliverOrder")),
      act: (held, amount) => {
        const order = orderOf(held);
        const chosen = within(amount, openOf(order));
        if (chosen < openOf(order) && order.method !== "invoice")
          throw new Error("Svea delivers this order as a whole");
        deliver(held, chosen);
      },
    },
    refund: {
      possible: withOrder((order) => creditable(order) !== undefined),
      act: (held, amount) => {
        const delivery = creditable(orderOf(held));
        if (delivery === undefined) throw new Error("nothing can be credited");
        credit(held, delivery, within(amount, delivery.amount - creditedOf(delivery)));
      },
    },
    "fail-credit": {
      possible: withOrder((order) => creditable(order) !== undefined),
      act: (held) => tell(held, "CreditFailed", { CreditId: String(nextId()) }),
    },
    cancel: {
      possible: withOrder((order) => actionsOf(order).includes("CanCancelOrder")),
      act: (held) => close(held, "Cancelled"),
    },
    "cancel-amount": {
      possible: withOrder((order) => actionsOf(order).includes("CanCancelAmount") && order.status === "Open"),
      act: (held, amount) => {
        const order = orderOf(held);
        cancelAmount(held, order.cancelled + within(amount, openOf(order)));
      },
    },
    expire: {
      possible: withOrder(({ status, deliveries }) => status === "Open" && deliveries.length === 0),
      act: (held) => close(held, "Expired"),
    },
    "change-amount": {
      possible: withOrder((order) => actionsOf(order).includes("CanUpdateOrderRow") && order.deliveries.length === 0),
      act: (held, amount) => {
        const order = orderOf(held);
        order.amount = amount ?? order.amount + Math.ceil(order.amount / 10);
        tell(held, "Updated");
      },
    },
    "lose-webhook": { possible: () => true, act: (held) => void (held.loseNext += 1) },
    "delay-webhook": { possible: ({ delayNext }) => !delayNext, act: (held) => void (held.delayNext = true) },
    "duplicate-webhook": {
      possible: ({ order }) => order !== null,
      act: (held) => {
        const again = told(held, "Updated", {});
        for (const webhook of [pushed(held), again, again]) send(held, webhook);
      },
    },
  };

  /** A task of Payment Admin's queue: carried out at once, or after some reads. */
  function queue(held: Held, run: () => void): SimulatedAnswer {
    if (queueReads === 0) run();
    else held.tasks.push({ reads: queueReads, run });
    return { status: 202, headers: { location: `https://paymentadmin.invalid/api/v1/queue/${nextId()}` } };
  }

  function answerOrder(held: Held, order: HeldOrder, request: string, body: unknown): SimulatedAnswer {
    const [, deliveryId = "", rest = ""] = /^(?:POST|PATCH) deliveries\/(\d+)(\/credits)?$/.exec(request) ?? [];
    const busy = held.tasks.length > 0;
    if (request === "POST deliveries") {
      // An empty list means all rows; the simulated order has rows for nothing less.
      if (busy || !actionsOf(order).includes("CanDeliverOrder")) return refuse(400, "OrderCannotBeDelivered");
      return queue(held, () => void deliver(held, openOf(order)));
    }
    if (request === "PATCH ") {
      if (fieldIn(body, "IsCancelled") === true) {
        if (!actionsOf(order).includes("CanCancelOrder")) return refuse(400, "OrderCannotBeCancelled");
        close(held, "Cancelled");
        return { status: 204 };
      }
      const cancelled = amountIn(body, "CancelledAmount");
      const mayBe = actionsOf(order).includes("CanCancelAmount") && cancelled !== undefined;
      if (!mayBe || cancelled <= order.cancelled || cancelled > order.amount)
        return refuse(400, "InvalidCancelledAmount");
      cancelAmount(held, cancelled);
      return { status: 204 };
    }
    const delivery = order.deliveries.find(({ id }) => String(id) === deliveryId);
    if (delivery === undefined) return refuse(404, "NotFound");
    const left = delivery.amount - creditedOf(delivery);
    const may = busy ? [] : deliveryActionsOf(order, delivery);
    if (request.startsWith("PATCH")) {
      const credited = amountIn(body, "CreditedAmount");
      const part = (credited ?? 0) - creditedOf(delivery);
      if (!may.includes("CanCreditAmount") || part <= 0 || part > left) return refuse(400, "InvalidCreditedAmount");
      return queued(
        queue(held, () => credit(held, delivery, part)),
        204,
      );
    }
    if (rest === "") return refuse(404, "NotFound");
    const row = fieldIn(body, "NewCreditOrderRow");
    const part = row === undefined ? left : (amountIn(row, "UnitPrice") ?? 0);
    const how = row === undefined ? "CanCreditOrderRows" : "CanCreditNewRow";
    if (!may.includes(how) || part <= 0 || part > left) return refuse(400, "InvalidCredit");
    const article = fieldIn(row, "ArticleNumber");
    return queue(held, () => credit(held, delivery, part, typeof article === "string" ? article : undefined));
  }

  function readOrder(held: Held): SimulatedAnswer {
    if (held.order === null || held.hiddenReads > 0) {
      if (held.hiddenReads > 0) held.hiddenReads -= 1;
      return refuse(404, "NotFound");
    }
    for (const task of held.tasks) task.reads -= 1;
    while (held.tasks[0] !== undefined && held.tasks[0].reads < 0) held.tasks.shift()?.run();
    return { status: 200, body: shownOrder(held, held.order) };
  }

  function route({ method, path, body }: SimulatedRequest): SimulatedAnswer {
    const [, version, id = "", rest = ""] = /^\/api\/(v1\/)?orders\/(\d+)(?:\/([\w/]+))?$/.exec(path) ?? [];
    const held = orders.get(Number(id));
    if (held === undefined) return refuse(404, "NotFound");
    if (version === undefined)
      return method === "GET" && rest === "" ? { status: 200, body: shownCheckout(held) } : { status: 404 };
    if (method === "GET") return rest === "" ? readOrder(held) : { status: 404 };
    return held.order === null ? refuse(404, "NotFound") : answerOrder(held, held.order, `${method} ${rest}`, body);
  }

  /** The simulator gets the parsed body: what was hashed is what it comes to when it is written again. */
  function isProven({ headers, body }: SimulatedRequest): boolean {
    const at = Date.parse(`${(headers["timestamp"] ?? "").replace(" ", "T")}Z`);
    if (Number.isNaN(at) || Math.abs(now() - at) > skewMs) return false;
    const text = body === undefined || body === null || body === "" ? "" : JSON.stringify(body);
    return headers["authorization"] === authHeaders({ merchantId, apiSecret }, text, new Date(at)).authorization;
  }

  function heldOf(reference: string): Held {
    const held = orders.get(Number(reference));
    if (held === undefined) throw new Error(`Svea knows no order ${reference}`);
    return held;
  }

  return {
    settings: (apiUrl) => ({ apiUrl, orderManagementApiUrl: apiUrl, merchantId, apiSecret }),
    answer: (request) => (isProven(request) ? route(request) : { status: 401 }),
    open(purchase) {
      const id = nextId();
      orders.set(id, {
        id,
        purchase,
        status: "Created",
        paymentType: null,
        token: null,
        order: null,
        hiddenReads: 0,
        tasks: [],
        loseNext: 0,
        delayNext: false,
        queued: [],
      });
      return String(id);
    },
    actions(reference) {
      const held = heldOf(reference);
      return Object.keys(actions).filter((name) => actions[name]?.possible(held));
    },
    act(reference, name, amount) {
      const held = heldOf(reference);
      const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
      if (!action?.possible(held)) throw new Error(`Svea cannot ${name} this order now`);
      action.act(held, amount);
    },
    due(at) {
      return [...orders.values()].flatMap(({ queued: waiting }) => {
        const due = waiting.filter((item) => item.at <= at);
        for (const item of due) waiting.splice(waiting.indexOf(item), 1);
        return due.map(({ webhook }) => webhook);
      });
    },
    describe: (reference) => describe(heldOf(reference)),
  };
}

function queued({ headers = {} }: SimulatedAnswer, status: number): SimulatedAnswer {
  return { status, headers };
}

function orderOf({ order }: Held): HeldOrder {
  if (order === null) throw new Error("nothing has been bought yet");
  return order;
}

function deliveredOf({ deliveries }: HeldOrder): Minor {
  return deliveries.reduce((sum, { amount }) => sum + amount, 0);
}

function creditedOf({ credits }: HeldDelivery): Minor {
  return credits.reduce((sum, { amount }) => sum + amount, 0);
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

function within(amount: number | undefined, limit: number): Minor {
  const chosen = amount ?? limit;
  if (!Number.isSafeInteger(chosen) || chosen <= 0 || chosen > limit) throw new Error(`not an amount up to ${limit}`);
  return chosen;
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
function shownOrder({ id, purchase }: Held, order: HeldOrder): Json {
  const rowId = 1;
  return {
    Id: id,
    Currency: purchase.currency,
    MerchantOrderId: purchase.paymentId.slice(0, 32),
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
        : order.deliveries.map((delivery) => ({
            Id: delivery.id,
            CreationDate: delivery.at,
            InvoiceId: order.method === "invoice" ? delivery.id + 1 : null,
            DeliveryAmount: delivery.amount,
            CreditedAmount: creditedOf(delivery),
            Credits: delivery.credits.map(({ amount, article = "1" }) => ({
              Amount: -amount,
              OrderRows: [
                { OrderRowId: rowId, ArticleNumber: article, Name: "Artikel", Quantity: -100, UnitPrice: amount },
              ],
              Actions: [],
            })),
            OrderRows:
              order.method === "invoice" || order.method === "leasing"
                ? [
                    {
                      OrderRowId: rowId,
                      Name: "Artikel",
                      Quantity: 100,
                      UnitPrice: delivery.amount,
                      VatPercent: vatPercent,
                      Actions: creditedOf(delivery) === 0 ? ["CanCreditRow"] : [],
                    },
                  ]
                : null,
            Actions: deliveryActionsOf(order, delivery),
            Status: order.method === "invoice" ? "Sent" : null,
          })),
    OrderRows: null,
    Actions: actionsOf(order),
    SveaWillBuy: order.method === "invoice" ? true : null,
    ExpirationDate: order.expiresAt,
  };
}

/** The Checkout API's answer. */
function shownCheckout({ id, purchase, status, paymentType, token }: Held): Json {
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
    ClientOrderNumber: purchase.paymentId.slice(0, 32),
    OrderId: id,
    EmailAddress: status === "Final" ? "shopper@example.invalid" : null,
    PaymentType: paymentType,
    Payment: null,
    Status: status,
    Recurring: purchase.recurring ?? false,
    RecurringToken: token,
  };
}

function describe({ status, purchase, order }: Held): string {
  if (order === null) return status;
  const show = (minor: Minor): string =>
    majorFromMinor(minor, purchase.currency).toFixed(exponentOf(purchase.currency));
  const credited = order.deliveries.reduce((sum, delivery) => sum + creditedOf(delivery), 0);
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
