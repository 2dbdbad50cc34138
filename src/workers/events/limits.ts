import { nowherePatience } from "../patience.ts";

/**
 * How many events of an account may lead nowhere: somebody who knows an account's URL could have us ask Norce for one invented order after
 * the other. Only for webhooks that nobody vouches for; what the PSP proved is always looked for.
 */
export interface Limits {
  /** Whether events of this account have led nowhere too often lately: the next ones wait. */
  isExhausted(account: string): boolean;
  /** One led nowhere. */
  spend(account: string): void;
}

/** One process's view: a bucket per account, refilled with time. */
export function createLimits(now: () => number): Limits {
  const buckets = new Map<string, { left: number; at: number }>();
  const leftIn = (account: string): number => {
    const bucket = buckets.get(account);
    if (bucket === undefined) return nowherePatience.burst;
    const refilled = Math.max(0, now() - bucket.at) / nowherePatience.refillMs;
    return Math.min(nowherePatience.burst, bucket.left + refilled);
  };
  return {
    isExhausted: (account) => leftIn(account) < 1,
    spend(account) {
      buckets.set(account, { left: Math.max(0, leftIn(account) - 1), at: now() });
    },
  };
}
