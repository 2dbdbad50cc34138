import type { Queue as BullQueue, Worker as BullWorker } from "bullmq";
import { WorkerError } from "../../lib/errors.ts";
import type { Logger } from "../../lib/log.ts";
import { createAdds } from "../adds.ts";
import type { Engine, Guarantee, Queue, Temper } from "../engine.ts";
import type { Notes } from "../notes.ts";
import type { Store } from "../store.ts";
import { within } from "../within.ts";
import type { End, HeldJob, WorkOptions } from "../work.ts";
import type { Grants } from "./grants.ts";
import { startWork } from "./working.ts";

/** How long anything on the ack path may take. */
export const promptMs = 800;

/** How long the server may take to be asked for its settings. */
const faultsMs = 3_000;

/** How often what has expired is deleted where the engine does not do so by itself. */
export const usualPruneMs = 60_000;

/** Deletes what has expired, also while nothing else happens; a run that fails is made up for by the next. */
export function keepPruned(prune: () => Promise<unknown>, everyMs: number): NodeJS.Timeout {
  return setInterval(() => void prune().catch(() => undefined), everyMs).unref();
}

/** What differs from engine to engine. The backend's type parameters end here. */
export interface Driver {
  readonly kind: Engine["kind"];
  makeQueue(name: string, temper: Temper): unknown;
  /** Makes a worker whose locks are measured. */
  makeWorker(
    name: string,
    processor: unknown,
    options: { readonly concurrency: number },
  ): { readonly worker: unknown; readonly grants: Grants };
  readonly stores: Readonly<Record<Temper, Store>>;
  readonly notes: Readonly<Record<Temper, Notes>>;
  guarantee(): Promise<Guarantee>;
  faults(): Promise<readonly string[]>;
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** The engine on top of a driver: one queue per name and temper, errors logged, closing bounded. */
export function engineOn(driver: Driver, log: Logger): Engine {
  const queues = new Map<string, BullQueue>();
  const adds = createAdds();

  const queueOf = (name: string, temper: Temper): BullQueue => {
    const id = `${temper} ${name}`;
    const known = queues.get(id);
    if (known !== undefined) return known;
    const queue = driver.makeQueue(name, temper) as BullQueue;
    queue.on("error", quiet);
    queues.set(id, queue);
    // A queue that could not get ready stays so for ever: the next call makes a new one.
    queue.waitUntilReady().catch(() => queues.delete(id));
    return queue;
  };

  return {
    kind: driver.kind,
    store: (temper) => driver.stores[temper],
    notes: (temper) => driver.notes[temper],
    guarantee: () => driver.guarantee(),
    faults: async () => await within(faultsMs, driver.faults()),
    queue: <Data>(name: string, temper: Temper) => queueOf(name, temper) as unknown as Queue<Data>,
    work: <Data>(name: string, process: (job: HeldJob<Data>) => Promise<End>, options: WorkOptions<Data>) =>
      startWork<Data>({
        name,
        queue: () => queueOf(name, "patient") as unknown as BullQueue<Data>,
        log,
        process,
        options,
        makeWorker(processor) {
          const { worker, grants } = driver.makeWorker(name, processor, { concurrency: options.concurrency });
          return { worker: worker as BullWorker<Data>, grants };
        },
      }),
    adding: async (work) => await adds.counted(work),
    async ping() {
      try {
        await within(promptMs, driver.ping());
      } catch (cause) {
        throw new WorkerError("QueueUnavailable", "the queue does not answer", { cause });
      }
      adds.insist();
    },
    async close() {
      await waitBriefly(Promise.all([...queues.values()].map((queue) => queue.close())));
      await waitBriefly(driver.close());
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

async function waitBriefly(work: Promise<unknown>): Promise<void> {
  await within(1_500, work).catch(() => undefined);
}
