import { WorkerError } from "../../lib/errors.ts";
import { sum } from "../../lib/money.ts";
import type { Minor, Money } from "../../contract/adapter.ts";
import { minorOf } from "./amounts.ts";
import type { Charge, Counted, Dispute, IntentSnapshot, Refund } from "./schema.ts";

const nothing: Money = { authorized: 0, captured: 0, refunded: 0, released: 0 };

/** Where the money of a payment intent is. */
export interface Sums {
  readonly money: Money;
  /** What holds or took the money; `null` where nothing does. */
  readonly charge: Charge | null;
  /** Refunds of captured money, the oldest first. */
  readonly refunds: readonly Refund[];
  /** What has been given back, in the order in which it was seen. */
  readonly counted: readonly Counted[];
  /** Refunds that are accepted and have not arrived. */
  readonly underWay: Minor;
}

/** A, C, R and V by amounts, never by the names of events (docs/psp/stripe.md, d and e). @throws WorkerError `Unmapped` */
export function sumsOf(snapshot: IntentSnapshot): Sums {
  const { intent } = snapshot;
  const charge = chargeOf(snapshot);
  if (charge === null) return { money: nothing, charge, refunds: [], counted: snapshot.counted, underWay: 0 };
  const minor = (amount: number): Minor => minorOf(amount, intent.currency);
  const captured = minor(charge.amount_captured);
  // While it is open, what can be captured is what is held: less where the issuer authorised a part, more where the hold was raised.
  const authorized =
    intent.status === "requires_capture"
      ? captured + minor(capturableOf(snapshot))
      : Math.max(minor(charge.amount), captured);
  const released = intent.status === "requires_capture" ? 0 : authorized - captured;
  const refunds = refundsOf(snapshot, charge);
  const back = [
    ...refunds
      .filter(({ status }) => status === "succeeded")
      .map(({ id, amount, created }) => ({ id, amount: minor(amount), at: created ?? 0 })),
    // What a lost dispute took is in no refund and in no sum of the charge.
    ...snapshot.disputes.filter(isLost).map((dispute) => ({
      id: dispute.id,
      amount: lossOf(dispute, intent.currency),
      at: dispute.created ?? 0,
    })),
  ].filter(({ amount }) => amount > 0);
  const refunded = Math.min(
    captured,
    sum(back, ({ amount }) => amount),
  );
  const waiting = refunds.filter(({ status }) => status === "pending" || status === "requires_action");
  return {
    money: { authorized, captured, refunded, released },
    charge,
    refunds,
    counted: countedWith(snapshot.counted, back, captured),
    underWay: Math.min(
      captured - refunded,
      sum(waiting, ({ amount }) => minor(amount)),
    ),
  };
}

/** The charge that holds or took the money. @throws WorkerError `Unmapped` where it should be there and is not */
function chargeOf({ intent }: IntentSnapshot): Charge | null {
  const { status, latest_charge: latest } = intent;
  switch (status) {
    case "requires_payment_method":
    case "requires_confirmation":
    case "requires_action":
    case "processing":
      return null;
    case "canceled":
      if (latest === null || latest === undefined) return null;
      if (typeof latest === "string") throw unreadable("latest_charge");
      if (latest.status !== "succeeded") return null;
      // Refused as fraud before anything was taken: it never held anything for the merchant.
      return intent.cancellation_reason === "fraudulent" && latest.amount_captured === 0 ? null : latest;
    case "requires_capture":
    case "succeeded":
      if (typeof latest !== "object" || latest === null || latest.status !== "succeeded")
        throw unreadable("latest_charge");
      return latest;
  }
}

function capturableOf({ intent: { amount_capturable } }: IntentSnapshot): number {
  if (amount_capturable === null || amount_capturable === undefined) throw unreadable("amount_capturable");
  return amount_capturable;
}

/**
 * Refunds of captured money. Stripe keeps two other things in the same list: the end of a hold (`expired_uncaptured_charge`), and the rest
 * that a partial capture let go. The latter bears no mark: it is made with the capture, before there can be any other refund, over exactly
 * that rest, without a reason, and by nobody (https://github.com/solidusio/solidus_stripe/pull/268).
 */
function refundsOf({ intent, refunds }: IntentSnapshot, charge: Charge): readonly Refund[] {
  const real = refunds
    .filter(({ reason }) => reason !== "expired_uncaptured_charge")
    .toSorted((one, other) => (one.created ?? 0) - (other.created ?? 0) || (one.id < other.id ? -1 : 1));
  const rest = intent.status === "requires_capture" ? 0 : charge.amount - charge.amount_captured;
  const [oldest] = real;
  if (rest <= 0 || oldest === undefined) return real;
  const letGo = real.find(
    ({ amount, created, reason, metadata }) =>
      created === oldest.created && amount === rest && (reason ?? null) === null && metadata?.operation === undefined,
  );
  return letGo === undefined ? real : real.filter((refund) => refund !== letGo);
}

/** Appends what is new to what earlier looks counted: a line that was logged once keeps its running total, in whichever order lists come. */
function countedWith(
  before: readonly Counted[],
  back: readonly { readonly id: string; readonly amount: Minor; readonly at: number }[],
  captured: Minor,
): readonly Counted[] {
  const known = new Set(before.map(({ id }) => id));
  let total = sum(
    back.filter(({ id }) => known.has(id)),
    ({ amount }) => amount,
  );
  const fresh = back
    .filter(({ id }) => !known.has(id))
    .toSorted((one, other) => one.at - other.at || (one.id < other.id ? -1 : 1))
    .map(({ id, amount }) => ({ id, total: Math.min(captured, (total += amount)) }));
  return [...before, ...fresh];
}

/** True for a dispute whose money the shopper keeps. */
function isLost({ status }: Dispute): boolean {
  switch (status) {
    case "lost":
      return true;
    case "warning_needs_response":
    case "warning_under_review":
    case "warning_closed":
    case "needs_response":
    case "under_review":
    case "won":
    case "prevented":
      return false;
  }
}

function lossOf(dispute: Dispute, currency: string): Minor {
  if (dispute.currency.toUpperCase() !== currency.toUpperCase()) throw unreadable("dispute.currency");
  return minorOf(dispute.amount, dispute.currency);
}

function unreadable(field: string): WorkerError {
  return new WorkerError("Unmapped", "a Stripe payment intent does not say where its money is", { context: { field } });
}
