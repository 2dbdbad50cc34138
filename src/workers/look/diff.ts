import { isoOf } from "../../lib/time.ts";
import type { DesiredPayment, DesiredTransaction, Finding, Json, Minor } from "../../contract/adapter.ts";
import type { CurrentPayment, PaymentChanges } from "../../norce/payment.ts";
import { contains, same } from "../../norce/same.ts";
import { holdsMoney, type PaymentState, sameState, type StateSet, stateOf } from "../../norce/states.ts";
import { type Attention, type Found, refusal } from "../found.ts";
import { actionsToPublish, type Publishing } from "./actions.ts";
import { lastTruth, movesBackwards, onlyStarted } from "./backwards.ts";
import { truthPauses } from "../patience.ts";
import { readRecord, recordOf, sumsOf, timeOf } from "./record.ts";
import { type Coverage, coverAmount } from "./underpaid.ts";
import { mergedUpsell } from "./upsell.ts";

/** What has to happen so that Norce says what is true. */
export interface Changes {
  /** Absent where the payment already says it. */
  readonly payment?: PaymentChanges;
  readonly transactions: readonly DesiredTransaction[];
  /** The marker is missing: the PSP has to be told. */
  readonly afterWrite: boolean;
}

/** What a comparison came to. */
export type Verdict = Told &
  (
    | { readonly is: "agreed" }
    | { readonly is: "differs"; readonly changes: Changes }
    /** Money or phase would move backwards: believed only when two looks agree. The fingerprint names what was seen. */
    | { readonly is: "backwards"; readonly fingerprint: string; readonly changes: Changes }
  );

/** What a person should see whatever is written. */
export interface Told {
  readonly findings: readonly Found[];
  readonly attention?: Attention;
  /** When the rules themselves want another look, in milliseconds from now. */
  readonly lookAgainMs?: number;
}

