import type { Json } from "../contract/adapter.ts";
import type { Store } from "./store.ts";

/** A process that said that it is there. */
export interface Heartbeat {
  /** The process's name. */
  readonly id: string;
  /** By the engine's clock, in milliseconds since the epoch. */
  readonly at: number;
  readonly facts: Readonly<Record<string, Json>>;
}

/** Which processes are there; one that says nothing for `ttlMs` is not. */
export interface Heartbeats {
  beat(id: string, facts: Heartbeat["facts"], ttlMs: number): Promise<void>;
  /** It ends in good order: nobody has to wait until it is missed. */
  gone(id: string): Promise<void>;
  /** At most a thousand, the newest first. */
  list(): Promise<readonly Heartbeat[]>;
  /** When any process said last that it is there; `undefined`: none ever did, or not for three months. */
  last(): Promise<number | undefined>;
  /** When one said so first: an engine that came back empty remembers nothing from before. */
  first(): Promise<number | undefined>;
}

const lastKeptMs = 90 * 24 * 3_600_000;
const last = "worker";
const first = "first";

/** The heartbeats on one engine. */
export function createHeartbeats(store: Store): Heartbeats {
  return {
    async beat(id, facts, ttlMs) {
      // Outlives the processes: whoever asks when all are gone has to hear since when.
      await Promise.all([
        store.put("heartbeat", id, facts, ttlMs),
        store.put("heard", last, null, lastKeptMs),
        store.putIfAbsent("heard", first, null),
      ]);
    },
    async gone(id) {
      await store.remove("heartbeat", id);
    },
    last: async () => (await store.get("heard", last))?.writtenAt,
    first: async () => (await store.get("heard", first))?.writtenAt,
    async list() {
      const { records } = await store.list<Heartbeat["facts"]>("heartbeat", { limit: 1_000 });
      return records.map(({ id, value, writtenAt }) => ({ id, at: writtenAt, facts: value }));
    },
  };
}
