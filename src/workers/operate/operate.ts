/**
 * Tells a PSP to capture, cancel or refund: once, however often it is asked or retried. The order of things is what makes it safe: the
 * truth is read, the operation is found possible, that it is being sent is written down, and only then it is sent. Whoever finds it sent
 * and does not know what came of it looks first.
 */
import type { OperationCall, OperationName, OperationResult, PaymentKey } from "../../contract/adapter.ts";
import { isWorkerError, WorkerError } from "../../lib/errors.ts";
import type { Logger } from "../../lib/log.ts";
import { majorFromMinor, minorFromMajor } from "../../lib/money.ts";
import type { CurrentPayment } from "../../norce/payment.ts";
import { runAgain } from "../../queue/ending.ts";
import type { Engine, Job, Worker } from "../../queue/engine.ts";
import {
  type OperationEnd,
  type OperationJob,
  type OperationOutcome,
  type Operations,
} from "../../queue/operations.ts";
import { operationsName, type Queues } from "../../queue/queues.ts";
import { bareOperationUrl } from "../../signatures/urls.ts";
import { bind } from "../look/bind.ts";
import { refuseOthers } from "../look/binding.ts";
import { endOf, type Guard, guardOf } from "../guard.ts";
import { lookContext, observe } from "../look/observe.ts";
import { amountOf, availableFor, insistPossible, refusal, sumMovedBy, sumsToBe } from "./possible.ts";
import { preview, type ReconcileParts } from "../reconcile.ts";
import { operationAgain } from "../retry.ts";

/** What operations need. */
export interface OperateParts extends ReconcileParts {
  readonly engine: Engine;
  readonly queues: Queues;
  readonly operations: Operations;
  readonly log: Logger;
  readonly concurrency: number;
  /** Aborted when the process stops: nothing is sent any more. */
  readonly stopping: AbortSignal;
}

/** An operation that the PSP is told. */
type Order = OperationJob & { readonly name: OperationName };

/** What one attempt came to: an end, or a pause. */
type Step = { readonly end: OperationOutcome } | { readonly againMs: number };

/** One job under work: what is known of the operation, and how that is written down before anything else is done. */
interface Work {
  readonly id: string;
  readonly guard: Guard;
  /** Aborted when this attempt takes too long or the process stops. */
  readonly signal: AbortSignal;
  order: Order;
  note(more: Partial<Order>): Promise<void>;
  /** It was sent in vain: nothing was carried out. */
  unsent(): Promise<void>;
}

/** How long an operation waits for another one of its payment. */
const turnMs = 1_000;
/** PSP reads lag: what a look does not show this long after the sending was not carried out. */
const settledMs = 60_000;

/** Starts the worker that carries out operations. */
export function startOperate(parts: OperateParts): Worker<OperationJob, OperationOutcome> {
  const { engine, concurrency, log } = parts;
  const worker = engine.worker<OperationJob, OperationOutcome>(
    operationsName,
    (job, token) => operate(job, token, parts),
    { concurrency },
  );
  // Whatever an attempt throws is settled: a job fails only where its worker died again and again.
  worker.on("failed", (job, error) => {
    if (job === undefined || job.data.name === "preview" || job.finishedOn === undefined) return;
    log.error({ ...job.data.key, operation: job.data.name, operationId: job.id, error }, "operation.finished");
    // Its lock is gone with its worker: nobody else works on a job that has failed.
    const free: Pick<Work, "guard" | "signal"> = { guard: async () => undefined, signal: parts.stopping };
    void givenUp(workOn(job, { ...job.data, name: job.data.name }, free), parts).catch(() => undefined);
  });
  return worker;
}

async function operate(
  job: Job<OperationJob>,
  token: string | undefined,
  parts: OperateParts,
): Promise<OperationOutcome> {
  const { key, name } = job.data;
  const { signal, over } = endOf(parts.stopping);
  if (name === "preview") return await previewed(key, signal, parts).finally(over);
  const turn = await parts.operations.lock(key, job.id ?? "");
  if (turn === undefined) return await runAgain(job, parts.now() + turnMs, token).finally(over);
  const work = workOn(job, { ...job.data, name }, { guard: guardOf(job, token, signal), signal });
  const step = await attempt(work, parts).finally(over);
  if ("againMs" in step) {
    // What came of it is found by the sums: until then no other operation may move them.
    if (work.order.sent !== undefined && work.order.result === undefined) await turn.keep(step.againMs);
    else await turn.end();
    return await runAgain(job, parts.now() + step.againMs, token);
  }
  await turn.end();
  const level = step.end.status === "unknown" ? "error" : "info";
  parts.log[level]({ ...key, operation: name, operationId: job.id, ...step.end }, "operation.finished");
  return step.end;
}

