import type { Clue, LogLine, PspEvent } from "../../contract/adapter.ts";
import { minorFromAdyen } from "./amounts.ts";
import { isForNobody, meaningOf } from "./codes.ts";
import { digestOf, recurringFrom, recurringOf } from "./recurring.ts";
import { type Facts, type Item, referenceSchema, type TokenEvent } from "./schema.ts";

/** ISO 4217 for "no currency": what an event that names none is written down in. */
export const noCurrency = "XXX";

/** The event of one item, or none where no payment stands behind it. */
export function eventFrom(item: Item): PspEvent | undefined {
  const { eventCode: type, pspReference, success, merchantReference } = item;
  if (isForNobody(type, pspReference)) return undefined;
  const isContract = type === "RECURRING_CONTRACT";
  const own = isContract ? undefined : referenceSchema.safeParse(pspReference).data;
  const payment = item.originalReference ?? own;
  const at = timeOf(item.eventDate);
  return {
    // Adyen repeats an event with the same four; with another outcome or time it is another event (docs/psp/adyen.md, c).
    key: JSON.stringify([type, own ?? digestOf(pspReference), success, at, payment ?? ""]),
    type,
    at,
    ...(payment === undefined ? {} : { reference: payment }),
    clues: cluesOf([item.originalReference, own], [item.additionalData?.originalMerchantReference, merchantReference]),
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
      currency: noCurrency,
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
  const error = success && !bad ? undefined : errorFrom(item.reason);
  const recurring = recurringFrom(item);
  return {
    event: reopens(item) ? "reopen" : refunds(item) ? "refund" : event,
    pspStatus: type,
    amount: moves && success ? (minor ?? 0) : 0,
    currency: minor === undefined ? noCurrency : (amount?.currency ?? noCurrency),
    success: success !== bad,
    ...(error === undefined ? {} : { errorDetail: error }),
    facts: factsOf(item, payment, own, minor),
    ...(recurring === undefined ? {} : { recurring }),
  };
}

function factsOf(item: Item, payment: string | undefined, own: string | undefined, amount: number | undefined) {
  const { success, paymentMethod, additionalData: data } = item;
  const merchantReference = /^[\w.:-]{1,80}$/.exec(item.merchantReference ?? "")?.[0];
  const capture = item.eventCode === "AUTHORISATION" && success ? captureOf(item) : undefined;
  const action = data?.["modification.action"];
  return {
    success,
    ...(payment === undefined ? {} : { payment }),
    ...(own === undefined ? {} : { pspReference: own }),
    ...(amount === undefined ? {} : { amount }),
    ...(merchantReference === undefined ? {} : { merchantReference }),
    ...(paymentMethod === undefined ? {} : { paymentMethod }),
    ...(capture === undefined ? {} : { capture }),
    ...(data?.fraudManualReview === "true" ? { review: true } : {}),
    ...(action === undefined ? {} : { action }),
  } satisfies Facts;
}

/** When the money is taken, where the authorisation says so: that goes before the setting (docs/psp/adyen.md, d). */
function captureOf({ additionalData: data, operations }: Item): Facts["capture"] {
  const hours = Number(data?.captureDelayHours ?? Number.NaN);
  if (!Number.isNaN(hours)) return hours === 0 ? "immediate" : "delayed";
  if (data?.networkProcessingMode === "sale") return "immediate";
  if (data?.networkProcessingMode === "auth") return "delayed";
  // What can be refunded and cannot be captured has been captured.
  const can = new Set(operations ?? []);
  return can.has("REFUND") && !can.has("CAPTURE") ? "immediate" : undefined;
}

/** Where the best trace of a payment comes first: the original payment, then the event itself, then what we wrote into it. */
function cluesOf(
  references: readonly (string | null | undefined)[],
  echoes: readonly (string | null | undefined)[],
): readonly Clue[] {
  const named = (texts: readonly (string | null | undefined)[]): string[] =>
    [...new Set(texts.filter((text) => typeof text === "string" && text !== ""))] as string[];
  return [...named(references).map((reference) => ({ reference })), ...named(echoes).map((echo) => ({ echo }))];
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
