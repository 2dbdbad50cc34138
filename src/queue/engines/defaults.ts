import type { Telemetry } from "bullmq";
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

/** BullMQ's option for its hook, where there is one: what it is handed it calls, and never looks into. */
export function hookOf(telemetry: object | undefined): { readonly telemetry?: Telemetry } {
  return telemetry === undefined ? {} : { telemetry: telemetry as Telemetry };
}
