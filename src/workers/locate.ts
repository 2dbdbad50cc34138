import { DelayedError } from "bullmq";
import type { AnyAdapter, LogLine, PaymentKey, PspEvent, Webhook } from "../adapters/adapter.ts";
import type { AdapterSettings, Config } from "../config.ts";
import { isWorkerError } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import type { NorceClient } from "../norce/client.ts";
import type { Engine, Job, Worker } from "../queue/engine.ts";
import {
  eventId,
  type InboxJob,
  inboxName,
  laneId,
  type Look,
  type Queues,
  type StoredEvent,
} from "../queue/queues.ts";
import type { ContextFactory } from "./observe.ts";
import { place } from "./place.ts";
import { type Placing, placingAgain } from "./retry.ts";

/** What turning events into payment keys needs. */
export interface LocateParts {
  readonly config: Config;
  readonly engine: Engine;
  readonly queues: Queues;
  readonly norce: NorceClient;
  readonly contexts: ContextFactory;
  readonly log: Logger;
  readonly concurrency: number;
  readonly now: () => number;
  readonly oddity: (key: PaymentKey, reason: string) => void;
}

/** How long one event may ask Norce and the PSP. */
const longestMs = 25_000;

/** Starts the worker that turns stored events into payment keys, and keeps those events that cannot be asked for later. */
export function startLocate(parts: LocateParts): Worker<InboxJob, void> {
  const worker = parts.engine.worker<InboxJob, void>(inboxName, (job, token) => locate(job, token, parts), {
    // One job holds up to a hundred events: a few at once keep every lane busy, many would only fill the memory.
    concurrency: Math.min(parts.concurrency, 4),
  });
  worker.on("failed", (job) => {
    if (job?.finishedOn !== undefined)
      void divide(job, parts).catch((error: unknown) => parts.log.error({ error }, "event.dead"));
  });
  return worker;
}

/** A job whose worker died again and again: one of its events may be to blame, the others go on by themselves. */
async function divide({ id, data: { events, alone } }: Job<InboxJob>, parts: LocateParts): Promise<void> {
  const [only] = events;
  if (alone === true && only !== undefined) {
    await bury(only, "stalled", "the worker died again and again on this event", parts);
    return;
  }
  await Promise.all(
    events.map((event, index) => parts.queues.inbox.addAlone(`${id ?? ""}-stalled-${index}`, event, 0)),
  );
}

async function locate(job: Job<InboxJob>, token: string | undefined, parts: LocateParts): Promise<void> {
  const { events, alone = false } = job.data;
  const [only] = events;
  if (alone && only !== undefined) {
    const step = await settled(only, true, parts);
    if (step.do === "done") {
      // What nobody needs any more is not kept for the day that the job is.
      if (only.evidence !== undefined) await job.updateData({ events: [{ ...only, evidence: null }], alone: true });
      return;
    }
    await job.moveToDelayed(parts.now() + step.delayMs, token);
    throw new DelayedError();
  }
  // An event that is to be kept or has to wait becomes a job of its own, so that it holds nobody back.
  const [plain, others] = divided(distinct(events), (event) => plainLook(event, parts) !== undefined);
  const looks = plain.flatMap((event) => plainLook(event, parts) ?? []);
  const handed = await parts.queues.lanes.addAll(looks);
  const waiting = plain.filter((_, index) => handed[index] !== true && looks[index]?.reference !== undefined);
  const steps = await Promise.all(
    [...waiting, ...others].map(async (event, index) => {
      const kept = event.event.line !== undefined;
      // The same in every run of this job, whatever has been handed over by then.
      const id = kept ? eventId(event) : `${job.id ?? ""}-${events.indexOf(event)}`;
      if (kept) return { event, step: { do: "wait", delayMs: 0 } as const, id };
      const step = index < waiting.length ? soon(event, parts) : await settled(event, false, parts);
      return { event, step, id };
    }),
  );
  await Promise.all(
    steps.map(async ({ event, step, id }) => {
      if (step.do === "wait") await parts.queues.inbox.addAlone(id, event, step.delayMs);
    }),
  );
}

/** The look that an event asks for, where its URL names the payment and nothing else has to be done; most are such. */
function plainLook({ target, event, evidence }: StoredEvent, { config }: LocateParts): Look | undefined {
  const { orderId, paymentId, ...account } = target;
  if (orderId === undefined || paymentId === undefined) return undefined;
  if (event.line !== undefined || evidence !== undefined || config.find(target) === undefined) return undefined;
  return { key: { ...account, orderId, paymentId }, ...hintOf(event.reference) };
}

function soon({ receivedAt }: StoredEvent, { now }: LocateParts): Placing {
  return placingAgain(receivedAt, now(), Infinity);
}

function divided<T>(items: readonly T[], belongs: (item: T) => boolean): readonly [readonly T[], readonly T[]] {
  return [items.filter(belongs), items.filter((item) => !belongs(item))];
}

