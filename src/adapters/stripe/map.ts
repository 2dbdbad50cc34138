import type { DesiredPayment, MapContext, OperationName, Phase } from "../../contract/adapter.ts";
import { minorOf } from "./amounts.ts";
import { findingsOf, holdEndsAt, timeOf, warnMs } from "./findings.ts";
import { isThere, present } from "./present.ts";
import { recurringOf, upsellOf } from "./recurring.ts";
import type { Dispute, Intent, IntentSnapshot, SetupSnapshot, Snapshot } from "./schema.ts";
import { type Sums, sumsOf } from "./sums.ts";
import { setupTransactions, transactionsOf } from "./transactions.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** Stripe lets an intent that nobody pays live for ever: after a day nobody stands in the checkout any more. */
const abandonedMs = dayMs;
/** A bank transfer or a voucher has had its time. */
const slowAbandonedMs = 30 * dayMs;
/** For how long a bank may send a refund back (docs/psp/stripe.md, e). */
const bouncingMs = 30 * dayMs;

/** What Norce should say of an intent. */
export function map(snapshot: Snapshot, { now }: Pick<MapContext, "now">): DesiredPayment {
  return "setup" in snapshot ? fromSetup(snapshot, now) : fromIntent(snapshot, now);
}

function fromIntent(snapshot: IntentSnapshot, now: number): DesiredPayment {
  const { intent, echoes } = snapshot;
  const phase = phaseOf(snapshot, now);
  const sums = sumsOf(snapshot);
  const { money, counted, charge } = sums;
  const currency = intent.currency.toUpperCase();
  const asked = minorOf(intent.amount, currency);
  const holds = phase === "confirmed" && money.authorized > 0;
  const recurring = holds ? recurringOf(intent, intent.setup_future_usage) : undefined;
  const upsell = upsellOf(snapshot, recurring);
  // The last line of what went back is the sum, unless something of it has failed since.
  const isReversed = (counted.at(-1)?.total ?? 0) !== money.refunded;
  return {
    phase,
    money,
    // Of a part that the issuer authorised, that part.
    total: intent.status === "requires_capture" ? Math.min(asked, money.authorized) : asked,
    currency,
    reference: intent.id,
    aliases: aliasesOf(snapshot, sums, recurring?.token),
    ...(recurring === undefined ? {} : { recurring }),
    ...(upsell === undefined ? {} : { upsell }),
    attributes: attributesOf(snapshot, charge),
    ...(counted.length === 0 ? {} : { memory: { counted: counted.map(({ id, total }) => ({ id, total })) } }),
    transactions: transactionsOf(snapshot, sums, phase),
    possible: possibleOf(snapshot, sums, phase),
    wholeOnly: ["cancel"],
    ...(sums.underWay === 0 ? {} : { underWay: { refund: sums.underWay } }),
    echoes,
    ...(isReversed ? { reversal: "refund.failed" } : {}),
    findings: findingsOf(snapshot, sums, now),
    ...present({ lookAgain: lookAgainOf(snapshot, sums, phase, now) }),
  };
}

function phaseOf({ intent, review }: IntentSnapshot, now: number): Phase {
  const { status, latest_charge: charge } = intent;
  switch (status) {
    case "requires_payment_method":
    case "requires_confirmation": {
      const isTried = hasFailedAttempt(intent);
      if (isOver(intent, now)) return isTried ? "declined" : "failed";
      return isTried ? "paying" : "created";
    }
    case "requires_action":
      if (isOver(intent, now)) return "failed";
      return isSlow(intent) ? "awaiting" : "paying";
    case "processing": {
      const details = typeof charge === "object" ? charge?.payment_method_details : undefined;
      // A card's answer is a matter of seconds, a bank's of days.
      return !isThere(details) || isThere(details.card) ? "paying" : "awaiting";
    }
    case "requires_capture":
    case "succeeded":
      return review?.open === true ? "review" : "confirmed";
    case "canceled": {
      const isHeld = typeof charge === "object" && charge?.status === "succeeded";
      const isFraud = intent.cancellation_reason === "fraudulent";
      if (isHeld && (!isFraud || charge.amount_captured > 0)) return "confirmed";
      return isFraud ? "declined" : "failed";
    }
  }
}

function hasFailedAttempt({ last_payment_error: error, latest_charge: charge }: Intent): boolean {
  return (error !== null && error !== undefined) || (charge !== null && charge !== undefined);
}

function isSlow({ next_action: action }: Intent): boolean {
  return action?.isSlow === true;
}

/** When nobody will finish it any more. */
function overAt(intent: Pick<Intent, "created" | "next_action">): number | undefined {
  const { created } = intent;
  if (created === null || created === undefined) return undefined;
  return created * 1_000 + (intent.next_action?.isSlow === true ? slowAbandonedMs : abandonedMs);
}

function isOver(intent: Pick<Intent, "created" | "next_action">, now: number): boolean {
  return now >= (overAt(intent) ?? Infinity);
}

