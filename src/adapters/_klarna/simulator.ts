import { exponentOf, majorFromMinor } from "../../lib/money.ts";
import type { Json, Minor, Money } from "../../contract/adapter.ts";
import type {
  Kernel,
  Routes,
  SimulatedAction,
  SimulatedAnswer,
  SimulatedCall,
  SimulatedHeld,
  Simulation,
  StatedMoney,
} from "../../contract/simulator.ts";
import type { Order } from "./schema.ts";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/**
 * When Klarna pushes, counted from the purchase, until the order is acknowledged: then it gives up, while the order stays valid.
 * https://docs.klarna.com/kco/additional-resources/confirm-purchase
 */
export const pushSchedule: readonly number[] = [
  ...[2, 5, 15, 30, 60].map((minutes) => minutes * minute),
  ...Array.from({ length: 11 }, (_, index) => hour + (index + 1) * 4 * hour),
];

/** Same key, first answer, whatever the body says: for a day. https://docs.klarna.com/api/escalation-and-retry-policy */
const idempotencyWindow = day;
const authorizationDays = 28;

/** Obviously fake: there to be seen nowhere but in Klarna's own answers. */
const shopper = {
  given_name: "Testperson-se",
  family_name: "Approved",
  email: "shopper@example.invalid",
  phone: "+46000000000",
  street_address: "Exempelgatan 1",
  postal_code: "00000",
  city: "Exempelstad",
  country: "se",
};

/** The merchant's credentials at the simulated Klarna. */
const credentials = { username: "PK00000_simulator", password: "simulated-password" };
const authorization = `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString("base64")}`;

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** A purchase as Klarna holds it, whatever product it is made with. */
export interface Held extends SimulatedHeld {
  /** Order management's view; `null` before there is an order. */
  order: Writable<Order> | null;
  /** Klarna's books: where the money is, whatever the order says of it. */
  readonly books: Writable<Money>;
  /** The order has been placed for good: from then on it can be acted on, and Klarna calls. */
  placed: boolean;
  /** From how many reads of order management the order stays hidden. */
  hiddenReads: number;
  acknowledged: boolean;
  /** Where the product tells the merchant's account what happens to its orders. */
  tell?: (type: string, ids: Readonly<Record<string, string>>) => void;
}

type Action = SimulatedAction<Held>;

/** What one product adds to order management. */
export interface Product {
  /** Adapter settings besides the credentials. */
  readonly settings?: Readonly<Record<string, Json>>;
  /** Calls to the product's own API. */
  readonly routes?: Routes;
  readonly actions: Readonly<Record<string, Action>>;
  opened(held: Held): void;
  /** A line for people while there is no order. */
  describe(held: Held): string;
}

/** What a product does with orders. */
export interface Orders {
  /** An authorised order of the purchase's amount. */
  orderOf(held: Held, fraudStatus: Order["fraud_status"]): Writable<Order>;
  /** Makes the order the purchase's, and begins to push. */
  place(held: Held, order: Writable<Order>): void;
  capture(held: Held, amount: Minor): string;
  /** Has a webhook sent, with the order's id where Klarna writes it. */
  send(held: Held, webhook: string, body: Json, headers?: (body: string) => Readonly<Record<string, string>>): void;
}

/** Klarna's order management, for the product that writes its orders' ids as this placeholder. */
export function ordersOf(kernel: Kernel<Held>, placeholder: string): Orders {
  const placeholders = ({ reference }: Held): Record<string, string> => ({ [placeholder]: reference });
  return {
    orderOf: (held, fraudStatus) => newOrder(kernel, held, fraudStatus),
    place(held, order) {
      Object.assign(held, { order, placed: true, acknowledged: false });
      held.books.authorized = order.order_amount;
      held.tell?.("order.created", {});
      held.payment.send({
        webhook: "push",
        headers: () => ({}),
        placeholders: placeholders(held),
        schedule: pushSchedule,
        // Whatever is answered: Klarna pushes until the order is acknowledged.
        delivered: () => false,
        isOver: () => !awaitsAcknowledgement(held),
      });
    },
    capture: (held, amount) => capture(kernel, held, amount),
    send: (held, webhook, body, headers) =>
      held.payment.send({
        webhook,
        body,
        placeholders: placeholders(held),
        ...(headers === undefined ? {} : { headers }),
      }),
  };
}

