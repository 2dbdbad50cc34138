import type { Json, PaymentKey } from "../contract/adapter.ts";
import { hashOf, laneId, orderName, paymentName } from "./names.ts";
import type { JournalBounds, JournalText, Store } from "./store.ts";

/** Something that happened to a payment. No personal data, no secret. */
export interface JournalLine {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** `received`, `placed`, `looked`, `written`, `waited`, `buried`, `operated`, ... : letters, digits, dots and hyphens. */
  readonly kind: string;
  readonly facts?: Readonly<Record<string, Json>>;
  /** Neighbours of one kind with the same word become one entry; default: where all facts are equal. */
  readonly like?: string;
}

/** An entry of a journal: one line, or neighbours that were alike. Times in milliseconds since the epoch. */
export interface JournalEntry {
  readonly kind: string;
  /** Of the last one. */
  readonly facts: Readonly<Record<string, Json>>;
  readonly count: number;
  readonly first: number;
  readonly last: number;
}

/** What happened to payments: at most 200 entries of 200 bytes and 90 days each. */
export interface Journal {
  append(key: PaymentKey, lines: readonly JournalLine[]): Promise<void>;
  /** Oldest first. Where entries gave way, the first one is of the kind `gave-way`, and counts them. */
  read(key: PaymentKey): Promise<readonly JournalEntry[]>;
  /** The order's payments of which anything is kept. */
  payments(order: Pick<PaymentKey, "merchant" | "channel" | "orderId">): Promise<readonly PaymentKey[]>;
}

/** How large the entries of a journal may be, and how many there are. */
const mostBytes = 200;
const mostEntries = 200;
const keptMs = 90 * 24 * 3_600_000;
/** How much all journals together take by default. */
const usualBytes = 256 * 1_024 * 1_024;
/** What an entry has around its kind and its facts: a count and two times. */
const frameBytes = 32;

/** @param allBytes how much all journals together may take. */
export function journalBounds(allBytes = usualBytes): JournalBounds {
  return { most: mostEntries, ttlMs: keptMs, allBytes };
}

/** The journals on one engine. */
export function createJournal(store: Store, bounds: JournalBounds): Journal {
  return {
    append: async (key, lines) => await store.append(paymentName(key), lines.map(journalText), bounds),
    read: async (key) => (await store.entries(laneId(key))).map(entryOf),
    async payments({ merchant, channel, orderId }) {
      const named = await store.payments(orderName(merchant, channel, orderId));
      return [...new Set(named)].map((text) => {
        const [adapter, paymentId] = JSON.parse(text) as [string, string];
        return { adapter, merchant, channel, orderId, paymentId };
      });
    },
  };
}

/** A line as it is stored: facts that do not fit are left out, the last ones first. */
export function journalText({ at, kind, facts = {}, like }: JournalLine): JournalText {
  const named = Object.entries(facts);
  const word = hashOf([kind, like ?? JSON.stringify(facts)]).slice(0, 6);
  const textOf = (count: number): string => JSON.stringify([kind, Object.fromEntries(named.slice(0, count))]);
  let count = named.length;
  while (count > 0 && frameBytes + Buffer.byteLength(word) + Buffer.byteLength(textOf(count)) > mostBytes) count -= 1;
  return { at, like: word, text: textOf(count) };
}

function entryOf(stored: string): JournalEntry {
  const [, count, first, last, text = "[]"] = /^(\d+);(\d+);(\d+);[^;]*;(.*)$/s.exec(stored) ?? [];
  const [kind = "", facts = {}] = JSON.parse(text) as [string?, Record<string, Json>?];
  return { kind, facts, count: Number(count), first: Number(first), last: Number(last) };
}
