import { exponentOf, majorFromMinor } from "../../lib/money.ts";
import type { Json, Minor } from "../../contract/adapter.ts";
import type {
  SimulatedAnswer,
  SimulatedPurchase,
  SimulatedRequest,
  SimulatedWebhook,
  Simulator,
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

export interface SimulatorOptions {
  /** Shrinks the push schedule: 1/60 makes minutes seconds, 0 makes the next attempt due at once. Default 1. */
  readonly timeScale?: number;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  /** UUIDs; by default counted, so that a run can be repeated. */
  readonly nextId?: () => string;
  readonly username?: string;
  readonly password?: string;
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** A purchase as Klarna holds it, whatever product it is made with. */
export interface Held {
  readonly purchase: SimulatedPurchase;
  readonly orderId: string;
  /** Order management's view; `null` before there is an order. */
  order: Writable<Order> | null;
  /** The order has been placed for good: from then on it can be acted on, and Klarna calls. */
  placed: boolean;
  /** From how many reads of order management the order stays hidden. */
  hiddenReads: number;
  acknowledged: boolean;
  /** When the schedule started, and how many attempts of it have been made. */
  placedAt: number;
  attempts: number;
  delay: number;
  loseNext: number;
  /** Webhooks besides the schedule: decisions and duplicates. */
  readonly queued: SimulatedWebhook[];
}

/** Something that the shopper, Klarna or somebody in its portal can do. */
export interface Action {
  possible(held: Held): boolean;
  /** @param amount in minor units, where the action takes one. */
  act(held: Held, amount: number | undefined): void;
}

/** What order management does for every product. */
export interface OrderManagement {
  now(): number;
  nextId(): string;
  /** ISO 8601, so many milliseconds from now. */
  time(after?: number): string;
  /** An authorised order of the purchase's amount. */
  orderOf(held: Held, fraudStatus: Order["fraud_status"]): Writable<Order>;
  /** Makes the order the purchase's, and begins to push. */
  place(held: Held, order: Writable<Order>): void;
  capture(order: Writable<Order>, amount: Minor): void;
  /** Has a webhook sent, unless it is to be lost. */
  send(held: Held, webhook: SimulatedWebhook | undefined): void;
  /** A webhook as JSON; `undefined` where nobody gave its URL. */
  webhookOf(
    held: Held,
    webhook: string,
    body: Json,
    headers?: Readonly<Record<string, string>>,
  ): SimulatedWebhook | undefined;
}

/** What one product adds. */
export interface Product {
  /** How it writes the order id in our URLs. */
  readonly placeholder: string;
  /** Adapter settings besides the credentials. */
  readonly settings?: Readonly<Record<string, Json>>;
  readonly actions: Readonly<Record<string, Action>>;
  opened(held: Held): void;
  /** Calls to the product's own API. */
  answer?(request: SimulatedRequest): SimulatedAnswer | undefined;
  /** A line for people while there is no order. */
  describe(held: Held): string;
}

/** Klarna's order management with a memory, and one product in front of it. */
export function createKlarna(options: SimulatorOptions, productOf: (orders: OrderManagement) => Product): Simulator {
  const { timeScale = 1, username = "PK00000_simulator", password = "simulated-password" } = options;
  const now = options.now ?? Date.now;
  const nextId = options.nextId ?? countedIds();
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  const orders = new Map<string, Held>();
  const answers = new Map<string, { readonly at: number; readonly answer: SimulatedAnswer }>();
  const time = (after = 0): string => new Date(now() + after).toISOString();

  function newOrder({ purchase, orderId }: Held, fraudStatus: Order["fraud_status"]): Writable<Order> {
    return {
      order_id: orderId,
      status: "AUTHORIZED",
      fraud_status: fraudStatus,
      order_amount: purchase.amount,
      original_order_amount: purchase.amount,
      captured_amount: 0,
      refunded_amount: 0,
      remaining_authorized_amount: purchase.amount,
      purchase_currency: purchase.currency,
      klarna_reference: `K${orderId.replaceAll("-", "").slice(-7).toUpperCase()}`,
      merchant_reference1: purchase.paymentId,
      created_at: time(),
      expires_at: time(authorizationDays * day),
      captures: [],
      refunds: [],
      initial_payment_method: { type: "INVOICE", description: "Betala senare" },
    };
  }

  function place(held: Held, order: Writable<Order>): void {
    Object.assign(held, { order, placed: true, placedAt: now(), acknowledged: false });
  }

  function capture(order: Writable<Order>, amount: Minor): string {
    const capture_id = nextId();
    order.captured_amount += amount;
    order.remaining_authorized_amount -= amount;
    order.status = order.remaining_authorized_amount === 0 ? "CAPTURED" : "PART_CAPTURED";
    const klarna_reference = `${order.klarna_reference}-${order.captures.length + 1}`;
    order.captures.push({ capture_id, captured_amount: amount, captured_at: time(), klarna_reference });
    return capture_id;
  }

  function refund(order: Writable<Order>, amount: Minor): string {
    const refund_id = nextId();
    order.refunded_amount += amount;
    order.refunds.push({ refund_id, refunded_amount: amount, refunded_at: time() });
    return refund_id;
  }

  function decide(held: Held, fraudStatus: "ACCEPTED" | "REJECTED" | "STOPPED"): void {
    const order = orderOf(held);
    order.fraud_status = fraudStatus;
    send(held, webhookOf(held, "notification", { order_id: order.order_id, event_type: `FRAUD_RISK_${fraudStatus}` }));
  }

  function send(held: Held, webhook: SimulatedWebhook | undefined): void {
    if (webhook === undefined) return;
    if (held.loseNext > 0) held.loseNext -= 1;
    else held.queued.push(webhook);
  }

  function webhookOf(
    { purchase, orderId }: Held,
    webhook: string,
    body: Json,
    headers: Readonly<Record<string, string>> = { "content-type": "application/json" },
  ): SimulatedWebhook | undefined {
    const url = purchase.callbackUrls[webhook];
    if (url === undefined) return undefined;
    const filled = url.replaceAll(product.placeholder, orderId);
    const unescaped = filled.replaceAll(encodeURIComponent(product.placeholder), orderId);
    const text = typeof body === "string" ? body : JSON.stringify(body);
    return { webhook, method: "POST", url: unescaped, headers, body: text };
  }

  const pushOf = (held: Held): SimulatedWebhook | undefined => webhookOf(held, "push", "", {});

  /** The next attempt of the schedule, where it is due. Klarna never catches up: a payment gets one attempt at a time. */
  function nextPush(held: Held, at: number): SimulatedWebhook | undefined {
    const offset = pushSchedule[held.attempts];
    if (!awaitsAcknowledgement(held) || offset === undefined) return undefined;
    if (held.placedAt + offset * timeScale + held.delay > at) return undefined;
    held.attempts += 1;
    if (held.loseNext === 0) return pushOf(held);
    held.loseNext -= 1;
    return undefined;
  }

  const product = productOf({ now, nextId, time, orderOf: newOrder, place, capture, send, webhookOf });
  const when =
    (possible: (order: Order) => boolean) =>
    ({ order, placed }: Held): boolean =>
      placed && order !== null && possible(order);
  const actions: Readonly<Record<string, Action>> = {
    ...product.actions,
    accept: { possible: isPending, act: (held) => decide(held, "ACCEPTED") },
    reject: { possible: isPending, act: (held) => decide(held, "REJECTED") },
    stop: {
      possible: when((order) => isOpen(order) && ["ACCEPTED", "PENDING"].includes(order.fraud_status)),
      act: (held) => decide(held, "STOPPED"),
    },
    capture: {
      possible: when(canCapture),
      act: (held, amount) => {
        const order = orderOf(held);
        capture(order, within(amount, order.remaining_authorized_amount));
      },
    },
    refund: {
      possible: when(canRefund),
      act: (held, amount) => {
        const order = orderOf(held);
        refund(order, within(amount, order.captured_amount - order.refunded_amount));
      },
    },
    cancel: { possible: when(canCancel), act: (held) => cancel(orderOf(held)) },
    release: { possible: when(canRelease), act: (held) => release(orderOf(held)) },
    expire: { possible: when(isOpen), act: (held) => end(orderOf(held), "EXPIRED") },
    close: {
      possible: when(({ status }) => status === "PART_CAPTURED" || status === "CAPTURED"),
      act: (held) => end(orderOf(held), "CLOSED"),
    },
    "change-amount": {
      possible: when(canChange),
      act: (held, amount) => {
        const order = orderOf(held);
        const wanted = amount ?? order.order_amount + Math.ceil(order.order_amount / 10);
        change(order, within(wanted, Number.MAX_SAFE_INTEGER));
      },
    },
    "lose-push": { possible: mayStillCall, act: (held) => void (held.loseNext += 1) },
    "delay-push": { possible: awaitsAcknowledgement, act: (held) => void (held.delay += 30 * minute * timeScale) },
    "duplicate-push": {
      possible: when(() => true),
      act: (held) => {
        for (const _ of ["first", "again"]) send(held, pushOf(held));
      },
    },
  };

  function answerOrder(held: Held, method: string, rest: string, body: unknown): SimulatedAnswer {
    const { order } = held;
    if (order === null || held.hiddenReads > 0) {
      if (method === "GET" && held.hiddenReads > 0) held.hiddenReads -= 1;
      return refuse(404, "NO_SUCH_ORDER");
    }
    switch (`${method} ${rest}`) {
      case "GET ":
        return { status: 200, body: shown(order) };
      case "POST acknowledge":
        // Not documented for cancelled and closed orders; 403 is the answer Klarna gives to what is not allowed.
        if (order.status === "CANCELLED" || order.status === "CLOSED") return refuse(403, "NOT_ALLOWED");
        if (held.placed) held.acknowledged = true;
        return { status: 204 };
      case "POST captures": {
        const amount = amountIn(body, "captured_amount");
        if (amount === undefined) return refuse(400, "BAD_VALUE");
        if (!canCapture(order) || amount > order.remaining_authorized_amount) return refuse(403, "CAPTURE_NOT_ALLOWED");
        return created(order, "captures", "capture-id", capture(order, amount));
      }
      case "POST refunds": {
        const amount = amountIn(body, "refunded_amount");
        if (amount === undefined) return refuse(400, "BAD_VALUE");
        const refundable = order.captured_amount - order.refunded_amount;
        if (!canRefund(order) || amount > refundable) return refuse(403, "REFUND_NOT_ALLOWED");
        return created(order, "refunds", "refund-id", refund(order, amount));
      }
      case "POST cancel":
        if (!canCancel(order)) return refuse(403, "CANCEL_NOT_ALLOWED");
        cancel(order);
        return { status: 204 };
      case "POST release-remaining-authorization":
        if (!canRelease(order)) return refuse(403, "NOT_ALLOWED");
        release(order);
        return { status: 204 };
      case "PATCH authorization": {
        const amount = amountIn(body, "order_amount");
        if (amount === undefined) return refuse(400, "BAD_VALUE");
        if (!canChange(order)) return refuse(403, "NOT_ALLOWED");
        change(order, amount);
        return { status: 204 };
      }
      default:
        return { status: 404 };
    }
  }

  function route(request: SimulatedRequest): SimulatedAnswer {
    const own = product.answer?.(request);
    if (own !== undefined) return own;
    const { method, path, body } = request;
    const [, id = "", rest = ""] = /^\/ordermanagement\/v1\/orders\/([^/]+)(?:\/([\w-]+))?$/.exec(path) ?? [];
    const held = orders.get(id);
    return held === undefined ? refuse(404, "NO_SUCH_ORDER") : answerOrder(held, method, rest, body);
  }

  function heldOf(reference: string): Held {
    const held = orders.get(reference);
    if (held === undefined) throw new Error(`Klarna knows no order ${reference}`);
    return held;
  }

  function refuse(status: number, errorCode: string): SimulatedAnswer {
    const body = { error_code: errorCode, error_messages: [`simulated: ${errorCode}`], correlation_id: nextId() };
    return { status, body };
  }

  return {
    settings: (apiUrl) => ({ apiUrl, username, password, ...product.settings }),
    answer(request) {
      if (request.headers["authorization"] !== authorization) return { status: 401 };
      const key = request.headers["klarna-idempotency-key"];
      if (key === undefined || request.method === "GET") return route(request);
      const first = answers.get(key);
      if (first !== undefined && now() - first.at < idempotencyWindow) return first.answer;
      const answer = route(request);
      answers.set(key, { at: now(), answer });
      return answer;
    },
    open(purchase) {
      const orderId = nextId();
      const held: Held = {
        purchase,
        orderId,
        order: null,
        placed: false,
        hiddenReads: 0,
        acknowledged: false,
        placedAt: 0,
        attempts: 0,
        delay: 0,
        loseNext: 0,
        queued: [],
      };
      orders.set(orderId, held);
      product.opened(held);
      return orderId;
    },
    actions(reference) {
      const held = heldOf(reference);
      return Object.keys(actions).filter((name) => actions[name]?.possible(held));
    },
    act(reference, name, amount) {
      const held = heldOf(reference);
      const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
      if (!action?.possible(held)) throw new Error(`Klarna cannot ${name} this order now`);
      action.act(held, amount);
    },
    due(at) {
      return [...orders.values()].flatMap((held) => {
        const scheduled = nextPush(held, at);
        return [...held.queued.splice(0), ...(scheduled === undefined ? [] : [scheduled])];
      });
    },
    describe(reference) {
      const held = heldOf(reference);
      return held.placed && held.order !== null ? describe(held.order) : product.describe(held);
    },
  };
}

function countedIds(): () => string {
  let count = 0;
  return () => `00000000-0000-4000-8000-${String((count += 1)).padStart(12, "0")}`;
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

function mayStillCall(held: Held): boolean {
  return !held.placed || awaitsAcknowledgement(held) || isPending(held);
}

function isOpen({ status }: Order): boolean {
  return status === "AUTHORIZED" || status === "PART_CAPTURED";
}

function canCapture(order: Order): boolean {
  return isOpen(order) && order.fraud_status === "ACCEPTED" && order.remaining_authorized_amount > 0;
}

function canRefund({ captured_amount, refunded_amount }: Order): boolean {
  return captured_amount > refunded_amount;
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

function change(order: Writable<Order>, amount: Minor): void {
  order.order_amount = amount;
  order.remaining_authorized_amount = amount - order.captured_amount;
}

function cancel(order: Writable<Order>): void {
  end(order, "CANCELLED");
}

/** What is left is captured in full: no published page names the status afterwards. */
function release(order: Writable<Order>): void {
  end(order, "CAPTURED");
}

function end(order: Writable<Order>, status: "CANCELLED" | "CAPTURED" | "EXPIRED" | "CLOSED"): void {
  order.status = status;
  order.remaining_authorized_amount = 0;
}

function within(amount: number | undefined, limit: number): Minor {
  const chosen = amount ?? limit;
  if (!Number.isSafeInteger(chosen) || chosen <= 0 || chosen > limit) throw new Error(`not an amount up to ${limit}`);
  return chosen;
}

function amountIn(body: unknown, name: string): Minor | undefined {
  const amount = typeof body === "object" && body !== null ? (body as Record<string, unknown>)[name] : undefined;
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