/** Klarna with a memory: one product in front of order management. */
export function simulateKlarna(kernel: Kernel<Held>, orders: Orders, product: Product): Simulation<Held> {
  return {
    settings: () => ({ ...credentials, ...product.settings }),
    refuse: ({ headers }) => (headers["authorization"] === authorization ? undefined : { status: 401 }),
    idempotency: { header: "klarna-idempotency-key", windowMs: idempotencyWindow },
    unknown: refuse(kernel, 404, "NO_SUCH_ORDER"),
    routes: { ...routesOf(kernel), ...product.routes },
    open(payment) {
      const held: Held = {
        payment,
        reference: payment.uuid(),
        order: null,
        books: { authorized: 0, captured: 0, refunded: 0, released: 0 },
        placed: false,
        hiddenReads: 0,
        acknowledged: false,
      };
      product.opened(held);
      return held;
    },
    actions: { ...product.actions, ...actionsOf(kernel, orders) },
    money: moneyIn,
    describe: (held) => (held.placed && held.order !== null ? describe(held.order) : product.describe(held)),
  };
}

function newOrder(
  kernel: Kernel<Held>,
  { payment: { purchase }, reference }: Held,
  fraudStatus: Order["fraud_status"],
): Writable<Order> {
  return {
    order_id: reference,
    status: "AUTHORIZED",
    fraud_status: fraudStatus,
    order_amount: purchase.amount,
    original_order_amount: purchase.amount,
    captured_amount: 0,
    refunded_amount: 0,
    remaining_authorized_amount: purchase.amount,
    purchase_currency: purchase.currency,
    klarna_reference: `K${reference.replaceAll("-", "").slice(-7).toUpperCase()}`,
    merchant_reference1: purchase.paymentId,
    created_at: kernel.time(),
    expires_at: kernel.time(authorizationDays * day),
    captures: [],
    refunds: [],
    initial_payment_method: { type: "INVOICE", description: "Betala senare" },
  };
}

/** What the shopper, Klarna and the merchant's portal can do to an order of any product. */
function actionsOf(kernel: Kernel<Held>, orders: Orders): Readonly<Record<string, Action>> {
  const when =
    (possible: (order: Order) => boolean) =>
    ({ order, placed }: Held): boolean =>
      placed && order !== null && possible(order);
  const decided =
    (fraudStatus: "ACCEPTED" | "REJECTED" | "STOPPED") =>
    (held: Held): void => {
      const order = orderOf(held);
      order.fraud_status = fraudStatus;
      const body = { order_id: order.order_id, event_type: `FRAUD_RISK_${fraudStatus}` };
      orders.send(held, "notification", body);
    };
  return {
    accept: { possible: isPending, act: decided("ACCEPTED") },
    reject: { possible: isPending, act: decided("REJECTED") },
    stop: {
      possible: when((order) => isOpen(order) && ["ACCEPTED", "PENDING"].includes(order.fraud_status)),
      act: decided("STOPPED"),
    },
    capture: {
      possible: when(canCapture),
      amount: { most: (held) => orderOf(held).remaining_authorized_amount },
      act: (held, amount) => void capture(kernel, held, amount),
    },
    refund: {
      possible: when(canRefund),
      amount: { most: (held) => refundableIn(orderOf(held)) },
      act: (held, amount) => void refund(kernel, held, amount),
    },
    cancel: { possible: when(canCancel), act: (held) => end(held, "CANCELLED") },
    // What is left is captured in full: no published page names the status afterwards.
    release: { possible: when(canRelease), act: (held) => end(held, "CAPTURED") },
    expire: { possible: when(isOpen), act: (held) => end(held, "EXPIRED") },
    close: {
      possible: when(({ status }) => status === "PART_CAPTURED" || status === "CAPTURED"),
      act: (held) => end(held, "CLOSED"),
    },
    "change-amount": {
      possible: when(canChange),
      amount: {
        most: () => Number.MAX_SAFE_INTEGER,
        usual: (held) => orderOf(held).order_amount + Math.ceil(orderOf(held).order_amount / 10),
      },
      act: change,
    },
  };
}

