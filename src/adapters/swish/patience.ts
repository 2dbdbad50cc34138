import type { DesiredPayment } from "../../contract/adapter.ts";
import { msOf, type Payment, type Refund, type Snapshot } from "./schema.ts";

const second = 1_000;
const day = 24 * 60 * 60 * second;

/**
 * When a payment request is looked at although nobody calls, in seconds since it was made. Swish ends one that nobody pays after three to
 * five and a half minutes (docs/psp/swish.md, e), and calls ten times within minutes at most (c).
 */
const looks = [5, 15, 30, 60, 120, 240, 360] as const;

/** For how long an outcome that Swish does not know is asked for, and a request that it should have ended long ago. */
const patienceMs = day;

/** Whether Swish itself does not know what became of it: money may have moved (`DS24`; docs/psp/swish.md, e). */
export function isUnknown({ status, errorCode }: Payment | Refund): boolean {
  return status === "ERROR" && errorCode === "DS24";
}

/** Whether waiting for its outcome has come to an end. */
export function isOver({ dateCreated }: Payment | Refund, now: number): boolean {
  return !(now - msOf(dateCreated) < patienceMs);
}

/** Until when the outcome is waited for, ISO 8601. */
export function unknownUntil({ dateCreated }: Payment | Refund): string {
  return new Date(msOf(dateCreated) + patienceMs).toISOString();
}

/** The next look: soon after the request was made; with growing pauses where an outcome or a refund is awaited. */
export function lookAgainOf({ payment, refunds, awaited }: Snapshot, now: number): DesiredPayment["lookAgain"] {
  const since = msOf(payment.dateCreated);
  if (payment.status === "CREATED") {
    const next = looks.map((seconds) => since + seconds * second).find((at) => at > now);
    if (next !== undefined) return { at: new Date(next).toISOString() };
  }
  if ((payment.status === "CREATED" || isUnknown(payment)) && !isOver(payment, now)) return growing(since);
  const waiting = [
    ...refunds.filter((refund) => isAwaited(refund)).map(({ dateCreated }) => msOf(dateCreated)),
    // What we asked for and Swish does not know may be a moment behind.
    ...awaited.map((at) => Date.parse(at)).filter((at) => now - at < patienceMs),
  ];
  return waiting.length === 0 ? undefined : growing(Math.max(...waiting));
}

/** Whether a refund has not come to its end. */
export function isAwaited(refund: Refund): boolean {
  return isUnknown(refund) || (refund.status !== "PAID" && refund.status !== "ERROR");
}

function growing(since: number): DesiredPayment["lookAgain"] {
  return { growing: new Date(since).toISOString() };
}
