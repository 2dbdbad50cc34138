import { setTimeout as pause } from "node:timers/promises";

/** Lets those wait who were refused on an operator's route. Who has a right token never waits. */
export interface Patience {
  /** Waits before the refusal is answered. `false`: too many wait already, and this one is told to come again. */
  wait(): Promise<boolean>;
}

/** Refusals that cost nothing: people mistype. */
const free = 5;
const firstMs = 250;
const longestMs = 5_000;
/** How many wait at once: what waits holds a connection. */
const mostWaiting = 50;
/** After this long without a refusal nobody is suspected any more. */
const forgottenMs = 60_000;

/**
 * Each refusal after the first few waits twice as long as the one before, up to five seconds.
 * @param now milliseconds. @param sleep for tests.
 */
export function createPatience(now: () => number, sleep: (ms: number) => Promise<unknown> = pause): Patience {
  let refusals = 0;
  let lastAt = 0;
  let waiting = 0;
  return {
    async wait() {
      const at = now();
      refusals = at - lastAt > forgottenMs ? 1 : refusals + 1;
      lastAt = at;
      if (refusals <= free) return true;
      if (waiting >= mostWaiting) return false;
      waiting += 1;
      await sleep(Math.min(firstMs * 2 ** Math.min(refusals - free - 1, 10), longestMs));
      waiting -= 1;
      return true;
    },
  };
}
