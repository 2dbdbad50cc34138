/** Schedules: jobs that follow one another at a fixed pace, as BullMQ's scripts make them. */

/** A schedule as it stands in the store. */
export interface Scheduler {
  readonly every: number;
  readonly name: string;
  readonly data: string;
  readonly opts: Readonly<Record<string, unknown>>;
  next: number;
  count: number;
}

/** What the job of a schedule is called that is due then. */
export function nameOf(scheduler: string, at: number): string {
  return `repeat:${scheduler}:${at}`;
}

/** When the next one is due, in step with those before. */
export function nextOf(previous: number, every: number, now: number): number {
  const next = previous + every;
  if (next >= now) return next;
  const aligned = Math.floor(now / every) * every + (previous % every);
  return aligned <= now ? aligned + every : aligned;
}
