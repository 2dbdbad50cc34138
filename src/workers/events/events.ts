/**
 * One event that takes more than its URL to turn into a look: it has to be proven, its payment has to be found, or it is to be kept in
 * the payment's log. Each is a job of its own in its adapter's queue, so that nothing that it meets stops another.
 */
import type { AnyAdapter, LogLine, PaymentKey, PspEvent, Webhook } from "../../contract/adapter.ts";
import type { AdapterSettings, Config } from "../../config.ts";
import { isWorkerError } from "../../lib/errors.ts";
import type { Logger } from "../../lib/log.ts";
import type { NorceClient } from "../../norce/client.ts";
import { giveUp, runAgain, wasGivenUp } from "../../queue/ending.ts";
import type { Engine, Job, Worker } from "../../queue/engine.ts";
import { type DeadLetter, type EventJob, eventsName, type Queues, type StoredEvent } from "../../queue/queues.ts";
import { accountOf, behaviourOf } from "../gate/gate.ts";
import type { Gates } from "../gate/gates.ts";
import { endOf, type Guard, guardOf } from "../guard.ts";
import type { ContextFactory } from "../look/observe.ts";
import { place } from "./place.ts";
import { type Placing, placingAgain } from "../retry.ts";

/** What placing and keeping events needs. */
export interface EventParts {
  readonly config: Config;
  readonly engine: Engine;
  readonly queues: Queues;
  readonly norce: NorceClient;
  readonly contexts: ContextFactory;
  readonly gates: Gates;
  readonly log: Logger;
  readonly concurrency: number;
  readonly now: () => number;
  readonly oddity: (key: PaymentKey, reason: string) => void;
  /** Aborted when the process stops: what runs is given back. */
  readonly stopping: AbortSignal;
}

/** One job under work. */
interface Work {
  readonly event: StoredEvent;
  /** Its look has been asked for before. */
  readonly again: boolean;
  readonly guard: Guard;
  readonly signal: AbortSignal;
}

/** An event that was given back when its process stopped is taken up by the next one. */
const givenBackMs = 500;

/** Starts the workers that place and keep events: one queue per adapter that a merchant has configured. */
export function startEvents(parts: EventParts): Worker<EventJob, void>[] {
  const adapters = new Set(parts.config.targets.map(({ adapter }) => adapter.id));
  return [...adapters].map((adapter) => {
    const worker = parts.engine.worker<EventJob, void>(
      eventsName(adapter),
      (job, token) => letIn(adapter, job, token, parts),
      { concurrency: parts.concurrency },
    );
    worker.on("failed", (job, error) => {
      if (job?.finishedOn === undefined || wasGivenUp(error)) return;
      const words = "the worker died again and again on this event";
      void buryEvent(job.data.stored, "stalled", words, parts).catch((failure: unknown) =>
        parts.log.error({ ...job.data.stored.target, error: failure }, "event.dead"),
      );
    });
    return worker;
  });
}

/** Deals with the event, unless its PSP account is to be left alone now. */
async function letIn(adapter: string, job: Job<EventJob>, token: string | undefined, parts: EventParts): Promise<void> {
  const { stored, asked = false } = job.data;
  const entry = parts.gates.of(adapter).enter(accountOf(stored.target), Math.random(), "event");
  if (!entry.entered) return await runAgain(job, parts.now() + entry.afterMs, token);
  const { signal, over } = endOf(parts.stopping);
  const work = { event: stored, again: asked || job.attemptsStarted > 1, guard: guardOf(job, token, signal), signal };
  let result: Settled | undefined;
  try {
    result = await settled(work, parts);
  } finally {
    over();
    // Also where its end could not be written down: who stays inside for ever shuts the others out.
    entry.leave(behaviourOf(adapter, result?.error));
  }
  if (result.step.do === "wait") {
    const delayMs = parts.stopping.aborted ? givenBackMs : result.step.delayMs;
    return await runAgain(job, parts.now() + delayMs, token);
  }
  // Failed jobs of this queue are removed: the event may come again, or be tried again from its letter.
  if (result.buried) giveUp("a letter tells why");
  // What nobody needs any more is not kept for the day that the job is.
  if (stored.evidence !== undefined) await job.updateData({ stored: { ...stored, evidence: null } });
}

/** What has become of an event: done, given up, or it waits. */
interface Settled {
  readonly step: Placing;
  readonly buried: boolean;
  readonly error?: unknown;
}

async function settled(work: Work, parts: EventParts): Promise<Settled> {
  const { event } = work;
  const { queues, log, now } = parts;
  const found = parts.config.find(event.target);
  const waiting = (limitMs: number): Placing => placingAgain(event.receivedAt, now(), limitMs);
  const buried = async (reason: string, message: string, error?: unknown): Promise<Settled> => {
    await buryEvent(event, reason, message, parts);
    return { step: { do: "done" }, buried: true, error };
  };
  if (found === undefined) {
    // Another process put it here, which knows settings that this one does not (yet, or any more).
    const step = waiting(horizonMs(parts.config.adapters.get(event.target.adapter)));
    return step.do === "wait" ? { step, buried: false } : await buried("not-configured", notConfigured);
  }
  let error: unknown;
  try {
    const outcome = await handled(work, found, parts);
    if (outcome === "waits") return { step: waiting(Infinity), buried: false };
    if (outcome === "done") {
      await queues.dead.clear(letterOf(event));
      return { step: { do: "done" }, buried: false };
    }
  } catch (failure) {
    error = failure;
    log.warn({ ...event.target, webhook: event.webhook, type: event.event.type, error }, "event.later");
  }
  const step = waiting(isPassing(error) ? Infinity : horizonMs(found.adapter));
  if (step.do === "wait") return { step, buried: false, error };
  return error === undefined
    ? await buried("payment-unknown", "the payment of this event was never found")
    : await buried(isWorkerError(error) ? error.kind : "Bug", "the event could not be placed or kept", error);
}

