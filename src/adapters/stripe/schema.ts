import { z } from "zod";
import type { Minor } from "../../contract/adapter.ts";

/**
 * What money hangs on, and is read strictly. Everything else is read past where it is missing or something else; unknown fields (names,
 * addresses, e-mail, receipts) are dropped on reading, so that personal data gets no further than this file.
 */
export const decides = [
  "intent.id",
  "intent.object",
  "intent.status",
  "intent.amount",
  "intent.amount_capturable",
  "intent.currency",
  "intent.cancellation_reason",
  // How far it came: whether what the shopper has to do takes days.
  "intent.next_action",
  "intent.latest_charge",
  "intent.latest_charge.id",
  "intent.latest_charge.object",
  "intent.latest_charge.status",
  "intent.latest_charge.amount",
  "intent.latest_charge.amount_captured",
  "refunds.*.id",
  "refunds.*.object",
  "refunds.*.status",
  "refunds.*.amount",
  "refunds.*.reason",
  // The first refund of all, where nobody asked for it, may be the uncaptured rest: see `sums.ts`.
  "refunds.*.created",
  "refunds.*.metadata",
  "disputes.*.id",
  "disputes.*.object",
  "disputes.*.status",
  "disputes.*.amount",
  "disputes.*.currency",
  "review.open",
  // Whether a list has another page.
  "has_more",
  "counted",
  "setup.id",
  "setup.object",
  "setup.status",
  "currency",
] as const;

/** Stripe's ids are opaque and case-sensitive (docs/psp/stripe.md, h); nothing that bends a path. */
export const id = z.string().regex(/^\w{1,255}$/);
/** An amount in Stripe's unit of the currency. */
const amount = z.int().min(0);
/** Seconds since 1970. */
const seconds = z.int().min(0).max(9_999_999_999);
const currency = z.string().regex(/^[a-z]{3}$/i);

/** What is not what it should be is left out. */
function lenient<Schema extends z.ZodType>(schema: Schema) {
  return schema.nullish().catch(undefined);
}

const word = lenient(z.string().regex(/^[a-z][a-z\d_]{0,63}$/));
const time = lenient(seconds);
/** An object of Stripe's, where only its id is wanted: expanded or not. */
const idOf = lenient(z.union([id, z.object({ id }).transform((expanded) => expanded.id)]));

/** A card, as charges and payment methods show it. */
const card = lenient(
  z.object({
    brand: word,
    last4: lenient(z.string().regex(/^\d{4}$/)),
    exp_month: lenient(z.int().min(1).max(12)),
    exp_year: lenient(z.int().min(2000).max(2999)),
    fingerprint: lenient(z.string().regex(/^\w{1,64}$/)),
    capture_before: time,
    multicapture: lenient(z.object({ status: word })),
  }),
);

/** What each object of Stripe's calls itself is read strictly: several kinds have the same fields, and mean other things by them. */

/** https://docs.stripe.com/api/charges/object */
export const chargeSchema = z.object({
  id,
  object: z.literal("charge"),
  status: z.enum(["succeeded", "pending", "failed"]),
  amount,
  amount_captured: amount,
  created: time,
  disputed: lenient(z.boolean()),
  failure_code: word,
  payment_method_details: lenient(z.object({ type: word, card })),
});

/** Whose a stored method is: Stripe's id of the customer. One that the merchant chose may be anybody's name, and is only known to be there. */
export type Holder = string | true | undefined;

const customer = lenient(z.string());
const holder = z
  .union([z.string(), z.literal(true)])
  .optional()
  .catch(undefined);

/** The holder of an intent or a method, and the rest of it. */
export function withHolder<Fields extends { readonly holder?: Holder }>({
  customer: own,
  customer_account: account,
  ...rest
}: Fields & { readonly customer?: string | null | undefined; readonly customer_account?: string | null | undefined }) {
  const name = own ?? account ?? undefined;
  const found: Holder = name === undefined ? rest.holder : /^(cus|acct)_\w{1,200}$/.test(name) ? name : true;
  return { ...rest, ...(found === undefined ? {} : { holder: found }) };
}

/** https://docs.stripe.com/api/payment_methods/object */
const methodSchema = z
  .object({ id, type: word, customer, customer_account: customer, holder, card })
  .transform((method) => withHolder(method));

const failure = lenient(z.object({ code: word, decline_code: word }));

/** Kinds of `next_action` after which the shopper pays at a bank or in a shop, days later. */
const slowActions = [
  "display_bank_transfer_instructions",
  "boleto_display_details",
  "konbini_display_details",
  "multibanco_display_details",
  "oxxo_display_details",
] as const;

/** Of what the shopper has to do next, only whether it takes days: the rest holds codes, addresses and account numbers. */
const nextAction = lenient(
  z
    .record(z.string(), z.unknown())
    .transform((action) => ({ isSlow: action["isSlow"] === true || slowActions.some((name) => name in action) })),
);

const method = lenient(z.union([methodSchema, id]));
const metadata = z.record(z.string(), z.unknown()).nullish().catch(undefined);

