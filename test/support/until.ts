import { setTimeout as pause } from "node:timers/promises";

/** Waits for a condition: long enough for a machine that is busy with other things. @throws Error naming what was waited for, after `withinMs`. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  withinMs = 60_000,
): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await pause(5);
  }
}
