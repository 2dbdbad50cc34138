/** Schedules: jobs that follow one another at a fixed pace, as BullMQ's scripts make them. */
import type { NewJob } from "./jobs.ts";

/** A schedule as it stands in the store. */
export interface Scheduler {
  readonly every: number;
  readonly name: string;
  readonly data: string;
  readonly opts: Readonly<Record<string, unknown>>;
  next: number;
  count: number;
}

/** The jobs of the queue that the schedules are in. */
interface Jobs {
  isActive(id: string): boolean;
  isKnown(id: string): boolean;
  /** Takes away one that nobody has. */
  take(id: string): void;
  store(job: NewJob): void;
}

/** The schedules of one queue. */
export class Schedules {
  readonly byId = new Map<string, Scheduler>();
  readonly #jobs: Jobs;

  constructor(jobs: Jobs) {
    this.#jobs = jobs;
  }

  /** Makes a schedule, or makes it again. @returns its next job and in how long that is due */
  make(id: string, scheduler: Omit<Scheduler, "next" | "count">, now: number): [string, number] {
    const before = this.byId.get(id);
    const removed = before !== undefined && this.#remove(nameOf(id, before.next));
    const same = before?.every === scheduler.every;
    let next = before === undefined || !same ? now : nextOf(before.next, scheduler.every, now);
    if (removed && same) next = before.next;
    while (this.#jobs.isKnown(nameOf(id, next))) next += scheduler.every;
    const made = { ...scheduler, next, count: (before?.count ?? 0) + 1 };
    this.byId.set(id, made);
    return [nameOf(id, next), this.#add(id, made, scheduler.opts, now)];
  }

  /** Its job was handed out: the next one is made. */
  follow(id: string, opts: Readonly<Record<string, unknown>>, now: number, producer: string): string | null {
    const scheduler = this.byId.get(id);
    if (scheduler === undefined || producer !== nameOf(id, scheduler.next)) return null;
    const next = nextOf(scheduler.next, scheduler.every, now);
    if (this.#jobs.isKnown(nameOf(id, next))) return null;
    Object.assign(scheduler, { next, count: scheduler.count + 1 });
    this.#add(id, scheduler, opts, now);
    return nameOf(id, next);
  }

  /** Whether a job is the next one of its schedule: it goes with that alone. */
  isNext(job: string, id = ""): boolean {
    const scheduler = this.byId.get(id);
    return scheduler !== undefined && job === nameOf(id, scheduler.next);
  }

  #remove(job: string): boolean {
    if (this.#jobs.isActive(job) || !this.#jobs.isKnown(job)) return false;
    this.#jobs.take(job);
    return true;
  }

  #add(id: string, { name, data, next }: Scheduler, opts: Readonly<Record<string, unknown>>, now: number): number {
    const delay = Math.max(0, next - now);
    const job = { id: nameOf(id, next), name, data, timestamp: now, delay, schedulerId: id };
    this.#jobs.store({ ...job, opts: { ...opts, delay, jobId: job.id } });
    return delay;
  }
}

/** What the job of a schedule is called that is due then. */
function nameOf(scheduler: string, at: number): string {
  return `repeat:${scheduler}:${at}`;
}

/** When the next one is due, in step with those before. */
function nextOf(previous: number, every: number, now: number): number {
  const next = previous + every;
  if (next >= now) return next;
  const aligned = Math.floor(now / every) * every + (previous % every);
  return aligned <= now ? aligned + every : aligned;
}
