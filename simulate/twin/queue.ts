/**
 * One queue of the twin: what BullMQ's scripts do inside Redis (node_modules/bullmq, `commands/*.lua`), as far as this service uses it. Each
 * method is one script: it happens at once, or not at all. Times are milliseconds since the epoch; those that a caller gives are the caller's.
 */
import { deduplicationOf, type Handed, type JobLock, jsonOf, type NewJob, type StoredJob } from "./jobs.ts";
import { Markers } from "./markers.ts";
import { Schedules } from "./schedules.ts";

/** A queue with a memory. */
export class TwinQueue {
  readonly name: string;
  readonly jobs = new Map<string, StoredJob>();
  /** The oldest first. */
  readonly waiting: string[] = [];
  readonly active = new Set<string>();
  /** By when they are due. */
  readonly delayed: { readonly due: number; readonly id: string }[] = [];
  readonly failed: string[] = [];
  readonly locks = new Map<string, JobLock>();
  readonly schedules = new Schedules({
    isActive: (id) => this.active.has(id),
    isKnown: (id) => this.jobs.has(id),
    take: (id) => this.#takeBack(id),
    store: (job) => this.#store(job),
  });
  readonly meta = new Map<string, string>();
  /** What takes an active job's place when it ends, by what it is deduplicated by. */
  readonly successors = new Map<string, NewJob>();
  readonly #holders = new Map<string, string>();
  readonly #stalled = new Set<string>();
  readonly #clock: () => number;
  #checkedUntil = 0;
  readonly markers = new Markers();
  /** How often a job's holders were lost that lost the most of them. */
  mostStalls = 0;
  #ids = 0;

  constructor(name: string, clock: () => number) {
    this.name = name;
    this.#clock = clock;
  }

  /** The lock that a job is held with now. */
  lockOf(id: string): JobLock | undefined {
    const lock = this.locks.get(id);
    if (lock === undefined || lock.until > this.#clock()) return lock;
    this.locks.delete(id);
    return undefined;
  }

  /** Which job stands for this name now. */
  holderOf(deduplicationId: string): string | null {
    return this.#holders.get(deduplicationId) ?? null;
  }

  /** Adds a job; says the id of the one that stands for it. */
  add(job: NewJob): string {
    this.#ids += 1;
    const id = job.id === "" ? String(this.#ids) : job.id;
    if (this.jobs.has(id)) return id;
    const held = this.#deduplicated(job, id);
    if (held !== undefined) return held;
    this.#store({ ...job, id });
    return id;
  }

  /** @returns the job that stands in its place; `undefined`: it is to be stored. */
  #deduplicated(job: NewJob, id: string): string | undefined {
    const rule = deduplicationOf(job);
    if (rule === undefined) return undefined;
    const current = this.#holders.get(rule.id);
    if (current === undefined) {
      this.#holders.set(rule.id, id);
      return undefined;
    }
    if (rule.replace === true && this.#takeDelayed(current)) {
      this.jobs.delete(current);
      this.successors.delete(rule.id);
      this.#holders.set(rule.id, id);
      return undefined;
    }
    if (!this.jobs.has(current)) {
      this.successors.delete(rule.id);
      this.#holders.set(rule.id, id);
      return undefined;
    }
    if (rule.keepLastIfActive === true && this.active.has(current)) this.successors.set(rule.id, { ...job, id });
    return current;
  }

  #store({ id, name, data, opts, timestamp, delay, schedulerId }: NewJob): void {
    const rule = deduplicationOf({ opts });
    this.jobs.set(id, {
      id,
      name,
      data,
      opts: JSON.stringify(opts),
      timestamp,
      attempts: Number(opts["attempts"] ?? 1),
      delay,
      attemptsMade: 0,
      attemptsStarted: 0,
      stalls: 0,
      ...(rule === undefined ? {} : { deduplicationId: rule.id }),
      ...(schedulerId === undefined ? {} : { schedulerId }),
    });
    if (delay > 0) this.#delay(id, timestamp + delay);
    else {
      this.waiting.push(id);
      this.markers.mark();
    }
  }

