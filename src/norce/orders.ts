import { z } from "zod";
import { recordKey } from "./payment.ts";
import { paymentSchema } from "./schema.ts";
import type { PaymentState } from "./states.ts";

/** A payment as the list of orders shows it. */
export interface ListedPayment {
  readonly id: string;
  readonly adapterId: string | null;
  /** `default`, `prepaid` or `voucher`. */
  readonly type: string | null;
  readonly state: PaymentState;
  readonly reference: string | null;
  /** When it came to its state, by our own note; milliseconds since the epoch. */
  readonly since?: number;
  /** Our own note says that it was us. */
  readonly removedByUs: boolean;
}

/** An order as the list shows it, as far as it tells which payments to look at. */
export interface ListedOrder {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly created: number;
  readonly status: string | null;
  readonly payments: readonly ListedPayment[];
}

/** One answer of `GET /orders`. */
export interface OrderPage {
  readonly orders: readonly ListedOrder[];
  /** How many orders came, those that cannot be read included: they take places. */
  readonly places: number;
  /** Orders and payments that have a shape that is not known. */
  readonly unreadable: number;
  /** How many there are after filtering, where Norce says so. */
  readonly size?: number;
}

/** Which part of the list to read: newest first. */
export interface PageQuery {
  readonly offset: number;
  readonly limit: number;
  /** Milliseconds since the epoch. */
  readonly from: number;
  readonly to?: number;
}

/** Where to read on: the next page begins with the order that ended this one. */
export interface Cursor {
  readonly offset: number;
  readonly last?: { readonly id: string; readonly created: number };
}

/** What one page brought: orders of the window that the pages before did not bring, and where to read on. */
export interface Portion {
  readonly orders: readonly ListedOrder[];
  readonly unreadable: number;
  /** `null` at the window's end. */
  readonly next: Cursor | null;
}

/** How many orders are asked for at once. Norce may give fewer: its limit is not documented. */
const pageSize = 100;

/** From the body of an answer; `null` where it is no list of orders. What cannot be read does not spoil the page. */
export function pageFrom(body: unknown): OrderPage | null {
  const page = pageSchema.safeParse(body ?? { data: [] });
  if (!page.success) return null;
  const { data, pagination } = page.data;
  const orders = readable(orderSchema, data);
  const payments = orders.read.map((order) => readable(listedPaymentSchema, order.payments ?? []));
  const size = pagination?.size ?? undefined;
  return {
    orders: orders.read.map(({ id, created, state }, index) => ({
      id,
      created,
      status: state?.currentStatus?.toLowerCase() ?? null,
      payments: (payments[index]?.read ?? []).map(listedFrom),
    })),
    places: data.length,
    unreadable: payments.reduce((sum, { unreadable }) => sum + unreadable, orders.unreadable),
    ...(size === undefined ? {} : { size }),
  };
}

function readable<Schema extends z.ZodType>(
  schema: Schema,
  items: readonly unknown[],
): { readonly read: z.output<Schema>[]; readonly unreadable: number } {
  const read = items.flatMap((item) => {
    const result = schema.safeParse(item);
    return result.success ? [result.data] : [];
  });
  return { read, unreadable: items.length - read.length };
}

function listedFrom({ id, adapterId, type, state, reference, attributes }: ReadPayment): ListedPayment {
  const note = noteSchema.safeParse(attributes?.[recordKey]).data;
  const since = Date.parse(note?.since ?? "");
  return {
    id,
    adapterId: adapterId || null,
    type: type?.toLowerCase() || null,
    state,
    reference: reference || null,
    removedByUs: note?.removed === true,
    ...(Number.isNaN(since) ? {} : { since }),
  };
}

/**
 * The orders that were created from `from` until before `to`, newest first, a page at a time: the next one is asked for when the last one
 * is done with. Filters are sent, but not relied on. Orders that are created meanwhile push the others back, so that some come twice;
 * where orders vanish and pull the others forward, a page is read again, so that none is passed over.
 */
export async function* ordersWithin(
  list: (query: PageQuery) => Promise<OrderPage>,
  window: { readonly from: number; readonly to?: number },
  start: Cursor = { offset: 0 },
): AsyncGenerator<Portion, void, void> {
  let cursor: Cursor | null = start;
  while (cursor !== null) {
    const page = await list({ ...window, offset: cursor.offset, limit: pageSize });
    const portion = portionOf(page, cursor, window);
    cursor = portion.next;
    yield portion;
  }
}

function portionOf(page: OrderPage, { offset, last }: Cursor, window: { from: number; to?: number }): Portion {
  const [first] = page.orders;
  const seen = page.orders.findIndex(({ id }) => id === last?.id);
  // The order that ended the last page is gone from here, and what comes now is older: others may have slipped past.
  const slipped = offset > 0 && last !== undefined && seen < 0 && (first === undefined || first.created < last.created);
  if (slipped) return { orders: [], unreadable: 0, next: { offset: Math.max(0, offset - pageSize), last } };
  const fresh = page.orders.slice(seen + 1);
  const end = page.orders.at(-1);
  const over =
    // Nothing but the order that ended the last page.
    page.places <= 1 ||
    (page.size !== undefined && offset + page.places >= page.size) ||
    (end !== undefined && end.created < window.from);
  return {
    orders: fresh.filter(({ created }) => created >= window.from && created < (window.to ?? Infinity)),
    unreadable: page.unreadable,
    next: over
      ? null
      : {
          offset: offset + page.places - 1,
          ...(end === undefined ? {} : { last: { id: end.id, created: end.created } }),
        },
  };
}

const pageSchema = z.object({
  data: z.array(z.unknown()),
  pagination: z.object({ size: z.int().min(0).nullish().catch(null) }).nullish(),
});

const orderSchema = z.object({
  id: z.string().min(1),
  created: z
    .string()
    .transform((time) => Date.parse(time))
    .pipe(z.number()),
  state: z.object({ currentStatus: z.string().nullish() }).nullish(),
  payments: z.array(z.unknown()).nullish(),
});

const listedPaymentSchema = z.object({
  id: z.string().min(1),
  adapterId: z.string().nullish(),
  type: z.string().nullish(),
  state: paymentSchema.shape.state,
  reference: z.string().nullish(),
  attributes: paymentSchema.shape.attributes,
});
type ReadPayment = z.output<typeof listedPaymentSchema>;

/** What of our own note tells when to look. */
const noteSchema = z.object({
  removed: z.boolean().optional().catch(undefined),
  since: z.string().optional().catch(undefined),
});
