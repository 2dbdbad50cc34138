import { randomUUID } from "node:crypto";
import type { JobsOptions } from "bullmq";
import type { PaymentKey } from "../contract/adapter.ts";
import type { Engine } from "./engine.ts";
import { laneId, timersName } from "./names.ts";
import { type Looks, noteLast } from "./note.ts";
import type { JournalBounds } from "./store.ts";
import type { Work } from "./work.ts";

/** Payments that wait for later: one timer each that its looks set and clear, and one that the sweep sets. Times in milliseconds since the epoch. */
export interface Timers {
  /** The payment is looked at then; replaces the timer that it had. */
  set(key: PaymentKey, at: number): Promise<void>;
  /** What has just become due is not called off. */
  clear(key: PaymentKey): Promise<void>;
  /** The sweep's own, which no look clears. @param last the look then is the last one: it says so in the payment's note. */
  setSweep(key: PaymentKey, at: number, last?: boolean): Promise<void>;
}

/** The name of the sweep's timers. */
const sweepTimer = "sweep";

const options = {
  attempts: 1_000,
  backoff: { type: "exponential", delay: 500, jitter: 0.5 },
  removeOnComplete: true,
  removeOnFail: false,
} as const satisfies JobsOptions;

/** The timers on one engine. @param now the clock by which times are said. */
export function createTimers(engine: Engine, journal: JournalBounds, now: () => number = Date.now): Timers {
  const queue = () => engine.queue<PaymentKey>(timersName, "patient");
  const add = async (name: string, id: string, key: PaymentKey, at: number): Promise<void> => {
    // With `replace` alone, a timer that is set while its predecessor is just due would be dropped.
    const deduplication = { id, replace: true, keepLastIfActive: true };
    await queue().add(name, key, {
      ...options,
      jobId: randomUUID(),
      delay: Math.max(Math.ceil(at - now()), 0),
      deduplication,
    });
  };
  return {
    set: async (key, at) => await add("timer", laneId(key), key, at),
    async clear(key) {
      const id = await queue().getDeduplicationJobId(laneId(key));
      if (id !== null && id !== undefined) await queue().remove(id);
    },
    async setSweep(key, at, last = false) {
      if (last) await noteLast(engine, key, at, journal);
      await add(sweepTimer, `${laneId(key)}-sweep`, key, at);
    },
  };
}

/** Starts the worker that asks for the looks of payments whose timer is due; waiting never happens in a lane. */
export function startTimers(engine: Engine, looks: Looks, concurrency: number): Work {
  const wake = async (key: PaymentKey, name: string): Promise<void> => {
    await looks.ask([{ key, by: name === sweepTimer ? "sweep" : "timer" }], "patient");
  };
  return engine.work<PaymentKey>(
    timersName,
    async ({ data, name }) => {
      await wake(data, name);
      return undefined;
    },
    { concurrency, lost: async ({ data }) => await wake(data, "timer") },
  );
}