/** What a comparison needs to know; all of it plain data. */
export interface Comparison {
  readonly current: CurrentPayment;
  readonly logged: ReadonlySet<string>;
  readonly desired: DesiredPayment;
  readonly states: StateSet;
  /** v1 documents no `upsell`. */
  readonly version: "v0" | "v1";
  /** How far the PSP's sums may be from Norce's `amount`, in minor units. */
  readonly rounding: Minor;
  /** The truth is made of events: it moves backwards only for a reason. */
  readonly folds: boolean;
  /** How the payment's actions are published; absent: they are left alone. */
  readonly publish?: Omit<Publishing, "now"> | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/**
 * Current and desired → what to write, and the moves that are never made. Pure.
 * @throws WorkerError `Refused` with a `reason` and the values that differ: a person has to look.
 */
export function diff(comparison: Comparison): Verdict {
  const { current, logged, desired, rounding, now } = comparison;
  refuseImpossible(current, desired);
  const bad = (desired.findings ?? []).map(foundFrom);
  if (removedByOthers(current)) {
    if (holdsMoney(desired.money)) throw paidOnRemoved(current, desired);
    return { is: "agreed", findings: bad };
  }
  const state = stateOf(desired.phase, desired.money, comparison.states);
  const coverage = coverAmount(current, desired, state, rounding, now);
  const told = toldBy(coverage, bad);
  const payment = paymentChanges(comparison, coverage);
  const transactions = desired.transactions.filter((transaction) => !logged.has(transaction.key));
  const afterWrite = desired.marker !== undefined && !logged.has(desired.marker);
  if (payment === undefined && transactions.length === 0 && !afterWrite) return { is: "agreed", ...told };
  const changes: Changes = { ...(payment === undefined ? {} : { payment }), transactions, afterWrite };
  if (isForward(comparison)) return { is: "differs", changes, ...told };
  return { is: "backwards", fingerprint: JSON.stringify([desired.phase, sumsOf(desired.money)]), changes, ...told };
}

/**
 * What it means that the PSP does not know the id that the payment is bound to; `undefined`: not there yet. What has ended is not what was
 * never there: an attempt that held no money has failed, money does not vanish.
 */
export function diffGone({
  current,
  states,
  now,
}: Pick<Comparison, "current" | "states" | "now">): Verdict | undefined {
  const { record } = current;
  const { bound } = readRecord(record);
  if (bound === undefined || removedByOthers(current)) return undefined;
  const before = lastTruth(current);
  const nothing: Changes = { transactions: [], afterWrite: false };
  if (holdsMoney(before)) {
    const context = { reference: bound, ...sumsOf(before), currency: current.currency };
    const message = "the PSP does not know a payment any more that held money";
    const attention = { reason: "gone-at-psp", message, context };
    return { is: "backwards", fingerprint: "gone", changes: nothing, findings: [], attention };
  }
  if (endStates.has(current.state)) return { is: "agreed", findings: [] };
  const since = timeOf(record?.["since"]);
  // A purchase that was just made may be nowhere for a while: neither a session any more, nor an order yet.
  if (since === undefined || now - since < truthPauses.forgottenMs) return undefined;
  const state = stateOf("failed", noMoney, states);
  const failed = { ...record, phase: "failed", since: isoOf(now) };
  const changes: Changes = { ...nothing, payment: { state, record: failed } };
  return { is: "backwards", fingerprint: "gone", changes, findings: [] };
}

const noMoney = { authorized: 0, captured: 0, refunded: 0, released: 0 };
/** Where nothing more can happen to a payment without money. */
const endStates: ReadonlySet<PaymentState> = new Set([
  "failed",
  "declined",
  "removed",
  "cancelled",
  "credited",
  "refunded",
]);

/** The look that would go on was made for another payment. */
function refuseImpossible(current: CurrentPayment, { currency, money, phase, reference }: DesiredPayment): void {
  if (currency !== current.currency) {
    const facts = { norceCurrency: current.currency, pspCurrency: currency, reference };
    throw refusal("currency-differs", "the PSP's payment has another currency", facts);
  }
  // What was released again does not count: an authorisation that was made anew is held once.
  const held = money.authorized - money.released;
  if (current.upperLimit !== null && held > current.upperLimit) {
    const facts = { upperLimit: current.upperLimit, authorized: held, currency, reference };
    throw refusal("above-upper-limit", "the PSP authorised more than the payment's upper limit", facts);
  }
  const before = lastTruth(current);
  const { bound } = readRecord(current.record);
  if (phase === "failed" && money.authorized === 0 && bound === reference && holdsMoney(before)) {
    const facts = { ...sumsOf(before), currency, reference };
    throw refusal("gone-at-psp", "the PSP has forgotten a payment that held money", facts);
  }
}

/** C, R, V and phase do not fall, or they fall for a reason; another attempt begins anew. @throws WorkerError `Refused` */
function isForward({ current, desired, folds }: Comparison): boolean {
  const { bound } = readRecord(current.record);
  const another = bound !== undefined && bound !== desired.reference;
  if (desired.reversal !== undefined || another || !movesBackwards(current, desired)) return true;
  if (!folds) return false;
  const { phase: phaseBefore, ...sumsBefore } = lastTruth(current);
  const before = Object.fromEntries(Object.entries(sumsBefore).map(([name, sum]) => [`${name}Before`, sum]));
  const facts = { phaseBefore, phase: desired.phase, ...before, ...sumsOf(desired.money) };
  throw refusal("backwards-without-reason", "the events tell less than the payment has come to", facts);
}

function paidOnRemoved(current: CurrentPayment, { money, currency, reference }: DesiredPayment): Error {
  const facts = { ...sumsOf(money), currency, reference, state: current.state };
  return refusal("paid-on-removed", "the PSP holds or took money on a payment that was removed", facts);
}

function removedByOthers({ state, record }: CurrentPayment): boolean {
  return (state === "removed" || state === "cancelled") && record?.["removed"] !== true;
}

function foundFrom({ name, id, deadline, facts }: Finding): Found {
  return {
    name,
    id,
    ...(deadline === undefined ? {} : { deadline }),
    ...(facts === undefined ? {} : { facts }),
  };
}

function toldBy({ findings, attention, lookAgainMs }: Coverage, bad: readonly Found[]): Told {
  return {
    findings: [...bad, ...findings],
    ...(attention === undefined ? {} : { attention }),
    ...(lookAgainMs === undefined ? {} : { lookAgainMs }),
  };
}

/** The fields of ours that Norce says otherwise; `undefined` where there is none. */
function paymentChanges(comparison: Comparison, coverage: Coverage): PaymentChanges | undefined {
  const { current, states, version, now } = comparison;
  // A shopper who came back from a redirect may begin another one: the attempt goes on.
  const goesOn = onlyStarted(current.state, comparison.desired);
  const desired: DesiredPayment = goesOn ? { ...comparison.desired, phase: "paying" } : comparison.desired;
  const state = coverage.heldBack ?? stateOf(desired.phase, desired.money, states);
  const amount = coveredAmount(desired, coverage);
  const record = recordOf(current, desired, state, coverage, now);
  const actions = actionsOf(comparison, coverage);
  const upsell =
    desired.upsell === undefined || version === "v1" ? undefined : mergedUpsell(current.upsell, desired.upsell);
  const changes: PaymentChanges = {
    ...(sameState(current.state, state) ? {} : { state }),
    ...(amount === undefined || amount === current.amount ? {} : { amount }),
    ...(desired.reference === current.reference ? {} : { reference: desired.reference }),
    ...(desired.recurring === undefined || contains(current.recurring, desired.recurring)
      ? {}
      : { recurring: desired.recurring }),
    ...(upsell === undefined || contains(current.upsell, upsell) ? {} : { upsell }),
    ...(same(current.record, record) ? {} : { record }),
    ...(actions === undefined ? {} : { actions }),
  };
  return Object.keys(changes).length === 0 ? undefined : changes;
}

/** What the payment covers: authorised less released. Nothing is said while nothing was authorised, or what was asked is not accepted. */
function coveredAmount({ money }: DesiredPayment, { accepted }: Coverage): Minor | undefined {
  if (money.authorized === 0 || !accepted) return undefined;
  return money.authorized - money.released;
}

function actionsOf({ current, desired, publish, now }: Comparison, coverage: Coverage): Json[] | undefined {
  if (publish === undefined) return undefined;
  const offered = publish.offered.filter((name) => isOffered(name, desired, coverage));
  return actionsToPublish(current.raw["actions"], { ...publish, offered, now });
}

/** Whether an operation can be asked for: what is not paid in full is not delivered, but can be given back. */
function isOffered(
  name: DesiredPayment["possible"][number],
  { possible }: DesiredPayment,
  { underpaid, partial }: Pick<Coverage, "underpaid" | "partial">,
): boolean {
  return possible.includes(name) && !(name === "capture" && (underpaid !== undefined || partial !== undefined));
}
