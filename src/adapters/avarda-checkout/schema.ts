import { z } from "zod";
import { WorkerError } from "../../lib/errors.ts";

/**
 * Strict where money hangs on it, loose on the rest: unknown fields (names, addresses, what the shopper typed) are dropped on reading,
 * so that personal data gets no further than this file.
 */

/** Avarda's ids are 32 hexadecimal digits, its own examples also show shorter ones; nothing that bends a path. */
export const idShape = /^[A-Za-z0-9_-]{1,64}$/;

const short = z
  .string()
  .regex(/^[\w .-]{1,40}$/)
  .nullish()
  .catch(undefined);

/** A time that cannot be read is left out: none of them decides about money. What says no zone is UTC, as the names say. */
const time = z.iso
  .datetime({ local: true, offset: true })
  .transform((text) => (/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`))
  .optional()
  .catch(undefined);

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

const side = z.object({ step: z.object({ current: step }) });

/** A line of the purchase: what `/order` sends again. Line totals, not unit prices, including tax. */
const item = z.object({
  description: z.string(),
  amount: z.number(),
  taxCode: z.string().nullish(),
  taxAmount: z.number().nullish(),
  quantity: z.number().nullish(),
});

/** `GET /api/partner/payments/{purchaseId}`. Only the side that `mode` names means anything. */
export const purchaseSchema = z
  .object({
    purchaseId: z.string().regex(idShape),
    totalPrice: z.number().nonnegative().max(1e12),
    createdUtc: time,
    expiredUtc: time,
    mode: z.enum(["B2C", "B2B"]),
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
      .object({ selectedPayment: z.object({ type: short, recurringPaymentToken: z.string().nullish() }).nullish() })
      .nullish(),
    items: z.array(item).nullish().catch(undefined),
  })
  .refine(({ b2C, b2B }) => (b2C ?? b2B ?? null) !== null, { path: ["step"], error: "there is no step" });

export type Purchase = Readonly<z.infer<typeof purchaseSchema>>;

/** `POST /api/partner/tokens`. */
export const tokenSchema = z.object({ token: z.string().min(1), tokenExpirationUtc: time });

/** What Avarda says now, and what only somebody who was there can say of it. */
export interface Snapshot {
  /** When it was read, ISO 8601: the only clock that `map` has. */
  readonly readAt: string;
  /** An earlier look saw the credit decision outstanding; tells a refusal from a shopper who left. */
  readonly reviewed: boolean;
  readonly purchase: Purchase;
}

/** The purchase in an answer, without the side that `mode` does not name: it holds whatever it held before. @throws WorkerError `Unmapped` */
export function purchaseFrom(body: unknown): Purchase {
  return parsed(purchaseSchema, withoutOtherSide(body));
}

/** Where the shopper is. Where the side that `mode` names is missing, the other one counts. */
export function stepOf({ mode, b2C, b2B }: Purchase): Step {
  const meant = mode === "B2B" ? (b2B ?? b2C) : (b2C ?? b2B);
  if (meant === undefined || meant === null) throw unreadable("step", undefined);
  return meant.step.current;
}

function withoutOtherSide(body: unknown): unknown {
  if (typeof body !== "object" || body === null || !("mode" in body)) return body;
  const { b2C, b2B, ...rest } = body as { b2C?: unknown; b2B?: unknown };
  const meant = body.mode === "B2B" ? (b2B ?? null) !== null : (b2C ?? null) === null;
  return meant ? { ...rest, b2B } : { ...rest, b2C };
}

/** @throws WorkerError `Unmapped` that names the field and never its value. */
export function parsed<Schema extends z.ZodType>(schema: Schema, body: unknown): z.infer<Schema> {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw unreadable(issue?.path.map(String).join(".") ?? "", issue?.code);
}

function unreadable(field: string, problem: string | undefined): WorkerError {
  return new WorkerError("Unmapped", `avarda-checkout sent something we cannot read: ${field || "body"}`, {
    context: { field, problem },
  });
}
