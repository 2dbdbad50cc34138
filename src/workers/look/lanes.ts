import { isWorkerError } from "../../lib/errors.ts";
import type { Logger } from "../../lib/log.ts";
import type { Meters } from "../../lib/meters.ts";
import type { Engine, Job, Worker } from "../../queue/engine.ts";
import { laneName, type Look, type Queues, type Wait } from "../../queue/queues.ts";
import { tellCredentials } from "../tell/credentials.ts";
import { askedBy, type DriftLog } from "../tell/drift.ts";
import { hasToEnd } from "../sweep/due.ts";
import { accountOf, behaviourOf, type Entered } from "../gate/gate.ts";
import type { Gates } from "../gate/gates.ts";
import { endOf, guardOf } from "../guard.ts";
import { type Outcome, reconcile, type ReconcileParts } from "../reconcile.ts";
import { type Next, next, type Result, turnedAway } from "../retry.ts";

export interface LaneParts extends ReconcileParts {
  readonly engine: Engine;
  readonly queues: Queues;
  readonly log: Logger;
  readonly meters: Meters;
  readonly drift: DriftLog;
  readonly gates: Gates;
  readonly concurrency: number;
  /** Aborted when the process stops: running looks are given back. */
  readonly stopping: AbortSignal;
}

/** What a look's job returns; an operator who asked for the look gets to see it. */
export interface LookResult {
  readonly outcome: string;
  readonly [fact: string]: unknown;
}

/** Starts the workers that look at payments: one lane queue per adapter that a merchant has configured. */
export function startLanes(parts: LaneParts): Worker<Look, LookResult>[] {
  const adapters = new Set(parts.config.targets.map(({ adapter }) => adapter.id));
  return [...adapters].map((adapter) => {
    const worker = parts.engine.worker<Look, LookResult>(laneName(adapter), (job, token) => letIn(job, token, parts), {
      concurrency: parts.concurrency,
    });
    // A lane's job fails only by stalling too often: whatever a look throws has been settled before its job ends.
    worker.on("failed", (job, error) => {
      if (job !== undefined) void buryStalled(job.data, error, parts);
    });
    return worker;
  });
}

/** Looks, unless the PSP account is to be left alone now: then the payment waits, which counts as no failure. */
async function letIn(job: Job<Look>, token: string | undefined, parts: LaneParts): Promise<LookResult> {
  const { key } = job.data;
  const entry = parts.gates.of(key.adapter).enter(accountOf(key), Math.random());
  if (entry.entered) return await look(job, token, entry, parts);
  const memory = memoryOf(job.data, parts.queues);
  await settled(async () => settle(job.data, turnedAway(await memory(), entry, parts.now()), memory, parts), parts);
  const facts = { outcome: "later", why: entry.why, nextLookMs: entry.afterMs };
  parts.meters.look(key.adapter, "later", 0);
  parts.log.info({ ...key, ...facts }, "payment.later");
  return facts;
}

async function look(
  job: Job<Look>,
  token: string | undefined,
  entered: Entered,
  parts: LaneParts,
): Promise<LookResult> {
  const started = parts.now();
  const { key } = job.data;
  const { signal, over } = endOf(parts.stopping);
  const memory = memoryOf(job.data, parts.queues);
  const guard = guardOf(job, token, signal);
  let result: Result;
  try {
    result = { outcome: await reconcile(job.data, memory, parts, guard, signal) };
  } catch (error) {
    result = { error };
  } finally {
    over();
  }
  entered.leave(behaviourOf(key.adapter, "error" in result ? result.error : undefined));
  const step = await settled(async () => {
    const decided =
      parts.stopping.aborted && "error" in result
        ? givenBack(await memory())
        : (unresolved(job.data, result) ??
          next(result, {
            remembered: await memoryFor(result, memory),
            due: job.data.wait !== undefined,
            now: parts.now(),
            random: Math.random(),
          }));
    await settle(job.data, decided, memory, parts);
    return decided;
  }, parts);
  const seconds = (parts.now() - started) / 1_000;
  const facts = describe(result, step);
  parts.meters.look(key.adapter, facts.outcome, seconds);
  tellCredentials(key, result, parts);
  parts.drift.looked(job.data, facts);
  const level = step.do === "bury" || ("error" in result && !isWorkerError(result.error)) ? "error" : "info";
  parts.log[level](
    { ...key, ...facts, ms: Math.round(seconds * 1_000), ...("error" in result ? { error: result.error } : {}) },
    `payment.${facts.outcome}`,
  );
  return facts;
}

