import type { Json, PaymentKey } from "../contract/adapter.ts";

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
  /** Oldest first. */
  read(key: PaymentKey): Promise<readonly JournalEntry[]>;
}
