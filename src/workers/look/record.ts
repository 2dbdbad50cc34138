/**
 * The record: what we keep of a payment under our own key in Norce's `attributes`. Binding, the accepted amount and who removed it rest on it
 * alone, so that nothing that the state store forgets can change whose money a payment is.
 */
import { isoOf } from "../../lib/time.ts";
import type { DesiredPayment, Json, Money } from "../../contract/adapter.ts";
import type { CurrentPayment, PaymentRecord } from "../../norce/payment.ts";
import { canonical, type PaymentState } from "../../norce/states.ts";

/** The record as the rules read it. */
export interface ReadRecord {
  /** The PSP's id that was proven to be this payment's. */
  readonly bound: string | undefined;
  /** Ids that were bound before: they route, and are asked about again where a webhook names them. */
  readonly earlier: readonly string[];
  /** The bound id will be replaced by another: a session's before the order's. */
  readonly provisional: boolean;
  /** The PSP asked the shopper for what the payment is over, or Norce has come to ask for less. */
  readonly accepted: boolean;
  /** Since when less was asked of the shopper than the payment is over, in milliseconds since the epoch. */
  readonly underpaidSince: number | undefined;
  /** Since when the payment's parts are short, in milliseconds since the epoch. */
  readonly partialSince: number | undefined;
  /** What the adapter wanted to know at its next look. */
  readonly memory: Readonly<Record<string, Json>>;
}

/** The record of a payment; everything is absent where there is none. */
export function readRecord(record: PaymentRecord | null): ReadRecord {
  const { bound, earlier, provisional, accepted, underpaid, partial, memory } = record ?? {};
  return {
    bound: textOf(bound),
    earlier: Array.isArray(earlier) ? earlier.flatMap((id: Json) => textOf(id) ?? []) : [],
    provisional: provisional === true,
    accepted: accepted === true,
    underpaidSince: timeOf(objectOf(underpaid)["since"]),
    partialSince: timeOf(partial),
    memory: objectOf(memory),
  };
}

/** How many ids that were bound before are kept; the oldest give way. */
const mostEarlier = 10;

/** The parts of the record that bind a payment to the PSP's id that it is known by now. */
function recordBinding(before: CurrentPayment, { reference, provisional }: DesiredPayment): PaymentRecord {
  const { bound, earlier } = readRecord(before.record);
  const left = [...earlier, bound ?? "", before.reference ?? ""].filter((id) => id !== "" && id !== reference);
  const ids = [...new Set(left)].slice(-mostEarlier);
  return {
    bound: reference,
    ...(ids.length === 0 ? {} : { earlier: ids }),
    ...(provisional === true ? { provisional: true } : {}),
  };
}

/** What the rules about the amount leave in the record. */
export interface AmountRecord {
  readonly accepted: boolean;
  readonly underpaid?: { readonly since: string; readonly total: number; readonly asked: number } | undefined;
  /** ISO 8601. */
  readonly partial?: string | undefined;
  /** What Norce asked for, where the PSP authorised something else. */
  readonly amountAsked?: number | undefined;
}

/** What a look leaves in the record: partial amounts for people, and what a later look has to know. */
export function recordOf(
  current: CurrentPayment,
  desired: DesiredPayment,
  state: PaymentState,
  amount: AmountRecord,
  now: number,
): PaymentRecord {
  const { phase, money, attributes, memory } = desired;
  return {
    ...factsIn(current, desired),
    ...Object.fromEntries(Object.entries(attributes ?? {}).filter(([name]) => !ourNames.has(name))),
    phase,
    ...sumsOf(money),
    // Says that it was us: a payment that somebody else removed is never revived.
    removed: canonical(state) === "removed",
    since: sinceOf(current, phase, state) ?? isoOf(now),
    ...recordBinding(current, desired),
    ...(amount.accepted ? { accepted: true } : {}),
    ...(amount.underpaid === undefined ? {} : { underpaid: { ...amount.underpaid } }),
    ...(amount.partial === undefined ? {} : { partial: amount.partial }),
    ...(amount.amountAsked === undefined ? {} : { amountAsked: amount.amountAsked }),
    ...(memory === undefined ? {} : { memory }),
  };
}

/** What stays until something else is said: the adapter's facts and its memory, as long as it is the same attempt. */
function factsIn({ record }: CurrentPayment, { reference }: DesiredPayment): PaymentRecord {
  const { bound } = readRecord(record);
  if (bound !== undefined && bound !== reference) return {};
  const facts = Object.entries(record ?? {}).filter(([name]) => name === "memory" || !ourNames.has(name));
  return Object.fromEntries(facts);
}

/** What an adapter's fact may not be called. */
const ourNames: ReadonlySet<string> = new Set([
  "phase",
  "removed",
  "since",
  "bound",
  "earlier",
  "provisional",
  "accepted",
  "underpaid",
  "partial",
  "amountAsked",
  "memory",
]);

/** The sums as they stand in the record, and nothing else. */
export function sumsOf({ authorized, captured, refunded, released }: Money): Money & Record<string, number> {
  return { authorized, captured, refunded, released };
}

/** When the payment came to where it is, if it was there before: how often it is looked at follows from it. */
function sinceOf({ record, state: current }: CurrentPayment, phase: string, state: PaymentState): string | undefined {
  const since = textOf(record?.["since"]);
  return record?.["phase"] === phase && canonical(current) === canonical(state) ? since : undefined;
}

function textOf(value: Json | undefined): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** A time of the record in milliseconds since the epoch; `undefined` where it says none. */
export function timeOf(value: Json | undefined): number | undefined {
  const time = Date.parse(textOf(value) ?? "");
  return Number.isNaN(time) ? undefined : time;
}

function objectOf(value: Json | undefined): Readonly<Record<string, Json>> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, Json>>)
    : {};
}
