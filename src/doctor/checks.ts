import { setTimeout as pause } from "node:timers/promises";
import { isWorkerError } from "../lib/errors.ts";
import type { Finding, Found, Subject } from "./report.ts";

/** Something that is asked of somebody. */
export interface Check extends Subject {
  /** Who is asked: no more than two checks ask the same one at a time. */
  readonly peer: string;
  /** How long it may take, in milliseconds; default 20 seconds. */
  readonly longestMs?: number | undefined;
  /** @param signal aborted once the check has taken too long: nothing more is sent then. */
  run(signal: AbortSignal): Promise<Found | readonly Found[]>;
}

const usualMs = 20_000;
const mostAtOnce = 8;
const mostPerPeer = 2;

/** Runs checks side by side; what each came to, in the order in which they are listed. A check that hangs ends by its own time-out. */
export async function runAll(checks: readonly Check[], longestMs = usualMs): Promise<readonly Finding[]> {
  const results = new Map<Check, readonly Finding[]>();
  const waiting = [...checks];
  const busy = new Map<string, number>();
  const next = (): Check | undefined => {
    const at = waiting.findIndex(({ peer }) => (busy.get(peer) ?? 0) < mostPerPeer);
    return at === -1 ? undefined : waiting.splice(at, 1)[0];
  };
  const running = new Set<Promise<void>>();
  const run = async (check: Check): Promise<void> => {
    results.set(check, await findingsOf(check, check.longestMs ?? longestMs));
    busy.set(check.peer, (busy.get(check.peer) ?? 1) - 1);
  };
  const fill = (): void => {
    while (running.size < mostAtOnce) {
      const check = next();
      if (check === undefined) return;
      busy.set(check.peer, (busy.get(check.peer) ?? 0) + 1);
      const work = run(check);
      running.add(work);
      void work.finally(() => running.delete(work));
    }
  };
  fill();
  while (running.size > 0) {
    await Promise.race(running);
    fill();
  }
  return checks.flatMap((check) => results.get(check) ?? []);
}

async function findingsOf(check: Check, longestMs: number): Promise<readonly Finding[]> {
  const { check: name, merchant, channel, adapter } = check;
  const subject: Subject = { check: name, merchant, channel, adapter };
  return [await bounded(check, longestMs)].flat().map((found) => ({ ...subject, ...found }));
}

async function bounded(check: Check, longestMs: number): Promise<Found | readonly Found[]> {
  const given = new AbortController();
  const over = new AbortController();
  const late = pause(longestMs, undefined, { signal: over.signal }).then((): Found => {
    given.abort();
    return {
      is: "unreachable",
      says: `there was no answer within ${Math.round(longestMs / 1_000)} seconds`,
      todo: "try again; if it stays so, see whether a firewall or a proxy stands in between",
    };
  });
  // Nobody waits for it any more once the check has ended.
  late.catch(() => undefined);
  try {
    return await Promise.race([check.run(given.signal), late]);
  } catch (error) {
    // One check that fails, even by a fault of ours, spoils none of the others.
    return failed(error);
  } finally {
    over.abort();
  }
}

function failed(error: unknown): Found {
  if (isWorkerError(error, "Unreachable")) return { is: "unreachable", says: error.message };
  const says = error instanceof Error ? error.message : String(error);
  return { is: "attention", says: `it failed: ${says}` };
}
