import { WorkerError } from "../../lib/errors.ts";
import { exponentOf, sum } from "../../lib/money.ts";
import type { KeptEvent, Minor, Money } from "../../contract/adapter.ts";
import { type Charge, insistOnStates, type Payment, type Refund } from "./schema.ts";

/** How long a charge that is listed and not counted yet is waited for, in milliseconds; one that failed may stay in the list. */
const chargePatienceMs = 7 * 24 * 60 * 60_000;

/** The kind of line that a refused operation leaves when the reservation has expired: nothing else of Nexi's would tell. */
export const expiredType = "reservation.expired";

/** The sums, and what Nexi has accepted and not carried out yet. */
export interface Standing {
  readonly money: Money;
  readonly capturing: Minor;
  readonly refunding: Minor;
  /** Ids of charges that failed. */
  readonly failed: ReadonlySet<string>;
}

/**
 * Where the payment's money is: Nexi has no status, the sums of its summary decide (docs/psp/nexi.md, d). Methods that take the money at once
 * never reserved any; refunds are measured against what was charged.
 * @throws WorkerError `Unmapped` for a currency that Nexi does not say how it counts
 */
export function standingOf(payment: Payment, kept: readonly KeptEvent[], now: number): Standing {
  insistOnStates(payment);
  insistOnCurrency(payment);
  const { summary, charges } = payment;
  const reserved = summary?.reservedAmount ?? 0;
  const captured = summary?.chargedAmount ?? 0;
  const authorized = Math.max(reserved, captured);
  const failed = failedIn(kept);
  const pending = refundsIn(payment, "Pending");
  const completed = refundsIn(payment, "Completed");
  // Whether the summary counts refunds that have only been accepted is not documented: what is listed as pending is not given back yet.
  const refunded = Math.min(captured, Math.max(completed, (summary?.refundedAmount ?? 0) - pending));
  const rest = authorized - captured;
  const released = hasExpired(kept) ? rest : Math.min(rest, summary?.cancelledAmount ?? 0);
  const standing = (charges ?? []).filter(({ chargeId }) => !failed.has(chargeId));
  const young = standing.filter((charge) => isYoung(charge, now));
  const beyond = Math.max(0, sum(standing, worth) - captured);
  return {
    money: { authorized, captured, refunded, released },
    capturing: Math.min(rest - released, sum(young, worth), beyond),
    refunding: Math.min(captured - refunded, pending),
    failed,
  };
}

function refundsIn({ refunds }: Payment, state: Refund["state"]): Minor {
  return sum(
    (refunds ?? []).filter((refund) => refund.state === state),
    worth,
  );
}

function worth({ amount }: Pick<Charge, "amount">): Minor {
  return amount;
}

/** Whether Nexi has refused an operation because the reservation had expired. */
function hasExpired(kept: readonly KeptEvent[]): boolean {
  return kept.some(({ type }) => type === expiredType);
}

/** Ids of charges that a webhook said to have failed. */
function failedIn(kept: readonly KeptEvent[]): ReadonlySet<string> {
  const ids = kept.filter(isFailedCharge).map(({ facts = {} }) => facts["chargeId"]);
  return new Set(ids.filter((id) => typeof id === "string"));
}

/** Whether it tells of a charge that failed after it was accepted. */
export function isFailedCharge({ type }: Pick<KeptEvent, "type">): boolean {
  return type === "payment.charge.failed" || type === "payment.charge.failed.v2";
}

function isYoung({ created }: Charge, now: number): boolean {
  return created !== undefined && now - Date.parse(created) < chargePatienceMs;
}

/** Nexi counts in hundredths; how it counts a currency that has none is not documented (docs/psp/nexi.md, h). */
function insistOnCurrency({ orderDetails: { currency } }: Payment): void {
  if (exponentOf(currency) === 2) return;
  throw new WorkerError("Unmapped", "nexi does not say how it counts this currency", { context: { currency } });
}
