import { randomUUID } from "node:crypto";
import type { JobsOptions } from "bullmq";
import type { PaymentKey } from "../contract/adapter.ts";
import { eventsName, inboxName, laneId, laneName, timersName } from "./names.ts";
import { promptly } from "./within.ts";
import { createCounts } from "./counts.ts";
import { createLetters, type Letters } from "./letters.ts";
import { createReferences, type References } from "./references.ts";
import type { Engine, Job, Temper } from "./engine.ts";
import type { EventJob, InboxJob, Look, QueueCount, StoredEvent, Wait } from "./jobs.ts";

export type * from "./jobs.ts";
export * from "./names.ts";

/** How long what a timer remembers waits behind the look that came before it. */
const rememberedMs = 5_000;

const hourSeconds = 3_600;
const daySeconds = 24 * hourSeconds;

/** A queue that stumbles must not cost an event or a timer. */
const persistent = {
  attempts: 1_000,
  backoff: { type: "exponential", delay: 500, jitter: 0.5 },
} as const satisfies JobsOptions;

/** How long completed jobs are kept is a matter of record: duplicates cost a look, not a write. */
const inboxOptions: JobsOptions = {
  ...persistent,
  removeOnComplete: { age: daySeconds },
  removeOnFail: { age: 30 * daySeconds },
};

/** An event that was given up is in its letter, and may come again. */
const eventOptions: JobsOptions = { ...inboxOptions, removeOnFail: true };

/** Kept for a while, so that who asked for a look can ask what it came to. */
const laneOptions: JobsOptions = {
  attempts: 1,
  removeOnComplete: { age: hourSeconds, count: 1_000 },
  removeOnFail: true,
};

const timerOptions: JobsOptions = { ...persistent, removeOnComplete: true, removeOnFail: true };

/** The queues and all that is known of their ids, deduplication and retention. */
export interface Queues {
  readonly inbox: {
    /** One job for events that arrived together. @throws WorkerError `QueueUnavailable` within a second. */
    add(events: readonly StoredEvent[]): Promise<void>;
    /** An event for which nobody here is configured, as a job of its own; the same id is the same job, for a day. */
    addAlone(id: string, event: StoredEvent, delayMs: number): Promise<void>;
  };
  readonly events: {
    /** An event that has to be proven, placed or kept, or that waits; the same id is the same job, for a day. */
    add(id: string, job: EventJob, delayMs: number): Promise<void>;
  };
  readonly lanes: {
    /**
     * Asks for a look: at most one runs and one waits per payment. `handedOver` is false where another look of the payment runs or
     * waits already: it looks soon enough, but may not know what this one knew.
     */
    add(look: Look, temper: Temper): Promise<{ readonly id: string; readonly handedOver: boolean }>;
    /** Asks for many looks in one round trip per adapter; says for each whether it was handed over. */
    addAll(looks: readonly Look[]): Promise<readonly boolean[]>;
  };
  readonly timers: {
    /**
     * Wakes the payment after `delayMs`; replaces the timer that it had. A last look has a timer of its own: no look that comes to rest
     * meanwhile may call it off. `unless-sooner`: a timer that is due by then stays as it is, and
     * one that is due later is only set to the earlier time: what it remembers stays. A look that failed is not hurried.
     */
    set(key: PaymentKey, wait: Wait, delayMs: number, how?: "replace" | "unless-sooner"): Promise<void>;
    get(key: PaymentKey): Promise<Wait | undefined>;
    clear(key: PaymentKey): Promise<void>;
    /** Due: the timer ends and the payment is looked at. From here on a new timer may be set, also while this one's job still runs. */
    wake(timer: Job<Look>): Promise<void>;
  };
  readonly dead: Omit<Letters, "page" | "count">;
  readonly references: References;
  /** Jobs per queue and state, for metrics. */
  counts(adapters: readonly string[]): Promise<readonly QueueCount[]>;
}

