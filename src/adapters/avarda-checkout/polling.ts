import type { DesiredPayment, Phase } from "../../contract/adapter.ts";
import type { Purchase } from "./schema.ts";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** When a session is looked at, counted from its beginning; every hour after the last (docs/psp/avarda.md, c). */
const early = [2 * minute, 10 * minute, 30 * minute] as const;
/** How long a session is looked at after its end, and a credit decision after the session's beginning. */
const graceMs = hour;
const decisionDays = 14;

/**
 * When to look again although nobody calls. Only a completed purchase is announced, if it is: refusals and time-outs are silent, and
 * callbacks get lost.
 */
export function lookAgainOf(
  phase: Phase,
  { createdUtc, expiredUtc }: Pick<Purchase, "createdUtc" | "expiredUtc">,
  readAt: string,
): DesiredPayment["lookAgain"] {
  const now = Date.parse(readAt);
  const begun = createdUtc === undefined ? undefined : Date.parse(createdUtc);
  switch (phase) {
    case "created":
    case "paying":
    // A session that is over may have ended with a purchase that shows late.
    case "failed":
      return sessionLook(now, begun, expiredUtc === undefined ? undefined : Date.parse(expiredUtc) + graceMs);
    case "review":
    case "awaiting":
      return begun !== undefined && now + day > begun + decisionDays * day ? undefined : { afterSeconds: day / 1_000 };
    case "confirmed":
    case "declined":
      return undefined;
  }
}

function sessionLook(now: number, begun: number | undefined, last: number | undefined): DesiredPayment["lookAgain"] {
  if (last !== undefined && now >= last) return undefined;
  if (begun === undefined) return { afterSeconds: hour / 1_000 };
  const next = early.map((after) => begun + after).find((at) => at > now) ?? now + hour;
  return { at: new Date(Math.min(next, last ?? next)).toISOString() };
}
