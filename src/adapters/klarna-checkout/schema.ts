import { z } from "zod";
import { amount, currency, decidesInOrder, id, type Order, text, time } from "../_klarna/schema.ts";

export { type Order, orderSchema } from "../_klarna/schema.ts";

/** The fields of a snapshot on which money hangs. */
export const decides: readonly string[] = [
  ...decidesInOrder,
  "checkout.order_id",
  "checkout.status",
  "checkout.order_amount",
  "checkout.purchase_currency",
];

/** `GET /checkout/v3/orders/{id}`: readable for a limited time, and the only home of the recurring token. */
export const checkoutSchema = z.object({
  order_id: id,
  status: z.enum(["created", "checkout_incomplete", "checkout_complete"]),
  order_amount: amount,
  purchase_currency: currency,
  merchant_reference1: text,
  merchant_reference2: text,
  completed_at: time,
  recurring: z.boolean().nullish().catch(undefined),
  recurring_token: z.string().nullish().catch(undefined),
  recurring_description: text,
});

export type CheckoutOrder = Readonly<z.infer<typeof checkoutSchema>>;

/** Why the checkout order need not be read again: read to its end, gone at Klarna, or its token never came. */
const checkoutEnds = ["read", "gone", "no-token"] as const;
export type CheckoutEnd = (typeof checkoutEnds)[number];

/** What Klarna says now. One of the two orders is there, else there is no snapshot. */
export type Snapshot = {
  /** What an earlier look concluded about the checkout order; absent while it is still worth reading. */
  readonly checkoutEnd?: CheckoutEnd;
} & (
  | { readonly order: Order; readonly checkout: CheckoutOrder | null }
  | { readonly order: null; readonly checkout: CheckoutOrder }
);

/** What an earlier look remembered of the checkout order; anything else there counts as nothing. */
export function checkoutEndFrom(noted: unknown): CheckoutEnd | undefined {
  return checkoutEnds.find((end) => end === noted);
}
