import { randomUUID } from "node:crypto";
import type { JobsOptions } from "bullmq";
import { wellFormedJson } from "../lib/text.ts";
import type { Engine } from "./engine.ts";
import type { InboxJob, StoredEvent } from "./jobs.ts";
import { eventsName, inboxName } from "./names.ts";
import { promptly } from "./within.ts";

/** A queue that stumbles must not cost an event; one that failed is kept until something took its place. */
const options = {
  attempts: 1_000,
  backoff: { type: "exponential", delay: 500, jitter: 0.5 },
  removeOnComplete: true,
  removeOnFail: false,
} as const satisfies JobsOptions;

/** Where events wait until they are placed. */
export interface Inbox {
  /** One job for events that arrived together. @throws WorkerError `QueueUnavailable` within a second. */
  add(events: readonly StoredEvent[]): Promise<void>;
}

/** Events that have to be proven, placed or kept, or that wait. */
export interface Events {
  /**
   * One job per delivery.
   * @param id the parent's id and the event's place in it: a fan-out that is repeated adds none twice while the first ones are there.
   * @param at not before, in milliseconds since the epoch.
   */
  add(id: string, event: StoredEvent, at?: number): Promise<void>;
  /** Those that were neither placed nor given up yet. @param most of each state. @throws WorkerError `QueueUnavailable` within a second. */
  waiting(adapter: string, most: number): Promise<readonly StoredEvent[]>;
}

/** The inbox on one engine. */
export function createInbox(engine: Engine): Inbox {
  return {
    async add(events) {
      const job = { ...options, jobId: randomUUID() };
      const adding = engine.queue<InboxJob>(inboxName, "prompt").add("events", { events: events.map(storable) }, job);
      await engine.adding(promptly(adding));
    },
  };
}

/** The adapters' event queues on one engine. @param now the clock by which times are said. */
export function createEvents(engine: Engine, now: () => number = Date.now): Events {
  return {
    async add(jobId, event, at = 0) {
      const queue = engine.queue<StoredEvent>(eventsName(event.target.adapter), "patient");
      await queue.add("event", storable(event), { ...options, jobId, delay: Math.max(Math.ceil(at - now()), 0) });
    },
    async waiting(adapter, most) {
      const queue = engine.queue<StoredEvent>(eventsName(adapter), "prompt");
      const jobs = await promptly(queue.getJobs(["delayed", "waiting", "active"], 0, most - 1));
      return jobs.map(({ data }) => data);
    },
  };
}

/** What a PSP calls a text need be none to an engine, and no copy that it sends would be: nobody has such an id. */
function storable(event: StoredEvent): StoredEvent {
  return mayBeNoText.test(JSON.stringify(event)) ? (JSON.parse(wellFormedJson(event)) as StoredEvent) : event;
}

/** NUL and lone surrogates, as JSON escapes them. */
const mayBeNoText = /\\u(?:0000|d[89a-f])/;
