import { z } from "zod";
import { WorkerError } from "../../lib/errors.ts";
import { utcTime } from "../../lib/said-time.ts";

/**
 * What money hangs on, and is read strictly. Everything else is read past where it is missing or something else; unknown fields (names,
 * addresses, what the shopper typed) are dropped on reading, so that personal data gets no further than this file.
 */
export const decides = [
  "purchase.purchaseId",
  "purchase.totalPrice",
  "purchase.b2C",
  "purchase.b2B",
  "purchase.checkoutSite",
  // A refusal is told apart from a shopper who left by it.
  "reviewedSince",
] as const;

/** Avarda's ids are 32 hexadecimal digits, its own examples also show shorter ones; nothing that bends a path. */
export const idShape = /^[A-Za-z0-9_-]{1,64}$/;

const short = z
  .string()
  .regex(/^[\w .-]{1,40}$/)
  .nullish()
  .catch(undefined);

/** A time that cannot be read is left out: none of them decides about money. What says no zone is UTC, as the names say. */
const time = utcTime;

/**
 * Where the shopper is. `Unknown` is Avarda's own word for a step it cannot name: it is left out here, so that a person looks. The
 * order is that of the table of docs/psp/avarda.md, (d); numbers are never read, because Checkout 2 used the same ones for other steps.
 * `AmountSelection` and `CompanyAddressInfoWithoutSsn` stand in Krokedil's plugin only, among the steps whose purchase may still be changed
 * (https://github.com/krokedil/avarda-checkout-for-woocommerce, aco-functions.php).
 */
const step = z.enum([
  "Initialized",
  "EmailZipEntry",
  "SsnEntry",
  "AmountSelection",
  "PhoneNumberEntry",
  "PersonalInfo",
  "PhoneNumberEntryForKnownCustomer",
  "PersonalInfoWithoutSsn",
  "EnterCompanyInfo",
  "CompanyAddressInfo",
  "CompanyAddressInfoWithoutSsn",
  "WaitingForSwish",
  "RedirectedToDirectPaymentBank",
  "RedirectedToNets",
  "WaitingForBankId",
  "RedirectedToTupas",
  "RedirectedToNetsEident",
  "RedirectedToVipps",
  "AwaitingCreditApproval",
  "Completed",
  "TimedOut",
  "HandledByMerchant",
  "Outdated",
  "Canceled",
  "Cancelled",
]);

export type Step = z.infer<typeof step>;

/** A session that is over may have no step any more. */
const side = z.object({ step: z.object({ current: step.nullish() }).nullish() });

const decimal = z.union([
  z.number(),
  z
    .string()
    .regex(/^-?\d{1,12}(\.\d{1,8})?$/)
    .transform(Number),
]);
const words = z.union([z.string(), z.number().transform(String)]);

/**
 * A row of the purchase: what `/order` sends again. Line totals, not unit prices, including tax. Numbers may be texts and texts numbers
 * (`"taxCode": 25`); a row whose amount or tax cannot be read at all makes the whole list unreadable, because an invoice is complete or wrong.
 */
const row = z.object({
  description: words.nullish().catch(undefined),
  amount: decimal,
  // Rates with decimals are sent with a point (docs/psp/avarda.md, h).
  taxCode: words.transform((said) => said.replace(/^(\d{1,3}),(\d{1,4})$/, "$1.$2")).nullish(),
  taxAmount: decimal.nullish(),
  quantity: decimal.nullish().catch(undefined),
});

export type Row = Readonly<z.infer<typeof row>>;

/** `GET /api/partner/payments/{purchaseId}`, of its two sides the one that means something. */
export const purchaseSchema = z.object({
  purchaseId: z.string().regex(idShape),
  totalPrice: decimal.pipe(z.number().nonnegative().max(1e12)),
  createdUtc: time,
  expiredUtc: time,
  mode: short,
  b2C: side.nullish(),
  b2B: side.nullish(),
  checkoutSite: z.object({
    countryCode: short,
    currencyCode: z
      .string()
      .regex(/^[A-Za-z]{3}$/)
      .toUpperCase(),
  }),
  extraIdentifiers: z
    .object({ orderReference: z.string().max(64).nullish() })
    .nullish()
    .catch(undefined),
  paymentMethods: z
    .object({
      selectedPayment: z
        .object({ type: short, recurringPaymentToken: z.string().nullish().catch(undefined) })
        .nullish()
        .catch(undefined),
    })
    .nullish()
    .catch(undefined),
  /** Absent where there are none, or where they cannot all be read. */
  items: z.array(row).nullish().catch(undefined),
});

export type Purchase = Readonly<z.infer<typeof purchaseSchema>>;

/** The same as it comes: both sides stand in it, and the one that is not meant holds whatever it held before. */
export const answerSchema = z.preprocess(withoutOtherSide, purchaseSchema);

/** `POST /api/partner/tokens`. */
export const tokenSchema = z.object({ token: z.string().min(1), tokenExpirationUtc: time });

/** What Avarda says now, and what only somebody who was there can say of it. */
export interface Snapshot {
  /** When a look first saw the credit decision outstanding (ISO 8601); tells a refusal from a shopper who left. */
  readonly reviewedSince?: string;
  readonly purchase: Purchase;
}

/** Where the shopper is; `undefined` where Avarda does not say. */
export function stepOf({ b2C, b2B }: Purchase): Step | undefined {
  return (b2C ?? b2B)?.step?.current ?? undefined;
}

/** The error for an answer without what money hangs on; it names the field and never a value. */
export function unreadable(field: string): WorkerError {
  return new WorkerError("Unmapped", `an Avarda purchase cannot be read: ${field}`, { context: { field } });
}

/** The side that `mode` names, else the other one; where `mode` says nothing that we know, the one whose step has a name. */
function withoutOtherSide(body: unknown): unknown {
  if (typeof body !== "object" || body === null) return body;
  const { b2C, b2B, ...rest } = body as { mode?: unknown; b2C?: unknown; b2B?: unknown };
  const sides = [{ b2C }, { b2B }].filter((one) => Object.values(one).some((value) => (value ?? null) !== null));
  const named = typeof rest.mode === "string" ? modes[rest.mode.toUpperCase()] : undefined;
  const meant =
    named === undefined ? sides.find((one) => hasStep(Object.values(one)[0])) : sides.find((one) => named in one);
  return { ...rest, ...(meant ?? sides[0]) };
}

const modes: Readonly<Record<string, string>> = { B2C: "b2C", B2B: "b2B" };

function hasStep(value: unknown): boolean {
  const { data } = side.safeParse(value);
  return (data?.step?.current ?? null) !== null;
}
