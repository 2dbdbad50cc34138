import { z } from "zod";
import { saidTime } from "../../lib/said-time.ts";
import type { Json } from "../../contract/adapter.ts";

/**
 * The fields of an order on which money hangs: read strictly. Everything else is read past where it is missing or something else; unknown
 * fields (names, addresses, order lines) are dropped on reading, so that personal data gets no further than this file.
 */
export const decidesInOrder = [
  "order_id",
  "status",
  "fraud_status",
  "order_amount",
  "original_order_amount",
  "captured_amount",
  "refunded_amount",
  "remaining_authorized_amount",
  "purchase_currency",
  "captures.*.captured_amount",
  "refunds.*.refunded_amount",
].map((field) => `order.${field}`);

/** Minor units. */
export const amount = z.int().nonnegative();
/** Klarna's ids are UUIDs; anything that could be one of their formats to come, and nothing that bends a path. */
export const id = z.string().regex(/^[\w-]{1,64}$/);
/** A time, a short reference or a type that cannot be read is left out: none of them decides about money. */
export const time = saidTime.optional().catch(undefined);
const short = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,40}$/)
  .optional()
  .catch(undefined);
/** A reference of the merchant's, or words for people. */
export const text = z.string().max(255).nullish().catch(undefined);
/** ISO 4217, upper case. */
export const currency = z
  .string()
  .regex(/^[A-Za-z]{3}$/)
  .toUpperCase();

/** Absent while it is empty. */
function list<Item extends z.ZodType>(item: Item) {
  return z
    .array(item)
    .nullish()
    .transform((items) => items ?? []);
}

/** Klarna's decisions about an order. */
export const fraudStatuses = ["ACCEPTED", "PENDING", "REJECTED", "STOPPED"] as const;

/** The notification by which Klarna asks to stop an order: no `fraud_status` is documented for it. */
export const stopRequest = "FRAUD_RISK_STOPPED";

/** An id that Klarna need not give (docs/psp/klarna.md, Changes of 2025-2026). */
const idOrNone = id.optional().catch(undefined);

/** `GET /ordermanagement/v1/orders/{id}`. Klarna has no status "refunded". */
export const orderSchema = z.object({
  order_id: id,
  status: z.enum(["AUTHORIZED", "PART_CAPTURED", "CAPTURED", "CANCELLED", "EXPIRED", "CLOSED"]),
  // STOPPED stands in no page of Klarna's, but integrators' code expects it (docs/psp/klarna.md, d). Klarna's schema does not require the
  // field, and reviews are switched on by account: where nobody decides anything, nothing is outstanding.
  fraud_status: z
    .enum(fraudStatuses)
    .nullish()
    .transform((said) => said ?? "ACCEPTED"),
  order_amount: amount,
  original_order_amount: amount.nullish(),
  captured_amount: amount,
  refunded_amount: amount,
  remaining_authorized_amount: amount,
  purchase_currency: currency,
  klarna_reference: short,
  merchant_reference1: text,
  merchant_reference2: text,
  created_at: time,
  expires_at: time,
  captures: list(
    z.object({ capture_id: idOrNone, captured_amount: amount, captured_at: time, klarna_reference: short }),
  ),
  refunds: list(z.object({ refund_id: idOrNone, refunded_amount: amount, refunded_at: time })),
  initial_payment_method: z.object({ type: short, description: text }).optional().catch(undefined),
});

export type Order = Readonly<z.infer<typeof orderSchema>>;

/** Without what Klarna left out. */
export function present<Value extends Json>(facts: Readonly<Record<string, Value | undefined>>): Record<string, Value> {
  return Object.fromEntries(Object.entries(facts).filter((entry): entry is [string, Value] => entry[1] !== undefined));
}