/** Order management's API. */
function routesOf(kernel: Kernel<Held>): Routes {
  const path = "/ordermanagement/v1/orders/{id}";
  const of =
    (answer: (held: Held, order: Writable<Order>, call: SimulatedCall) => SimulatedAnswer) =>
    (call: SimulatedCall): SimulatedAnswer => {
      const held = kernel.find(call.part("id"));
      if (held === undefined || held.order === null) return refuse(kernel, 404, "NO_SUCH_ORDER");
      if (held.hiddenReads === 0) return answer(held, held.order, call);
      if (call.method === "GET") held.hiddenReads -= 1;
      return refuse(kernel, 404, "NO_SUCH_ORDER");
    };
  return {
    [`GET ${path}`]: of((_, order) => ({ status: 200, body: shown(withLists(kernel, order)) })),
    [`POST ${path}/acknowledge`]: of((held, { status }) => {
      // Not documented for cancelled and closed orders; 403 is the answer Klarna gives to what is not allowed.
      if (status === "CANCELLED" || status === "CLOSED") return refuse(kernel, 403, "NOT_ALLOWED");
      if (held.placed) held.acknowledged = true;
      return { status: 204 };
    }),
    [`POST ${path}/captures`]: of((held, order, { fields }) => {
      const amount = amountIn(fields, "captured_amount");
      if (amount === undefined) return refuse(kernel, 400, "BAD_VALUE");
      const most = canCapture(order) ? order.remaining_authorized_amount : 0;
      if (amount > most) return refuse(kernel, 403, "CAPTURE_NOT_ALLOWED");
      return created(order, "captures", "capture-id", capture(kernel, held, amount));
    }),
    [`POST ${path}/refunds`]: of((held, order, { fields }) => {
      const amount = amountIn(fields, "refunded_amount");
      if (amount === undefined) return refuse(kernel, 400, "BAD_VALUE");
      if (amount > refundableIn(order)) return refuse(kernel, 403, "REFUND_NOT_ALLOWED");
      return created(order, "refunds", "refund-id", refund(kernel, held, amount));
    }),
    [`POST ${path}/cancel`]: of((held, order) => {
      if (!canCancel(order)) return refuse(kernel, 403, "CANCEL_NOT_ALLOWED");
      end(held, "CANCELLED");
      return { status: 204 };
    }),
    [`POST ${path}/release-remaining-authorization`]: of((held, order) => {
      if (!canRelease(order)) return refuse(kernel, 403, "NOT_ALLOWED");
      end(held, "CAPTURED");
      return { status: 204 };
    }),
    [`PATCH ${path}/authorization`]: of((held, order, { fields }) => {
      const amount = amountIn(fields, "order_amount");
      if (amount === undefined) return refuse(kernel, 400, "BAD_VALUE");
      if (!canChange(order)) return refuse(kernel, 403, "NOT_ALLOWED");
      change(held, amount);
      return { status: 204 };
    }),
  };
}

function capture(kernel: Kernel<Held>, held: Held, amount: Minor): string {
  const order = orderOf(held);
  const capture_id = held.payment.uuid();
  order.captured_amount += amount;
  order.remaining_authorized_amount -= amount;
  order.status = order.remaining_authorized_amount === 0 ? "CAPTURED" : "PART_CAPTURED";
  const klarna_reference = `${order.klarna_reference}-${order.captures.length + 1}`;
  order.captures.push({ capture_id, captured_amount: amount, captured_at: kernel.time(), klarna_reference });
  held.books.captured += amount;
  held.tell?.("capture.created", { capture_id });
  return capture_id;
}

function refund(kernel: Kernel<Held>, held: Held, amount: Minor): string {
  const order = orderOf(held);
  const refund_id = held.payment.uuid();
  order.refunded_amount += amount;
  order.refunds.push({ refund_id, refunded_amount: amount, refunded_at: kernel.time() });
  held.books.refunded += amount;
  held.tell?.("refund.created", { refund_id });
  return refund_id;
}

function change(held: Held, amount: Minor): void {
  const order = orderOf(held);
  order.order_amount = amount;
  order.remaining_authorized_amount = amount - order.captured_amount;
  held.books.authorized = amount;
}

