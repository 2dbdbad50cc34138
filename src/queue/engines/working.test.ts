import { DelayedError, type Job, type Worker } from "bullmq";
import { pino } from "pino";
import { expect, test } from "vitest";
import type { Queue } from "../engine.ts";
import { workerDefaults } from "./defaults.ts";
import { startWork } from "./working.ts";

test("a job whose lock an engine that is slow to answer does not confirm before it begins is left alone, and has not failed", async () => {
  let processor: ((job: Job<object>, token?: string) => Promise<void>) | undefined;
  let ran = 0;
  const worker = { on: () => undefined, close: async () => undefined } as unknown as Worker<object>;
  const queue = { getJobs: async () => [] } as unknown as Queue<object>;
  const work = startWork<object>({
    name: "q",
    queue: () => queue,
    log: pino({ level: "silent" }),
    process: async () => {
      ran += 1;
      return undefined;
    },
    options: { concurrency: 1, lost: async () => undefined },
    makeWorker(made) {
      processor = made;
      // The process was frozen for longer than the half of its lock after that had been granted.
      return { worker, grants: { at: () => Date.now() - workerDefaults.lockDuration * 0.6, done: () => undefined } };
    },
  });
  const extendLock = async (): Promise<number> => {
    throw new Error("the engine does not answer");
  };
  const job = { id: "1", name: "job", data: {}, stalledCounter: 0, extendLock } as unknown as Job<object>;
  // BullMQ makes a failure of every error but this one.
  await expect(processor?.(job, "token")).rejects.toBeInstanceOf(DelayedError);
  expect(ran).toBe(0);
  await work.close();
});
