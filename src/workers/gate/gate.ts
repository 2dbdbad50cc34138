import type { Config } from "../../config.ts";
import { isWorkerError } from "../../lib/errors.ts";
import type { Closure } from "../../queue/closures.ts";

/**
 * Who is let in to ask a PSP account now. A PSP that is down is left alone for a while and probed by one look at a time, one that says
 * "later" (`Retry-After`) is left alone until then, and one account's flood leaves room for the others. Who is turned away costs a timer,
 * no request, and is not counted as a failure.
 */

/** How the PSP behaved. `failed`: not as a PSP that works does. `retryAfterMs`: how long it asked to be left alone. */
export interface Behaviour {
  readonly failed: boolean;
  readonly retryAfterMs?: number | undefined;
}

/** A job that was let in; it says how it went. */
export interface Entered {
  readonly entered: true;
  leave(result: Behaviour): void;
}

/** Or it is turned away: when to come back, and why. */
export type Entry =
  | Entered
  | { readonly entered: false; readonly afterMs: number; readonly why: "psp-down" | "psp-busy" | "crowded" };

/** Looks and events have rooms of their own: a flood of one kind leaves the other alone. */
export type Visitor = "look" | "event";

/** One process's gate to one PSP. */
export interface Gate {
  /** @param account one merchant's account at the PSP. @param random a number from 0 to 1, for jitter. */
  enter(account: string, random: number, visitor?: Visitor): Entry;
  /** Another process found out: the account is left alone here as well. */
  heard(closure: Closure): void;
}

interface Crowd {
  inside: number;
  turnedAway: number;
}

interface Account extends Readonly<Record<Visitor, Crowd>> {
  failures: number;
  closedUntil: number;
  why: Closure["why"];
  probing: boolean;
}

/** So many failures in a row and the PSP is taken to be down. */
const failuresToClose = 5;
const firstPauseMs = 5_000;
const longestPauseMs = 60_000;
/** Whatever a PSP asks for, or another process's clock says. */
const longestClosureMs = 60 * 60_000;
/** How long the others wait while one look probes. */
const probeMs = 1_000;
const crowdedMs = 500;

/** One account of a PSP, as gates know it. */
export function accountOf({ merchant, channel }: { readonly merchant: string; readonly channel: string }): string {
  return JSON.stringify([merchant, channel]);
}

/** How the PSP behaved, as far as a job met it. @param error what the job threw, if it did. */
export function behaviourOf(adapter: string, error: unknown): Behaviour {
  if (!isWorkerError(error, "Unreachable") || error.context["peer"] !== adapter) return { failed: false };
  return { failed: true, retryAfterMs: error.retryAfterMs };
}

/** Where several accounts share a PSP's queues, none of them may fill them. */
export function roomPerAccount(adapter: string, { targets, workerConcurrency }: Config): number {
  const accounts = targets.filter((target) => target.adapter.id === adapter);
  return accounts.length > 1 ? Math.max(1, Math.floor(workerConcurrency * 0.75)) : workerConcurrency;
}

/**
 * @param room how many looks, and how many events, of one account may run at once; the rest of the process's is for others.
 * @param now milliseconds since the epoch.
 * @param tell told when an account is to be left alone, so that other processes hear of it.
 */
export function createGate(room: number, now: () => number, tell: (closure: Closure) => void = () => undefined): Gate {
  const accounts = new Map<string, Account>();
  const named = (name: string): Account => {
    const known = accounts.get(name);
    if (known !== undefined) return known;
    const [look, event] = [
      { inside: 0, turnedAway: 0 },
      { inside: 0, turnedAway: 0 },
    ];
    const made: Account = { failures: 0, closedUntil: 0, why: "psp-down", probing: false, look, event };
    accounts.set(name, made);
    return made;
  };

  return {
    enter(name, random, visitor = "look") {
      const account = named(name);
      const crowd = account[visitor];
      const closedMs = account.closedUntil - now();
      if (closedMs > 0) return { entered: false, afterMs: spread(closedMs, random), why: account.why };
      const probe = account.failures >= failuresToClose;
      if (probe && account.probing) return { entered: false, afterMs: spread(probeMs, random), why: "psp-down" };
      if (crowd.inside >= room) {
        crowd.turnedAway += 1;
        // The longer the crowd, the later the next one comes back.
        const crowdMs = crowdedMs * Math.max(1, crowd.turnedAway / room);
        return { entered: false, afterMs: spread(Math.min(crowdMs, longestPauseMs), random), why: "crowded" };
      }
      crowd.turnedAway = Math.max(0, crowd.turnedAway - 1);
      crowd.inside += 1;
      account.probing = probe;
      return {
        entered: true,
        leave(result) {
          crowd.inside -= 1;
          learned(name, account, probe, result);
        },
      };
    },
    heard({ account: name, why, until }) {
      const account = named(name);
      if (until <= account.closedUntil || until > now() + longestClosureMs) return;
      account.closedUntil = until;
      account.why = why;
      // Afterwards one look probes here as well.
      if (why === "psp-down") account.failures = Math.max(account.failures, failuresToClose);
    },
  };

  function learned(name: string, account: Account, probe: boolean, { failed, retryAfterMs }: Behaviour): void {
    if (probe) account.probing = false;
    // Those who were inside when it closed tell nothing new: only a probe that fails makes the pause longer.
    if (failed && account.closedUntil > now() && account.why === "psp-down") return;
    account.failures = failed ? account.failures + 1 : 0;
    if (retryAfterMs !== undefined) close(name, account, "psp-busy", retryAfterMs);
    else if (account.failures >= failuresToClose)
      close(
        name,
        account,
        "psp-down",
        Math.min(firstPauseMs * 2 ** Math.min(account.failures - failuresToClose, 10), longestPauseMs),
      );
  }

  function close(name: string, account: Account, why: Closure["why"], pauseMs: number): void {
    account.why = why;
    account.closedUntil = Math.max(account.closedUntil, now() + Math.min(pauseMs, longestClosureMs));
    tell({ account: name, why, until: account.closedUntil });
  }
}

/** So that those who were turned away together do not come back together. */
function spread(ms: number, random: number): number {
  return Math.round(ms * (1 + random / 2));
}
