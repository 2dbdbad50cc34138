import { z } from "zod";
import { isObject, notJson, parseJson } from "../../lib/json.ts";
import type { Json, Minor } from "../../contract/adapter.ts";
import { WorkerError } from "../../lib/errors.ts";
import { minorFromDecimal } from "../../lib/money.ts";
import { saidTime } from "../../lib/said-time.ts";

/** An amount as Mollie writes it: a decimal text (docs/psp/mollie.md, h). */
const amount = z.object({ currency: z.string().regex(/^[A-Z]{3}$/), value: z.string() });

export type Amount = Readonly<z.infer<typeof amount>>;

/** A field over which no money hangs: whatever else stands there is read past. */
const text = z.string().max(200).optional().catch(undefined);
/** Words that are shown to people, or decide how a refusal is told: nothing that could be a name, an address or a number. */
const label = z
  .string()
  .regex(/^[A-Za-z][A-Za-z ]{0,39}$/)
  .optional()
  .catch(undefined);
const reason = z
  .string()
  .regex(/^[a-z][a-z_]{0,59}$/)
  .optional()
  .catch(undefined);
const month = z
  .string()
  .regex(/^\d{4}-\d{2}(-\d{2})?$/)
  .optional()
  .catch(undefined);
const time = saidTime.optional().catch(undefined);

/** Mollie's words for how far a payment came. */
const statuses = ["open", "pending", "authorized", "paid", "canceled", "expired", "failed"] as const;

const refund = z.object({
  id: z.string().min(1),
  status: z.enum(["queued", "pending", "processing", "refunded", "failed", "canceled"]),
  amount,
  createdAt: time,
});

const capture = z.object({
  id: z.string().min(1),
  status: z.enum(["pending", "succeeded", "failed"]),
  amount,
  createdAt: time,
});

/** What came back is known by `reversedAt` alone: a time, or nothing. */
const chargeback = z.object({
  id: z.string().min(1),
  amount,
  createdAt: time,
  reversedAt: z.string().nullish(),
});

export type Refund = Readonly<z.infer<typeof refund>>;
export type Capture = Readonly<z.infer<typeof capture>>;
export type Chargeback = Readonly<z.infer<typeof chargeback>>;

/** `GET /v2/payments/{id}?embed=refunds,captures,chargebacks` (docs/psp/mollie.md, d). Names, addresses and accounts are dropped on reading. */
export const paymentSchema = z.object({
  id: z.string().regex(/^tr_[A-Za-z0-9]+$/),
  mode: z.enum(["test", "live"]),
  status: z.enum(statuses),
  amount,
  amountCaptured: amount.nullish(),
  /** What was never authorised and ended is not what was held and let go: this tells them apart. */
  authorizedAt: z.string().nullish(),
  createdAt: time,
  paidAt: time,
  captureBefore: time,
  expiresAt: time,
  method: text,
  sequenceType: text,
  /** Whose mandate it is: `cst_…`. */
  customerId: z
    .string()
    .regex(/^cst_[A-Za-z0-9]{1,64}$/)
    .optional()
    .catch(undefined),
  mandateId: text,
  subscriptionId: text,
  metadata: z.json().optional().catch(undefined),
  details: z.object({ cardLabel: label, failureReason: reason }).optional().catch(undefined),
  _embedded: z
    .object({
      refunds: z.array(refund).nullish(),
      captures: z.array(capture).nullish(),
      chargebacks: z.array(chargeback).nullish(),
    })
    .nullish(),
});

type Answer = Readonly<z.infer<typeof paymentSchema>>;

/** A payment as it is kept: of what Mollie calls the customer, and of the card, nothing but what the merchant needs to charge again. */
export type Payment = Omit<Answer, "customerId" | "details"> & {
  /** The id by which the mandate is found. */
  readonly mandateOwner?: string | undefined;
  readonly brand?: string | undefined;
  /** Mollie's word for why a card was declined. */
  readonly failureReason?: string | undefined;
};

