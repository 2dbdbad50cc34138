import { WorkerError } from "../lib/errors.ts";
import type { Job } from "../queue/engine.ts";

/** Rejects when a job may no longer write: its lock was lost, or it was given up. */
export type Guard = () => Promise<void>;

/** From this age on a job asks whether its lock is still its own before it writes: a blocked event loop loses it unnoticed. */
const lockTrustMs = 4_000;
const lockMs = 10_000;

/** A job sends nothing more after this time; its last request ends within five seconds, and so does the job: 30 s in all. */
const longestMs = 25_000;

/** A signal that ends a job when it takes too long or the process stops; `over` once it has ended by itself. */
export function endOf(stopping: AbortSignal): { readonly signal: AbortSignal; readonly over: () => void } {
  const end = new AbortController();
  const abort = (): void => end.abort();
  const late = setTimeout(abort, longestMs);
  if (stopping.aborted) abort();
  stopping.addEventListener("abort", abort);
  return {
    signal: end.signal,
    over() {
      clearTimeout(late);
      stopping.removeEventListener("abort", abort);
    },
  };
}

/** The guard of one job. @param signal aborted once the job is given up. */
export function guardOf(job: Job<unknown>, token: string | undefined, signal: AbortSignal): Guard {
  let trustedUntil = Date.now() + lockTrustMs;
  return async () => {
    if (signal.aborted) throw givenUp("it was given up before it was done");
    if (Date.now() < trustedUntil) return;
    const kept = await job.extendLock(token ?? "", lockMs).catch(() => 0);
    if (kept !== 1) throw givenUp("its lock was lost");
    trustedUntil = Date.now() + lockTrustMs;
  };
}

function givenUp(message: string): WorkerError {
  return new WorkerError("Unreachable", message, { context: { code: "given-up" } });
}
