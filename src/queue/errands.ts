import { randomUUID } from "node:crypto";
import type { Engine } from "./engine.ts";
import type { LetterFilter } from "./letter-filter.ts";
import { errandsName } from "./names.ts";
import { promptly } from "./within.ts";

/** What is done with letters: their payments are looked at and their events placed again, or a person has dealt with them. */
export type LetterDeed = "retry" | "dismiss";

/** Something that is done with many letters, and how far that has come. Times in milliseconds since the epoch. */
export interface ErrandState {
  readonly deed: LetterDeed;
  readonly filter: LetterFilter;
  readonly askedAt: number;
  /** The fingerprint of the admin token by which it was asked for. */
  readonly who?: string;
  /** How many letters were meant when it was asked for. */
  readonly total: number;
  /** Where it goes on: what the last page answered as `next`, or the place in `filter.ids`. */
  readonly cursor?: string;
  /** How many were tried again, or taken away. */
  readonly done: number;
  /** How many were left as they were: nobody is configured for their payment. */
  readonly left: number;
  /** Its end: it came to the last letter, or a person stopped it. */
  readonly ended?: { readonly at: number; readonly why: "finished" | "stopped" };
}

/** An errand, by its name. */
export interface Errand extends ErrandState {
  readonly id: string;
}

/** An errand's job: the name of its record. */
export interface ErrandJob {
  readonly id: string;
}

/** Errands with letters: stored before they are answered, carried out by a worker a page at a time, kept for a week. */
export interface Errands {
  /** @throws WorkerError `QueueUnavailable` within a second. */
  ask(asked: Pick<ErrandState, "deed" | "filter" | "total" | "who">): Promise<Errand>;
  read(id: string): Promise<(Errand & { readonly version: string }) | undefined>;
  /** Newest first. */
  list(limit: number): Promise<readonly Errand[]>;
  /** Writes where that version still stands; `false`: somebody wrote since. */
  write(id: string, version: string, state: ErrandState): Promise<boolean>;
  /** A person wants no more of it; `undefined` where there is none. */
  stop(id: string): Promise<Errand | undefined>;
  /** Has it carried out: also where its job was lost. */
  start(id: string): Promise<void>;
}

type Written = ErrandState & Record<string, never>;

const keptMs = 7 * 24 * 3_600_000;
const shape = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The errands on one engine. @param now the clock by which times are said. */
export function createErrands(engine: Engine, now: () => number = Date.now): Errands {
  const store = engine.store("prompt");
  const read: Errands["read"] = async (id) => {
    if (!shape.test(id)) return undefined;
    const found = await promptly(store.get<Written>("errand", id));
    return found === undefined ? undefined : { ...found.value, id, version: found.version };
  };
  const write: Errands["write"] = async (id, version, state) =>
    (await store.update("errand", id, version, state as Written, keptMs)) !== undefined;
  const start: Errands["start"] = async (id) => {
    const options = { jobId: randomUUID(), attempts: 1_000, backoff: { type: "exponential", delay: 500, jitter: 0.5 } };
    await engine
      .queue<ErrandJob>(errandsName, "prompt")
      .add("errand", { id }, { ...options, removeOnComplete: true, removeOnFail: false });
  };
  return {
    async ask(asked) {
      const id = randomUUID();
      const state: ErrandState = { ...asked, askedAt: now(), done: 0, left: 0 };
      await promptly(store.put("errand", id, state as Written, keptMs).then(() => start(id)));
      return { ...state, id };
    },
    read,
    async list(limit) {
      const { records } = await promptly(store.list<Written>("errand", { limit }));
      return records.map(({ id, value }) => ({ ...value, id })).toSorted((one, other) => other.askedAt - one.askedAt);
    },
    write,
    async stop(id) {
      for (;;) {
        const found = await read(id);
        if (found === undefined || found.ended !== undefined) return found;
        const { version, ...errand } = found;
        const stopped: Errand = { ...errand, ended: { at: now(), why: "stopped" } };
        if (await write(id, version, stateOf(stopped))) return stopped;
      }
    },
    start,
  };
}

/** An errand as its record holds it. */
export function stateOf({ id: _id, ...state }: Errand): ErrandState {
  return state;
}
