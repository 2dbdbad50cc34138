import type { WorkerOptions } from "bullmq";

/**
 * A dead worker's jobs run again after ten seconds, fourteen at the most. A worker never gives up a stalled job by itself: whether it ends is
 * asked before it runs.
 */
export const workerDefaults = {
  lockDuration: 10_000,
  stalledInterval: 4_000,
  maxStalledCount: 1_000_000,
} as const satisfies Partial<WorkerOptions>;

/** A job whose holders died more often is run no more: something takes its place. */
export const mostStalls = 5;
