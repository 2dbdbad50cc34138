import { setTimeout as pause } from "node:timers/promises";
import { DelayedError, type Job, type Queue, type Worker } from "bullmq";
import type { Logger } from "../../lib/log.ts";
import { createIsNew } from "../../lib/news.ts";
import { isProven } from "../locks.ts";
import type { End, HeldJob, HeldLock, LostReason, Work, WorkOptions } from "../work.ts";
import { mostStalls, workerDefaults } from "./defaults.ts";
import type { Grants } from "./grants.ts";

/** How often jobs are looked for that failed and have nothing in their place. */
const sweepMs = 30_000;
/** How many of them are dealt with in one go. */
const mostFailed = 100;
/** How long a successor that could not be stored waits for the next try. */
const retryMs = 1_000;

/** What a queue is worked with. */
export interface Workshop<Data> {
  readonly name: string;
  readonly queue: () => Queue<Data>;
  readonly log: Logger;
  readonly process: (job: HeldJob<Data>) => Promise<End>;
  readonly options: WorkOptions<Data>;
  /** Makes BullMQ's worker, which never gives up a stalled job by itself. */
  makeWorker(processor: (job: Job<Data>, token?: string) => Promise<void>): { worker: Worker<Data>; grants: Grants };
}

/** Works a queue: asks the engine who owns a job, and lets none go before something took its place. */
export function startWork<Data>(workshop: Workshop<Data>): Work {
  const { name, queue, log, options } = workshop;
  const closing = new AbortController();
  const replacing = new Set<string>();

  /** Stores what takes the job's place; `false` while somebody else in this process does. */
  const replace = async (job: Job<Data>, why: LostReason, lock?: HeldLock): Promise<boolean> => {
    const id = job.id ?? "";
    if (replacing.has(id)) return false;
    replacing.add(id);
    try {
      const message = why === "failed" ? job.failedReason : undefined;
      const lost = { queue: name, id, data: job.data, why, ...(message === undefined ? {} : { message }) };
      await options.lost(lock === undefined ? lost : { ...lost, lock });
      log.warn({ queue: name, jobId: id, why, message }, "job.replaced");
      return true;
    } finally {
      replacing.delete(id);
    }
  };
  const replaceFailed = async (job: Job<Data>): Promise<void> => {
    try {
      if (await replace(job, "failed")) await job.remove();
    } catch (error) {
      log.error({ queue: name, jobId: job.id, error }, "job.unreplaced");
    }
  };
  /** Jobs that failed and whose successor was not stored: their process died, or the engine was away. */
  const sweep = async (): Promise<void> => {
    try {
      for (const job of await queue().getJobs(["failed"], 0, mostFailed - 1)) await replaceFailed(job);
    } catch (error) {
      tell(error);
    }
  };

  const isNew = createIsNew();
  const tell = (error: unknown): void => {
    if (isNew(error instanceof Error ? error.message : String(error)))
      log.error({ queue: name, error }, "queue.troubled");
  };

  const processor = async (job: Job<Data>, token = ""): Promise<void> => {
    const held = heldJob(name, job, token, grants.at(token) ?? job.processedOn ?? 0);
    // Its time may have run out between its being granted and now.
    if (Date.now() - held.grantedAt > workerDefaults.lockDuration / 2 && !(await held.isMine())) {
      // Left alone, and no failure of the job: whether it is lost or the engine was only slow to say, nobody has begun it. Where nobody has it,
      // it is found as a dead worker's would be.
      throw new DelayedError("the job's lock was lost before it began");
    }
    if (held.stalls > mostStalls) {
      const lock = { queue: name, id: held.id, token };
      await untilStored(async () => await replace(job, "stalled", lock), closing.signal);
      grants.done(token, held.id);
      return;
    }
    const end = await workshop.process(held);
    if (end === undefined) {
      grants.done(token, held.id);
      return;
    }
    await job.moveToDelayed(Math.ceil(end.again), token);
    throw new DelayedError();
  };

  const { worker, grants } = workshop.makeWorker(processor);
  worker.on("error", tell);
  worker.on("stalled", (jobId) => log.warn({ queue: name, jobId }, "job.stalled"));
  worker.on("failed", (job) => {
    if (job?.finishedOn !== undefined) void replaceFailed(job);
  });
  const sweeping = setInterval(() => void sweep(), sweepMs).unref();
  void sweep();
  return {
    async close() {
      clearInterval(sweeping);
      closing.abort();
      await worker.close();
    },
  };
}

function heldJob<Data>(queue: string, job: Job<Data>, token: string, grantedAt: number): HeldJob<Data> {
  const { lockDuration } = workerDefaults;
  return {
    queue,
    id: job.id ?? "",
    name: job.name,
    data: job.data,
    token,
    grantedAt,
    stalls: job.stalledCounter,
    isMine: async () => await isProven(async () => (await job.extendLock(token, lockDuration)) === 1, lockDuration),
  };
}

/** As long as it cannot be stored the job stays ours; should the process end, the next one begins again. */
async function untilStored(store: () => Promise<boolean>, closing: AbortSignal): Promise<void> {
  for (;;) {
    try {
      if (await store()) return;
    } catch (error) {
      if (closing.aborted) throw error;
    }
    await pause(retryMs);
  }
}