/** What is kept of an answer. */
export function paymentFrom({ customerId, details, ...payment }: Answer): Payment {
  return {
    ...payment,
    ...(customerId === undefined ? {} : { mandateOwner: customerId }),
    ...(details?.cardLabel === undefined ? {} : { brand: details.cardLabel }),
    ...(details?.failureReason === undefined ? {} : { failureReason: details.failureReason }),
  };
}

/** `GET /v2/customers/{id}/mandates/{id}` (docs/psp/mollie.md, d). */
export const mandateSchema = z.object({
  id: z.string().regex(/^mdt_[A-Za-z0-9]{1,64}$/),
  status: z.enum(["valid", "pending", "invalid"]),
  details: z.object({ cardLabel: label, cardExpiryDate: month }).optional().catch(undefined),
});

/** What is kept of a mandate. */
export interface Mandate {
  readonly status: z.infer<typeof mandateSchema>["status"];
  readonly brand?: string | undefined;
  /** When the card ends, as Mollie writes it. */
  readonly ends?: string | undefined;
}

/** What Mollie says now. */
export interface Snapshot {
  readonly payment: Payment;
  /** The mandate of a first payment, as long as it is worth reading; `null` where it is not, or is gone. */
  readonly mandate: Mandate | null;
  /** The mandate was found valid by an earlier look. */
  readonly mandateRead: boolean;
  /** Keys of the lines about captures and refunds, in the order in which earlier looks saw them. */
  readonly seen: readonly string[];
}

/** Where money hangs. */
export const decides: readonly string[] = [
  "payment.id",
  "payment.mode",
  "payment.status",
  "payment.amount",
  "payment.amountCaptured",
  "payment.authorizedAt",
  "payment._embedded.refunds.*.id",
  "payment._embedded.refunds.*.status",
  "payment._embedded.refunds.*.amount",
  "payment._embedded.captures.*.id",
  "payment._embedded.captures.*.status",
  "payment._embedded.captures.*.amount",
  "payment._embedded.chargebacks.*.id",
  "payment._embedded.chargebacks.*.amount",
  "payment._embedded.chargebacks.*.reversedAt",
  "mandate.status",
];

/** What happened to the payment's money, in lists that may be left out. */
export function happenedTo({ _embedded: embedded }: Payment): {
  readonly refunds: readonly Refund[];
  readonly captures: readonly Capture[];
  readonly chargebacks: readonly Chargeback[];
} {
  const { refunds, captures, chargebacks } = embedded ?? {};
  return { refunds: refunds ?? [], captures: captures ?? [], chargebacks: chargebacks ?? [] };
}

/** @throws WorkerError `Unmapped` for a word that is none of a payment's */
export function insistOnStatus({ status }: Payment): void {
  if (!statuses.includes(status))
    throw new WorkerError("Unmapped", "mollie says a status that nobody mapped", { context: { status } });
}

/**
 * Minor units of one of the payment's amounts.
 * @throws WorkerError `Unmapped` for a text that is no amount, or another currency than the payment's
 */
export function minorOf({ currency, value }: Amount, { amount: { currency: own } }: Payment): Minor {
  const minor = currency === own ? minorFromDecimal(value, currency) : undefined;
  if (minor !== undefined && minor >= 0) return minor;
  throw new WorkerError("Unmapped", "mollie says an amount that cannot be read", { context: { currency } });
}

/** The texts in the payment's metadata: the merchant puts our id there, by itself or in a field of an object, or of one that is a text. */
export function echoesIn(metadata: Json | undefined): readonly string[] {
  if (typeof metadata === "string") {
    const told = metadata.startsWith("{") ? parseJson(metadata) : notJson;
    return isObject(told) ? echoesIn(told as Json) : [metadata].filter((echo) => echo !== "");
  }
  if (!isObject(metadata)) return [];
  return Object.entries(metadata).flatMap(([name, value]) =>
    ours.test(name) && typeof value === "string" && value !== "" ? [value] : [],
  );
}

/** How merchants call the field with our id; what else they put there is theirs. */
const ours = /^(norce_?)?(payment|order|cart)_?(id|reference)$/i;
