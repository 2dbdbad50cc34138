import { z } from "zod";
import { isObject } from "../../lib/json.ts";
import { utcTime } from "../../lib/said-time.ts";
import { isoFrom } from "../../lib/time.ts";

/** Minor units, two decimals: Vipps deals in no other currencies. */
const minor = z.int().nonnegative();
const currency = z
  .string()
  .regex(/^[A-Za-z]{3}$/)
  .toUpperCase();
const id = z.string().regex(/^[\w-]{1,64}$/);
/** An amount with its currency; the bare integer of old examples is none. */
const amountSchema = z.object({ currency, value: minor });

/** A code or an id for people; what does not look like one is left out. */
const word = z
  .string()
  .regex(/^[\w.:-]{1,64}$/)
  .optional()
  .catch(undefined);
/** A time in any offset and with any fraction, as ISO 8601 in UTC. */
const time = utcTime;
/** The same where nothing can be told without it. */
const instant = z.string().transform(isoFrom).pipe(z.string());

/** How merchants call the field of `metadata` with our id. */
const ours = /^(norce_?)?(payment|order|cart)_?(id|reference)$/i;

/** Of what the merchant put there only our ids are kept: the rest may be anybody's. */
function echoesIn(metadata: unknown): readonly string[] {
  if (!isObject(metadata)) return [];
  return Object.entries(metadata).flatMap(([name, value]) =>
    ours.test(name) && typeof value === "string" && value !== "" ? [value] : [],
  );
}

/** A list of which what cannot be read is left out. */
function listOf<Item extends z.ZodType>(item: Item) {
  return z
    .array(z.unknown())
    .catch([])
    .transform((items) =>
      items.flatMap((one) => {
        const read = item.safeParse(one);
        return read.success ? [read.data] : [];
      }),
    );
}

/** `GET /epayment/v1/payments/{reference}`. `state` says whether the shopper approved, `aggregate` where the money is. */
export const paymentSchema = z.object({
  reference: id,
  state: z.enum(["CREATED", "AUTHORIZED", "ABORTED", "EXPIRED", "TERMINATED"]),
  amount: amountSchema,
  aggregate: z.object({
    authorizedAmount: amountSchema,
    cancelledAmount: amountSchema,
    capturedAmount: amountSchema,
    refundedAmount: amountSchema,
  }),
  pspReference: word,
  paymentMethod: z.object({ type: word }).optional().catch(undefined),
  metadata: z.unknown().optional(),
  captureGuaranteedUntil: time,
});

/** The same with what it echoes of ours, and without everything else that the merchant put beside it. */
export type Payment = Omit<z.output<typeof paymentSchema>, "metadata"> & { readonly echoes: readonly string[] };

/** A payment as it is kept. */
export function paymentFrom({ metadata, ...payment }: z.output<typeof paymentSchema>): Payment {
  return { ...payment, echoes: echoesIn(metadata) };
}

/** `GET …/events`: everything that was tried, also what failed. It informs; the money is in `aggregate`. */
const paymentEvent = z
  .object({
    name: z.string().regex(/^[A-Z_]{1,40}$/),
    amount: amountSchema,
    timestamp: instant,
    success: z.boolean(),
    reference: word,
    pspReference: word,
  })
  .transform(({ name: what, ...event }) => ({ what, ...event }));

export type PaymentEvent = z.output<typeof paymentEvent>;

/** The whole log; entries that cannot be read are left out. */
export const paymentEventsSchema = listOf(paymentEvent);

/** `GET /recurring/v3/agreements/{agreementId}`. `start` is there once the shopper has accepted. */
export const agreementSchema = z.object({
  id: z.string().regex(/^agr_[\w-]{1,60}$/),
  status: z.enum(["PENDING", "ACTIVE", "STOPPED", "EXPIRED"]),
  /** When the shopper accepted it, in whatever way that is written. */
  start: z.union([z.literal("").transform(() => null), z.string()]).nullish(),
  pricing: z.object({
    currency,
    type: word,
    maxAmount: minor.optional().catch(undefined),
    suggestedMaxAmount: minor.optional().catch(undefined),
  }),
  created: time,
  externalId: z.string().min(1).max(64).optional().catch(undefined),
  uuid: word,
  interval: z
    .object({ unit: word, count: z.int().positive().optional().catch(undefined) })
    .optional()
    .catch(undefined),
});

export type Agreement = z.output<typeof agreementSchema>;

/** What happened to a charge. `RESERVE` decides whether a cancelled charge had held money. */
const chargeEvent = z.object({
  event: z.string().regex(/^[A-Z_]{1,40}$/),
  success: z.boolean(),
  amount: minor.nullish(),
  occurred: instant,
  idempotencyKey: word,
});

/** `GET /recurring/v3/agreements/{agreementId}/charges/{chargeId}`. */
export const chargeSchema = z.object({
  id,
  status: z.enum([
    "PENDING",
    "DUE",
    "PROCESSING",
    "UNKNOWN",
    "RESERVED",
    "PARTIALLY_CAPTURED",
    "CHARGED",
    "PARTIALLY_REFUNDED",
    "REFUNDED",
    "FAILED",
    "CANCELLED",
  ]),
  amount: minor,
  currency,
  summary: z.object({ captured: minor, refunded: minor, cancelled: minor }),
  history: listOf(chargeEvent),
  type: word,
  transactionType: word,
  /** A day; where it has a time, the day of that in UTC. */
  due: z
    .string()
    .transform((said) => isoFrom(said)?.slice(0, "2026-01-31".length))
    .optional()
    .catch(undefined),
  failureReason: word,
  externalId: z.string().min(1).max(64).optional().catch(undefined),
});

export type Charge = z.output<typeof chargeSchema>;

/** `GET /recurring/v3/agreements/{agreementId}/charges`: of each only what says which one it is. */
export const chargesSchema = z.array(z.object({ id, type: z.string().regex(/^(?:INITIAL|RECURRING|UNSCHEDULED)$/) }));

/** What Vipps says now of an ePayment, of an agreement with its initial charge, or of a later charge of an agreement. */
export type Snapshot = {
  /** The sales unit that was asked. */
  readonly msn: string;
} & (
  | { readonly of: "payment"; readonly payment: Payment; readonly events: readonly PaymentEvent[] }
  | { readonly of: "agreement"; readonly agreement: Agreement; readonly charge: Charge | null }
  | { readonly of: "charge"; readonly agreementId: string; readonly charge: Charge }
);

/** The fields of a snapshot on which money hangs. */
export const decides: readonly string[] = [
  "payment.reference",
  "payment.state",
  "payment.amount",
  "payment.aggregate",
  "agreement.id",
  "agreement.status",
  "agreement.start",
  "agreement.pricing.currency",
  "agreementId",
  // Which of an agreement's charges is the one that it began with.
  "charges.*.type",
  ...["id", "status", "amount", "currency", "summary", "history"].map((field) => `charge.${field}`),
];

/** `POST /accesstoken/get`; the seconds come as text. */
export const tokenSchema = z.object({
  access_token: z.string().min(1),
  expires_in: z.coerce.number().positive().optional().catch(undefined),
});

/** `GET /webhooks/v1/webhooks`. */
export const registrationsSchema = z.object({
  webhooks: z.array(z.object({ id, url: z.string(), events: z.array(z.string()) })),
});

/** What registering answers: the only time that the secret is told. */
export const registeredSchema = z.object({ id, secret: z.string().min(1) });
