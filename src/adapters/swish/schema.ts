import { z } from "zod";
import { WorkerError } from "../../lib/errors.ts";
import { isObject } from "../../lib/json.ts";
import { minorFromDecimal } from "../../lib/money.ts";
import { isoFrom } from "../../lib/time.ts";
import type { Minor } from "../../contract/adapter.ts";
import type { CertificateLife } from "./certificate.ts";

/** The one currency there is. */
export const currency = "SEK";

/** 32 hexadecimal digits: instruction ids, and the bank's references, which look the same (docs/psp/swish.md, h). */
const hexId = z.string().regex(/^[0-9A-Fa-f]{32}$/);
/** A number in current answers, a decimal text in older ones and in refunds (docs/psp/swish.md, b). */
const amount = z.union([z.number(), z.string()]);
const time = z.string().refine((text) => isoFrom(text) !== undefined);

/** Swish's words for how far a payment request came. */
const paymentStatuses = ["CREATED", "PAID", "DECLINED", "ERROR", "CANCELLED"] as const;
/** And a refund. */
const refundStatuses = ["CREATED", "INITIATED", "VALIDATED", "DEBITED", "PAID", "ERROR"] as const;

/**
 * Why something ended as `ERROR` (docs/psp/swish.md, e and j). A code that is not here may mean that money moved: it is not guessed at.
 * `ACMT0x` are accounts that cannot be used, `AM14` and `AM21` limits of the bank's and the merchant's, `PA02` a parameter, `RP07` a request
 * that is too late to cancel.
 */
const errorCodes = [
  "ACMT01",
  "ACMT02",
  "ACMT03",
  "ACMT04",
  "ACMT05",
  "ACMT06",
  "ACMT07",
  "ACMT08",
  "ACMT09",
  "AM02",
  "AM03",
  "AM04",
  "AM06",
  "AM14",
  "AM21",
  "BANKIDCL",
  "BANKIDONGOING",
  "BANKIDUNKN",
  "BE18",
  "DS24",
  "FF08",
  "FF10",
  "PA01",
  "PA02",
  "RF02",
  "RF03",
  "RF04",
  "RF06",
  "RF07",
  "RF08",
  "RF09",
  "RP01",
  "RP02",
  "RP03",
  "RP04",
  "RP06",
  "RP07",
  "TM01",
  "VR01",
  "VR02",
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/**
 * `GET /api/v1/paymentrequests/{id}` (docs/psp/swish.md, b and d). The shopper's number (`payerAlias`), the message and the sentences are
 * dropped on reading.
 */
export const paymentSchema = z.object({
  id: hexId,
  status: z.enum(paymentStatuses),
  amount,
  currency: z.literal(currency),
  payeeAlias: z.string().regex(/^\d{8,15}$/),
  dateCreated: time,
  errorCode: z.enum(errorCodes).nullish(),
  /** The bank's: without it nothing can be given back. */
  paymentReference: hexId.nullish(),
  datePaid: time.nullish().catch(undefined),
  payeePaymentReference: z.string().max(64).nullish().catch(undefined),
});

/** `GET /api/v1/refunds/{id}` (docs/psp/swish.md, b and d). Here `payeeAlias` is the shopper's number: neither alias is read. */
export const refundSchema = z.object({
  id: hexId,
  originalPaymentReference: hexId,
  status: z.enum(refundStatuses),
  amount,
  currency: z.literal(currency),
  dateCreated: time,
  errorCode: z.enum(errorCodes).nullish(),
  datePaid: time.nullish().catch(undefined),
});

/** A payment as it comes: a text that is empty says that there is none (docs/psp/swish.md, b). */
export const paymentAnswer = z.preprocess(withoutEmpty, paymentSchema);
/** A refund as it comes. */
export const refundAnswer = z.preprocess(withoutEmpty, refundSchema);

export type Payment = Readonly<z.infer<typeof paymentSchema>>;
export type Refund = Readonly<z.infer<typeof refundSchema>>;

/** A refund that has come to its end, as it is remembered: Swish forgets old ones. */
export interface Ended {
  readonly id: string;
  /** Swish's word for the end. */
  readonly is: "PAID" | "ERROR";
  readonly amount: Minor;
  readonly code?: string | undefined;
}

/** What Swish says now. */
export interface Snapshot {
  readonly payment: Payment;
  /** Refunds that had ended at an earlier look, in the order in which that was seen; they are not asked for again. */
  readonly ended: readonly Ended[];
  /** The other refunds that are known to have been asked for. */
  readonly refunds: readonly Refund[];
  /** When refunds were asked for that Swish does not know (yet), ISO 8601. */
  readonly awaited: readonly string[];
  /** The client certificate; `null` where it cannot be opened. */
  readonly certificate: CertificateLife | null;
}

/** Where money hangs. Times say when a wait is over. */
export const decides: readonly string[] = [
  "payment.id",
  "payment.status",
  "payment.amount",
  "payment.currency",
  "payment.payeeAlias",
  "payment.dateCreated",
  "payment.errorCode",
  "payment.paymentReference",
  "refunds.*.id",
  "refunds.*.originalPaymentReference",
  "refunds.*.status",
  "refunds.*.amount",
  "refunds.*.currency",
  "refunds.*.dateCreated",
  "refunds.*.errorCode",
  "ended.*",
];

/** @throws WorkerError `Unmapped` for a word that is none of Swish's */
export function insistOnWords({ payment, refunds }: Snapshot): void {
  const strange =
    !paymentStatuses.includes(payment.status) || refunds.some(({ status }) => !refundStatuses.includes(status));
  if (strange || [payment, ...refunds].some(hasStrangeCode))
    throw new WorkerError("Unmapped", "swish says a word that nobody mapped", { context: { status: payment.status } });
}

/** An end without its reason may have moved money or not. */
function hasStrangeCode({ status, errorCode }: Payment | Refund): boolean {
  return status === "ERROR" && !errorCodes.some((code) => code === errorCode);
}

/**
 * Minor units of an amount.
 * @throws WorkerError `Unmapped` for what is no amount
 */
export function minorOf({ amount: written }: Pick<Payment, "amount">): Minor {
  const minor = minorFromDecimal(String(written), currency);
  if (minor !== undefined && minor >= 0) return minor;
  throw new WorkerError("Unmapped", "swish says an amount that cannot be read", { context: { currency } });
}

/** Unix milliseconds of a time of Swish's: refunds write the offset without its colon (docs/psp/swish.md, h). `NaN` where it is none. */
export function msOf(text: string): number {
  return Date.parse(isoFrom(text) ?? "");
}

/** An id as Swish writes it: upper case, without dashes; `undefined` for what is none. */
export function idFrom(text: unknown): string | undefined {
  const bare = typeof text === "string" ? text.replaceAll("-", "").toUpperCase() : "";
  return /^[0-9A-F]{32}$/.test(bare) ? bare : undefined;
}

function withoutEmpty(body: unknown): unknown {
  return isObject(body) ? Object.fromEntries(Object.entries(body).filter(([, value]) => value !== "")) : body;
}