/** Ids by which events may name the payment that do not name the intent: thin ones, and those of the stored method. */
function aliasesOf(
  { disputes }: IntentSnapshot,
  { charge, refunds }: Sums,
  token: string | undefined,
): readonly string[] {
  return [
    ...(charge === null ? [] : [charge.id]),
    ...refunds.map(({ id }) => id),
    ...disputes.map(({ id }) => id),
    ...(token === undefined ? [] : [token]),
  ];
}

function attributesOf({ intent, disputes }: IntentSnapshot, charge: Sums["charge"]): DesiredPayment["attributes"] {
  const { status, capture_method: captureMethod, cancellation_reason: cancellationReason, review } = intent;
  const [dispute] = disputes.toSorted((one, other) => (other.created ?? 0) - (one.created ?? 0));
  const until = charge?.payment_method_details?.card?.capture_before;
  return present<string | number | boolean>({
    status,
    captureMethod: captureMethod ?? undefined,
    cancellationReason: cancellationReason ?? undefined,
    chargeId: charge?.id,
    method: charge?.payment_method_details?.type ?? undefined,
    captureBefore: status === "requires_capture" && isThere(until) ? timeOf(until) : undefined,
    review: review ?? undefined,
    dispute: dispute?.status,
  });
}

/** Whether the rest stays held after a partial capture that asks for it. */
export function isMulticapture(charge: Sums["charge"]): boolean {
  return charge?.payment_method_details?.card?.multicapture?.status === "available";
}

function possibleOf(
  { intent, disputes }: IntentSnapshot,
  { money, underWay }: Sums,
  phase: Phase,
): readonly OperationName[] {
  const isOpen = intent.status === "requires_capture" && money.authorized > money.captured;
  // Money that the shopper's bank has taken back, or may take, cannot be refunded beside that.
  const isRefundable = money.captured - money.refunded - underWay > 0 && !disputes.some(holdsBack);
  return [
    ...(isOpen && phase === "confirmed" ? (["capture"] as const) : []),
    ...(isOpen ? (["cancel"] as const) : []),
    ...(isRefundable ? (["refund"] as const) : []),
  ];
}

function holdsBack({ status }: Dispute): boolean {
  switch (status) {
    case "needs_response":
    case "under_review":
    case "lost":
      return true;
    case "warning_needs_response":
    case "warning_under_review":
    case "warning_closed":
    case "won":
    case "prevented":
      return false;
  }
}

/** When the payment may change, or end, without a webhook. */
function lookAgainOf(
  { intent, disputes }: IntentSnapshot,
  { charge, money, refunds }: Sums,
  phase: Phase,
  now: number,
): DesiredPayment["lookAgain"] {
  const since = timeOf(intent.created ?? now / 1_000);
  switch (phase) {
    case "created":
    case "paying":
      return endOf(intent, now) ?? { growing: since };
    case "review":
    case "awaiting":
      return { growing: since };
    case "declined":
    case "failed":
      return undefined;
    case "confirmed":
      break;
  }
  const ends = holdEndsAt(intent, charge);
  if (ends !== undefined && money.authorized > money.captured) {
    // Before the last day, then after the end; a hold that has ended and is still shown is asked for ever more slowly.
    const next = [ends - warnMs, ends + hourMs].find((at) => at > now);
    return next === undefined ? { growing: new Date(ends).toISOString() } : { at: new Date(next).toISOString() };
  }
  const unsettled = disputes.filter((dispute) => holdsBack(dispute) && dispute.status !== "lost");
  const bouncing = refunds.filter(({ created }) => isThere(created) && now < created * 1_000 + bouncingMs);
  const latest = Math.max(...[...unsettled, ...bouncing].map(({ created }) => created ?? 0));
  return latest > 0 ? { growing: timeOf(latest) } : undefined;
}

function endOf(intent: Pick<Intent, "created" | "next_action">, now: number): DesiredPayment["lookAgain"] {
  const at = overAt(intent);
  return at === undefined || at <= now ? undefined : { at: new Date(at).toISOString() };
}

function fromSetup({ setup, currency, echoes }: SetupSnapshot, now: number): DesiredPayment {
  const phase = setupPhase(setup, now);
  const recurring = phase === "confirmed" ? recurringOf(setup, setup.usage) : undefined;
  return {
    phase,
    money: { authorized: 0, captured: 0, refunded: 0, released: 0 },
    total: 0,
    currency,
    reference: setup.id,
    ...(recurring === undefined ? {} : { recurring, aliases: [recurring.token] }),
    attributes: { status: setup.status },
    transactions: setupTransactions(setup),
    possible: [],
    echoes,
    ...(phase === "created" || phase === "paying"
      ? present({ lookAgain: endOf({ ...setup, next_action: null }, now) })
      : {}),
  };
}

function setupPhase(setup: SetupSnapshot["setup"], now: number): Phase {
  const over = isOver({ ...setup, next_action: null }, now);
  switch (setup.status) {
    case "requires_payment_method":
    case "requires_confirmation": {
      const isTried = setup.last_setup_error !== null && setup.last_setup_error !== undefined;
      if (over) return isTried ? "declined" : "failed";
      return isTried ? "paying" : "created";
    }
    case "requires_action":
    case "processing":
      return over ? "failed" : "paying";
    case "canceled":
      return "failed";
    case "succeeded":
      return "confirmed";
  }
}