/** https://docs.stripe.com/api/payment_intents/object, `latest_charge` and `payment_method` expanded. */
export const intentSchema = z.object({
  id,
  object: z.literal("payment_intent"),
  status: z.enum([
    "requires_payment_method",
    "requires_confirmation",
    "requires_action",
    "processing",
    "requires_capture",
    "canceled",
    "succeeded",
  ]),
  amount,
  amount_capturable: amount.nullish(),
  currency,
  cancellation_reason: z
    .enum([
      "abandoned",
      "automatic",
      "duplicate",
      "expired",
      "failed_invoice",
      "fraudulent",
      "requested_by_customer",
      "void_invoice",
    ])
    .nullish(),
  latest_charge: z.union([chargeSchema, id]).nullish(),
  created: time,
  livemode: lenient(z.boolean()),
  capture_method: word,
  customer,
  customer_account: customer,
  holder,
  payment_method: method,
  setup_future_usage: word,
  last_payment_error: failure,
  next_action: nextAction,
  review: idOf,
  metadata,
});

/** https://docs.stripe.com/api/setup_intents/object, `payment_method` expanded. */
export const setupSchema = z.object({
  id,
  object: z.literal("setup_intent"),
  status: z.enum([
    "requires_payment_method",
    "requires_confirmation",
    "requires_action",
    "processing",
    "canceled",
    "succeeded",
  ]),
  created: time,
  livemode: lenient(z.boolean()),
  customer,
  customer_account: customer,
  holder,
  payment_method: method,
  usage: word,
  mandate: idOf,
  latest_attempt: idOf,
  last_setup_error: failure,
  metadata,
});

/** https://docs.stripe.com/api/refunds/object */
export const refundSchema = z.object({
  id,
  object: z.literal("refund"),
  status: z.enum(["pending", "requires_action", "succeeded", "failed", "canceled"]),
  amount,
  reason: z.enum(["duplicate", "fraudulent", "requested_by_customer", "expired_uncaptured_charge"]).nullish(),
  created: time,
  failure_reason: word,
  metadata: lenient(
    z.record(z.string(), z.unknown()).transform(({ operation }) => ({ operation: operation as string | undefined })),
  ),
});

/** https://docs.stripe.com/api/disputes/object */
export const disputeSchema = z.object({
  id,
  object: z.literal("dispute"),
  status: z.enum([
    "warning_needs_response",
    "warning_under_review",
    "warning_closed",
    "needs_response",
    "under_review",
    "won",
    "lost",
    "prevented",
  ]),
  amount,
  currency,
  reason: word,
  created: time,
  evidence_details: lenient(z.object({ due_by: time })),
});

/** https://docs.stripe.com/api/radar/reviews/object: the intent keeps the id of a review that is closed. */
export const reviewSchema = z.object({ id, object: z.literal("review"), open: z.boolean() });

/** One page of a list. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({ data: z.array(item), has_more: z.boolean() });
}

const countedSchema = z.array(z.object({ id, total: z.int().min(0) }));

/** What counted as refunded at earlier looks, in the order in which it was seen; nothing where the note is none of ours. */
export function countedFrom(memory: unknown): readonly Counted[] {
  return countedSchema.safeParse(memory).data ?? [];
}

export type Charge = z.infer<typeof chargeSchema>;
export type Refund = z.infer<typeof refundSchema>;
export type Dispute = z.infer<typeof disputeSchema>;
export type Method = z.infer<typeof methodSchema>;
type ReadIntent = z.infer<typeof intentSchema>;
type ReadSetup = z.infer<typeof setupSchema>;
export type Intent = Omit<ReadIntent, "metadata" | "livemode" | "customer" | "customer_account">;
export type Setup = Omit<ReadSetup, "metadata" | "livemode" | "customer" | "customer_account">;

/** A refund, or a dispute that was lost, and what had been given back once it was counted. */
export interface Counted {
  readonly id: string;
  readonly total: Minor;
}

/** Another payment intent on the stored method, that a storefront has written into Norce's `upsell`. */
export interface Upsold {
  readonly id: string;
  readonly status: Intent["status"];
}

/** What Stripe says of a payment intent. */
export interface IntentSnapshot {
  readonly intent: Intent;
  /** Newest first, as Stripe lists them; asked for once something is captured. */
  readonly refunds: readonly Refund[];
  readonly disputes: readonly Dispute[];
  /** Of the review that the intent names. */
  readonly review: z.infer<typeof reviewSchema> | null;
  readonly upsells: readonly Upsold[];
  readonly counted: readonly Counted[];
  /** What stands in `metadata` of ours. */
  readonly echoes: readonly string[];
}

/** What Stripe says of a setup intent, which has no currency: it is that of Norce's payment. */
export interface SetupSnapshot {
  readonly setup: Setup;
  readonly currency: string;
  readonly echoes: readonly string[];
}

export type Snapshot = IntentSnapshot | SetupSnapshot;
