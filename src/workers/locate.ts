import { DelayedError } from "bullmq";
import type { PaymentKey } from "../adapters/adapter.ts";
import type { Config } from "../config.ts";
import { isWorkerError } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import type { NorceClient } from "../norce/client.ts";
import type { Engine, Job, Worker } from "../queue/engine.ts";
import { type InboxJob, inboxName, laneId, type Queues, type StoredEvent } from "../queue/queues.ts";

/** What turning events into payment keys needs. */
export interface LocateParts {
  readonly config: Config;
  readonly engine: Engine;
  readonly queues: Queues;
  readonly norce: NorceClient;
  readonly log: Logger;
  readonly concurrency: number;
  readonly now: () => number;
  readonly oddity: (key: PaymentKey, reason: string) => void;
}

/** What an event asks for: a look at one payment, and the PSP's id that it named. */
interface Request {
  readonly key: PaymentKey;
  readonly reference?: string;
  readonly event: StoredEvent;
}

/** How long an event that could not hand over its reference waits before it tries again. */
const waitingMs = 1_000;

/** Starts the worker that turns stored events into payment keys. */
export function startLocate(parts: LocateParts): Worker<InboxJob, void> {
  return parts.engine.worker<InboxJob, void>(inboxName, (job, token) => locate(job, token, parts), {
    concurrency: parts.concurrency,
  });
}

async function locate(job: Job<InboxJob>, token: string | undefined, parts: LocateParts): Promise<void> {
  const requests = distinct(job.data.events.map(requestOf).filter((request) => request !== undefined));
  const handed = await Promise.all(requests.map((request) => handOver(request, job.data.waiting === true, parts)));
  const waiting = requests.filter((_, index) => handed[index] !== true);
  if (waiting.length === 0) return;
  if (job.data.waiting === true) {
    await job.moveToDelayed(parts.now() + waitingMs, token);
    throw new DelayedError();
  }
  // Each waits as a job of its own, so that it holds nobody back.
  await Promise.all(
    waiting.map(({ event }, index) => parts.queues.inbox.addWaiting(job.id ?? "", index, event, waitingMs)),
  );
}

/** A payment-level webhook names its payment in the URL. */
function requestOf(event: StoredEvent): Request | undefined {
  const { orderId, paymentId, ...scope } = event.target;
  if (orderId === undefined || paymentId === undefined) return undefined;
  const { reference } = event.event;
  return { key: { ...scope, orderId, paymentId }, event, ...(reference === undefined ? {} : { reference }) };
}

/** Events of one payment that name the same reference ask for the same look. */
function distinct(requests: readonly Request[]): Request[] {
  return [
    ...new Map(requests.map((request) => [`${laneId(request.key)} ${request.reference ?? ""}`, request])).values(),
  ];
}

/**
 * Asks for the look; true once the event is not needed any more. A look that waits already looks soon enough, but it does not know the
 * reference that this event named: as long as the payment has none, the event stays.
 */
async function handOver({ key, reference }: Request, again: boolean, parts: LocateParts): Promise<boolean> {
  const bound = again && reference !== undefined ? await boundReference(key, parts) : null;
  if (bound !== null) {
    if (bound !== reference) parts.oddity(key, "reference-refused");
    return true;
  }
  const { handedOver } = await parts.queues.lanes.add(
    { key, ...(reference === undefined ? {} : { reference }) },
    "patient",
  );
  return handedOver || reference === undefined;
}

/** The reference that the payment has by now; `null` where it has none, or Norce cannot be asked and the lane has to find out. */
async function boundReference(key: PaymentKey, { config, norce }: LocateParts): Promise<string | null> {
  if (config.find(key) === undefined) return null;
  try {
    return (await norce.payment(key))?.reference ?? null;
  } catch (error) {
    if (isWorkerError(error)) return null;
    throw error;
  }
}
