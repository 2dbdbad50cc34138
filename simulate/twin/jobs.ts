/** Jobs as the twin keeps them, and as BullMQ reads them. */
import type { JobJson } from "bullmq";

/** A job as it stands in the store. */
export interface StoredJob {
  readonly id: string;
  readonly name: string;
  readonly data: string;
  /** JSON. */
  readonly opts: string;
  readonly timestamp: number;
  readonly attempts: number;
  delay: number;
  attemptsMade: number;
  attemptsStarted: number;
  stalls: number;
  processedOn?: number;
  finishedOn?: number;
  failedReason?: string;
  stacktrace?: string;
  readonly deduplicationId?: string;
  readonly schedulerId?: string;
}

/** A job on its way into the queue. */
export interface NewJob {
  readonly id: string;
  readonly name: string;
  readonly data: string;
  readonly opts: Readonly<Record<string, unknown>>;
  readonly timestamp: number;
  readonly delay: number;
  readonly schedulerId?: string | undefined;
}

/** That jobs of one name stand for each other. */
interface Deduplication {
  readonly id: string;
  readonly replace?: boolean;
  readonly keepLastIfActive?: boolean;
}

/** By what a job is deduplicated. */
export function deduplicationOf({ opts }: Pick<NewJob, "opts">): Deduplication | undefined {
  return opts["deduplication"] as Deduplication | undefined;
}

/** Whose a job is, and until when by the server's clock. */
export interface JobLock {
  readonly token: string;
  readonly until: number;
  /** Who asked for it: for whoever judges, not for the queue. */
  readonly holder: string;
}

/** A job that is handed out, or when to ask again. */
export type Handed = readonly [JobJson | null, string, number, number];

/** BullMQ's codes for what cannot be done. */
export const refusals: Readonly<Record<number, string>> = {
  [-1]: "Missing key for job",
  [-2]: "Missing lock for job",
  [-3]: "is not in the active state",
  [-6]: "Lock mismatch for job",
  [-8]: "belongs to a job scheduler and cannot be removed directly",
};

/** A job as BullMQ's classes read it. */
export function jsonOf(job: StoredJob): JobJson {
  const { id, name, data, opts, timestamp, delay, attemptsMade, attemptsStarted, stalls, deduplicationId } = job;
  const { processedOn, finishedOn, failedReason, stacktrace, schedulerId } = job;
  return {
    id,
    name,
    data,
    opts: JSON.parse(opts) as JobJson["opts"],
    progress: 0,
    attemptsMade,
    attemptsStarted,
    stalledCounter: stalls,
    timestamp,
    delay,
    priority: 0,
    stacktrace: stacktrace ?? "[]",
    returnvalue: "null",
    ...(processedOn === undefined ? {} : { processedOn }),
    ...(finishedOn === undefined ? {} : { finishedOn }),
    ...(failedReason === undefined ? {} : { failedReason }),
    ...(deduplicationId === undefined ? {} : { deduplicationId }),
    ...(schedulerId === undefined ? {} : { repeatJobKey: schedulerId }),
  } as JobJson;
}
