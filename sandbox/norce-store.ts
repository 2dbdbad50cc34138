import { randomInt } from "node:crypto";
import type { Json } from "../src/lib/http.ts";
import { type Document, isObject, Refusal } from "./norce-rules.ts";

/** Whose order it is: Norce's `x-merchant` and `x-channel`. */
export interface Owner {
  readonly merchant: string;
  readonly channel: string;
}

/** A payment as it is kept: documents are replaced, never changed, so that nobody's copy changes under them. */
export interface StoredPayment {
  readonly id: string;
  document: Document;
  /** What it was before the last write, for stale reads. */
  previous: Document;
  readonly transactions: Document[];
}

/** An order as it is kept. */
export interface StoredOrder extends Owner {
  readonly id: string;
  document: Document;
  readonly payments: Map<string, StoredPayment>;
}

/** Something was written: by the API, or by somebody beside it. */
export interface Change {
  readonly what: "order" | "payment" | "transaction";
  readonly orderId: string;
  readonly paymentId?: string;
  /** The document before and after; a transaction has only the latter. */
  readonly before?: Document;
  readonly after: Document;
}

/** How many orders are remembered; the oldest is forgotten first. */
const maxOrders = 200_000;

/** The orders in memory and the only place where they are written. */
export class NorceStore {
  readonly orders = new Map<string, StoredOrder>();
  readonly #now: () => number;
  readonly #listeners = new Set<(change: Change) => void>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Calls `listener` after every write; the function returned ends that. */
  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  createOrder(owner: Owner, fields: Document, id: string = newId("o", 7)): StoredOrder {
    if (this.orders.has(id)) throw new Refusal(409, "order-conflict", "an order with this id exists");
    const created = this.#time();
    const state = { currentStatus: "checkout", transitions: [{ status: "checkout", timeStamp: created }] };
    const document = { ...fields, id, ...owner, created, lastModified: created, state };
    const order: StoredOrder = { id, merchant: owner.merchant, channel: owner.channel, document, payments: new Map() };
    this.orders.set(id, order);
    for (const oldest of this.orders.keys()) {
      if (this.orders.size <= maxOrders) break;
      this.orders.delete(oldest);
    }
    this.#tell({ what: "order", orderId: id, after: document });
    return order;
  }

  replaceOrder(order: StoredOrder, fields: Document): void {
    const before = order.document;
    order.document = { ...fields, lastModified: this.#time() };
    this.#tell({ what: "order", orderId: order.id, before, after: order.document });
  }

  setOrderState(order: StoredOrder, status: string): void {
    const state = order.document["state"];
    const transitions = isObject(state) && Array.isArray(state["transitions"]) ? state["transitions"] : [];
    const next = { currentStatus: status, transitions: [...transitions, { status, timeStamp: this.#time() }] };
    this.replaceOrder(order, { ...order.document, state: next });
  }

  createPayment(order: StoredOrder, fields: Document, id: string = newId("p", 26)): StoredPayment {
    if (order.payments.has(id)) throw new Refusal(409, "payment-conflict", "a payment with this id exists");
    const document = { ...fixed(order, id), ...withActionIds(fields, []) };
    const payment: StoredPayment = { id, document, previous: document, transactions: [] };
    order.payments.set(id, payment);
    this.#touch(order);
    this.#tell({ what: "payment", orderId: order.id, paymentId: id, after: document });
    return payment;
  }

  /** Replaces: what `fields` leaves out is gone, but for what a body cannot set. */
  replacePayment(order: StoredOrder, payment: StoredPayment, fields: Document): void {
    const before = payment.document;
    payment.previous = before;
    payment.document = { ...fixed(order, payment.id), ...withActionIds(fields, idsOf(before["actions"])) };
    this.#touch(order);
    this.#tell({ what: "payment", orderId: order.id, paymentId: payment.id, before, after: payment.document });
  }

  appendTransaction(order: StoredOrder, payment: StoredPayment, fields: Document): Document {
    const transaction = { ...fields, created: this.#time() };
    payment.transactions.push(transaction);
    this.#touch(order);
    this.#tell({ what: "transaction", orderId: order.id, paymentId: payment.id, after: transaction });
    return transaction;
  }

  #touch(order: StoredOrder): void {
    // `lastModified` alone is changed in place: copying a whole order for every payment write would be felt.
    order.document["lastModified"] = this.#time();
  }

  #time(): string {
    return new Date(this.#now()).toISOString();
  }

  #tell(change: Change): void {
    for (const listener of this.#listeners) listener(change);
  }
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** An id in the shape of live ones: `oSiRRhDR`, `p` and 26 characters (docs/norce.md, 2.1). */
function newId(prefix: string, length: number): string {
  let id = prefix;
  for (let index = 0; index < length; index += 1) id += alphabet[randomInt(alphabet.length)];
  return id;
}

function fixed(order: StoredOrder, id: string): Document {
  return { id, orderId: order.id, merchant: order.merchant, channel: order.channel };
}

/** Every action gets an id; one that it had before stays, one that a body made up does not. */
function withActionIds(fields: Document, known: ReadonlySet<Json> | readonly Json[]): Document {
  const actions = fields["actions"];
  if (!Array.isArray(actions)) return fields;
  const ids = new Set(known);
  return {
    ...fields,
    actions: actions.map((action: Json) => {
      const given = isObject(action) ? action : {};
      return { ...given, id: ids.has(given["id"] ?? null) ? (given["id"] ?? null) : newId("a", 7) };
    }),
  };
}

function idsOf(actions: Json | undefined): Json[] {
  return Array.isArray(actions)
    ? actions.map((action: Json) => (isObject(action) ? (action["id"] ?? null) : null))
    : [];
}
