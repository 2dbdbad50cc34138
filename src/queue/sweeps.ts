import type { Engine, Temper } from "./engine.ts";
import type { Lock, Locks } from "./locks.ts";
import { hashOf } from "./names.ts";
import type { Work } from "./work.ts";

/** Whose jobs say that it is time to sweep. */
const sweepsName = "sweeps";

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
  /** Where a sweep never came, it is empty. */
  read(merchant: string, channel: string): Promise<SweepProgress>;
  save(merchant: string, channel: string, progress: SweepProgress): Promise<void>;
  /** How far it has come everywhere it ever came. */
  all(channels: readonly SweptChannel[]): Promise<readonly (SweptChannel & { readonly progress: SweepProgress })[]>;
}

/** A merchant's channel. */
export interface SweptChannel {
  readonly merchant: string;
  readonly channel: string;
}

const chunk = 500;

/**
 * Has the sweep's schedule made again and again: an engine that comes back empty has forgotten it.
 * @param restored called where it was there before and is gone. @returns what ends it.
 */
export async function keepSchedule(engine: Engine, everyMs: number, restored: () => void): Promise<() => void> {
  const queue = () => engine.queue<object>(sweepsName, "patient");
  const job = { name: "sweep", opts: { removeOnComplete: true, removeOnFail: true } };
  let made = false;
  const make = async (): Promise<void> => {
    // A slow engine is asked again before it has answered: only what stood when it was asked can be gone.
    const stood = made;
    const stands = (await queue().getJobScheduler("sweep")) !== undefined;
    if (stands && made) return;
    await queue().upsertJobScheduler("sweep", { every: everyMs }, job);
    if (stood) restored();
    made = true;
  };
  // What fails now is made up for within the period.
  const again = setInterval(() => void make().catch(() => undefined), Math.min(everyMs, checkMs)).unref();
  await make().catch(() => undefined);
  return () => clearInterval(again);
}

/** How often at least it is asked whether the schedule stands. */
const checkMs = 15_000;

/** Starts the worker that sweeps when it is time, in one process at a time: while one sweeps, the others let their turn pass. */
export function startSweeping(engine: Engine, locks: Locks, sweep: (lock: Lock) => Promise<void>): Work {
  const turn = async (): Promise<undefined> => {
    const lock = await locks.acquire("sweep", sweepLockMs);
    if (lock === undefined) return undefined;
    const keeping = setInterval(() => void lock.isMine(), sweepLockMs / 3).unref();
    try {
      await sweep(lock);
    } finally {
      clearInterval(keeping);
      await lock.release();
    }
    return undefined;
  };
  return engine.work<object>(sweepsName, turn, { concurrency: 1, lost: async () => undefined });
}

/** How soon another process may sweep after the one that did so died. */
const sweepLockMs = 15_000;

/** The sweep's queues on one engine. */
export function createSweeps(engine: Engine, temper: Temper = "patient"): Sweeps {
  const store = engine.store(temper);
  return {
    async read(merchant, channel) {
      return (
        (await store.get<SweepProgress & Record<string, never>>("cursor", hashOf([merchant, channel])))?.value ?? {}
      );
    },
    async all(channels) {
      const found = new Map<string, SweepProgress>();
      let before: string | undefined;
      do {
        const next = before === undefined ? {} : { before };
        const page = await store.list<SweepProgress & Record<string, never>>("cursor", { limit: chunk, ...next });
        for (const { id, value } of page.records) found.set(id, value);
        before = page.next;
      } while (before !== undefined);
      return channels.map((of) => ({ ...of, progress: found.get(hashOf([of.merchant, of.channel])) ?? {} }));
    },
    save: async (merchant, channel, progress) =>
      await store.put("cursor", hashOf([merchant, channel]), progress as SweepProgress & Record<string, never>),
  };
}
