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
  /** At most a thousand, the newest first. */
  list(): Promise<readonly Heartbeat[]>;
}

/** The heartbeats on one engine. */
export function createHeartbeats(store: Store): Heartbeats {
  return {
    beat: async (id, facts, ttlMs) => await store.put("heartbeat", id, facts, ttlMs),
    async list() {
      const { records } = await store.list<Heartbeat["facts"]>("heartbeat", { limit: 1_000 });
      return records.map(({ id, value, writtenAt }) => ({ id, at: writtenAt, facts: value }));
    },
  };
}
