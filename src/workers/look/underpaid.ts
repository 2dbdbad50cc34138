/** Less than was asked is not paid. Pure. */
import { isoOf } from "../../lib/time.ts";
import { truthPauses } from "../patience.ts";
import type { DesiredPayment, Minor, Phase } from "../../contract/adapter.ts";
import type { CurrentPayment } from "../../norce/payment.ts";
import { canonical, type PaymentState } from "../../norce/states.ts";
import type { Attention, Facts, Found } from "../found.ts";
import { type AmountRecord, readRecord } from "./record.ts";

/** What the amount that the PSP asked of the shopper means for the payment. */
export interface Coverage extends AmountRecord {
  /** `processing`: its parts are short. `pending`: less was asked than the payment is over. Absent: the money speaks. */
  readonly heldBack?: "processing" | "pending" | undefined;
  readonly findings: readonly Found[];
  readonly attention?: Attention;
  /** When it has to be looked at again for this, in milliseconds from now. */
  readonly lookAgainMs?: number;
}

/** What would tell a shop that it is paid. */
const paidStates: ReadonlySet<PaymentState> = new Set(["reserved", "captured", "confirmed"]);
/** Where the PSP has decided. */
const decidedPhases: ReadonlySet<Phase> = new Set(["confirmed", "declined", "failed"]);
/** Where a payment stands that another adapter has brought there. */
const takenOverStates: ReadonlySet<PaymentState> = new Set(["reserved", "captured", "credited"]);

/**
 * Compares what the PSP first asked of the shopper with Norce's `amount`, until it is accepted: from then on it is never asked again.
 * @param state what the money alone makes of the payment.
 * @param rounding how far both may be apart, in minor units.
 */
export function coverAmount(
  current: CurrentPayment,
  desired: DesiredPayment,
  state: PaymentState,
  rounding: Minor,
  now: number,
): Coverage {
  const { accepted, bound, partialSince } = readRecord(current.record);
  const standing = amountAskedIn(current);
  // What was accepted of one attempt says nothing of another.
  if (accepted && (bound === undefined || bound === desired.reference))
    return { accepted: true, findings: [], ...standing };
  const takenOver = current.record === null && takenOverStates.has(canonical(current.state));
  const parts = desired.partial === true && !takenOver;
  const since = partialSince ?? now;
  const leftMs = since + truthPauses.partsMs - now;
  if (parts && leftMs > 0) {
    const partial = isoOf(since);
    const held = paidStates.has(canonical(state)) ? { heldBack: "processing" as const } : {};
    return { accepted: false, partial, ...held, findings: [], lookAgainMs: leftMs, ...standing };
  }
  const { authorized } = desired.money;
  if (authorized === 0) return { accepted: takenOver, findings: [], ...standing };
  // Parts that stayed short come to what they authorised, whatever was asked of the shopper.
  const total = desired.partial === true ? Math.min(desired.total, authorized) : desired.total;
  if (current.amount - total > rounding) return coverLess(current, desired, state, total, takenOver, now);
  // What is still under way may end with another amount.
  if (!decidedPhases.has(desired.phase) && !takenOver) return { accepted: false, findings: [], ...standing };
  const facts = { asked: current.amount, total, authorized, currency: desired.currency };
  const more = authorized - current.amount > rounding;
  return {
    accepted: true,
    findings: more ? [{ name: "amount-differs", facts }] : [],
    ...(authorized === current.amount ? standing : { amountAsked: current.amount, ...standing }),
  };
}

function coverLess(
  current: CurrentPayment,
  { currency, money }: DesiredPayment,
  state: PaymentState,
  total: Minor,
  takenOver: boolean,
  now: number,
): Coverage {
  const facts: Facts = { asked: current.amount, total, authorized: money.authorized, currency };
  const findings: readonly Found[] = [{ name: "underpaid", facts }];
  if (takenOver) return { accepted: true, findings, amountAsked: current.amount };
  const since = readRecord(current.record).underpaidSince ?? now;
  const underpaid = { since: isoOf(since), total, asked: current.amount };
  const leftMs = since + truthPauses.confirmMs - now;
  const standing = {
    accepted: false,
    underpaid,
    ...amountAskedIn(current),
    ...(paidStates.has(canonical(state)) ? { heldBack: "pending" as const } : { heldBack: undefined }),
  };
  // PSP reads lag, and so do Norce's: nobody is called for a difference that is gone a minute later.
  if (leftMs > 0) return { ...standing, findings: [], lookAgainMs: leftMs };
  // What was given back, or is still under review, is nothing that a shop could take for paid.
  if (standing.heldBack === undefined) return { ...standing, findings };
  const message = "less was asked of the shopper than the payment is over";
  return { ...standing, findings, attention: { reason: "underpaid", message, context: facts } };
}

function amountAskedIn({ record }: CurrentPayment): Pick<AmountRecord, "amountAsked"> {
  const asked = record?.["amountAsked"];
  return typeof asked === "number" ? { amountAsked: asked } : {};
}