function workOn(job: Job<OperationJob>, asked: Order, bounds: Pick<Work, "guard" | "signal">): Work {
  return {
    ...bounds,
    id: job.id ?? "",
    order: asked,
    async note(more) {
      this.order = { ...this.order, ...more };
      await job.updateData(this.order);
    },
    async unsent() {
      const { sent: _sent, ...unsent } = this.order;
      this.order = unsent;
      await job.updateData(unsent);
    },
  };
}

async function previewed(key: PaymentKey, signal: AbortSignal, parts: OperateParts): Promise<OperationOutcome> {
  try {
    return { status: "done", would: { ...(await preview({ key }, parts, signal)) } };
  } catch (error) {
    if (!isWorkerError(error)) throw error;
    return { status: "done", would: { outcome: "error", kind: error.kind, reason: reasonOf(error) } };
  }
}

async function attempt(work: Work, parts: OperateParts): Promise<Step> {
  try {
    const end = await carriedOut(work, parts);
    return end === "too-early" ? { againMs: settledMs } : { end };
  } catch (error) {
    const { key, name, sent, tries } = work.order;
    // Refused before anything was sent: nothing has happened. Once it was sent, a truth that cannot be read tells nothing.
    const refused = isWorkerError(error, "Refused") || isWorkerError(error, "Unmapped");
    if (refused && sent === undefined)
      return { end: { status: "refused", refusedBeforehand: true, reason: reasonOf(error) } };
    const againMs = operationAgain(error, tries, Math.random());
    parts.log.warn({ ...key, operation: name, operationId: work.id, error, againMs }, "operation.later");
    if (againMs === undefined) return { end: await givenUp(work, parts) };
    await work.note({ tries: tries + 1 });
    return { againMs };
  }
}

/** One attempt, from the truth to the log. */
async function carriedOut(work: Work, parts: OperateParts): Promise<OperationOutcome | "too-early"> {
  const { signal } = work;
  const { key, name, amount: asked, sent, result: answered } = work.order;
  const found = parts.config.find(key);
  if (found === undefined) throw refusal("not-configured");
  const current = await parts.norce.payment(key, signal);
  if (current === null) throw refusal("not-in-norce");
  if (answered !== undefined) return await logged(work, answered, current, parts);

  refuseOthers(current, found.settings);
  const { operations } = found.adapter;
  const tell = operations?.[name];
  if (operations === undefined || tell === undefined) throw refusal("not-supported");
  if (current.reference === null && !("fold" in found.adapter)) throw refusal("no-reference");
  const context = lookContext(key, current, parts.contexts(key, found, signal), parts.norce.log(key, signal));
  const observed = await observe(found, current.reference ?? "", context);
  if (observed === null) throw refusal("not-at-psp");
  const { desired, truth } = observed;
  if (sent === undefined) {
    // What a look would refuse is nothing to operate on.
    const answers = [{ reference: "fold" in found.adapter ? "" : (current.reference ?? ""), answer: observed }];
    await bind({ key, found, current }, answers, { ...parts, signal });
    if (desired.currency !== current.currency) throw refusal("currency-differs");
  }

  if (sent !== undefined) {
    // What is shown may be another operation's doing, and nothing else would tell them apart.
    if (operations.repeat === "never") return await givenUp(work, parts);
    const shown = sumMovedBy(name, sumsToBe(desired)) >= sumMovedBy(name, sent.before) + sent.amount;
    if (shown) return await logged(work, { is: "done" }, current, parts);
    if (operations.repeat === "look-first" && parts.now() - sent.at < settledMs) return "too-early";
  }
  const amount = sent?.amount ?? amountOf(name, asked, desired);
  // A repeat says what was said first, whatever is available by now.
  const whole = sent?.whole ?? amount === availableFor(name, desired);
  const call: OperationCall = { name, id: work.id, amount, currency: desired.currency, whole, now: parts.now() };
  if (sent === undefined) insistPossible(call, desired);
  await work.guard();
  await work.note({ valid: true, sent: { at: parts.now(), before: sent?.before ?? sumsToBe(desired), amount, whole } });
  // What was found just now, not what was noted before.
  const memory = { ...context.memory, ...desired.attributes, ...desired.memory };
  const result = await told(work, sent === undefined, () => tell(call, truth as never, { ...context, memory }));
  await work.note({ result });
  return await logged(work, result, current, parts);
}

