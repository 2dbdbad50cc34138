import { randomUUID } from "node:crypto";
import type { PaymentKey, Target } from "../contract/adapter.ts";
import type { Engine, Job, Queue, Temper, Worker } from "./engine.ts";
import { hashOf, laneId } from "./queues.ts";

/** Where differences are kept that no webhook had announced. */
const ledgerName = "ledger";

/** A difference between Norce and a PSP, by name. No personal data. */
export interface Drift {
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** When it was last found to be so, where it goes on being true. */
  readonly last?: number;
  readonly adapter: string;
  readonly merchant: string;
  readonly channel: string;
  readonly orderId?: string;
  readonly paymentId?: string;
  /** States, where it is a repair. */
  readonly from?: string;
  readonly to?: string;
}

/** What comparisons came to within an hour, of one merchant's channel and adapter. */
export interface Tally {
  /** Milliseconds since the epoch: the beginning of the hour. */
  readonly hour: number;
  readonly adapter: string;
  readonly merchant: string;
  readonly channel: string;
  readonly compared: number;
  readonly agreed: number;
  readonly repaired: number;
  readonly unresolved: number;
}

/** A job of the ledger: one or the other. */
interface Entry {
  readonly drift?: Drift;
  readonly tallies?: readonly Tally[];
}

/** Which entries of the ledger: from `from` until before `to`, in milliseconds since the epoch. */
export interface LedgerQuery {
  readonly from: number;
  readonly to: number;
  readonly merchant?: string;
  readonly channel?: string;
}

/** What the ledger has of a period. */
export interface LedgerExtract {
  /** Oldest first. */
  readonly drift: readonly Drift[];
  readonly tallies: readonly Tally[];
}

/** What was found to differ, and how much was compared, for 90 days. */
export interface Ledger {
  /** A repair that nobody had announced; a webhook that comes within minutes makes it a late one. */
  repaired(key: PaymentKey, drift: Drift): Promise<void>;
  /** A difference that is kept once, however often it is met. */
  once(id: readonly string[], drift: Drift): Promise<void>;
  /** A difference that goes on being true: one entry, that says when it was found first and when last. */
  standing(id: readonly string[], drift: Drift): Promise<void>;
  /** A webhook came that had nothing left to tell: was it about a repair of some minutes ago? */
  late(key: PaymentKey): Promise<void>;
  /** Keeps one process's tallies of an hour; replaces what it kept of that hour before. */
  tally(id: readonly string[], tallies: readonly Tally[]): Promise<void>;
  read(query: LedgerQuery): Promise<LedgerExtract>;
}

/** The names of what was repaired: before and after a webhook came for it. */
export const missedEvent = "missed-event";
const lateEvent = "late-event";

const keptMs = 90 * 24 * 3_600 * 1_000;
/** A webhook that comes later than this after a repair is another one. */
const lateMs = 15 * 60 * 1_000;
/** How many jobs are read at once. */
const chunk = 200;

/** The ledger on one engine: delayed jobs, due when they may be forgotten. */
export function createLedger(engine: Engine, temper: Temper): Ledger {
  const queue = (): Queue<Entry> => engine.queue<Entry>(ledgerName, temper);
  const options = { delay: keptMs, removeOnComplete: true, removeOnFail: true };
  return {
    async repaired(key, drift) {
      const id = laneId(key);
      // Only the last repair of a payment can be told late; the one before stays as it is.
      await queue().removeDeduplicationKey(id);
      await queue().add("drift", { drift }, { ...options, jobId: randomUUID(), deduplication: { id, ttl: lateMs } });
    },
    async once(id, drift) {
      await queue().add("drift", { drift }, { ...options, jobId: hashOf(id) });
    },
    async standing(id, drift) {
      const jobId = hashOf(id);
      const job = await queue().getJob(jobId);
      const known = job?.data.drift;
      if (known === undefined) await queue().add("drift", { drift }, { ...options, jobId });
      else await job?.updateData({ drift: { ...known, last: Math.max(known.last ?? 0, drift.at) } });
    },
    async late(key) {
      const id = await queue().getDeduplicationJobId(laneId(key));
      if (id === null || id === undefined) return;
      const job = await queue().getJob(id);
      const drift = job?.data.drift;
      if (drift?.name === missedEvent) await job?.updateData({ drift: { ...drift, name: lateEvent } });
    },
    async tally(id, tallies) {
      const jobId = hashOf(id);
      const known = await queue().getJob(jobId);
      if (known === undefined) await queue().add("tallies", { tallies }, { ...options, jobId });
      else await known.updateData({ tallies });
    },
    async read(query) {
      const drift: Drift[] = [];
      const tallies: Tally[] = [];
      for await (const { data } of entries(queue())) {
        if (data.drift !== undefined && isWithin(query, data.drift, data.drift.at, data.drift.last))
          drift.push(data.drift);
        for (const tally of data.tallies ?? []) if (isWithin(query, tally, tally.hour)) tallies.push(tally);
      }
      return { drift: drift.toSorted((one, other) => one.at - other.at), tallies };
    },
  };
}

/**
 * All entries, each once. Newest first: what is forgotten meanwhile is at the end, and what is added pushes the others back, so that some
 * come twice and none is passed over. A step may bring fewer than were asked for, which is not the end: BullMQ leaves out what vanished.
 */
async function* entries(queue: Queue<Entry>): AsyncGenerator<Job<Entry>> {
  const seen = new Set<string | undefined>();
  for (let start = 0; start < (await sizeOf(queue)); start += chunk) {
    for (const job of await queue.getJobs(["delayed"], start, start + chunk - 1, false)) {
      if (!seen.has(job.id)) yield job;
      seen.add(job.id);
    }
  }
}

async function sizeOf(queue: Queue<Entry>): Promise<number> {
  return (await queue.getJobCounts("delayed"))["delayed"] ?? 0;
}

/** Starts the worker that forgets what has been kept for long enough: entries are removed once they are due. */
export function startForgettingDrift(engine: Engine): Worker<Entry, void> {
  return engine.worker<Entry, void>(ledgerName, async () => undefined, { concurrency: 1 });
}

/** @param last where it went on being true: it belongs to every period from the one to the other. */
function isWithin(
  { from, to, merchant, channel }: LedgerQuery,
  of: Pick<Target, "merchant" | "channel">,
  at: number,
  last = at,
): boolean {
  return last >= from && at < to && (merchant ?? of.merchant) === of.merchant && (channel ?? of.channel) === of.channel;
}
