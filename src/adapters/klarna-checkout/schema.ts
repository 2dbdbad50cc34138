import { z } from "zod";
import { WorkerError } from "../../lib/errors.ts";
import type { Json } from "../adapter.ts";

/**
 * Strict where money hangs on it, loose on the rest: unknown fields (names, addresses, order lines) are dropped on
 * reading, so that personal data gets no further than this file.
 */
const amount = z.int().nonnegative();
const id = z.string().regex(/^[\w-]{1,64}$/);
/** A time, a short reference or a type that cannot be read is left out: none of them decides about money. */
const time = z.iso.datetime({ offset: true }).optional().catch(undefined);
const short = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,40}$/)
  .optional()
  .catch(undefined);
const text = z.string().max(255).nullish().catch(undefined);
const currency = z
  .string()
  .regex(/^[A-Za-z]{3}$/)
  .toUpperCase();

/** `GET /ordermanagement/v1/orders/{id}`. Klarna has no status "refunded". */
export const orderSchema = z.object({
  order_id: id,
  status: z.enum(["AUTHORIZED", "PART_CAPTURED", "CAPTURED", "CANCELLED", "EXPIRED", "CLOSED"]),
  // STOPPED stands in no page of Klarna's, but integrators' code expects it (fact sheet, d).
  fraud_status: z.enum(["ACCEPTED", "PENDING", "REJECTED", "STOPPED"]),
  order_amount: amount,
  original_order_amount: amount.optional(),
  captured_amount: amount,
  refunded_amount: amount,
  remaining_authorized_amount: amount,
  purchase_currency: currency,
  klarna_reference: short,
  merchant_reference1: text,
  merchant_reference2: text,
  created_at: time,
  expires_at: time,
  captures: z
    .array(z.object({ capture_id: id, captured_amount: amount, captured_at: time, klarna_reference: short }))
    .default([]),
  refunds: z.array(z.object({ refund_id: id, refunded_amount: amount, refunded_at: time })).default([]),
  initial_payment_method: z.object({ type: short, description: text }).optional().catch(undefined),
});

/** `GET /checkout/v3/orders/{id}`: readable for a limited time, and the only home of the recurring token. */
export const checkoutSchema = z.object({
  order_id: id,
  status: z.enum(["created", "checkout_incomplete", "checkout_complete"]),
  order_amount: amount,
  purchase_currency: currency,
  merchant_reference1: text,
  merchant_reference2: text,
  completed_at: time,
  recurring: z.boolean().nullish(),
  recurring_token: z.string().min(1).nullish(),
  recurring_description: text,
});

export type Order = Readonly<z.infer<typeof orderSchema>>;
export type CheckoutOrder = Readonly<z.infer<typeof checkoutSchema>>;

/** Why the checkout order need not be read again: read to its end, gone at Klarna, or its token never came. */
const checkoutEnds = ["read", "gone", "no-token"] as const;
export type CheckoutEnd = (typeof checkoutEnds)[number];

/** What Klarna says now. One of the two orders is there, else there is no snapshot. */
export type Snapshot = {
  /** When it was read (ISO 8601): the only clock `map` sees. */
  readonly readAt: string;
  /** What an earlier look concluded about the checkout order; absent while it is still worth reading. */
  readonly checkoutEnd?: CheckoutEnd;
} & (
  | { readonly order: Order; readonly checkout: CheckoutOrder | null }
  | { readonly order: null; readonly checkout: CheckoutOrder }
);

/** What we noted in Norce about the checkout order; anything else there counts as nothing. */
export function checkoutEndFrom(noted: unknown): CheckoutEnd | undefined {
  return checkoutEnds.find((end) => end === noted);
}

/** @throws WorkerError `Unmapped` that names the field and never its value. */
export function parsed<Schema extends z.ZodType>(schema: Schema, body: unknown): z.infer<Schema> {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = issue?.path.map(String).join(".") ?? "";
  throw new WorkerError("Unmapped", `klarna-checkout sent an order we cannot read: ${field || "body"}`, {
    context: { field, problem: issue?.code },
  });
}

/** Without what Klarna left out. */
export function present<Value extends Json>(facts: Readonly<Record<string, Value | undefined>>): Record<string, Value> {
  return Object.fromEntries(Object.entries(facts).filter((entry): entry is [string, Value] => entry[1] !== undefined));
}
