import type { Json } from "../contract/adapter.ts";

/**
 * What kinds of records there are. `listed`: they can be gone through and counted, which costs an index; the others are only found by
 * their name.
 */
export const kinds = {
  /** What needs a person. */
  letter: { listed: true },
  /** Operations that were asked for. */
  operation: { listed: true },
  /** Which operation of its kind is under way for a payment. */
  running: { listed: false },
  /** What is done with many letters. */
  errand: { listed: true },
  /** PSP id → payment. */
  reference: { listed: false },
  /** PSP id → the one payment that it belongs to. */
  claim: { listed: false },
  /** PSP accounts that are left alone now. */
  closure: { listed: true },
  lock: { listed: false },
  /** How far the sweep has come. */
  cursor: { listed: true },
  /** Differences that were found. */
  drift: { listed: true },
  /** A payment's last repair that nobody had announced. */
  repair: { listed: false },
  /** How much was compared. */
  tally: { listed: true },
  heartbeat: { listed: true },
  /** When a worker was last heard of. */
  heard: { listed: false },
  /** What is known of PSPs' accounts and of Norce. */
  peer: { listed: true },
  /** Something bad that a PSP told of. */
  news: { listed: true },
  /** What alerts are about, and what was told of it. */
  cause: { listed: true },
  /** When webhooks of a whole account last came, by the key that proved them. */
  arrival: { listed: true },
  /** What proves an event and has yet to be judged. */
  evidence: { listed: false },
  /** What is written to see whether the engine takes writes. */
  probe: { listed: false },
} as const satisfies Readonly<Record<string, { readonly listed: boolean }>>;

export type Kind = keyof typeof kinds;
export type ListedKind = { [K in Kind]: (typeof kinds)[K]["listed"] extends true ? K : never }[Kind];

/** A record as it stands in the store. */
export interface Stored<Value> {
  readonly id: string;
  readonly value: Value;
  /** Random, another one after each write. */
  readonly version: string;
  /** By the engine's clock, in milliseconds since the epoch. */
  readonly writtenAt: number;
}

/** A page of records, newest first. */
export interface Page<Value> {
  readonly records: readonly Stored<Value>[];
  /** Where the next page begins; absent at the end. */
  readonly next?: string;
}

/**
 * The state store: what has to be remembered between jobs, straight on the engine's own connection. What has expired is not there, and goes
 * by itself. Every method throws what the engine's driver throws; what was not answered may have been done all the same.
 */
export interface Store {
  get<Value extends Json>(kind: Kind, id: string): Promise<Stored<Value> | undefined>;
  /** Writes whatever stands there. @param ttlMs absent: for good. */
  put(kind: Kind, id: string, value: Json, ttlMs?: number): Promise<void>;
  /** Writes only where nothing stands; answers what stands there afterwards, and whether it is ours. */
  putIfAbsent<Value extends Json>(
    kind: Kind,
    id: string,
    value: Value,
    ttlMs?: number,
  ): Promise<{ readonly mine: boolean; readonly stored: Stored<Value> }>;
  /** Writes only where that version still stands, and answers the new one; else `undefined`. */
  update(kind: Kind, id: string, version: string, value: Json, ttlMs?: number): Promise<string | undefined>;
  /** Lets the record live for another `ttlMs`, where that version still stands; else `false`. Neither value nor version change. */
  extend(kind: Kind, id: string, version: string, ttlMs: number): Promise<boolean>;
  /** Removes it, with a version only where that still stands; says whether something was removed. */
  remove(kind: Kind, id: string, version?: string): Promise<boolean>;
  /** Newest first. @param page `before` is what the last page answered as `next`; `prefix` is of the ids. */
  list<Value extends Json>(
    kind: ListedKind,
    page: { readonly limit: number; readonly before?: string; readonly prefix?: string },
  ): Promise<Page<Value>>;
  count(kind: ListedKind): Promise<number>;
  /** Adds lines to a payment's journal, by which its order knows it; the oldest give way, and leave an entry that says how many they were. */
  append(of: PaymentName, lines: readonly JournalText[], bounds: JournalBounds): Promise<void>;
  /** The journal's entries as they are stored, oldest first. */
  entries(id: string): Promise<readonly string[]>;
  /** What `PaymentName.payment` says of every payment of an order that has a journal; they end with their journals. */
  payments(order: string): Promise<readonly string[]>;
}

/** A payment as journals and notes are named by it. */
export interface PaymentName {
  /** The payment's own short text. */
  readonly id: string;
  /** Its order's. */
  readonly order: string;
  /** What tells the payment from others of its order, as JSON. */
  readonly payment: string;
}

/** What stands at the beginning of a journal in place of the entries that gave way: as many, first and last as they were. */
export const gaveWay = "gave-way";
/** The same as it is stored. */
export const gaveWayText = JSON.stringify([gaveWay, {}]);
/** How many payments of one order are known. */
export const mostPayments = 50;

/** A line on its way into a journal. */
export interface JournalText {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Neighbours that are alike become one entry. Without `;`. */
  readonly like: string;
  /** What happened, as JSON. */
  readonly text: string;
}

/** How much a journal, and all of them together, may take. */
export interface JournalBounds {
  /** Entries of one journal. */
  readonly most: number;
  readonly ttlMs: number;
  /** Bytes of all journals together: those not written for the longest time give way. */
  readonly allBytes: number;
}
