import type { Queue as BullQueue } from "bullmq";
import type { Logger } from "../lib/log.ts";
import type { Notes } from "./notes.ts";
import type { Store } from "./store.ts";
import type { End, HeldJob, Work, WorkOptions } from "./work.ts";

/** BullMQ's queue, whatever backend it was made with. */
export type Queue<Data> = BullQueue<Data>;

/**
 * How a queue behaves while its server is away. `prompt`: the ack path's; an add fails within a second and never hangs. `patient`: a
 * worker's; it rides out an outage.
 */
export type Temper = "prompt" | "patient";

/** What an acknowledgement promises, for the start-up log. */
export interface Guarantee {
  /** What survives: power loss; all but its last second; the death of our process; not known. */
  readonly level: "power-loss" | "last-second" | "process" | "unknown";
  readonly text: string;
}

/** BullMQ on one of three stores. */
export interface Engine {
  readonly kind: "redis" | "postgres" | "embedded";
  guarantee(): Promise<Guarantee>;
  /** What is wrong with the server's settings, or with our rights there: each would have stopped the start. @throws where it does not answer. */
  faults(): Promise<readonly string[]>;
  /** What has to be remembered between jobs. */
  store(temper: Temper): Store;
  /** Where notes of payments are written, and looks asked for. */
  notes(temper: Temper): Notes;
  /** A queue to add to; asked twice, it is the same one. */
  queue<Data>(name: string, temper: Temper): Queue<Data>;
  /** Works a queue: with what each job knows of its lock, and with no end that loses it. */
  work<Data>(name: string, process: (job: HeldJob<Data>) => Promise<End>, options: WorkOptions<Data>): Work;
  /** Counts how an add on the ack path ends: refused ones speak against the server as an unanswered ping does. */
  adding<T>(work: Promise<T>): Promise<T>;
  /** @throws WorkerError `QueueUnavailable` within a second when the store does not take a write, or has refused adds lately. */
  ping(): Promise<void>;
  /** Closes queues and connections; workers are closed before. Never hangs, also when the store is gone. */
  close(): Promise<void>;
}

export interface EngineSettings {
  /** `redis://`, `rediss://`; comma-separated nodes are a Redis Cluster. */
  readonly redisUrl?: string;
  /** `postgres://`. */
  readonly queueUrl?: string;
  /** Where the embedded engine lives when neither is given. */
  readonly dataDir: string;
  /** The sandbox's: jobs are kept apart from those of a real service on the same server, and none is left of an earlier sandbox. */
  readonly sandbox?: boolean;
  /** Services of one name share a queue; those of another have another one on the same server, and in a Redis Cluster another slot. */
  readonly group?: string | undefined;
  /** PEM certificates by which the engine's certificate is judged. */
  readonly ca?: string | undefined;
  /** Takes any certificate of the engine's: for hosts that publish none to judge by. */
  readonly tlsInsecure?: boolean;
  /** BullMQ's `Telemetry`: a span for each add and each job. */
  readonly telemetry?: object | undefined;
  /** How often what has expired is deleted where the engine does not do so by itself; default: each minute. */
  readonly pruneMs?: number;
}

/**
 * Where jobs and records are: Redis's key prefix and PostgreSQL's schema. From the first release: without a hash tag Redis Cluster refuses, and
 * another prefix would strand jobs. What is at the sandbox's is thrown away.
 */
export function placesOf({ sandbox = false, group }: Pick<EngineSettings, "sandbox" | "group">): {
  readonly redis: string;
  readonly postgres: string;
} {
  if (sandbox) return { redis: "{norce-psp-sandbox}", postgres: "norce_psp_sandbox" };
  // The schema's name is BullMQ's own.
  if (group === undefined) return { redis: "{norce-psp}", postgres: "bullmq" };
  return { redis: `{norce-psp-${group}}`, postgres: `bullmq_${group}` };
}

/**
 * Opens the engine that the settings name.
 * @throws Error in plain words where the embedded folder belongs to another process or PostgreSQL cannot be reached.
 */
export async function openEngine(settings: EngineSettings, log: Logger): Promise<Engine> {
  // Each brings libraries of its own, tens of megabytes that the others do without.
  if (settings.redisUrl !== undefined)
    return await (await import("./engines/redis.ts")).openRedis(settings.redisUrl, settings, log);
  if (settings.queueUrl !== undefined)
    return await (await import("./engines/postgres.ts")).openPostgres(settings.queueUrl, settings, log);
  return await (await import("./engines/embedded.ts")).openEmbedded(settings, log);
}
