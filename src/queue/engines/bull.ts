import type { Processor, Queue as BullQueue, Worker as BullWorker, WorkerOptions } from "bullmq";
import { WorkerError } from "../../lib/errors.ts";
import type { Logger } from "../../lib/log.ts";
import type { Engine, Guarantee, Queue, Temper, Worker } from "../engine.ts";
import { within } from "../within.ts";

/** How long anything on the ack path may take. */
export const promptMs = 800;

/** From the first release: without a hash tag Redis Cluster refuses, and another prefix would strand jobs. */
export const prefix = "{norce-psp}";

/** A dead worker's jobs run again after ten seconds, fourteen at the most; a job that kills five workers is a dead letter. */
export const workerDefaults = {
  lockDuration: 10_000,
  stalledInterval: 4_000,
  maxStalledCount: 5,
} as const satisfies Partial<WorkerOptions>;

/** What differs from store to store. The backend's type parameters end here. */
export interface Store {
  readonly kind: Engine["kind"];
  makeQueue(name: string, temper: Temper): unknown;
  makeWorker(name: string, processor: unknown, options: { readonly concurrency: number }): unknown;
  guarantee(): Promise<Guarantee>;
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** The engine on top of a store: one queue per name and temper, errors logged, closing bounded. */
export function engineOn(store: Store, log: Logger): Engine {
  const queues = new Map<string, BullQueue>();

  const opened = (name: string, temper: Temper): BullQueue => {
    const id = `${temper} ${name}`;
    const known = queues.get(id);
    if (known !== undefined) return known;
    const queue = store.makeQueue(name, temper) as BullQueue;
    queue.on("error", quiet);
    queues.set(id, queue);
    // A queue that could not get ready stays so for ever: the next call makes a new one.
    queue.waitUntilReady().catch(() => queues.delete(id));
    return queue;
  };

  return {
    kind: store.kind,
    guarantee: () => store.guarantee(),
    queue: <Data>(name: string, temper: Temper) => opened(name, temper) as unknown as Queue<Data>,
    worker<Data, Result>(name: string, processor: Processor<Data, Result>, options: { readonly concurrency: number }) {
      const worker = store.makeWorker(name, processor, options) as BullWorker<Data, Result>;
      worker.on("error", quiet);
      worker.on("stalled", (jobId) => log.warn({ queue: name, jobId }, "job.stalled"));
      return worker as unknown as Worker<Data, Result>;
    },
    async ping() {
      try {
        await within(promptMs, store.ping());
      } catch (cause) {
        throw new WorkerError("QueueUnavailable", "the queue does not answer", { cause });
      }
    },
    async close() {
      await settled(Promise.all([...queues.values()].map((queue) => queue.close())));
      await settled(store.close());
    },
  };
}

/** Says once that the store went away and once that it is back, however many connections meet it. */
export function reachability(
  kind: Engine["kind"],
  log: Logger,
): { readonly lost: (error: unknown) => void; readonly found: () => void } {
  let reachable = true;
  return {
    lost: (error) => {
      if (reachable) log.error({ engine: kind, error }, "queue.unreachable");
      reachable = false;
    },
    found: () => {
      if (!reachable) log.info({ engine: kind }, "queue.reachable");
      reachable = true;
    },
  };
}

/** Connections tell of their errors themselves, once; without a listener BullMQ's copy of the news would end the process. */
function quiet(): void {}

async function settled(work: Promise<unknown>): Promise<void> {
  await within(1_500, work).catch(() => undefined);
}
