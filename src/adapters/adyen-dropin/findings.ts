import type { Finding, KeptEvent } from "../../contract/adapter.ts";
import { isDispute, meaningOfStage } from "./codes.ts";
import { type Attempt, factsOf, type Word } from "./ledger.ts";
import { isInReview } from "./money.ts";
import { instantOf, inTurn } from "./turns.ts";

const day = 24 * 3_600_000;
/** How long a person at Adyen may take to decide, and how long what follows from a rejection. */
export const reviewMs = 7 * day;
const rejectionMs = day;

/** The bad news that the events tell of. */
export function findingsOf(
  attempts: readonly Attempt[],
  events: readonly KeptEvent[],
  now: number,
): readonly Finding[] {
  return [...attempts.flatMap((attempt) => [...failuresOf(attempt), ...reviewOf(attempt, now)]), ...disputesIn(events)];
}

/** What was accepted and failed later, and has not been done again since. */
function failuresOf({ words, done }: Attempt): readonly Finding[] {
  const captures = done("CAPTURE");
  const refunds = done("REFUND", "CANCEL_OR_REFUND");
  const unlike = (word: Word, again: readonly Word[]): boolean =>
    !again.some((other) => instantOf(other) > instantOf(word));
  const overturned = words("REFUND", "CANCEL_OR_REFUND").filter((word) => word.overturned);
  return [
    ...done("CAPTURE_FAILED")
      .filter((word) => unlike(word, captures))
      .map((word) => finding("capture-failed", word)),
    ...[...done("REFUND_FAILED"), ...overturned]
      .filter((word) => unlike(word, refunds))
      .map((word) => finding("refund-failed", word)),
    ...done("REFUNDED_REVERSED")
      .filter((word) => unlike(word, refunds))
      .map((word) => finding("refund-reversed", word)),
  ];
}

function finding(name: Finding["name"], { code, facts, currency, key }: Word): Finding {
  const { pspReference = key, amount } = facts;
  return {
    name,
    id: pspReference,
    facts: { event: code, ...(amount === undefined || currency === undefined ? {} : { amount, currency }) },
  };
}

/** A review that nobody ends, or whose rejection is not followed by a cancellation or a refund. */
function reviewOf(attempt: Attempt, now: number): readonly Finding[] {
  const { authorisation, reference } = attempt;
  if (authorisation === undefined || !isInReview(attempt)) return [];
  const rejected = attempt.done("MANUAL_REVIEW_REJECT").at(-1);
  const since = rejected === undefined ? instantOf(authorisation) + reviewMs : instantOf(rejected) + rejectionMs;
  if (now <= since) return [];
  const { amount, currency = "" } = authorisation;
  const event = rejected === undefined ? "fraudManualReview" : "MANUAL_REVIEW_REJECT";
  return [{ name: "authorization-at-risk", id: reference, facts: { event, amount, currency } }];
}

/**
 * Each dispute by where it stands: all of its events have the dispute's reference. Money that was taken stays taken until a stage says that it
 * came back, however the case goes on: that it was defended, or that the time to defend it is over, gives nothing back.
 */
function disputesIn(events: readonly KeptEvent[]): readonly Finding[] {
  const stages = Map.groupBy(
    inTurn(events.filter(({ type }) => isDispute(type))),
    (event) => factsOf(event.facts).pspReference ?? event.key,
  );
  return [...stages]
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .flatMap(([id, all]): Finding[] => {
      const newest = all.at(-1);
      const since = all.findLastIndex(({ type }) => meaningOfStage(type) === "over") + 1;
      const taken = all.slice(since).findLast(({ type }) => meaningOfStage(type) === "chargeback");
      if (newest === undefined || since === all.length) return [];
      const { type, currency, facts: kept } = taken ?? newest;
      const { amount } = factsOf(kept);
      const moved = amount === undefined || currency === undefined ? {} : { amount, currency };
      const name = taken === undefined ? "dispute" : "chargeback";
      return [{ name, id, deadline: factsOf(newest.facts).deadline, facts: { event: type, ...moved } }];
    });
}
