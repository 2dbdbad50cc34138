import type { Config } from "../../config.ts";
import type { Logger } from "../../lib/log.ts";
import { runAgain } from "../../queue/ending.ts";
import type { Engine, Job, Worker } from "../../queue/engine.ts";
import {
  eventId,
  type InboxJob,
  inboxName,
  laneId,
  type Look,
  type Queues,
  type StoredEvent,
} from "../../queue/queues.ts";
import { buryEvent, horizonMs, notConfigured } from "./events.ts";
import { placingAgain } from "../retry.ts";

/** What emptying the inbox needs. Neither Norce nor a PSP is asked: what takes that is a job of its own in its adapter's queue. */
export interface LocateParts {
  readonly config: Config;
  readonly engine: Engine;
  readonly queues: Queues;
  readonly log: Logger;
  readonly concurrency: number;
  readonly now: () => number;
}

/** Starts the worker that turns stored events into looks, or into jobs of their own where that takes more than their URL. */
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
async function divide({ id, data: { events } }: Job<InboxJob>, { queues }: LocateParts): Promise<void> {
  await Promise.all(
    events.map((event, index) => queues.events.add(`${id ?? ""}-stalled-${index}`, { stored: event }, 0)),
  );
}

async function locate(job: Job<InboxJob>, token: string | undefined, parts: LocateParts): Promise<void> {
  const { config, queues, now } = parts;
  const events = distinct(job.data.events);
  const [known, strange] = divided(events, ({ target }) => config.find(target) !== undefined);
  const [plain, others] = divided(known, (event) => plainLook(event) !== undefined);
  const looks = plain.flatMap((event) => plainLook(event) ?? []);
  const handed = await queues.lanes.addAll(looks);
  // A look that waits already looks soon enough, but it does not know the reference that this event named.
  const waiting = plain.filter((_, index) => handed[index] !== true && looks[index]?.reference !== undefined);
  // The same in every run of this job, whatever has been handed over by then.
  const idOf = (event: StoredEvent): string =>
    event.event.line === undefined ? `${job.id ?? ""}-${events.indexOf(event)}` : eventId(event);
  await Promise.all([
    ...waiting.map((stored) => queues.events.add(idOf(stored), { stored, asked: true }, soonMs(stored, now()))),
    ...others.map((stored) => queues.events.add(idOf(stored), { stored }, 0)),
  ]);
  const [only] = strange;
  if (job.data.alone === true && only !== undefined) await waitForSettings(job, only, token, parts);
  else await Promise.all(strange.map((event) => setAside(idOf(event), event, parts)));
}

async function setAside(id: string, event: StoredEvent, { queues, log, now }: LocateParts): Promise<void> {
  await queues.inbox.addAlone(id, event, soonMs(event, now()));
  const { target, webhook, event: told } = event;
  log.warn({ ...target, webhook, type: told.type, why: "not-configured" }, "event.later");
}

/**
 * Whoever received it was configured for it: this process may be an older one that is about to be replaced, or a newer one whose settings
 * lost an entry. It is given up no sooner than an event whose payment is not known.
 */
async function waitForSettings(
  job: Job<InboxJob>,
  event: StoredEvent,
  token: string | undefined,
  parts: LocateParts,
): Promise<void> {
  const adapter = parts.config.adapters.get(event.target.adapter);
  const step = placingAgain(event.receivedAt, parts.now(), horizonMs(adapter));
  if (step.do === "wait") return await runAgain(job, parts.now() + step.delayMs, token);
  await buryEvent(event, "not-configured", notConfigured, parts);
}

/** The look that an event asks for, where its URL names the payment and nothing else has to be done; most are such. */
function plainLook({ target, event, evidence }: StoredEvent): Look | undefined {
  const { orderId, paymentId, ...account } = target;
  if (orderId === undefined || paymentId === undefined) return undefined;
  if (event.line !== undefined || evidence !== undefined) return undefined;
  const hint = event.reference === undefined ? {} : { reference: event.reference };
  return { key: { ...account, orderId, paymentId }, ...hint };
}

function soonMs({ receivedAt }: StoredEvent, now: number): number {
  const step = placingAgain(receivedAt, now, Infinity);
  return step.do === "wait" ? step.delayMs : 0;
}

function divided<T>(items: readonly T[], belongs: (item: T) => boolean): readonly [readonly T[], readonly T[]] {
  return [items.filter(belongs), items.filter((item) => !belongs(item))];
}

/** Events of one payment that name the same reference ask for the same look. */
function distinct(events: readonly StoredEvent[]): StoredEvent[] {
  return [
    ...new Map(
      events.map((event) => {
        const look = plainLook(event);
        const own = event.evidence === undefined ? eventId(event) : `unproven ${eventId(event)}`;
        return [look === undefined ? own : `${laneId(look.key)} ${look.reference ?? ""}`, event] as const;
      }),
    ).values(),
  ];
}
