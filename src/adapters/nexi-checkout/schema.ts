import { z } from "zod";
import { WorkerError } from "../../lib/errors.ts";
import { utcTime } from "../../lib/said-time.ts";

/** An id of Nexi's: 32 hexadecimal digits (docs/psp/nexi.md, h). */
export const idShape = /^[0-9a-f]{32}$/i;

/** An amount in minor units; Nexi leaves out what is zero (docs/psp/nexi.md, d). */
const sum = z.int().nonnegative().nullish();
/** A field over which no money hangs: whatever else stands there is read past. An empty text is how Nexi says that there is none. */
const text = z.string().min(1).max(128).optional().catch(undefined);
const label = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9 _.-]{0,39}$/)
  .optional()
  .catch(undefined);
/** A time in whichever of Nexi's spellings, as ISO 8601. */
const time = utcTime;
/** Ids by which a card can be charged again; elsewhere in the API they are ids like all others, but nothing is decided by their shape. */
const token = z
  .string()
  .regex(/^[\w-]{1,64}$/)
  .optional()
  .catch(undefined);

/** Nexi's words for how far a refund came. */
const refundStates = ["Pending", "Cancelled", "Failed", "Completed", "Expired"] as const;

const charge = z.object({ chargeId: z.string().regex(/^\w{1,64}$/), amount: z.int().nonnegative(), created: time });

const refund = z.object({
  refundId: z.string().regex(/^\w{1,64}$/),
  amount: z.int().nonnegative(),
  state: z.enum(refundStates),
  lastUpdated: time,
});

export type Charge = Readonly<z.infer<typeof charge>>;
export type Refund = Readonly<z.infer<typeof refund>>;

/** `payment` of `GET /v1/payments/{paymentId}` (docs/psp/nexi.md, d). The consumer, and every address, is dropped on reading. */
export const paymentSchema = z.object({
  paymentId: z
    .string()
    .regex(idShape)
    .transform((id) => id.toLowerCase()),
  /** `{}`, `[]` and `null` where nothing has happened yet. */
  summary: z.preprocess(
    (value) => (Array.isArray(value) && value.length === 0 ? undefined : value),
    z.object({ reservedAmount: sum, chargedAmount: sum, refundedAmount: sum, cancelledAmount: sum }).nullish(),
  ),
  orderDetails: z.object({
    amount: z.int().nonnegative(),
    currency: z
      .string()
      .regex(/^[A-Za-z]{3}$/)
      .toUpperCase(),
    reference: text,
  }),
  paymentDetails: z
    .object({
      paymentType: label,
      paymentMethod: label,
      cardDetails: z
        .object({
          maskedPan: z
            .string()
            .regex(/^\d{0,8}[*xX]{4,12}\d{0,4}$/)
            .optional()
            .catch(undefined),
          expiryDate: z
            .string()
            .regex(/^\d{4}$/)
            .optional()
            .catch(undefined),
        })
        .optional()
        .catch(undefined),
    })
    .optional()
    .catch(undefined),
  charges: z.array(charge).nullish(),
  refunds: z.array(refund).nullish(),
  subscription: z
    .object({ id: token, interval: z.int().optional().catch(undefined), endDate: time })
    .optional()
    .catch(undefined),
  unscheduledSubscription: z.object({ unscheduledSubscriptionId: token }).optional().catch(undefined),
  created: time,
  /** A time, or nothing: there means that the payment was ended before it was completed. */
  terminated: z.string().nullish(),
  myReference: text,
});

export type Payment = Readonly<z.infer<typeof paymentSchema>>;

/** What Nexi says now. */
export interface Snapshot {
  readonly payment: Payment;
  /** Keys of the lines about charges and refunds, in the order in which earlier looks saw them. */
  readonly seen: readonly string[];
}

/** Where money hangs. */
export const decides: readonly string[] = [
  "payment.paymentId",
  "payment.summary",
  "payment.orderDetails.amount",
  "payment.orderDetails.currency",
  // Whether the shopper has begun to pay, and whether by a transfer.
  "payment.paymentDetails.paymentType",
  "payment.charges.*.chargeId",
  "payment.charges.*.amount",
  "payment.refunds.*.refundId",
  "payment.refunds.*.amount",
  "payment.refunds.*.state",
  "payment.terminated",
];

/** @throws WorkerError `Unmapped` for a word that is none of a refund's */
export function insistOnStates({ refunds }: Payment): void {
  for (const { state } of refunds ?? [])
    if (!refundStates.includes(state))
      throw new WorkerError("Unmapped", "nexi says a refund's state that nobody mapped", { context: { state } });
}
