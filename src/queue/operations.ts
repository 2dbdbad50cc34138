import { randomUUID } from "node:crypto";
import type { Json, Money, OperationName, OperationResult, PaymentKey } from "../contract/adapter.ts";
import type { Engine } from "./engine.ts";
import { hashOf, laneId, operationsName } from "./names.ts";
import { promptly } from "./within.ts";

/** How an operation was first sent: a repeat says the same. Times in milliseconds since the epoch. */
export interface SentOperation {
  /** Of the last sending. */
  readonly at: number;
  /** Of the first one: idempotency keys live from then. */
  readonly first: number;
  /** How often it was sent. */
  readonly times: number;
  /** The sums before, by which its outcome can be found. */
  readonly before: Money;
  /** In minor units. */
  readonly amount: number;
  /** All that was available. */
  readonly whole: boolean;
}

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

/** An operation that was asked for. */
export interface AskedOperation {
  readonly key: PaymentKey;
  /** `preview` tells what a look would change, and changes nothing. */
  readonly name: OperationName | "preview";
  /** In major units; absent: all that is left. */
  readonly amount?: number;
}

/** An operation and how far it has come. */
export interface OperationState extends AskedOperation {
  /** When it was asked for, in milliseconds since the epoch. */
  readonly at: number;
  readonly tries: number;
  /** It was possible by the PSP's truth. */
  readonly valid?: true;
  /** Norce's log tells that it is being sent, or may do so: what the log tells and the record does not, an emptied engine has forgotten. */
  readonly announced?: true;
  /** Until when a line of Norce's log may still be written that was sent last: nothing is done before. Milliseconds since the epoch. */
  readonly notBefore?: number | undefined;
  /** From here on it is never sent again without a look. */
  readonly sent?: SentOperation;
  /** What the PSP answered, until it stands in the log. */
  readonly result?: OperationResult | { readonly is: "unknown"; readonly reason: string };
  /** Its end. */
  readonly outcome?: OperationOutcome;
  /** That the PSP carried out what it had accepted was looked for. */
  readonly watched?: true;
}

/** An operation's job: the name of its record. */
export interface OperationJobName {
  readonly id: string;
}

/** The operations' records: stored before they are answered, kept for a month. */
export interface OperationRecords {
  /**
   * Stores an operation and has it worked, or finds the one that is meant: by its idempotency key for as long as it is kept; without a key, the
   * same operation of the same amount while it is under way.
   * @throws WorkerError `QueueUnavailable` within a second.
   */
  ask(asked: AskedOperation, idempotencyKey: string | undefined): Promise<string>;
  /** Those that have a job: queued, running, waiting, or accepted and not carried out yet. @param most of each state. */
  running(most: number): Promise<readonly (OperationState & { readonly id: string })[]>;
  /** Those that have come to their end within a month, previews aside: the last ones to be written first. @param most fewer where many are under way. */
  ended(most: number): Promise<readonly (OperationState & { readonly id: string })[]>;
  read(id: string): Promise<{ readonly state: OperationState; readonly version: string } | undefined>;
  /** Writes where that version still stands, and answers the new one: of several who would send, one may. */
  write(id: string, version: string, state: OperationState): Promise<string | undefined>;
}

type Written = OperationState & Record<string, never>;

/** How many records are read at once, and how many times, for a list of those that have ended. */
const chunk = 200;
const mostPages = 10;
const monthMs = 30 * 24 * 3_600_000;
/** 36 characters, as PSPs take them for an idempotency key. */
const shape = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The operations on one engine. */
export function createOperationRecords(engine: Engine): OperationRecords {
  const store = engine.store("prompt");
  /** Adds the job as often as it is asked for: a process may have died after the record and before it. */
  const start = async (id: string, state: OperationState): Promise<void> => {
    if (state.outcome !== undefined) return;
    const options = { jobId: id, attempts: 1_000, backoff: { type: "exponential", delay: 500, jitter: 0.5 } };
    await engine
      .queue<OperationJobName>(operationsName, "prompt")
      .add("operation", { id }, { ...options, removeOnComplete: true, removeOnFail: false });
  };
  const storeAndStart = async (id: string, asked: AskedOperation): Promise<string> => {
    const state = { ...asked, at: Date.now(), tries: 0 } as Written;
    const { stored } = await store.putIfAbsent<Written>("operation", id, state, monthMs);
    await start(id, stored.value);
    return id;
  };
  /** Without an idempotency key: the one that is under way, by a pointer that only counts until its end. */
  const same = async (asked: AskedOperation): Promise<string> => {
    const { key, name, amount } = asked;
    const pointer = hashOf(["under-way", laneId(key), name, amount === undefined ? "all" : String(amount)]);
    for (;;) {
      const fresh = randomUUID();
      const { stored } = await store.putIfAbsent<string>("running", pointer, fresh, monthMs);
      const found = await store.get<Written>("operation", stored.value);
      if (found?.value.outcome === undefined) return await storeAndStart(stored.value, asked);
      if ((await store.update("running", pointer, stored.version, fresh, monthMs)) !== undefined)
        return await storeAndStart(fresh, asked);
    }
  };
  return {
    async ask(asked, idempotencyKey) {
      const named = [laneId(asked.key), asked.name, idempotencyKey] as const;
      return await promptly(idempotencyKey === undefined ? same(asked) : storeAndStart(uuidOf(named), asked));
    },
    async running(most) {
      const queue = engine.queue<OperationJobName>(operationsName, "prompt");
      const jobs = await promptly(queue.getJobs(["active", "waiting", "delayed"], 0, most - 1));
      const ids = [...new Set(jobs.map(({ data }) => data.id))];
      const found = await promptly(Promise.all(ids.map((id) => store.get<Written>("operation", id))));
      return found.flatMap((record) => (record === undefined ? [] : [{ ...record.value, id: record.id }]));
    },
    async ended(most) {
      const found: (OperationState & { readonly id: string })[] = [];
      let before: string | undefined;
      for (let pages = 0; pages < mostPages; pages += 1) {
        const page = await promptly(
          store.list<Written>("operation", { limit: chunk, ...(before === undefined ? {} : { before }) }),
        );
        const ended = page.records.filter(({ value }) => value.outcome !== undefined && value.name !== "preview");
        found.push(...ended.map(({ id, value }) => ({ ...value, id })));
        before = page.next;
        if (before === undefined || found.length >= most) break;
      }
      return found.slice(0, most);
    },
    async read(id) {
      if (!shape.test(id)) return undefined;
      const found = await promptly(store.get<Written>("operation", id));
      return found === undefined ? undefined : { state: found.value, version: found.version };
    },
    write: async (id, version, state) =>
      await engine.store("patient").update("operation", id, version, state as Written, monthMs),
  };
}

function uuidOf(parts: readonly (string | undefined)[]): string {
  const digits = Buffer.from(hashOf(parts), "base64url").toString("hex");
  const groups = [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16), digits.slice(16, 20)];
  return [...groups, digits.slice(20, 32)].join("-");
}