function end(held: Held, status: "CANCELLED" | "CAPTURED" | "EXPIRED" | "CLOSED"): void {
  const order = orderOf(held);
  order.status = status;
  order.remaining_authorized_amount = 0;
  held.books.released = held.books.authorized - held.books.captured;
}

/** A purchase that was refused never held anything, whichever way it was refused. */
function moneyIn({ order, books, payment }: Held): StatedMoney | null {
  if (order === null) return null;
  const { currency } = payment.purchase;
  const isRefused =
    order.fraud_status === "REJECTED" || (order.fraud_status === "STOPPED" && books.released === books.authorized);
  const held = isRefused && books.captured === 0 ? { authorized: 0, captured: 0, refunded: 0, released: 0 } : books;
  return { ...held, currency };
}

function refuse(kernel: Kernel<Held>, status: number, errorCode: string): SimulatedAnswer {
  const body = { error_code: errorCode, error_messages: [`simulated: ${errorCode}`], correlation_id: kernel.uuid() };
  return { status, body };
}

/** The order as one answer shows it: its lists come in no particular order. */
function withLists(kernel: Kernel<Held>, order: Order): Order {
  return { ...order, captures: kernel.listed(order.captures), refunds: kernel.listed(order.refunds) };
}

function orderOf({ order }: Held): Writable<Order> {
  if (order === null) throw new Error("nothing has been bought yet");
  return order;
}

/** A captured order counts as acknowledged; one that is over is nobody's business. */
function awaitsAcknowledgement({ order, placed, acknowledged }: Held): boolean {
  return placed && order?.status === "AUTHORIZED" && !acknowledged;
}

function isPending({ order, placed }: Held): boolean {
  return placed && order?.status === "AUTHORIZED" && order.fraud_status === "PENDING";
}

function isOpen({ status }: Order): boolean {
  return status === "AUTHORIZED" || status === "PART_CAPTURED";
}

function canCapture(order: Order): boolean {
  return isOpen(order) && order.fraud_status === "ACCEPTED" && order.remaining_authorized_amount > 0;
}

function canRefund(order: Order): boolean {
  return refundableIn(order) > 0;
}

function canCancel({ status, captured_amount }: Order): boolean {
  return status === "AUTHORIZED" && captured_amount === 0;
}

function canRelease({ status, remaining_authorized_amount }: Order): boolean {
  return status === "PART_CAPTURED" && remaining_authorized_amount > 0;
}

function canChange({ status, fraud_status }: Order): boolean {
  return status === "AUTHORIZED" && fraud_status === "ACCEPTED";
}

function refundableIn({ captured_amount, refunded_amount }: Order): Minor {
  return captured_amount - refunded_amount;
}

function amountIn(fields: Readonly<Record<string, unknown>>, name: string): Minor | undefined {
  const amount = fields[name];
  return Number.isSafeInteger(amount) && Number(amount) > 0 ? Number(amount) : undefined;
}

/** A copy as it goes over the wire, with the personal data that the real Klarna sends along. */
export function shown(order: object): Json {
  return JSON.parse(JSON.stringify({ ...order, billing_address: shopper, shipping_address: shopper })) as Json;
}

/** 201 with an empty body: the new id stands in the headers only. */
function created({ order_id }: Order, what: string, header: string, id: string): SimulatedAnswer {
  const location = `/ordermanagement/v1/orders/${order_id}/${what}/${id}`;
  return { status: 201, headers: { [header]: id, location } };
}

function describe(order: Order): string {
  const show = (minor: Minor): string =>
    majorFromMinor(minor, order.purchase_currency).toFixed(exponentOf(order.purchase_currency));
  const parts = [
    `${order.status} ${show(order.order_amount)} ${order.purchase_currency}`,
    ...(order.fraud_status === "ACCEPTED" ? [] : [`fraud ${order.fraud_status}`]),
    ...(order.captured_amount === 0 ? [] : [`captured ${show(order.captured_amount)}`]),
    ...(order.refunded_amount === 0 ? [] : [`refunded ${show(order.refunded_amount)}`]),
    ...(isOpen(order) ? [`open ${show(order.remaining_authorized_amount)}`] : []),
  ];
  return parts.join(", ");
}
