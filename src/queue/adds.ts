import { WorkerError } from "../lib/errors.ts";

/** What becomes of the adds on the ack path: a server that takes a probe and refuses what is added is not one to send webhooks to. */
export interface Adds {
  /** Counts how it ends; the same promise otherwise. */
  counted<T>(work: Promise<T>): Promise<T>;
  /** @throws WorkerError `QueueUnavailable` where so many in a row were refused lately. */
  insist(): void;
}

/** One may have met a connection that was just made anew. */
const refusedInARow = 3;
/** After this time without another one it is tried again: where nobody sends anything, nobody would find out that it is over. */
const rememberedMs = 10_000;

/** One process's view. @param now milliseconds since the epoch. */
export function createAdds(now: () => number = Date.now): Adds {
  let refused = 0;
  let last = 0;
  return {
    async counted(work) {
      try {
        const taken = await work;
        refused = 0;
        return taken;
      } catch (error) {
        refused += 1;
        last = now();
        throw error;
      }
    },
    insist() {
      if (refused >= refusedInARow && Math.abs(now() - last) < rememberedMs)
        throw new WorkerError("QueueUnavailable", "the queue refuses what is added");
    },
  };
}