/** What the PSP answered; that it refuses is an answer. */
async function told(work: Work, first: boolean, tell: () => Promise<OperationResult>): Promise<OperationResult> {
  try {
    await work.guard();
    return await tell();
  } catch (error) {
    // An earlier attempt stays sent, whatever became of this one.
    if (first && isTurnedAway(error)) await work.unsent();
    if (!isWorkerError(error, "Refused")) throw error;
    return { is: "refused", reason: reasonOf(error) };
  }
}

/** True where the PSP cannot have carried it out: it never saw it, or sent us away at its door. */
function isTurnedAway(error: unknown): boolean {
  if (!isWorkerError(error)) return false;
  const { status, code } = error.context;
  return error.kind === "Unauthorized" || status === 429 || neverSent.has(String(code));
}

const neverSent: ReadonlySet<string> = new Set(["given-up", "ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN"]);

/** Leaves the outcome in the payment's log, once, and asks for a look. */
async function logged(
  { id, guard, signal, order: { key, name, amount: asked, sent } }: Work,
  end: OperationEnd,
  { adapterId, currency }: CurrentPayment,
  { norce, queues, config }: OperateParts,
): Promise<OperationOutcome> {
  const { keys } = await norce.log(key, signal);
  const amount = sent?.amount ?? minorFromMajor(asked ?? 0, currency);
  const said = end.is === "done" || end.is === "accepted";
  const reason = "reason" in end ? { reason: end.reason } : {};
  const ids = said && end.pspId !== undefined ? { pspId: end.pspId } : {};
  if (said && end.event !== undefined && !keys.has(end.event.key)) {
    await guard();
    await norce.appendEvent(key, end.event, signal);
  }
  if (!keys.has(`operation:${id}`)) {
    const transaction = {
      key: `operation:${id}`,
      event: "paymentAction",
      pspEvent: name,
      pspStatus: end.is,
      amount,
      success: said,
      ...("reason" in end ? { errorDetail: end.reason } : {}),
      facts: { operationId: id, ...ids },
      action: { adapterId: adapterId ?? "", type: name, url: bareOperationUrl(config.publicUrl, key, name) },
    } as const;
    await guard();
    await norce.appendTransaction(key, currency, transaction, signal);
  }
  await queues.lanes.add({ key, asked: "operation" }, "patient");
  return { status: end.is, amount: majorFromMinor(amount, currency), ...reason, ...ids };
}

/**
 * Nobody knows whether it was carried out, or it could not be sent for days: a person has to look. The letter says so for certain; the
 * payment's log only where Norce can be reached now.
 */
async function givenUp(work: Work, parts: OperateParts): Promise<OperationOutcome> {
  const { key, name, sent } = work.order;
  const { queues, norce, log, now } = parts;
  const reason = sent === undefined ? "could-not-be-sent" : "outcome-unknown";
  await queues.dead.put({
    key,
    event: { key: `operation:${work.id}`, type: name },
    kind: "Operation",
    reason: sent === undefined ? "the operation could not be sent" : "nobody knows what came of the operation",
    since: sent?.at ?? now(),
    at: now(),
    context: { reason, operationId: work.id },
  });
  try {
    const current = await norce.payment(key, work.signal);
    if (current !== null) return await logged(work, { is: "unknown", reason }, current, parts);
  } catch (error) {
    log.warn({ ...key, operation: name, operationId: work.id, error }, "operation.unlogged");
  }
  return { status: "unknown", reason };
}

/** A code: ours, the PSP's own, or its status. */
function reasonOf({ context, kind }: WorkerError): string {
  return String(context["reason"] ?? context["code"] ?? context["status"] ?? kind);
}