/** Events of one payment that name the same reference ask for the same look. */
function distinct(events: readonly StoredEvent[]): StoredEvent[] {
  return [
    ...new Map(
      events.map((event) => {
        const { orderId, paymentId } = event.target;
        const same = event.event.line === undefined && event.evidence === undefined;
        const payment =
          orderId === undefined || paymentId === undefined ? undefined : { ...event.target, orderId, paymentId };
        const own = event.evidence === undefined ? eventId(event) : `unproven ${eventId(event)}`;
        const id = same && payment !== undefined ? `${laneId(payment)} ${event.event.reference ?? ""}` : own;
        return [id, event] as const;
      }),
    ).values(),
  ];
}

/** What has become of an event: it has been handed over, or it waits. Nothing that an event meets stops another. */
async function settled(event: StoredEvent, alone: boolean, parts: LocateParts): Promise<Placing> {
  const found = parts.config.find(event.target);
  const facts = { ...event.target, webhook: event.webhook, type: event.event.type };
  if (found === undefined) {
    await bury(event, "not-configured", "the event's adapter is not configured for its merchant and channel", parts);
    return { do: "done" };
  }
  let error: unknown;
  try {
    const outcome = await handled(event, alone, found, parts);
    if (outcome === "done") return { do: "done" };
    if (outcome === "waits") return placingAgain(event.receivedAt, parts.now(), Infinity);
  } catch (failure) {
    error = failure;
    parts.log.warn({ ...facts, error }, "event.later");
  }
  const step = placingAgain(event.receivedAt, parts.now(), isPassing(error) ? Infinity : horizonMs(found.adapter));
  if (step.do === "wait") return step;
  if (error === undefined) await bury(event, "payment-unknown", "the payment of this event was never found", parts);
  else await bury(event, isWorkerError(error) ? error.kind : "Bug", "the event could not be placed or kept", parts);
  return step;
}

/** Somebody is away or wants other credentials: that ends, however long it takes. */
function isPassing(error: unknown): boolean {
  const passing = ["Unreachable", "Unauthorized", "QueueUnavailable", "Conflict"] as const;
  return passing.some((kind) => isWorkerError(error, kind));
}

type Handled = "done" | "waits" | "not-found";

async function handled(
  event: StoredEvent,
  alone: boolean,
  found: AdapterSettings,
  parts: LocateParts,
): Promise<Handled> {
  if (event.evidence !== undefined && !(await provenNow(event, found, parts))) {
    parts.log.warn({ ...event.target, webhook: event.webhook }, "webhook.disproved");
    return "done";
  }
  const key = await place(event, found, parts);
  if (key === null) return "not-found";
  if (event.event.line !== undefined) return await keep(key, { ...event.event, line: event.event.line }, found, parts);
  await remember(key, event.event, found.adapter, parts);
  return (await handOver(key, event.event.reference, alone, parts)) ? "done" : "waits";
}

async function provenNow({ webhook, evidence, target }: StoredEvent, found: AdapterSettings, parts: LocateParts) {
  const rules = found.adapter.webhooks[webhook] as Webhook<unknown> | undefined;
  if (evidence === undefined || rules?.proveLater === undefined) return false;
  return await rules.proveLater(evidence, parts.contexts(target, found, AbortSignal.timeout(longestMs)));
}

/** Appends the event to the payment's log, once, and asks for a look. */
async function keep(
  key: PaymentKey,
  event: PspEvent & { readonly line: LogLine },
  { adapter, settings }: AdapterSettings,
  parts: LocateParts,
): Promise<Handled> {
  const { norce, queues, oddity } = parts;
  const signal = AbortSignal.timeout(longestMs);
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
  if (!(await norce.log(key, signal)).keys.has(event.key)) await norce.appendEvent(key, event, signal);
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
  { queues }: LocateParts,
): Promise<void> {
  if (rememberDays === undefined || reference === undefined || clues === undefined) return;
  await queues.references.put(key, reference, rememberDays);
}

/**
 * Asks for the look; true once the event is not needed any more. A look that waits already looks soon enough, but it does not know the
 * reference that this event named: as long as the payment has none, the event stays.
 */
async function handOver(
  key: PaymentKey,
  reference: string | undefined,
  again: boolean,
  parts: LocateParts,
): Promise<boolean> {
  const bound = again && reference !== undefined ? await boundReference(key, parts) : null;
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
async function boundReference(key: PaymentKey, { norce }: LocateParts): Promise<string | null> {
  try {
    return (await norce.payment(key))?.reference ?? null;
  } catch (error) {
    if (isWorkerError(error)) return null;
    throw error;
  }
}

const dayMs = 24 * 60 * 60 * 1_000;

/** Until when the payment of an event may still appear: the PSP's own horizon, else three days. */
function horizonMs({ horizonDays }: AnyAdapter): number {
  return (horizonDays?.unsettled ?? 3) * dayMs;
}

async function bury(
  { target, event: { key, type }, receivedAt }: StoredEvent,
  reason: string,
  message: string,
  { queues, log, now }: LocateParts,
): Promise<void> {
  const letter = { key: target, event: { key, type }, kind: "Refused", reason: message, context: { reason } };
  await queues.dead.put({ ...letter, since: receivedAt, at: now() });
  log.error({ ...target, event: key, type, reason }, "event.dead");
}
