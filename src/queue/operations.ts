import { createHash, randomUUID } from "node:crypto";
import type { Json, Money, OperationName, OperationResult, PaymentKey } from "../contract/adapter.ts";
import { promptly } from "./within.ts";
import type { Engine, Job, Queue } from "./engine.ts";
import { createTurns, type TakeTurn } from "./turns.ts";
import { laneId, operationsName } from "./names.ts";

/** An operation as it was asked for, and how far it has come. */
export interface OperationJob {
  readonly key: PaymentKey;
  /** `preview` tells what a look would change, and changes nothing. */
  readonly name: OperationName | "preview";
  /** In major units; absent: all that is left. */
  readonly amount?: number;
  readonly tries: number;
  /** It was possible by the PSP's truth. */
  readonly valid?: true;
  /** It was sent to the PSP: from here on it is never sent again without a look. Times in milliseconds since the epoch. */
  readonly sent?: Sent;
  /** What came of it, until it stands in the log. */
  readonly result?: OperationEnd;
}

/** How an operation was first sent: a repeat says the same. */
export interface Sent {
  readonly at: number;
  /** The sums before, by which its outcome can be found. */
  readonly before: Money;
  /** In minor units. */
  readonly amount: number;
  /** All that was available. */
  readonly whole: boolean;
}

/** What the PSP answered, or that nobody knows. */
export type OperationEnd = OperationResult | { readonly is: "unknown"; readonly reason: string };

/** What came of an operation. */
export interface OperationOutcome {
  /** `accepted`: the PSP carries it out, looks tell of the rest. `unknown`: a person has to look at the PSP. */
  readonly status: "done" | "accepted" | "refused" | "unknown";
  /** Refused by the truth alone: nothing was sent to the PSP. */
  readonly refusedBeforehand?: true;
  /** A code, ours or the PSP's own. */
  readonly reason?: string;
  /** In major units. */
  readonly amount?: number;
  readonly pspId?: string;
  /** Of a preview: what a look would write. */
  readonly would?: { readonly outcome: string; readonly [fact: string]: Json };
}

/** An operation as whoever asked for it may see it. */
export interface OperationRecord {
  readonly id: string;
  readonly asked: Pick<OperationJob, "key" | "name" | "amount">;
  readonly status: "queued" | "running" | OperationOutcome["status"];
  readonly outcome?: OperationOutcome;
}

/** The operations that were asked for; each is stored before it is answered, and kept for a month. */
export interface Operations {
  /**
   * Stores an operation, or finds the one that is meant: by its idempotency key for as long as it is kept; without a key, the same operation
   * of the same amount while it is under way.
   * @throws WorkerError `QueueUnavailable` within a second.
   */
  ask(asked: OperationRecord["asked"], idempotencyKey: string | undefined): Promise<string>;
  read(id: string): Promise<OperationRecord | undefined>;
  /** Lets at most one operation of a payment run; `undefined` while another one does. */
  readonly lock: TakeTurn;
}

const monthSeconds = 30 * 24 * 3_600;

/** The operations on one engine. */
export function createOperations(engine: Engine): Operations {
  const queue = (): Queue<OperationJob> => engine.queue<OperationJob>(operationsName, "prompt");
  return {
    async ask(asked, idempotencyKey) {
      const { name, amount } = asked;
      const payment = laneId(asked.key);
      const jobId = idempotencyKey === undefined ? randomUUID() : uuidOf([payment, name, idempotencyKey]);
      const same = { deduplication: { id: uuidOf([payment, name, amount === undefined ? "all" : String(amount)]) } };
      const adding = queue().add(
        "operation",
        { ...asked, tries: 0 },
        {
          jobId,
          ...(idempotencyKey === undefined ? same : {}),
          attempts: 1_000,
          backoff: { type: "exponential", delay: 500, jitter: 0.5 },
          removeOnComplete: { age: monthSeconds },
          removeOnFail: { age: monthSeconds },
        },
      );
      return (await promptly(adding)).id ?? jobId;
    },
    async read(id) {
      const job = await promptly(queue().getJob(id));
      return job === undefined ? undefined : recordOf(id, job);
    },
    lock: createTurns(engine.store("patient")),
  };
}

function recordOf(id: string, job: Job<OperationJob>): OperationRecord {
  const { key, name, amount, valid } = job.data;
  const asked = { key, name, ...(amount === undefined ? {} : { amount }) };
  const outcome = job.returnvalue as OperationOutcome | null | undefined;
  if (outcome !== null && outcome !== undefined) return { id, asked, status: outcome.status, outcome };
  // It failed, which an operation does only when its worker died again and again.
  if (job.finishedOn !== undefined)
    return { id, asked, status: "unknown", outcome: { status: "unknown", reason: "stalled" } };
  return { id, asked, status: valid === true ? "running" : "queued" };
}

/** 36 characters, as PSPs take them for an idempotency key. */
function uuidOf(parts: readonly string[]): string {
  const digits = createHash("sha256").update(JSON.stringify(parts)).digest("hex");
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    digits.slice(12, 16),
    digits.slice(16, 20),
    digits.slice(20, 32),
  ].join("-");
}
