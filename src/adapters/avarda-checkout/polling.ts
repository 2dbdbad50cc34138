import type { DesiredPayment, Phase } from "../../contract/adapter.ts";
import type { Purchase } from "./schema.ts";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** When a session is looked at, counted from its beginning; every hour after the last (docs/psp/avarda.md, c). */
const early = [2 * minute, 10 * minute, 30 * minute] as const;
/** How long a session is looked at after its end, and how long a credit decision takes at most. */
const graceMs = hour;
const decisionMs = 14 * day;
/** A session that does not say when it ends has ended by then, whatever it says. */
const longestSessionMs = 14 * day;

type Times = Pick<Purchase, "createdUtc" | "expiredUtc">;

/** When a session ends that nobody finishes, in Unix milliseconds; `undefined` where Avarda says no time at all. */
export function endOf({ createdUtc, expiredUtc }: Times): number | undefined {
  if (expiredUtc !== undefined) return Date.parse(expiredUtc);
  return createdUtc === undefined ? undefined : Date.parse(createdUtc) + longestSessionMs;
}

/** True where a session has been over for so long that nothing of it shows late any more. */
export function isLongOver(times: Times, now: number): boolean {
  const end = endOf(times);
  return end !== undefined && now >= end + graceMs;
}

/** True where a credit decision has taken longer than one takes. @param since ISO 8601. */
export function isOverdue(since: string, now: number): boolean {
  return now - Date.parse(since) > decisionMs;
}

/**
 * When to look again although nobody calls. Only a completed purchase is announced, if it is: refusals and time-outs are silent, and
 * callbacks get lost.
 */
export function lookAgainOf(phase: Phase, times: Times, now: number): DesiredPayment["lookAgain"] {
  switch (phase) {
    case "created":
    case "paying":
    // A session that is over may have ended with a purchase that shows late.
    case "failed":
      return sessionLook(times, now);
    case "review":
    case "awaiting":
      return { afterSeconds: day / 1_000 };
    case "confirmed":
    case "declined":
      return undefined;
  }
}

function sessionLook(times: Times, now: number): DesiredPayment["lookAgain"] {
  if (isLongOver(times, now)) return undefined;
  if (times.createdUtc === undefined) return { afterSeconds: hour / 1_000 };
  const begun = Date.parse(times.createdUtc);
  const next = early.map((after) => begun + after).find((at) => at > now) ?? now + hour;
  return { at: new Date(Math.min(next, (endOf(times) ?? next) + graceMs)).toISOString() };
}