  #delay(id: string, due: number): void {
    let at = this.delayed.length;
    while (at > 0 && (this.delayed[at - 1]?.due ?? 0) > due) at -= 1;
    this.delayed.splice(at, 0, { due, id });
    this.markers.markDue(this.delayed[0]?.due);
  }

  #takeDelayed(id: string): boolean {
    const at = this.delayed.findIndex((one) => one.id === id);
    if (at === -1) return false;
    this.delayed.splice(at, 1);
    return true;
  }

  /** Takes away a job that nobody has. */
  #takeBack(id: string): void {
    this.#takeDelayed(id);
    const at = this.waiting.indexOf(id);
    if (at !== -1) this.waiting.splice(at, 1);
    this.jobs.delete(id);
  }

  /** For how many milliseconds, `most` at most, nobody who asks for a job will be given one unless it is added. @param now the asker's clock */
  idleFor(now: number, most: number): number {
    if (this.waiting.length > 0) return 0;
    return Math.min(most, Math.ceil((this.delayed[0]?.due ?? Infinity) - now));
  }

  /** Hands out the next job. @param now the caller's clock */
  take(token: string, lockMs: number, now: number, holder: string): Handed {
    const due: string[] = [];
    while (this.delayed[0] !== undefined && this.delayed[0].due <= now) due.push(this.delayed.shift()?.id ?? "");
    for (const id of due) {
      const job = this.jobs.get(id);
      if (job === undefined) continue;
      job.delay = 0;
      this.waiting.push(id);
    }
    if (due.length > 0) this.markers.mark();
    const id = this.waiting.shift();
    if (id === undefined) return [null, "", 0, this.delayed[0]?.due ?? 0];
    this.active.add(id);
    const job = this.jobs.get(id);
    this.locks.set(id, { token, until: this.#clock() + lockMs, holder });
    if (job === undefined) return [null, id, 0, 0];
    job.processedOn = now;
    job.attemptsStarted += 1;
    this.markers.mark();
    return [jsonOf(job), id, 0, 0];
  }

  #release(id: string, token: string): number {
    const lock = this.lockOf(id);
    if (lock === undefined) return -2;
    if (lock.token !== token) return -6;
    this.locks.delete(id);
    this.#stalled.delete(id);
    return 0;
  }

  /** Takes a job from its holder. @returns the job, or why not, as BullMQ numbers it. */
  #letGo(id: string, token: string, fields: object): StoredJob | number {
    const job = this.jobs.get(id);
    if (job === undefined) return -1;
    const refused = this.#release(id, token);
    if (refused < 0) return refused;
    Object.assign(job, fields);
    return this.active.delete(id) ? job : -3;
  }

  /** Ends a job that is held with this token. @param kept whether it is kept as failed. @returns 0, or why not. */
  finish(id: string, token: string, kept: { readonly reason: string } | undefined, now: number, fields = {}): number {
    const job = this.#letGo(id, token, fields);
    if (typeof job === "number") return job;
    this.#requeue(job, now);
    job.attemptsMade += 1;
    if (kept === undefined) {
      this.jobs.delete(id);
      return 0;
    }
    this.failed.push(id);
    Object.assign(job, { failedReason: kept.reason, finishedOn: now });
    return 0;
  }

  /** What was asked for while the job was active is the next one. */
  #requeue({ id, deduplicationId }: StoredJob, now: number): void {
    if (deduplicationId === undefined) return;
    if (this.#holders.get(deduplicationId) === id) this.#holders.delete(deduplicationId);
    const next = this.successors.get(deduplicationId);
    if (next === undefined) return;
    this.#ids += 1;
    this.#holders.set(deduplicationId, next.id);
    this.#store({ ...next, timestamp: now });
    this.successors.delete(deduplicationId);
  }

  /** Gives a job back until later. */
  giveBack(id: string, token: string, due: number, delay: number, skipAttempt: boolean, fields = {}): number {
    const job = this.#letGo(id, token, fields);
    if (typeof job === "number") return job;
    if (!skipAttempt) job.attemptsMade += 1;
    job.delay = delay;
    this.#delay(id, due);
    return 0;
  }

  /** Gives a job back at once. */
  retry(id: string, token: string, lifo: boolean, fields = {}): number {
    const job = this.#letGo(id, token, fields);
    if (typeof job === "number") return job;
    if (lifo) this.waiting.unshift(id);
    else this.waiting.push(id);
    this.markers.mark();
    job.attemptsMade += 1;
    return 0;
  }

  extend(id: string, token: string, ms: number): boolean {
    const lock = this.lockOf(id);
    if (lock?.token !== token) return false;
    this.locks.set(id, { ...lock, until: this.#clock() + ms });
    this.#stalled.delete(id);
    return true;
  }

  /** Active jobs whose lock has run out go back; those that are active now are asked about the next time. */
  recoverStalled(everyMs: number): string[] {
    if (this.#checkedUntil > this.#clock()) return [];
    this.#checkedUntil = this.#clock() + everyMs;
    const suspected = [...this.#stalled];
    this.#stalled.clear();
    const stalled = suspected.filter((id) => this.lockOf(id) === undefined && this.active.delete(id));
    for (const id of stalled) {
      const job = this.jobs.get(id);
      if (job !== undefined) {
        job.stalls += 1;
        this.mostStalls = Math.max(this.mostStalls, job.stalls);
      }
      this.waiting.unshift(id);
      this.markers.mark();
    }
    for (const id of this.active) this.#stalled.add(id);
    return stalled;
  }

  /** @returns 1, or 0 where it is locked; a negative number where it may not be removed. */
  remove(id: string): number {
    const job = this.jobs.get(id);
    if (this.schedules.isNext(id, job?.schedulerId)) return -8;
    if (this.lockOf(id) !== undefined) return 0;
    this.#takeBack(id);
    const at = this.failed.indexOf(id);
    if (at !== -1) this.failed.splice(at, 1);
    this.active.delete(id);
    const name = job?.deduplicationId;
    if (name !== undefined && this.#holders.get(name) === id) {
      this.#holders.delete(name);
      this.successors.delete(name);
    }
    return 1;
  }

  /** Forgets everything; whoever waits still waits. */
  empty(): void {
    for (const place of [this.jobs, this.locks, this.schedules.byId, this.meta, this.successors, this.#holders])
      place.clear();
    for (const list of [this.waiting, this.delayed, this.failed]) list.length = 0;
    this.active.clear();
    this.#stalled.clear();
    this.markers.clear();
  }

  stateOf(id: string): "waiting" | "active" | "delayed" | "failed" | "unknown" {
    if (this.active.has(id)) return "active";
    if (this.failed.includes(id)) return "failed";
    if (this.waiting.includes(id)) return "waiting";
    return this.delayed.some((one) => one.id === id) ? "delayed" : "unknown";
  }

  /** Ids in a state, the oldest first. */
  idsIn(state: string): string[] {
    switch (state) {
      case "wait":
      case "waiting":
        return [...this.waiting];
      case "active":
        return [...this.active];
      case "delayed":
        return this.delayed.map(({ id }) => id);
      case "failed":
        return [...this.failed];
      default:
        return [];
    }
  }
}
