import type { Clue, LogLine, PspEvent } from "../../contract/adapter.ts";
import { minorFromAdyen } from "./amounts.ts";
import { isDispute, isForNobody, meaningOf } from "./codes.ts";
import { digestOf, recurringFrom, recurringOf } from "./recurring.ts";
import { type Facts, type Item, referenceSchema, type TokenEvent } from "./schema.ts";

/** The event of one item, or none where no payment stands behind it. */
export function eventFrom(item: Item): PspEvent | undefined {
  const { eventCode: type, pspReference, success, merchantReference } = item;
  if (isForNobody(type, pspReference)) return undefined;
  const isContract = type === "RECURRING_CONTRACT";
  const own = isContract ? undefined : referenceSchema.safeParse(pspReference).data;
  const payment = item.originalReference ?? own;
  const { originalReference, amount } = item;
  // Everything that is signed, and nothing else: whoever sends a signed item again with another time or token has sent a repeat.
  const signed = [
    success,
    originalReference ?? "",
    amount?.value ?? "",
    amount?.currency ?? "",
    merchantReference ?? "",
  ];
  return {
    key: JSON.stringify([type, own ?? digestOf(pspReference), success, digestOf(signed.join(":"))]),
    type,
    at: timeOf(item.eventDate),
    reference: payment,
    clues: cluesOf(item, own),
    line: lineOf(item, payment, own),
  };
}

/** The event of a token webhook: it names the payment that brought the token, and nothing of ours. */
export function tokenEventFrom(event: TokenEvent): PspEvent {
  const { type, eventId, data } = event;
  const at = timeOf(event.createdAt);
  return {
    key: JSON.stringify([type, eventId, digestOf(data.storedPaymentMethodId), at]),
    type,
    at,
    reference: eventId,
    clues: [{ reference: eventId }],
    line: {
      event: "paymentAction",
      pspStatus: data.operation ?? type,
      amount: 0,
      success: true,
      facts: { payment: eventId, success: true } satisfies Facts,
      recurring: recurringOf(event),
    },
  };
}

function lineOf(item: Item, payment: string | undefined, own: string | undefined): LogLine {
  const { eventCode: type, success, amount } = item;
  const { event, bad = false, moves = false } = meaningOf(type);
  const minor = amount === null || amount === undefined ? undefined : minorFromAdyen(amount.value, amount.currency);
  return {
    event: reopens(item) ? "reopen" : refunds(item) ? "refund" : event,
    pspStatus: type,
    amount: moves && success ? (minor ?? 0) : 0,
    currency: minor === undefined ? undefined : amount?.currency,
    success: success !== bad,
    errorDetail: success && !bad ? undefined : errorFrom(item.reason),
    facts: factsOf(item, payment, own, minor),
    recurring: recurringFrom(item),
  };
}

function factsOf(item: Item, payment: string | undefined, own: string | undefined, amount: number | undefined) {
  const { success, paymentMethod, additionalData: data } = item;
  const merchantReference = /^[\w.:-]{1,80}$/.exec(item.merchantReference ?? "")?.[0];
  const isGranted = item.eventCode === "AUTHORISATION" && success;
  const capture = isGranted ? captureOf(item) : undefined;
  const action = data?.["modification.action"];
  const deadline = isDispute(item.eventCode) ? timeOf(data?.defensePeriodEndsAt) : null;
  return {
    success,
    ...(payment === undefined ? {} : { payment }),
    ...(own === undefined ? {} : { pspReference: own }),
    ...(amount === undefined ? {} : { amount }),
    ...(merchantReference === undefined ? {} : { merchantReference }),
    ...(paymentMethod === undefined ? {} : { paymentMethod }),
    ...(capture === undefined ? {} : { capture }),
    ...(isGranted && isSale(item) ? { sale: true } : {}),
    ...(deadline === null ? {} : { deadline }),
    ...(data?.fraudManualReview === "true" ? { review: true } : {}),
    ...(action === undefined ? {} : { action }),
  } satisfies Facts;
}

/** When the money is taken, where the authorisation says so: that goes before the setting (docs/psp/adyen.md, d). */
function captureOf({ additionalData: data, operations }: Item): Facts["capture"] {
  const hours = Number(data?.captureDelayHours ?? Number.NaN);
  if (!Number.isNaN(hours)) return hours === 0 ? "immediate" : "delayed";
  if (isSale({ additionalData: data, operations })) return "immediate";
  return data?.networkProcessingMode === "auth" ? "delayed" : undefined;
}

/** A method without a capture of its own; what can be refunded and cannot be captured has been captured. */
function isSale({ additionalData: data, operations }: Pick<Item, "additionalData" | "operations">): boolean {
  const can = new Set(operations ?? []);
  return data?.networkProcessingMode === "sale" || (can.has("REFUND") && !can.has("CAPTURE"));
}

/**
 * Where the best trace of a payment comes first, what is signed before what is not: the original payment, the event itself, what we wrote into
 * it. What nobody signed leads to nothing but the payment whose reference is signed.
 */
function cluesOf(
  { originalReference, merchantReference, additionalData }: Item,
  own: string | undefined,
): readonly Clue[] {
  const unsigned = additionalData?.originalMerchantReference;
  const isNamed = (text: string | null | undefined): text is string => typeof text === "string" && text !== "";
  const references = [...new Set([originalReference, own].filter((text) => isNamed(text)))];
  return [
    ...references.map((reference) => ({ reference })),
    ...(isNamed(merchantReference) ? [{ echo: merchantReference }] : []),
    ...(isNamed(unsigned) && isNamed(originalReference) && unsigned !== merchantReference
      ? [{ echo: unsigned, onlyOf: originalReference }]
      : []),
  ];
}

/** The shopper went back: nobody refused. What Adyen cancels for fraud (`FRAUD-CANCELLED`) was refused. */
function reopens({ eventCode, success, reason = "" }: Item): boolean {
  return eventCode === "AUTHORISATION" && !success && /cancel/i.test(reason) && !/fraud/i.test(reason);
}

function refunds({ eventCode, additionalData }: Item): boolean {
  return eventCode === "CANCEL_OR_REFUND" && additionalData?.["modification.action"] === "refund";
}

/** Why it failed, where the text cannot hold a card's digits or an address. */
function errorFrom(reason: string | undefined): string | undefined {
  return reason !== undefined && /^[\w ,.:'()/-]{1,100}$/.test(reason) && !/\d{4}/.test(reason) ? reason : undefined;
}

function timeOf(date: string | null | undefined): string | null {
  const at = Date.parse(date ?? "");
  return Number.isNaN(at) ? null : new Date(at).toISOString();
}
