import type { Chance } from "./random.ts";
import { openCluster } from "./cluster.ts";
import { openPostgres } from "./postgres.ts";
import { openRedis } from "./redis.ts";

/** Something that happens to an engine. */
export interface EngineTrouble {
  readonly name: string;
  /** How often, against the others. */
  readonly weight: number;
  /** Happens, and is over when it resolves. */
  strike(chance: Chance): Promise<void>;
  /** What it costs by the engine's own promise, in milliseconds before its beginning; absent: nothing. */
  readonly forgetsMs?: number;
  /** From when its recovery is measured: the engine answers again, or its bearer died. Absent: it is not measured. */
  readonly recoversFrom?: "back" | "death";
}

/** An engine with its servers, and what can happen to it. */
export interface ProvenEngine {
  readonly name: string;
  readonly promise: string;
  /** Where it listens, if it has one address: processes reach it by ports of their own that lead there. */
  readonly port?: number;
  /** The environment of a process that reaches it by this port. */
  environment(port: number): Record<string, string>;
  readonly troubles: readonly EngineTrouble[];
  /** What else is to be told of a run, in words. */
  notes?(): readonly string[];
  stop(): Promise<void>;
}

export const engineNames = ["redis", "redis-everysec", "cluster", "postgres", "embedded"] as const;
export type EngineName = (typeof engineNames)[number];

/** Starts an engine's servers on free ports. @throws Error where its program is not installed. */
export async function openEngine(name: EngineName): Promise<ProvenEngine> {
  switch (name) {
    case "redis":
      return await openRedis("always");
    case "redis-everysec":
      return await openRedis("everysec");
    case "cluster":
      return await openCluster();
    case "postgres":
      return await openPostgres();
    case "embedded":
      return {
        name,
        promise: "survives the death of its process",
        environment: () => ({}),
        troubles: [],
        stop: async () => undefined,
      };
  }
}