/** What the timer that woke us remembered, or the one that waits: read at most once, unless the queue is away. */
function memoryOf({ key, wait }: Look, { timers }: Queues): () => Promise<Wait | undefined> {
  let read = wait === undefined ? undefined : Promise.resolve<Wait | undefined>(wait);
  return async () => {
    read ??= timers.get(key);
    try {
      return await read;
    } catch (error) {
      read = undefined;
      throw error;
    }
  };
}

/** A look that came to rest needs no memory; asking for it would cost a round trip per look. */
async function memoryFor(result: Result, memory: () => Promise<Wait | undefined>): Promise<Wait | undefined> {
  const restful = "outcome" in result && (result.outcome.is === "written" || result.outcome.is === "unchanged");
  return restful ? undefined : await memory();
}

/** The process stops: the payment is looked at again as soon as another worker is there. */
function givenBack(wait: Wait | undefined): Next {
  const { reference: _reference, ...memory } = wait ?? { since: Date.now(), tries: 0, why: "stopped" };
  return { do: "wait", delayMs: 500, wait: memory };
}

/** The last look found the payment where it was: a person has to say what becomes of it. */
function unresolved({ wait }: Look, result: Result): Next | undefined {
  if (wait?.last !== true || "error" in result) return undefined;
  const { outcome } = result;
  const ended = outcome.is === "unchanged" && !hasToEnd(outcome.state);
  if (outcome.is === "written" || outcome.is === "suspect" || ended) return undefined;
  const reason = "the payment came to no end within its horizon";
  return { do: "bury", kind: "Unresolved", reason, since: wait.since, context: { reason: "unresolved" } };
}

/** The timer is written first, then the job may complete: a crash in between costs one look more, never one less. */
async function settle(
  asked: Look,
  step: Next,
  memory: () => Promise<Wait | undefined>,
  { queues, now }: LaneParts,
): Promise<void> {
  const { key, reference } = asked;
  switch (step.do) {
    case "rest":
      await Promise.all([
        step.lookAgainMs === undefined
          ? queues.timers.clear(key)
          : queues.timers.set(key, { since: now(), tries: 0, why: "look-again", asked: "timer" }, step.lookAgainMs),
        queues.dead.clear(key),
      ]);
      return;
    case "wait": {
      const hint = reference ?? (await memory())?.reference;
      const by = askedBy(asked);
      const wait = {
        ...step.wait,
        ...(hint === undefined ? {} : { reference: hint }),
        ...(by === "webhook" ? {} : { asked: by }),
        ...(asked.wait?.last === true ? { last: true as const } : {}),
      };
      await queues.timers.set(key, wait, step.delayMs);
      return;
    }
    case "bury":
      await queues.dead.put({
        key,
        kind: step.kind,
        reason: step.reason,
        since: step.since,
        at: now(),
        context: step.context,
      });
      await queues.timers.clear(key);
      return;
  }
}

/**
 * A look's end has to be written down, or the payment is forgotten: as long as the queue is away, the job stays ours. Should the process
 * end before, the job's lock runs out and another worker looks again.
 */
async function settled<T>(end: () => Promise<T>, { log }: LaneParts): Promise<T> {
  for (let pauseMs = 100; ; pauseMs = Math.min(pauseMs * 2, 5_000)) {
    try {
      return await end();
    } catch (error) {
      log.warn({ error }, "payment.unsettled");
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}

async function buryStalled({ key }: Look, error: Error, { queues, log, now }: LaneParts): Promise<void> {
  log.error({ ...key, outcome: "dead", error }, "payment.dead");
  await queues.dead
    .put({ key, kind: "Stalled", reason: "its worker died again and again", since: now(), at: now() })
    .catch((failure: unknown) => {
      log.error({ ...key, error: failure }, "payment.unsettled");
    });
}

function describe(result: Result, step: Next): LookResult {
  const wait = step.do === "wait" ? { nextLookMs: step.delayMs } : {};
  if (step.do === "bury") return { outcome: "dead", kind: step.kind, reason: step.context["reason"] ?? step.reason };
  if ("error" in result)
    return { outcome: "later", why: isWorkerError(result.error) ? result.error.kind : "Bug", ...wait };
  return { ...factsOf(result.outcome), ...wait };
}

function factsOf(outcome: Outcome): LookResult {
  switch (outcome.is) {
    case "written":
      return { outcome: "written", from: outcome.from, to: outcome.to, wrote: outcome.wrote };
    case "unchanged":
      return { outcome: "unchanged" };
    case "later":
      return { outcome: "later", why: outcome.why };
    case "suspect":
      return { outcome: "later", why: "suspect" };
  }
}
