import type { DesiredPayment, Minor, Money, Phase } from "../../contract/adapter.ts";
import type { CheckoutStatus, Transaction } from "./schema.ts";

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

/** How long an order can be bought that was created: 48 hours (docs/psp/qliro.md, d). */
export const orderLifeMs = 48 * hour;
/** A decision is pushed once; the push may be lost. */
const reviewMs = 15 * minute;
/** For how long a complete purchase of which the ledger shows failed attempts only may yet turn out to be paid. */
const lagMs = 24 * hour;
/** When the checkout order is read again for a card whose push was lost. */
const cardMs = 10 * minute;

/** What may change without a webhook. Times are ISO 8601. */
export interface Outlook {
  readonly phase: Phase;
  readonly status: CheckoutStatus | undefined;
  readonly money: Money;
  readonly total: Minor;
  /** Unix milliseconds of the look. */
  readonly now: number;
  readonly seenAt: string;
  readonly completedAt?: string;
  /** The end of the upsell window, while something depends on it. */
  readonly windowEnd?: string;
  readonly cardAwaited: boolean;
  readonly inFlight: readonly Transaction[];
}

/** When to look again although nobody calls: the soonest of what is awaited. */
export function lookAgainOf(outlook: Outlook): DesiredPayment["lookAgain"] {
  const { now } = outlook;
  const times = timesOf(outlook, now).filter((time) => time > now);
  return times.length === 0 ? undefined : { at: new Date(Math.min(...times)).toISOString() };
}

function timesOf(outlook: Outlook, now: number): readonly number[] {
  const { phase, windowEnd, inFlight } = outlook;
  const waiting = inFlight.map(({ Timestamp }) => now + pauseMs(ageMs(Timestamp, now), minute, 6 * hour));
  switch (phase) {
    case "created":
    case "paying":
      return [Date.parse(outlook.seenAt) + orderLifeMs + minute, ...waiting];
    case "review":
    case "awaiting":
      return [now + reviewMs];
    case "confirmed":
      return [
        ...waiting,
        ...(windowEnd === undefined ? [] : [Date.parse(windowEnd)]),
        ...(outlook.cardAwaited && outlook.completedAt !== undefined ? [Date.parse(outlook.completedAt) + cardMs] : []),
        // The push came before the ledger knew.
        ...(outlook.money.authorized === 0 && outlook.total > 0
          ? [now + pauseMs(ageMs(outlook.completedAt, now), 5 * second, hour)]
          : []),
      ];
    case "declined": {
      // The push may have come before the ledger knew of the attempt that succeeded.
      const age = now - Date.parse(outlook.seenAt);
      return outlook.status === "Completed" && age < lagMs ? [now + pauseMs(age, minute, hour)] : [];
    }
    case "failed":
      return [];
  }
}

/** A quarter of the time waited so far, within limits: quick at first, never a storm. */
function pauseMs(age: number | undefined, least: number, most: number): number {
  return Math.min(Math.max(Math.floor((age ?? 0) / 4), least), most);
}

function ageMs(since: string | undefined, now: number): number | undefined {
  return since === undefined ? undefined : now - Date.parse(since);
}