/** The queues on one engine. */
export function createQueues(engine: Engine): Queues {
  const optionsOf = ({ key }: Look, jobId: string): JobsOptions => ({
    ...laneOptions,
    jobId,
    deduplication: { id: laneId(key), keepLastIfActive: true },
  });
  const lanes: Queues["lanes"] = {
    async addAll(looks) {
      const jobs = looks.map((look) => ({ look, jobId: randomUUID() }));
      const byLane = Map.groupBy(jobs, ({ look }) => laneName(look.key.adapter));
      const added = await Promise.all(
        [...byLane].map(async ([lane, ofLane]) => {
          const bulk = ofLane.map(({ look, jobId }) => ({ name: "look", data: look, opts: optionsOf(look, jobId) }));
          return await engine.queue<Look>(lane, "patient").addBulk(bulk);
        }),
      );
      const taken = new Set(added.flat().map(({ id }) => id));
      return jobs.map(({ jobId }) => taken.has(jobId));
    },
    async add(look, temper) {
      const jobId = randomUUID();
      const adding = engine.queue<Look>(laneName(look.key.adapter), temper).add("look", look, optionsOf(look, jobId));
      const job = await (temper === "prompt" ? promptly(adding) : adding);
      return { id: job.id ?? jobId, handedOver: job.id === jobId };
    },
  };
  return {
    lanes,
    inbox: inboxOn(engine),
    events: {
      async add(jobId, job, delay) {
        const queue = engine.queue<EventJob>(eventsName(job.stored.target.adapter), "patient");
        await queue.add("event", job, { ...eventOptions, jobId, delay });
      },
    },
    timers: timersOn(engine, lanes),
    dead: createLetters(engine.store("patient")),
    references: createReferences(engine.store("patient")),
    counts: createCounts(engine),
  };
}

function inboxOn(engine: Engine): Queues["inbox"] {
  return {
    async add(events) {
      await promptly(engine.queue<InboxJob>(inboxName, "prompt").add("events", { events }, inboxOptions));
    },
    async addAlone(jobId, event, delay) {
      const job: InboxJob = { events: [event], alone: true };
      await engine.queue<InboxJob>(inboxName, "patient").add("alone", job, { ...inboxOptions, jobId, delay });
    },
  };
}

function timersOn(engine: Engine, lanes: Queues["lanes"]): Queues["timers"] {
  const queue = () => engine.queue<Look>(timersName, "patient");
  const replace = async (key: PaymentKey, wait: Wait, delay: number): Promise<void> => {
    const id = timerId(key, wait);
    for (;;) {
      const jobId = randomUUID();
      const options = { ...timerOptions, jobId, delay, deduplication: { id, replace: true } };
      const timer = await queue().add("timer", { key, wait }, options);
      if (timer.id === jobId) return;
      // A timer that is just due swallows its successor: it is cut loose, and will look at the payment all the same.
      await timer.removeDeduplicationKey();
    }
  };
  const setUnlessSooner = async (key: PaymentKey, wait: Wait, delay: number): Promise<void> => {
    const jobId = randomUUID();
    const options = { ...timerOptions, jobId, delay, deduplication: { id: timerId(key, wait) } };
    const timer = await queue().add("timer", { key, wait }, options);
    if (timer.id === jobId) return;
    const waiting = await queue().getJob(timer.id ?? "");
    // Where it has just gone, the payment is looked at now.
    if (waiting === undefined || waiting.timestamp + waiting.delay <= Date.now() + delay) return;
    if ((waiting.data.wait?.tries ?? 0) > 0) return;
    const before = waiting.data.wait ?? wait;
    // Nobody else waits for a timer that the payment set for itself: who hurries it has asked for the look.
    const taken = before.asked === "timer" && wait.asked === "sweep";
    await replace(key, taken ? { ...before, asked: "sweep" } : before, delay);
  };
  return {
    set: (key, wait, delay, how = "replace") =>
      how === "replace" ? replace(key, wait, delay) : setUnlessSooner(key, wait, delay),
    async get(key) {
      const id = await queue().getDeduplicationJobId(laneId(key));
      return id === null || id === undefined ? undefined : (await queue().getJob(id))?.data.wait;
    },
    async clear(key) {
      const id = await queue().getDeduplicationJobId(laneId(key));
      if (id !== null && id !== undefined) await queue().remove(id);
    },
    async wake(timer) {
      // Before the look is asked for: it may fail at once, and the timer it sets must not meet this one. One that was set since stays.
      await timer.removeDeduplicationKey();
      const { handedOver } = await lanes.add(timer.data, "patient");
      const { key, wait } = timer.data;
      // Another look waits already, and knows nothing of what this one remembers: that stays, for the look after it.
      if (!handedOver && wait !== undefined) await setUnlessSooner(key, wait, rememberedMs);
    },
  };
}

function timerId(key: PaymentKey, { last }: Wait): string {
  return last === true ? `${laneId(key)}-last` : laneId(key);
}
