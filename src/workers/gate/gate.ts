import type { Config } from "../../config.ts";
import type { Closure } from "../../queue/closures.ts";
import { gatePauses } from "../patience.ts";
import type { Behaviour } from "../retry.ts";

/**
 * Who is let in to ask a PSP account now (a circuit breaker). A PSP that is down is left alone for a while and probed by one job at a time,
 * one that says "later" (`Retry-After`) is left alone until then, and one account's flood leaves room for the others. Who is turned away
 * costs a timer, no request, and is not counted as a failure.
 */

/** A job that was let in; it says how it went. */
export interface Entered {
  readonly entered: true;
  /** @param payment which payment met it, where it was about one. */
  leave(result: Behaviour, payment?: string): void;
}

/** Or it is turned away: when to come back, and why. */
export type Entry =
  | Entered
  | { readonly entered: false; readonly afterMs: number; readonly why: "psp-down" | "psp-busy" | "crowded" };

/** Each kind has a room of its own: a flood of one leaves the others alone. A proof has all of a gate of its own. */
export type Visitor = "look" | "event" | "operation" | "proof";

/** One process's gate to one PSP. */
export interface Gate {
  /** @param account one merchant's account at the PSP (`accountOf`). @param random a number from 0 to 1, for jitter. */
  enter(account: string, random: number, visitor?: Visitor): Entry;
  /** Another process found out: the account is left alone here as well. */
  heard(closure: Closure): void;
}

interface Crowd {
  inside: number;
  turnedAway: number;
}

interface Account {
  readonly crowds: Readonly<Record<Visitor, Crowd>>;
  failures: number;
  /** Which payments met answers that were not the PSP's own since it last answered. */
  readonly puzzled: Set<string>;
  closedUntil: number;
  why: Closure["why"];
  probing: boolean;
}

/** One account of a PSP, as gates know it; what a proof asks may be closed for itself. */
export function accountOf(
  { merchant, channel }: { readonly merchant: string; readonly channel: string },
  visitor: Visitor = "look",
): string {
  return JSON.stringify(visitor === "proof" ? [merchant, channel, visitor] : [merchant, channel]);
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
    const empty = (): Crowd => ({ inside: 0, turnedAway: 0 });
    const made: Account = {
      crowds: { look: empty(), event: empty(), operation: empty(), proof: empty() },
      failures: 0,
      puzzled: new Set(),
      closedUntil: 0,
      why: "psp-down",
      probing: false,
    };
    accounts.set(name, made);
    return made;
  };

  return {
    enter(name, random, visitor = "look") {
      const account = named(name);
      const crowd = account.crowds[visitor];
      const closedMs = account.closedUntil - now();
      if (closedMs > 0) return { entered: false, afterMs: spread(closedMs, random), why: account.why };
      const probe = account.failures >= gatePauses.failuresToClose;
      if (probe && account.probing)
        return { entered: false, afterMs: spread(gatePauses.probeMs, random), why: "psp-down" };
      if (crowd.inside >= room) {
        crowd.turnedAway += 1;
        // The longer the crowd, the later the next one comes back.
        const crowdMs = gatePauses.crowdedMs * Math.max(1, crowd.turnedAway / room);
        return { entered: false, afterMs: spread(Math.min(crowdMs, gatePauses.longestMs), random), why: "crowded" };
      }
      crowd.turnedAway = Math.max(0, crowd.turnedAway - 1);
      crowd.inside += 1;
      account.probing = probe;
      return {
        entered: true,
        leave(result, payment) {
          crowd.inside -= 1;
          if (probe) account.probing = false;
          learn(name, account, result, payment);
        },
      };
    },
    heard({ account: name, why, until }) {
      const account = named(name);
      if (until <= account.closedUntil || until > now() + gatePauses.longestClosureMs) return;
      account.closedUntil = until;
      account.why = why;
      // Afterwards one look probes here as well.
      if (why === "psp-down") account.failures = Math.max(account.failures, gatePauses.failuresToClose);
    },
  };

  function learn(name: string, account: Account, { failed, own, retryAfterMs }: Behaviour, payment = ""): void {
    // Those who were inside when it closed tell nothing new: only a probe that fails makes the pause longer.
    if (failed && account.closedUntil > now() && account.why === "psp-down") return;
    if (!failed) account.puzzled.clear();
    // A maintenance page or a firewall in front of one path is no verdict on all of them.
    if (failed && own === false && account.puzzled.add(payment).size < gatePauses.paymentsToBelieve) return;
    account.failures = failed ? account.failures + 1 : 0;
    if (retryAfterMs !== undefined) close(name, account, "psp-busy", retryAfterMs);
    else if (account.failures >= gatePauses.failuresToClose) close(name, account, "psp-down", closureMs(account));
  }

  function close(name: string, account: Account, why: Closure["why"], pauseMs: number): void {
    account.why = why;
    account.closedUntil = Math.max(account.closedUntil, now() + Math.min(pauseMs, gatePauses.longestClosureMs));
    tell({ account: name, why, until: account.closedUntil });
  }
}

function closureMs({ failures }: Account): number {
  return Math.min(gatePauses.firstMs * 2 ** Math.min(failures - gatePauses.failuresToClose, 10), gatePauses.longestMs);
}

/** So that those who were turned away together do not come back together. */
function spread(ms: number, random: number): number {
  return Math.round(ms * (1 + random / 2));
}
