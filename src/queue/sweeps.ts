import type { Engine, Worker } from "./engine.ts";
import { hashOf } from "./queues.ts";

/** Whose jobs say that it is time to sweep. */
const sweepsName = "sweeps";
/** Where it is kept how far the sweep has come; never worked. */
const cursorsName = "cursors";

/** A pass that has not come to its end: what it covers, and where it reads on. Times in milliseconds since the epoch. */
export interface PassProgress {
  readonly after: number;
  readonly until: number;
  readonly from: number;
  readonly to?: number;
  readonly cursor: { readonly offset: number; readonly last?: { readonly id: string; readonly created: number } };
  readonly counts: SweepCounts;
}

/** What a pass has come by so far: pages, orders, what of them cannot be read, and payments of ours by what was judged. */
export type SweepCounts = Record<
  "pages" | "orders" | "unreadable" | "settled" | "waiting" | "due" | "unresolved",
  number
>;

/** How far the sweep of one merchant's channel has come, by the name of its windows. */
export interface SweepProgress {
  readonly [window: string]: {
    /** When the last pass that came to its end began. */
    readonly swept?: number;
    readonly pass?: PassProgress;
  };
}

/** When to sweep, and how far the sweep has come. */
export interface Sweeps {
  /** Has one job a period, however many processes ask for it. */
  schedule(everyMs: number): Promise<void>;
  /** Where a sweep never came, it is empty. */
  read(merchant: string, channel: string): Promise<SweepProgress>;
  save(merchant: string, channel: string, progress: SweepProgress): Promise<void>;
}

/** The sweep's queues on one engine. */
export function createSweeps(engine: Engine): Sweeps {
  const cursors = () => engine.queue<SweepProgress>(cursorsName, "patient");
  return {
    async schedule(every) {
      const job = { name: "sweep", opts: { removeOnComplete: true, removeOnFail: true } };
      await engine.queue<object>(sweepsName, "patient").upsertJobScheduler("sweep", { every }, job);
    },
    async read(merchant, channel) {
      return (await cursors().getJob(hashOf([merchant, channel])))?.data ?? {};
    },
    async save(merchant, channel, progress) {
      const jobId = hashOf([merchant, channel]);
      const known = await cursors().getJob(jobId);
      if (known === undefined) await cursors().add("cursor", progress, { jobId });
      else await known.updateData(progress);
    },
  };
}

/**
 * Starts the worker that sweeps when it is time, in one process at a time: while one sweeps, the others let their turn pass. A sweep whose
 * process died is taken up by another worker within seconds. (A limit of one for the whole queue would say the same, but BullMQ's
 * PostgreSQL backend asks without a pause for as long as such a limit is reached.)
 */
export function startSweeps(engine: Engine, sweep: () => Promise<void>): Worker<object, void> {
  return engine.worker<object, void>(
    sweepsName,
    async ({ id }) => {
      const active = await engine.queue<object>(sweepsName, "patient").getJobs(["active"]);
      if (active.every((other) => other.id === id)) await sweep();
    },
    { concurrency: 1 },
  );
}
