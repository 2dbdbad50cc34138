import { createHash, randomUUID } from "node:crypto";
import type { JobsOptions } from "bullmq";
import type { Json, PaymentKey, PspEvent, Target } from "../adapters/adapter.ts";
import { WorkerError } from "../lib/errors.ts";
import { within } from "./bull.ts";
import type { Engine, Job, Temper } from "./engine.ts";

/** An event as it waits in the inbox. */
export interface StoredEvent {
  readonly target: Target;
  /** The webhook's name in the URL. */
  readonly webhook: string;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  readonly event: PspEvent;
}

/** A job of `inbox`: the events that arrived together, or one that waits by itself. */
export interface InboxJob {
  readonly events: readonly StoredEvent[];
  readonly waiting?: boolean;
}

/** The first of two looks that have to agree before a payment moves backwards. */
export interface Suspect {
  readonly fingerprint: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** What a payment's timer remembers of the looks that did not come to rest. */
export interface Wait {
  /** When this kind of waiting began, in milliseconds since the epoch. */
  readonly since: number;
  readonly tries: number;
  readonly why: string;
  readonly suspect?: Suspect;
  /** The PSP's id that a webhook named, while the payment has none. */
  readonly reference?: string;
}

/** A job of a lane: look at this payment. */
export interface Look {
  readonly key: PaymentKey;
  /** The PSP's id that the webhook named. */
  readonly reference?: string;
  /** What the timer that asks for this look remembered. */
  readonly wait?: Wait;
}

/** A payment that needs a person. */
export interface DeadLetter {
  readonly key: PaymentKey;
  readonly kind: string;
  readonly reason: string;
  /** When the trouble began and when it was given up, in milliseconds since the epoch. */
  readonly since: number;
  readonly at: number;
  readonly context?: Readonly<Record<string, Json>>;
}

/** How many jobs of a queue are in one state. */
export interface QueueCount {
  readonly queue: string;
  readonly state: string;
  readonly jobs: number;
}

/** Where events wait. */
export const inboxName = "inbox";
/** Where payments wait for later. */
export const timersName = "timers";
const deadName = "dead";

/** One queue per adapter, so that a PSP's limiter, pause and breaker are BullMQ's own and shared by all workers. */
export function laneName(adapter: string): string {
  return `payments-${adapter}`;
}

/** One short text per payment, without the colon that a job id may not contain. */
export function laneId(key: PaymentKey): string {
  const known = laneIds.get(key);
  if (known !== undefined) return known;
  const { adapter, merchant, channel, orderId, paymentId } = key;
  const id = createHash("sha256")
    .update(JSON.stringify([adapter, merchant, channel, orderId, paymentId]))
    .digest("base64url");
  laneIds.set(key, id);
  return id;
}

/** A look asks for its key's id several times. */
const laneIds = new WeakMap<PaymentKey, string>();

/** A PSP is told within a second that the queue is away, also by a process that is busy. */
const answerMs = 750;

const hourSeconds = 3_600;
const daySeconds = 24 * hourSeconds;

/** A queue that stumbles must not cost an event or a timer. */
const persistent = {
  attempts: 1_000,
  backoff: { type: "exponential", delay: 500, jitter: 0.5 },
} as const satisfies JobsOptions;

/** How long completed inbox jobs are kept is a matter of record: duplicates cost a look, not a write. */
const inboxOptions: JobsOptions = {
  ...persistent,
  removeOnComplete: { age: daySeconds },
  removeOnFail: { age: 30 * daySeconds },
};

/** Kept for a while, so that who asked for a look can ask what it came to. */
const laneOptions: JobsOptions = {
  attempts: 1,
  removeOnComplete: { age: hourSeconds, count: 1_000 },
  removeOnFail: true,
};

const timerOptions: JobsOptions = { ...persistent, removeOnComplete: true, removeOnFail: true };

/** The queues of design section 6 and all that is known of their ids, deduplication and retention. */
export interface Queues {
  readonly inbox: {
    /** One job for events that arrived together. @throws WorkerError `QueueUnavailable` within a second. */
    add(events: readonly StoredEvent[]): Promise<void>;
    /** An event that has to wait, as a job of its own; the same parent and index are the same job. */
    addWaiting(parentId: string, index: number, event: StoredEvent, delayMs: number): Promise<void>;
  };
  readonly lanes: {
    /**
     * Asks for a look: at most one runs and one waits per payment. `handedOver` is false where another look of the payment runs or
     * waits already: it looks soon enough, but may not know what this one knew.
     */
    add(look: Look, temper: Temper): Promise<{ readonly id: string; readonly handedOver: boolean }>;
  };
  readonly timers: {
    /** Wakes the payment after `delayMs`; replaces the timer that it had. */
    set(key: PaymentKey, wait: Wait, delayMs: number): Promise<void>;
    get(key: PaymentKey): Promise<Wait | undefined>;
    clear(key: PaymentKey): Promise<void>;
    /** Due: the timer ends and the payment is looked at. From here on a new timer may be set, also while this one's job still runs. */
    wake(timer: Job<Look>): Promise<void>;
  };
  readonly dead: {
    put(letter: DeadLetter): Promise<void>;
    clear(key: PaymentKey): Promise<void>;
    list(limit: number): Promise<DeadLetter[]>;
  };
  /** Jobs per queue and state, for metrics. */
  counts(adapters: readonly string[]): Promise<QueueCount[]>;
}

/** The queues on one engine. */
export function createQueues(engine: Engine): Queues {
  const lanes: Queues["lanes"] = {
    async add(look, temper) {
      const jobId = randomUUID();
      const deduplication = { id: laneId(look.key), keepLastIfActive: true };
      const adding = engine
        .queue<Look>(laneName(look.key.adapter), temper)
        .add("look", look, { ...laneOptions, jobId, deduplication });
      const job = await (temper === "prompt" ? orUnavailable(adding) : adding);
      return { id: job.id ?? jobId, handedOver: job.id === jobId };
    },
  };
  return {
    lanes,
    inbox: inboxOn(engine),
    timers: timersOn(engine, lanes),
    dead: deadOn(engine),
    counts: (adapters) => countsOn(engine, adapters),
  };
}

function inboxOn(engine: Engine): Queues["inbox"] {
  return {
    async add(events) {
      await orUnavailable(engine.queue<InboxJob>(inboxName, "prompt").add("events", { events }, inboxOptions));
    },
    async addWaiting(parentId, index, event, delay) {
      const job: InboxJob = { events: [event], waiting: true };
      await engine
        .queue<InboxJob>(inboxName, "patient")
        .add("waiting", job, { ...inboxOptions, jobId: `${parentId}-${index}`, delay });
    },
  };
}

function timersOn(engine: Engine, lanes: Queues["lanes"]): Queues["timers"] {
  const queue = () => engine.queue<Look>(timersName, "patient");
  return {
    async set(key, wait, delay) {
      const id = laneId(key);
      for (;;) {
        const jobId = randomUUID();
        const options = { ...timerOptions, jobId, delay, deduplication: { id, replace: true } };
        const timer = await queue().add("timer", { key, wait }, options);
        if (timer.id === jobId) return;
        // A timer that is just due swallows its successor: it is cut loose, and will look at the payment all the same.
        await timer.removeDeduplicationKey();
      }
    },
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
      await lanes.add(timer.data, "patient");
    },
  };
}

