/** What the Order API does, one function per operation (docs/norce.md, 2.3). */
import type { Json } from "../src/lib/http.ts";
import { listOrders } from "./norce-list.ts";
import {
  actionsFrom,
  bad,
  type Dialect,
  type Document,
  isObject,
  objectFrom,
  orderFrom,
  orderStateFrom,
  paymentFrom,
  Refusal,
  transactionFrom,
} from "./norce-rules.ts";
import { respelled } from "./norce-spelling.ts";
import type { NorceStore, Owner, StoredOrder, StoredPayment } from "./norce-store.ts";

/** One call, authorised and scoped. */
interface Call {
  readonly store: NorceStore;
  readonly owner: Owner;
  readonly dialect: Dialect;
  /** Ids of the path by their names in the route. */
  readonly ids: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** The parsed body; `undefined` where it is empty. */
  readonly body: Json | undefined;
  /** Answer reads with what was before the last write (a fault). */
  readonly stale: boolean;
}

/** What an operation answers. */
export interface Answer {
  readonly status: number;
  readonly body?: Json;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The operations that write. */
export type WriteName =
  | "createOrder"
  | "setOrderState"
  | "setAttributes"
  | "createPayment"
  | "replacePayment"
  | "setActions"
  | "executeAction"
  | "appendTransaction";

export interface Operation {
  readonly method: "GET" | "POST" | "PUT" | "PATCH";
  /** Below `/api/{version}/checkout`; names in braces end up in `ids`. */
  readonly route: string;
  /** Counted under this name once it has been applied. */
  readonly writes?: WriteName;
  readonly perform: (call: Call) => Answer | Promise<Answer>;
}

const payments = "/orders/{orderId}/payments";
const payment = `${payments}/{paymentId}`;

/** Every operation there is; whatever is not here answers 404 or 405. */
export const operations: readonly Operation[] = [
  { method: "GET", route: "/orders", perform: readOrders },
  { method: "POST", route: "/orders", writes: "createOrder", perform: createOrder },
  { method: "GET", route: "/orders/{orderId}", perform: (call) => ok(orderView(orderOf(call), call.dialect)) },
  { method: "PUT", route: "/orders/{orderId}/state", writes: "setOrderState", perform: setOrderState },
  { method: "PATCH", route: "/orders/{orderId}/attributes", writes: "setAttributes", perform: setAttributes },
  { method: "GET", route: payments, perform: readPayments },
  { method: "POST", route: payments, writes: "createPayment", perform: createPayment },
  { method: "GET", route: payment, perform: readPayment },
  { method: "PUT", route: payment, writes: "replacePayment", perform: replacePayment },
  { method: "POST", route: `${payment}/actions`, writes: "setActions", perform: setActions },
  { method: "POST", route: `${payment}/actions/{actionId}/execute`, writes: "executeAction", perform: executeAction },
  { method: "GET", route: `${payment}/transactions`, perform: (call) => ok(paymentOf(call).payment.transactions) },
  { method: "POST", route: `${payment}/transactions`, writes: "appendTransaction", perform: appendTransaction },
];

/** The order with its payments, as this version shows it. */
export function orderView(order: StoredOrder, dialect: Omit<Dialect, "states">): Document {
  return {
    ...order.document,
    payments: [...order.payments.values()].map(({ document }) => paymentView(document, dialect)),
  };
}

/** v1 knows neither `merchant`, `channel` nor `upsell` of a payment (docs/norce.md, 1.4). */
function paymentView(document: Document, { version, respells = false }: Omit<Dialect, "states">): Document {
  const shown = respells ? respelled(document) : document;
  if (version === "v0") return shown;
  const { merchant: _merchant, channel: _channel, upsell: _upsell, ...rest } = shown;
  return rest;
}

function readOrders({ store, owner, query, dialect }: Call): Answer {
  const { page, pagination } = listOrders(store.orders.values(), owner, query, dialect.version);
  return ok({ data: page.map((order) => orderView(order, dialect)), pagination });
}

function createOrder({ store, owner, body, dialect }: Call): Answer {
  const { id } = store.createOrder(owner, orderFrom(body));
  const headers = { location: `/api/${dialect.version}/checkout/orders/${id}` };
  return { status: 201, body: dialect.version === "v0" ? { id } : id, headers };
}

function setOrderState(call: Call): Answer {
  call.store.setOrderState(orderOf(call), orderStateFrom(call.body));
  return ok();
}

/** A free map that is merged; how a key is deleted is not documented, so none is. */
function setAttributes(call: Call): Answer {
  const order = orderOf(call);
  const { attributes } = order.document;
  const merged = { ...(isObject(attributes) ? attributes : {}), ...objectFrom(call.body) };
  call.store.replaceOrder(order, { ...order.document, attributes: merged });
  return ok();
}

function readPayments(call: Call): Answer {
  return ok([...orderOf(call).payments.values()].map(({ document }) => paymentView(document, call.dialect)));
}

function createPayment(call: Call): Answer {
  const { id } = call.store.createPayment(orderOf(call), paymentFrom(call.body, call.dialect));
  return { status: 201, body: { id } };
}

function readPayment(call: Call): Answer {
  const { document, previous } = paymentOf(call).payment;
  return ok(paymentView(call.stale ? previous : document, call.dialect));
}

/** Replaces (docs/norce.md, 2.3: assumed, there is no PATCH) and answers what is stored now. */
function replacePayment(call: Call): Answer {
  const found = paymentOf(call);
  call.store.replacePayment(found.order, found.payment, paymentFrom(call.body, call.dialect));
  return ok(paymentView(found.payment.document, call.dialect));
}

/** Replaces the list: whether the Order API appends is not documented (docs/norce.md, 5.1). */
function setActions(call: Call): Answer {
  const found = paymentOf(call);
  call.store.replacePayment(found.order, found.payment, { ...found.payment.document, actions: actionsFrom(call.body) });
  return ok();
}

/** Calls the action's URL: POST, empty body, merchant and channel as headers (docs/norce.md, 5.1: inferred). */
async function executeAction(call: Call): Promise<Answer> {
  if (call.body !== undefined) throw bad("execute takes no body");
  const { actions } = paymentOf(call).payment.document;
  const action = Array.isArray(actions)
    ? actions.find((candidate: Json) => isObject(candidate) && candidate["id"] === call.ids["actionId"])
    : undefined;
  if (!isObject(action)) throw new Refusal(400, "action-not-found", "the payment has no such action");
  const url = typeof action["url"] === "string" ? action["url"] : "";
  const headers = { "x-merchant": call.owner.merchant, "x-channel": call.owner.channel };
  const signal = AbortSignal.timeout(10_000);
  const answer = await fetch(url, { method: "POST", headers, signal, redirect: "manual" }).catch(() => null);
  await answer?.body?.cancel();
  if (answer?.ok !== true) throw new Refusal(400, "action-failed", "the action's URL did not answer with success");
  return ok();
}

function appendTransaction(call: Call): Answer {
  const found = paymentOf(call);
  return ok(call.store.appendTransaction(found.order, found.payment, transactionFrom(call.body)));
}

/** Somebody else's order answers like one that does not exist. */
function orderOf({ store, owner, ids }: Call): StoredOrder {
  const order = store.orders.get(ids["orderId"] ?? "");
  if (order === undefined || order.merchant !== owner.merchant || order.channel !== owner.channel) {
    throw new Refusal(404, "order-not-found", "the order was not found");
  }
  return order;
}

function paymentOf(call: Call): { readonly order: StoredOrder; readonly payment: StoredPayment } {
  const order = orderOf(call);
  const found = order.payments.get(call.ids["paymentId"] ?? "");
  if (found === undefined) throw new Refusal(404, "payment-not-found", "the payment was not found");
  return { order, payment: found };
}

function ok(body?: Json): Answer {
  return body === undefined ? { status: 200 } : { status: 200, body };
}
