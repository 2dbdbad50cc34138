/**
 * Who is let in to ask a PSP account now. A PSP that is down is left alone for a while and probed by one look at a time, one that says
 * "later" (`Retry-After`) is left alone until then, and one account's flood leaves room for the others. Who is turned away costs a timer,
 * no request, and is not counted as a failure.
 */

/** A look that was let in; it says how it went. */
export interface Entered {
  readonly entered: true;
  /** `failed`: the PSP did not answer as a PSP that works does. `retryAfterMs`: how long it asked to be left alone. */
  leave(result: { readonly failed: boolean; readonly retryAfterMs?: number | undefined }): void;
}

/** Or it is turned away: when to come back, and why. */
export type Entry =
  | Entered
  | { readonly entered: false; readonly afterMs: number; readonly why: "psp-down" | "psp-busy" | "crowded" };

/** The gate of one process. */
export interface Gate {
  /** @param account one merchant's account at one PSP. @param random a number from 0 to 1, for jitter. */
  enter(account: string, random: number): Entry;
}

interface Account {
  inside: number;
  failures: number;
  closedUntil: number;
  why: "psp-down" | "psp-busy";
  probing: boolean;
  turnedAway: number;
}

/** So many failures in a row and the PSP is taken to be down. */
const failuresToClose = 5;
const firstPauseMs = 5_000;
const longestPauseMs = 60_000;
/** How long the others wait while one look probes. */
const probeMs = 1_000;
const crowdedMs = 500;

/**
 * @param roomPerAccount how many looks of one account may run at once; the rest of the process's looks is for others.
 * @param now milliseconds since the epoch.
 */
export function createGate(roomPerAccount: number, now: () => number): Gate {
  const accounts = new Map<string, Account>();
  const accountOf = (name: string): Account => {
    const known = accounts.get(name);
    if (known !== undefined) return known;
    const made: Account = { inside: 0, failures: 0, closedUntil: 0, why: "psp-down", probing: false, turnedAway: 0 };
    accounts.set(name, made);
    return made;
  };

  return {
    enter(name, random) {
      const account = accountOf(name);
      const closedMs = account.closedUntil - now();
      if (closedMs > 0) return { entered: false, afterMs: spread(closedMs, random), why: account.why };
      const probe = account.failures >= failuresToClose;
      if (probe && account.probing) return { entered: false, afterMs: spread(probeMs, random), why: "psp-down" };
      if (account.inside >= roomPerAccount) {
        account.turnedAway += 1;
        // The longer the crowd, the later the next one comes back.
        const crowdMs = crowdedMs * Math.max(1, account.turnedAway / roomPerAccount);
        return { entered: false, afterMs: spread(Math.min(crowdMs, longestPauseMs), random), why: "crowded" };
      }
      account.turnedAway = Math.max(0, account.turnedAway - 1);
      account.inside += 1;
      account.probing = probe;
      return { entered: true, leave: (result) => left(account, probe, result) };
    },
  };

  function left(account: Account, probe: boolean, { failed, retryAfterMs }: Parameters<Entered["leave"]>[0]): void {
    account.inside -= 1;
    if (probe) account.probing = false;
    // Those who were inside when it closed tell nothing new: only a probe that fails makes the pause longer.
    if (failed && account.closedUntil > now() && account.why === "psp-down") return;
    account.failures = failed ? account.failures + 1 : 0;
    if (retryAfterMs !== undefined) close(account, "psp-busy", retryAfterMs);
    else if (account.failures >= failuresToClose)
      close(
        account,
        "psp-down",
        Math.min(firstPauseMs * 2 ** Math.min(account.failures - failuresToClose, 10), longestPauseMs),
      );
  }

  function close(account: Account, why: Account["why"], pauseMs: number): void {
    account.why = why;
    account.closedUntil = Math.max(account.closedUntil, now() + Math.min(pauseMs, 60 * longestPauseMs));
  }
}

/** So that those who were turned away together do not come back together. */
function spread(ms: number, random: number): number {
  return Math.round(ms * (1 + random / 2));
}
