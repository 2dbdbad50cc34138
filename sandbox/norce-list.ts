import type { Json } from "../src/lib/http.ts";
import { bad, type Dialect, type Document, isObject, orderStates } from "./norce-rules.ts";
import type { Owner, StoredOrder } from "./norce-store.ts";

/** Neither is documented (docs/norce.md, 2.4); a client has to page anyhow. */
const defaultLimit = 20;
const maxLimit = 100;

const orderings: Readonly<Record<string, (order: StoredOrder) => string | number>> = {
  created: ({ document }) => textOf(document["created"]),
  billingEmail: (order) => textOf(billing(order)["email"]),
  billingName: (order) => textOf(billing(order)["givenName"]),
  cartTotal: cartTotal,
};

/**
 * One page of a merchant's channel (docs/norce.md, 2.4): filters, order and pagination.
 * @throws Refusal 400 for a number, date, status or ordering that cannot be read.
 */
export function listOrders(
  orders: Iterable<StoredOrder>,
  owner: Owner,
  query: URLSearchParams,
  version: Dialect["version"],
): { readonly page: readonly StoredOrder[]; readonly pagination: Document } {
  const offset = numberFrom(query, "offset", 0);
  const limit = Math.min(numberFrom(query, "limit", defaultLimit), maxLimit);
  const mine = [...orders].filter(({ merchant, channel }) => merchant === owner.merchant && channel === owner.channel);
  const found = mine.filter(filterFrom(query, version));
  const sorted = ordered(found, query.get("order_by") ?? "created", query.get("order_by_direction") ?? "desc");
  const valueSum = found.reduce((sum, order) => sum + cartTotal(order), 0);
  return {
    page: sorted.slice(offset, offset + limit),
    pagination: {
      offset,
      limit,
      size: found.length,
      totalSize: mine.length,
      ...(version === "v0" ? { valueSum } : {}),
    },
  };
}

function filterFrom(query: URLSearchParams, version: Dialect["version"]): (order: StoredOrder) => boolean {
  const statuses = query.getAll("status").flatMap((text) => text.split(","));
  if (!statuses.every((status) => orderStates.some((state) => state === status)))
    throw bad("status is none that is known");
  const from = dateFrom(query, "date_from") ?? -Infinity;
  const to = dateFrom(query, "date_to") ?? Infinity;
  const reference = query.get("reference");
  const cartReference = query.get("cart_reference");
  const paymentId = query.get("payment_id");
  const search = version === "v0" ? query.get("search")?.toLowerCase() : undefined;
  return ({ id, document, payments }) => {
    const { state, cart } = document;
    const created = Date.parse(textOf(document["created"]));
    if (created < from || created > to) return false;
    if (statuses.length > 0 && !statuses.includes(isObject(state) ? textOf(state["currentStatus"]) : "")) return false;
    if (reference !== null && document["reference"] !== reference) return false;
    if (cartReference !== null && (!isObject(cart) || cart["reference"] !== cartReference)) return false;
    if (paymentId !== null && !payments.has(paymentId)) return false;
    return search === undefined || `${id} ${JSON.stringify(document)}`.toLowerCase().includes(search);
  };
}

function ordered(orders: readonly StoredOrder[], by: string, direction: string): StoredOrder[] {
  const key = orderings[by];
  if (key === undefined) throw bad("order_by is none that is known");
  if (direction !== "asc" && direction !== "desc") throw bad("order_by_direction is asc or desc");
  const sign = direction === "asc" ? 1 : -1;
  return orders.toSorted((one, other) => sign * compare(key(one), key(other)));
}

function compare(one: string | number, other: string | number): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

function cartTotal({ document: { cart } }: StoredOrder): number {
  const total = isObject(cart) && isObject(cart["total"]) ? cart["total"]["includingVat"] : 0;
  return typeof total === "number" ? total : 0;
}

function billing({ document: { customer } }: StoredOrder): Document {
  return isObject(customer) && isObject(customer["billing"]) ? customer["billing"] : {};
}

function numberFrom(query: URLSearchParams, name: string, fallback: number): number {
  const text = query.get(name);
  if (text === null) return fallback;
  if (!/^\d{1,9}$/.test(text)) throw bad(`${name} has to be a whole number`);
  return Number(text);
}

function dateFrom(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw bad(`${name} has to be a date`);
  return time;
}

function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}
