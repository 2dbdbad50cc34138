/**
 * BullMQ's backend on the twin: BullMQ's own `Queue` and `Worker`, with their locks, pauses, stalled checks and schedules, run on it as they are.
 * What this service never asks for throws.
 */
import { EventEmitter } from "node:events";
import type { IQueueBackend, JobJson, JobsOptions, QueueBaseOptions } from "bullmq";
import { type Handed, jsonOf, type NewJob, refusals } from "./jobs.ts";
import type { TwinQueue } from "./queue.ts";
import type { Link, TwinServer } from "./server.ts";

/** What a backend is connected to. */
export interface TwinConnection {
  readonly server: TwinServer;
  readonly link: Link;
}

/** For how long BullMQ waits for a job where there is none, in milliseconds: then it asks for one, and waits again. */
const idleMs = 5_000;

type Options = QueueBaseOptions & { readonly lockDuration?: number; readonly stalledInterval?: number };

/** The twin's backend of one queue. */
export class TwinBackend extends EventEmitter {
  readonly minimumBlockTimeout = 0.001;
  readonly keys = {};
  closing: Promise<void> | undefined;
  readonly #queue: TwinQueue;
  readonly #link: Link;
  readonly #options: Options;
  #endWait: (() => void) | undefined;
  #interrupted = false;

  constructor(name: string, options: Options, { server, link }: TwinConnection) {
    super();
    this.#queue = server.queue(name);
    this.#link = link;
    this.#options = options;
  }

  get qualifiedName(): string {
    return this.#queue.name;
  }
  toKey(type: string): string {
    return `${this.#queue.name}:${type}`;
  }
  clientName(suffix = ""): string {
    return this.#queue.name + suffix;
  }
  async waitUntilReady(): Promise<void> {}
  async setName(): Promise<void> {}
  async close(): Promise<void> {
    this.closing ??= Promise.resolve();
    this.#endWait?.();
    await this.closing;
  }
  async disconnect(): Promise<void> {
    this.#endWait?.();
  }

  async addJob(job: JobJson, jobId: string): Promise<string> {
    return await this.#call("add", () => this.#queue.add(newJobOf(job, jobId)));
  }
  async addJobs(entries: readonly { readonly job: JobJson; readonly jobId: string }[]): Promise<string[]> {
    return await this.#call("add", () => entries.map(({ job, jobId }) => this.#queue.add(newJobOf(job, jobId))));
  }

