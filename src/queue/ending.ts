/** How a job's run ends where that is neither an answer nor an error. Who decides about it is `workers/retry.ts`. */
import { DelayedError, UnrecoverableError } from "bullmq";
import type { Job } from "./engine.ts";

/** Gives the job back: it runs again at `at`, in milliseconds since the epoch. */
export async function runAgain(job: Job<unknown>, at: number, token: string | undefined): Promise<never> {
  await job.moveToDelayed(at, token);
  throw new DelayedError();
}

/** Ends the job for good, so that its queue removes it as it removes what failed. */
export function giveUp(why: string): never {
  throw new UnrecoverableError(why);
}

/** Whether a job failed because it was given up, and not because its worker died again and again. */
export function wasGivenUp(error: Error): boolean {
  return error instanceof UnrecoverableError;
}
