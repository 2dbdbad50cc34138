import { setTimeout as pause } from "node:timers/promises";

/** How long between two looks, at least and at most. */
const pauses = { leastMs: 5, mostMs: 50 };
/** What waits long looks seldom: many conditions ask an engine, which takes a processor as long as it is asked. */
const share = 0.1;

/** Longer than a machine takes that is busy with many other things, and shorter than a test may take, so that it says what it waited for. */
const patienceMs = 240_000;

/** Waits for a condition: long enough for a machine that is busy with other things. @throws Error naming what was waited for, after `withinMs`. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  withinMs = patienceMs,
): Promise<void> {
  const began = performance.now();
  while (!(await condition())) {
    const waitedMs = performance.now() - began;
    if (waitedMs > withinMs) throw new Error(`waited in vain for ${what}`);
    await pause(Math.min(pauses.mostMs, Math.max(pauses.leastMs, waitedMs * share)));
  }
}
