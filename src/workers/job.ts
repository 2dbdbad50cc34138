/**
 * The one shell that runs every job: gate → end signal → work → write down its end → give back. Looks, events, operations and what empties
 * the inbox differ only in what they read first, what they do, and how their end is written down.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Target } from "../contract/adapter.ts";
import { WorkerError } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import { type SpanFacts, type Tracing, untraced } from "../lib/tracing.ts";
import type { End, HeldJob, LostJob, Seam, Work } from "../queue/seam.ts";
import { accountOf, type Visitor } from "./gate/gate.ts";
import type { Gates } from "./gate/gates.ts";
import { patience, pauses } from "./patience.ts";
import { behaviourOf, type Came, mayStillHappen } from "./retry.ts";

/** What the shell of a process works with. */
export interface Shell {
  readonly work: Seam["work"];
  readonly gates: Gates;
  readonly log: Logger;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Aborted when the process stops: what runs is given back. */
  readonly stopping: AbortSignal;
  readonly tracing?: Tracing | undefined;
}

/** A job under work, as its work sees it; handed to everything that sends. */
export interface Held {
  readonly id: string;
  /** Aborted when the job takes too long or its process stops: nothing more is sent. */
  readonly signal: AbortSignal;
  /** Rejects where the job is no longer ours: asked as the last thing before bytes leave that change something. */
  readonly prove: () => Promise<void>;
}

/** A kind of job. */
export interface JobKind<Data, Begun, Value> {
  /** Its queue. */
  readonly name: string;
  readonly concurrency: number;
  /** Reads what is noted, once the job is active. `undefined`: there is nothing to do. */
  begin(job: HeldJob<Data>): Promise<Begun | undefined>;
  /** What a trace says of it: its span's name, and what it is linked to besides the job. Absent: it is no span. */
  traced?(begun: Begun): { readonly name: string; readonly facts: SpanFacts; readonly link?: string | undefined };
  /** Whose PSP account it asks; `undefined`: nobody's. */
  gate(begun: Begun): { readonly target: Target; readonly visitor: Visitor; readonly payment?: string } | undefined;
  work(begun: Begun, held: Held): Promise<Value>;
  /** Writes down what it came to. It is tried again while the queue's engine is away, and has to bear that. */
  end(begun: Begun, job: HeldJob<Data>, came: Came<Value>): Promise<End>;
  /** Stores what takes the job's place, where nobody would run it once more. */
  lost(job: LostJob<Data>): Promise<void>;
}

/** Runs jobs of a kind until it is closed. */
export function runJobs<Data, Begun, Value>(kind: JobKind<Data, Begun, Value>, shell: Shell): Work {
  const { name, concurrency, lost } = kind;
  return shell.work<Data>(name, (job) => runJob(kind, job, shell), {
    concurrency,
    lost: (job) => lost.call(kind, job),
  });
}

async function runJob<Data, Begun, Value>(
  kind: JobKind<Data, Begun, Value>,
  job: HeldJob<Data>,
  shell: Shell,
): Promise<End> {
  const begun = await whenAnswered(() => kind.begin(job), job, shell);
  if (begun === undefined) return undefined;
  const came = await letIn(kind, begun, job, shell);
  return await whenAnswered(() => kind.end(begun, job, came), job, shell);
}

/** Works, unless the PSP account is to be left alone now: then the job comes back, which counts as no failure. */
async function letIn<Data, Begun, Value>(
  kind: JobKind<Data, Begun, Value>,
  begun: Begun,
  job: HeldJob<Data>,
  shell: Shell,
): Promise<Came<Value>> {
  const door = kind.gate(begun);
  const entry =
    door &&
    shell.gates.of(door.target.adapter).enter(accountOf(door.target, door.visitor), shell.random(), door.visitor);
  if (entry?.entered === false) return { turnedAway: { at: shell.now() + entry.afterMs, why: entry.why } };
  const came = await workOn(kind, begun, job, shell);
  const error = "error" in came ? came.error : undefined;
  if (door !== undefined && entry !== undefined) entry.leave(behaviourOf(door.target.adapter, error), door.payment);
  return came;
}

async function workOn<Data, Begun, Value>(
  kind: JobKind<Data, Begun, Value>,
  begun: Begun,
  job: HeldJob<Data>,
  { stopping, now, tracing = untraced }: Shell,
): Promise<Came<Value>> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), pauses.longestJobMs);
  const held = heldFrom(job, AbortSignal.any([stopping, late.signal]));
  try {
    const told = kind.traced?.(begun);
    if (told === undefined) return { outcome: await kind.work(begun, held) };
    return { outcome: await tracing.span(told.name, told, () => kind.work(begun, held)) };
  } catch (error) {
    // What was cut short by the end of its process says nothing of anybody; what was sent before may still be carried out.
    if (stopping.aborted && !mayStillHappen(error))
      return { turnedAway: { at: now() + pauses.givenBackMs, why: "stopping" } };
    return { error };
  } finally {
    clearTimeout(timer);
  }
}

function heldFrom(job: HeldJob<unknown>, signal: AbortSignal): Held {
  return {
    id: job.id,
    signal,
    async prove() {
      // Asked of the engine, never inferred: a process may have been frozen since it was granted the lock.
      if (!(await job.isMine())) throw givenUp("its lock was lost");
      if (signal.aborted) throw givenUp("it was given up before it was done");
    },
  };
}

/** The same job with something more to be done before bytes leave; its own proof stays the last of all. */
export function provingFirst(held: Held, first: () => Promise<void>): Held {
  return {
    ...held,
    async prove() {
      await first();
      await held.prove();
    },
  };
}

/** What a job throws that may not go on: nothing was sent. */
export function givenUp(message: string): WorkerError {
  return new WorkerError("Unreachable", message, { context: { code: "given-up" } });
}

/**
 * A job's end has to be written down, or what it was about is forgotten: as long as the engine is away, the job stays ours. Should the
 * process end before, the job's lock runs out and another worker runs it again. A bug of ours fails the job after some tries: something takes its place.
 */
async function whenAnswered<T>(ask: () => Promise<T>, job: HeldJob<unknown>, { log }: Shell): Promise<T> {
  let bugs = 0;
  for (let pauseMs: number = pauses.engineFirstMs; ; pauseMs = Math.min(pauseMs * 2, pauses.engineLongestMs)) {
    try {
      return await ask();
    } catch (error) {
      bugs += isOurs(error) ? 1 : 0;
      if (bugs > patience.bug.limitTries) throw error;
      log.warn({ queue: job.queue, job: job.id, error }, "job.unsettled");
      await pause(pauseMs);
    }
  }
}

/** What no engine throws: however often it is tried, it would hold the job, and a place among its workers, for ever. */
function isOurs(error: unknown): boolean {
  return [TypeError, RangeError, ReferenceError, SyntaxError, URIError].some((kind) => error instanceof kind);
}
