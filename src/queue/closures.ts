import { randomUUID } from "node:crypto";
import type { Engine, Worker } from "./engine.ts";
import { hashOf } from "./queues.ts";

/** Which PSP accounts are left alone now; a closure's job is due when it ends. */
const closuresName = "closures";

/** Why a PSP account is left alone, and until when. */
export interface Closure {
  /** One merchant's account at the PSP. */
  readonly account: string;
  readonly why: "psp-down" | "psp-busy";
  /** Milliseconds since the epoch. */
  readonly until: number;
}

/** A closure and the adapter whose PSP it is. */
export type ToldClosure = Closure & { readonly adapter: string };

/** What worker processes tell each other of PSPs that are to be left alone. */
export interface Closures {
  /** @param forMs how long it lasts from now on. */
  tell(closure: ToldClosure, forMs: number): Promise<void>;
  list(): Promise<readonly ToldClosure[]>;
}

/** The closures on one engine. */
export function createClosures(engine: Engine): Closures {
  const queue = () => engine.queue<ToldClosure>(closuresName, "patient");
  return {
    async tell(closure, delay) {
      const id = hashOf([closure.adapter, closure.account]);
      const once = { jobId: randomUUID(), deduplication: { id, replace: true } };
      await queue().add("closure", closure, { ...once, delay, removeOnComplete: true, removeOnFail: true });
    },
    async list() {
      return (await queue().getJobs(["delayed"], 0, most - 1)).map(({ data }) => data);
    },
  };
}

/** More accounts than a service has. */
const most = 1_000;

/** Starts the worker that forgets closures when they end. */
export function startOpening(engine: Engine): Worker<ToldClosure, void> {
  return engine.worker<ToldClosure, void>(closuresName, async () => undefined, { concurrency: 1 });
}