function deadOn(engine: Engine): Queues["dead"] {
  const queue = () => engine.queue<DeadLetter>(deadName, "patient");
  return {
    async put(letter) {
      const jobId = laneId(letter.key);
      const known = await queue().getJob(jobId);
      if (known === undefined) await queue().add("letter", letter, { jobId });
      else await known.updateData(letter);
    },
    async clear(key) {
      await queue().remove(laneId(key));
    },
    async list(limit) {
      const jobs = await queue().getJobs(["waiting"], 0, limit - 1);
      return jobs.map(({ data }) => data);
    },
  };
}

async function countsOn(engine: Engine, adapters: readonly string[]): Promise<QueueCount[]> {
  const names = [inboxName, timersName, deadName, ...new Set(adapters.map(laneName))];
  const counts = await Promise.all(
    names.map(async (queue) => {
      const states = await orUnavailable(
        engine.queue(queue, "prompt").getJobCounts("waiting", "active", "delayed", "failed"),
      );
      return Object.entries(states).map(([state, jobs]) => ({ queue, state, jobs }));
    }),
  );
  return counts.flat();
}

/** For the ack path: the queue says yes within a second, or it is unavailable. An add that came too late is a duplicate, which is normal. */
async function orUnavailable<T>(work: Promise<T>): Promise<T> {
  try {
    return await within(answerMs, work);
  } catch (cause) {
    throw new WorkerError("QueueUnavailable", "the queue does not take it now", { cause });
  }
}
