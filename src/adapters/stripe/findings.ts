import type { Finding } from "../../contract/adapter.ts";
import { minorOf } from "./amounts.ts";
import { isThere } from "./present.ts";
import type { Dispute, IntentSnapshot, Refund } from "./schema.ts";
import type { Sums } from "./sums.ts";

const hourMs = 3_600_000;
/** An authorisation ends in so long: the last day to capture. */
export const warnMs = 24 * hourMs;
/** What takes longer than this is no bank that is slow. */
const stuckMs = 14 * 24 * hourMs;

/** Bad news of a payment intent, whatever its state says. */
export function findingsOf(snapshot: IntentSnapshot, sums: Sums, now: number): readonly Finding[] {
  const { intent, disputes } = snapshot;
  const currency = intent.currency.toUpperCase();
  return [
    ...sums.refunds.filter(hasFailed).map((refund): Finding => ({
      name: "refund-failed",
      id: refund.id,
      facts: {
        amount: minorOf(refund.amount, currency),
        currency,
        ...(!isThere(refund.failure_reason) ? {} : { code: refund.failure_reason }),
      },
    })),
    ...disputes.flatMap((dispute) => disputeFinding(dispute)),
    ...riskOf(snapshot, sums, now),
  ];
}

/** True for a refund that the shopper does not get, even where it had arrived for a while. */
export function hasFailed({ status }: Refund): boolean {
  switch (status) {
    case "failed":
    case "canceled":
      return true;
    case "pending":
    case "requires_action":
    case "succeeded":
      return false;
  }
}

function disputeFinding(dispute: Dispute): readonly Finding[] {
  const currency = dispute.currency.toUpperCase();
  const due = dispute.evidence_details?.due_by;
  const facts = {
    amount: minorOf(dispute.amount, currency),
    currency,
    status: dispute.status,
    ...(!isThere(dispute.reason) ? {} : { code: dispute.reason }),
  };
  switch (dispute.status) {
    case "needs_response":
    case "warning_needs_response":
      return [{ name: "dispute", id: dispute.id, ...(!isThere(due) ? {} : { deadline: timeOf(due) }), facts }];
    case "under_review":
    case "warning_under_review":
      return [{ name: "dispute", id: dispute.id, facts }];
    case "lost":
      return [{ name: "chargeback", id: dispute.id, facts }];
    case "won":
    case "warning_closed":
    case "prevented":
      return [];
  }
}

/** A hold that is about to lapse, and a wait that takes longer than any bank. */
function riskOf({ intent, review }: IntentSnapshot, { charge, money }: Sums, now: number): readonly Finding[] {
  const { id, status, created } = intent;
  const ends = holdEndsAt(intent, charge);
  const open = money.authorized - money.captured - money.released;
  if (open > 0 && ends !== undefined && now >= ends - warnMs)
    return [{ name: "authorization-at-risk", id, deadline: new Date(ends).toISOString() }];
  const waits = status === "processing" || (status === "succeeded" && review?.open === true);
  return waits && isThere(created) && now >= created * 1_000 + stuckMs ? [{ name: "authorization-at-risk", id }] : [];
}

/** Until when a hold can be captured: as the charge says, else seven days after it (docs/psp/stripe.md, g). */
export function holdEndsAt({ status, created }: IntentSnapshot["intent"], charge: Sums["charge"]): number | undefined {
  if (status !== "requires_capture") return undefined;
  const said = charge?.payment_method_details?.card?.capture_before;
  if (isThere(said)) return said * 1_000;
  const since = charge?.created ?? created;
  return !isThere(since) ? undefined : since * 1_000 + 7 * 24 * hourMs;
}

/** ISO 8601 of Stripe's seconds. */
export function timeOf(seconds: number): string {
  return new Date(seconds * 1_000).toISOString();
}