/** Said of an event that nobody is configured for. */
export const notConfigured = "the event's adapter is not configured for its merchant and channel";

/** Somebody is away or wants other credentials: that ends, however long it takes. */
function isPassing(error: unknown): boolean {
  const passing = ["Unreachable", "Unauthorized", "QueueUnavailable", "Conflict"] as const;
  return passing.some((kind) => isWorkerError(error, kind));
}

type Handled = "done" | "waits" | "not-found";

async function handled(work: Work, found: AdapterSettings, parts: EventParts): Promise<Handled> {
  const { event, signal } = work;
  if (event.evidence !== undefined && !(await provenNow(event, signal, found, parts))) {
    parts.log.warn({ ...event.target, webhook: event.webhook }, "webhook.disproved");
    return "done";
  }
  const key = await place(event, found, { ...parts, signal });
  if (key === null) return "not-found";
  const { line } = event.event;
  if (line !== undefined) return await keep(key, { ...event.event, line }, work, found, parts);
  await remember(key, event.event, found.adapter, parts);
  return (await handOver(key, work, parts)) ? "done" : "waits";
}

async function provenNow(
  { webhook, evidence, target }: StoredEvent,
  signal: AbortSignal,
  found: AdapterSettings,
  parts: EventParts,
): Promise<boolean> {
  const rules = found.adapter.webhooks[webhook] as Webhook<unknown> | undefined;
  if (evidence === undefined || rules?.proveLater === undefined) return false;
  return await rules.proveLater(evidence, parts.contexts(target, found, signal));
}

/** Appends the event to the payment's log, once, and asks for a look. */
async function keep(
  key: PaymentKey,
  event: PspEvent & { readonly line: LogLine },
  { guard, signal }: Work,
  { adapter, settings }: AdapterSettings,
  parts: EventParts,
): Promise<Handled> {
  const { norce, queues, oddity } = parts;
  const payment = await norce.payment(key, signal);
  if (payment === null) return "not-found";
  if (payment.adapterId !== settings.adapterId) {
    oddity(key, "other-adapter");
    return "done";
  }
  const { reference } = payment;
  // A PSP that can be asked has one id per payment; what names another one is another payment's.
  if ("fetch" in adapter && reference !== null && event.reference !== undefined && event.reference !== reference) {
    oddity(key, "reference-refused");
    return "done";
  }
  // At most one job per event exists, so that nobody else appends it between the reading and the writing.
  if (!(await norce.log(key, signal)).keys.has(event.key)) {
    await guard();
    await norce.appendEvent(key, event, signal);
  }
  await remember(key, event, adapter, parts);
  // Before the PSP's payment exists there is nothing to look at but this line itself.
  const nothingToAsk = !("fold" in adapter) && payment.reference === null && event.reference === undefined;
  if (nothingToAsk) return "done";
  const { handedOver } = await queues.lanes.add({ key, ...hintOf(event.reference) }, "patient");
  // A look that waits already does not know the reference that this event named.
  return handedOver || event.reference === undefined || reference !== null ? "done" : "waits";
}

async function remember(
  key: PaymentKey,
  { reference, clues }: PspEvent,
  { rememberDays }: AnyAdapter,
  { queues }: EventParts,
): Promise<void> {
  if (rememberDays === undefined || reference === undefined || clues === undefined) return;
  await queues.references.put(key, reference, rememberDays);
}

/**
 * Asks for the look; true once the event is not needed any more. A look that waits already looks soon enough, but it does not know the
 * reference that this event named: as long as the payment has none, the event stays.
 */
async function handOver(key: PaymentKey, { event, again, signal }: Work, parts: EventParts): Promise<boolean> {
  const { reference } = event.event;
  const bound = again && reference !== undefined ? await boundReference(key, signal, parts) : null;
  if (bound !== null) {
    if (bound !== reference) parts.oddity(key, "reference-refused");
    return true;
  }
  const { handedOver } = await parts.queues.lanes.add({ key, ...hintOf(reference) }, "patient");
  return handedOver || reference === undefined;
}

function hintOf(reference: string | undefined): { reference?: string } {
  return reference === undefined ? {} : { reference };
}

/** The reference that the payment has by now; `null` where it has none, or Norce cannot be asked and the lane has to find out. */
async function boundReference(key: PaymentKey, signal: AbortSignal, { norce }: EventParts): Promise<string | null> {
  try {
    return (await norce.payment(key, signal))?.reference ?? null;
  } catch (error) {
    if (isWorkerError(error)) return null;
    throw error;
  }
}

const dayMs = 24 * 60 * 60 * 1_000;

/** Until when the payment of an event may still appear: the PSP's own horizon, else three days. */
export function horizonMs(adapter: AnyAdapter | undefined): number {
  return (adapter?.horizonDays?.unsettled ?? 3) * dayMs;
}

function letterOf({ target, event: { key, type } }: StoredEvent): Pick<DeadLetter, "key" | "event"> {
  return { key: target, event: { key, type } };
}

/** Leaves a letter with the event in it, so that nothing is lost. */
export async function buryEvent(
  stored: StoredEvent,
  reason: string,
  message: string,
  { queues, log, now }: Pick<EventParts, "queues" | "log" | "now">,
): Promise<void> {
  const { target, event, receivedAt } = stored;
  const letter = { ...letterOf(stored), stored, kind: "Refused", reason: message, context: { reason } };
  await queues.dead.put({ ...letter, since: receivedAt, at: now() });
  log.error({ ...target, event: event.key, type: event.type, reason }, "event.dead");
}
