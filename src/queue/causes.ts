import type { JobsOptions } from "bullmq";
import type { Json } from "../contract/adapter.ts";
import type { Engine } from "./engine.ts";
import { alertsName } from "./names.ts";
import type { Stored } from "./store.ts";

/** An account, and how much of a cause is its. */
export interface CauseAccount {
  readonly adapter: string;
  readonly merchant: string;
  readonly channel: string;
  readonly count: number;
}

/** What one alert is about, as it is now. No secret, nothing personal. */
export interface CauseFacts {
  /** Kebab-case: what people look up. */
  readonly name: string;
  /** What tells it from others of its name: the letters' reason, a peer, a day on which deadlines end. */
  readonly of: string;
  /** Since when it is so, in milliseconds since the epoch. */
  readonly since: number;
  /** How many payments, channels or messages it concerns. */
  readonly count: number;
  /** There are more than were counted. */
  readonly more?: true;
  readonly accounts: readonly CauseAccount[];
  /** A few of the payments. */
  readonly examples: readonly Readonly<Record<string, string>>[];
  /** The earliest time until when somebody has to act, in milliseconds since the epoch. */
  readonly deadline?: number;
  readonly facts?: Readonly<Record<string, Json>>;
  /** All of it was found gone: told to be over, where anything was told of it. */
  readonly over?: true;
}

/** What is told of a cause. `reminded`: it goes on; `grown`: there is much more of it; `due`: its deadline is near. */
export type AlertIs = "opened" | "reminded" | "grown" | "due" | "resolved";

/** A message on its way: what it says does not change any more. */
export interface AlertMessage {
  /** The same in each try: receivers know a repeat by it. */
  readonly id: string;
  readonly is: AlertIs;
  /** When it was decided, in milliseconds since the epoch. */
  readonly at: number;
  readonly tries: number;
  readonly cause: CauseFacts;
  /** How near the deadline is: the stage that is told of, in hours. */
  readonly stage?: number;
}

/** A cause that is open, or was a while ago, and what was told of it. Times in milliseconds since the epoch. */
export interface Cause extends CauseFacts {
  /** When it was first seen. */
  readonly seenAt: number;
  /** Since when it is not seen any more. */
  readonly goneAt?: number;
  /** What was delivered last. */
  readonly told?: {
    readonly is: AlertIs;
    readonly at: number;
    readonly count: number;
    readonly accounts: number;
    readonly stage?: number;
  };
  readonly message?: AlertMessage;
  /** It was told to be over a short while ago: until then it is not told to be open again. */
  readonly quietUntil?: number;
}

/** The causes of alerts, and the queue by which they are told. */
export interface Causes {
  list(): Promise<readonly Stored<Cause>[]>;
  read(id: string): Promise<Stored<Cause> | undefined>;
  /** Writes where that version still stands, or nothing where none is named; `false` where somebody else was sooner. */
  write(id: string, version: string | undefined, cause: Cause): Promise<boolean>;
  remove(id: string, version: string): Promise<void>;
  /** Has a cause's message delivered; asked again while it is on its way, it changes nothing. */
  send(id: string, message: Pick<AlertMessage, "id">): Promise<void>;
}

/** An alert's job: the name of its cause. */
export interface AlertJob {
  readonly id: string;
}

/** So many causes are looked at at most; there are never so many. */
const mostCauses = 1_000;
/** A cause that nobody looks after any more, because alerts were switched off, is forgotten. */
const keptMs = 30 * 24 * 3_600_000;

type Written = Cause & Record<string, never>;

const options = { removeOnComplete: true, removeOnFail: false } as const satisfies JobsOptions;

/** The causes on one engine. */
export function createCauses(engine: Engine): Causes {
  const store = engine.store("patient");
  return {
    list: async () => (await store.list<Written>("cause", { limit: mostCauses })).records,
    read: async (id) => await store.get<Written>("cause", id),
    async write(id, version, cause) {
      if (version === undefined) return (await store.putIfAbsent("cause", id, cause as Written, keptMs)).mine;
      return (await store.update("cause", id, version, cause as Written, keptMs)) !== undefined;
    },
    async remove(id, version) {
      await store.remove("cause", id, version);
    },
    async send(id, message) {
      await engine.queue<AlertJob>(alertsName, "patient").add("alert", { id }, { ...options, jobId: message.id });
    },
  };
}