  async moveToActive(token: string): Promise<Handed> {
    const now = this.#link.now();
    return await this.#call("take", () => this.#take(token, now));
  }
  async moveToCompleted(job: { id?: string }, _value: unknown, _remove: unknown, token: string, fetchNext: boolean) {
    return await this.#finish(job.id ?? "", token, undefined, fetchNext, {});
  }
  async moveToFailed(
    job: { id?: string },
    reason: string,
    _remove: unknown,
    token: string,
    fetchNext: boolean,
    fields: object = {},
  ) {
    return await this.#finish(job.id ?? "", token, { reason }, fetchNext, fields);
  }
  async #finish(id: string, token: string, kept: { reason: string } | undefined, fetchNext: boolean, fields: object) {
    const now = this.#link.now();
    const result = await this.#call("finish", () => {
      insist(this.#queue.finish(id, token, kept, now, kept === undefined ? {} : fields), id, "moveToFinished");
      return fetchNext && this.closing === undefined ? this.#take(token, now) : undefined;
    });
    return { result, finishedOn: now };
  }
  async moveToDelayed(
    id: string,
    timestamp: number,
    delay: number,
    token: string,
    more: { skipAttempt?: boolean; fieldsToUpdate?: object; fetchNext?: boolean } = {},
  ): Promise<void | Handed> {
    const { skipAttempt = false, fieldsToUpdate, fetchNext = false } = more;
    const due = delay > 0 ? timestamp + delay : timestamp;
    return await this.#call("give-back", () => {
      insist(this.#queue.giveBack(id, token, due, delay, skipAttempt, fieldsToUpdate), id, "moveToDelayed");
      return fetchNext && this.closing === undefined ? this.#take(token, timestamp) : undefined;
    });
  }
  async retryJob(id: string, lifo: boolean, token: string, { fieldsToUpdate }: { fieldsToUpdate?: object } = {}) {
    await this.#call("retry", () => insist(this.#queue.retry(id, token, lifo, fieldsToUpdate), id, "retryJob"));
  }
  #take(token: string, now: number): Handed {
    return this.#queue.take(token, this.#options.lockDuration ?? 30_000, now, this.#link.holder);
  }

  async moveStalledJobsToWait(): Promise<string[]> {
    return await this.#call("stalled", () => this.#queue.recoverStalled(this.#options.stalledInterval ?? 30_000));
  }
  async extendLock(id: string, token: string, duration: number): Promise<number> {
    return await this.#call("extend", () => (this.#queue.extend(id, token, duration) ? 1 : 0));
  }
  async extendLocks(ids: readonly string[], tokens: readonly string[], duration: number): Promise<string[]> {
    return await this.#call("extend", () =>
      ids.filter((id, index) => !this.#queue.extend(id, tokens[index] ?? "", duration)),
    );
  }
  async remove(id: string): Promise<number> {
    return await this.#call("remove", () => {
      const removed = this.#queue.remove(id);
      insist(removed, id, "removeJob");
      return removed;
    });
  }

  async getJobData(id: string): Promise<JobJson | undefined> {
    return await this.#call("job", () => {
      const job = this.#queue.jobs.get(id);
      return job === undefined ? undefined : jsonOf(job);
    });
  }
  async getState(id: string): Promise<string> {
    return await this.#call("state", () => this.#queue.stateOf(id));
  }
  async getDeduplicationJobId(id: string): Promise<string | null> {
    return await this.#call("holder", () => this.#queue.holderOf(id));
  }
  async getCounts(types: readonly string[]): Promise<number[]> {
    return await this.#call("counts", () => types.map((type) => this.#queue.idsIn(type).length));
  }
  async getRanges(types: readonly string[], start = 0, end = -1): Promise<string[][]> {
    return await this.#call("ranges", () =>
      types.map((type) => this.#queue.idsIn(type).slice(start, end < 0 ? undefined : end + 1)),
    );
  }

  async setQueueMeta(values: Readonly<Record<string, string | number>>): Promise<number> {
    return await this.#call("meta", () => {
      for (const [name, value] of Object.entries(values)) this.#queue.meta.set(name, String(value));
      return Object.keys(values).length;
    });
  }
  async getQueueMetaField(name: string): Promise<string | null> {
    return await this.#call("meta", () => this.#queue.meta.get(name) ?? null);
  }

  async addJobScheduler(
    id: string,
    _next: number,
    data: string,
    _template: JobsOptions,
    { every = 0, name = "" }: { every?: number; name?: string },
    opts: JobsOptions,
  ): Promise<[string, number]> {
    const now = this.#link.now();
    const plain = { ...opts } as Record<string, unknown>;
    return await this.#call("schedule", () => this.#queue.schedules.make(id, { every, name, data, opts: plain }, now));
  }
  async updateJobSchedulerNextMillis(
    id: string,
    _next: number,
    _data: string,
    opts: JobsOptions,
    producerId = "",
  ): Promise<string | null> {
    const now = this.#link.now();
    return await this.#call("schedule", () => this.#queue.schedules.follow(id, { ...opts }, now, producerId));
  }
  async getJobScheduler(id: string): Promise<[string[] | null, string | null]> {
    return await this.#call("scheduler", () => {
      const found = this.#queue.schedules.byId.get(id);
      if (found === undefined) return [null, null];
      const { name, count, every, next } = found;
      return [["name", name, "ic", String(count), "every", String(every)], String(next)];
    });
  }
  async isJobScheduler(id: string): Promise<boolean> {
    return await this.#call("scheduler", () => this.#queue.schedules.byId.has(id));
  }

  async waitForJob(seconds: number): Promise<{ member: string; score: number } | null> {
    if (this.#interrupted || this.closing !== undefined) return null;
    const { answer, end } = this.#link.wait<number>(
      `wait ${this.#queue.name}`,
      seconds * 1_000,
      (told) => this.#queue.markers.wait(told),
      () => this.#queue.idleFor(this.#link.now(), idleMs),
    );
    this.#endWait = end;
    const score = await answer;
    return score === null ? null : { member: String(score === 0 ? 0 : 1), score };
  }
  async disconnectBlocking(): Promise<void> {
    this.#interrupted = true;
    this.#endWait?.();
  }
  async reconnectBlocking(): Promise<void> {
    this.#interrupted = false;
  }

  #call<T>(name: string, effect: () => T): Promise<T> {
    return this.#link.call(`${name} ${this.#queue.name}`, effect);
  }
}

/** What BullMQ hands to a backend, as the twin keeps it. */
export function newJobOf(job: JobJson, jobId: string | undefined): NewJob {
  const { opts } = job;
  if (job.parent !== undefined || (opts.priority ?? 0) > 0)
    throw new Error("the twin knows no parents and no priorities");
  return {
    id: jobId ?? job.id ?? "",
    name: job.name,
    data: job.data,
    opts: opts as Readonly<Record<string, unknown>>,
    timestamp: job.timestamp,
    delay: job.delay ?? opts.delay ?? 0,
    schedulerId: job.repeatJobKey,
  };
}

/** @throws Error as BullMQ's backends do where a job cannot be moved. */
function insist(code: number, id: string, command: string): void {
  if (code >= 0) return;
  const words = refusals[code] ?? `error ${code} for`;
  const message = words.startsWith("is") || words.startsWith("belongs") ? `Job ${id} ${words}` : `${words} ${id}`;
  throw Object.assign(new Error(`${message}. ${command}`), { code });
}

/** What of BullMQ's backends nobody here asks for. */
const others = [
  "forQueue",
  "parseNodeKey",
  "addFlow",
  "moveToWaitingChildren",
  "moveJobFromActiveToWait",
  "retryFinishedJob",
  "promote",
  "retryFinishedJobs",
  "promoteJobs",
  "pause",
  "drain",
  "cleanJobsByState",
  "obliterate",
  "updateData",
  "updateProgress",
  "addLog",
  "changeDelay",
  "changePriority",
  "removeDeduplicationKey",
  "deleteDeduplicationKey",
  "removeJobScheduler",
  "isFinished",
  "isMaxed",
  "getRateLimitTtl",
  "getDependencies",
  "getMetrics",
  "getClientList",
  "paginate",
  "publishEvent",
  "readEvents",
] as const satisfies readonly (keyof IQueueBackend)[];

for (const name of others)
  Object.defineProperty(TwinBackend.prototype, name, {
    value: () => {
      throw new Error(`the twin of the engine has no ${name}`);
    },
  });
