/** The twin of a queue's engine: what one server holds, in this process's memory. */
import type { Json } from "../../src/contract/adapter.ts";
import type { RawNote, RawWait } from "../../src/queue/notes.ts";
import type { Stored } from "../../src/queue/store.ts";
import { TwinQueue } from "./queue.ts";

/** The server's clock. */
export interface ServerClock {
  /** Milliseconds since the epoch. */
  now(): number;
}

/** The way of a process's calls to the server and of the answers back. */
export interface Link {
  /** Whose it is. */
  readonly holder: string;
  /** The caller's clock, in milliseconds since the epoch. */
  now(): number;
  /** Has something done there. Rejects where it was not done, or nobody says whether it was. */
  call<T>(name: string, effect: () => T): Promise<T>;
  /**
   * Waits there for something, so long at most; `null`: in vain. `end` gives the wait up.
   * @param onwards asked when so long has passed: for how many milliseconds more whoever waits would ask in vain and wait again; 0: he would not
   */
  wait<T>(
    name: string,
    ms: number,
    begin: (told: (what: T) => void) => () => void,
    onwards?: () => number,
  ): { readonly answer: Promise<T | null>; end(): void };
}

/** A record, and when it goes. */
export interface TwinRecord {
  readonly stored: Stored<Json>;
  readonly endsAt: number;
}

/** A note, and when it goes. */
export interface TwinNote {
  /** Its hints in the order in which they came, the oldest first. */
  readonly note: RawNote;
  /** That the payment waits. */
  readonly wait?: RawWait;
  readonly endsAt: number;
}

/** A payment's journal. */
export interface TwinJournal {
  readonly entries: readonly string[];
  /** By which it is found, and whose it is. */
  readonly order: string;
  readonly payment: string;
  readonly endsAt: number;
}

/** Everything that a server holds. */
export class TwinServer {
  readonly clock: ServerClock;
  readonly queues = new Map<string, TwinQueue>();
  /** By kind, then by id. */
  readonly records = new Map<string, Map<string, TwinRecord>>();
  readonly notes = new Map<string, TwinNote>();
  readonly journals = new Map<string, TwinJournal>();
  #written = 0;

  constructor(clock: ServerClock) {
    this.clock = clock;
  }

  queue(name: string): TwinQueue {
    const known = this.queues.get(name);
    if (known !== undefined) return known;
    const made = new TwinQueue(name, () => this.clock.now());
    this.queues.set(name, made);
    return made;
  }

  /** The records of a kind, those that have expired among them. */
  kind(name: string): Map<string, TwinRecord> {
    const known = this.records.get(name);
    if (known !== undefined) return known;
    const made = new Map<string, TwinRecord>();
    this.records.set(name, made);
    return made;
  }

  /** Takes away what has expired, now and then. */
  prune(): void {
    this.#written += 1;
    if (this.#written % 500 !== 0) return;
    const now = this.clock.now();
    const places: Map<string, { readonly endsAt: number }>[] = [...this.records.values(), this.notes, this.journals];
    for (const place of places) for (const [id, { endsAt }] of place) if (endsAt <= now) place.delete(id);
  }

  /** As if its disk had been lost: whoever waits still waits, and is told of what comes. */
  empty(): void {
    for (const queue of this.queues.values()) queue.empty();
    for (const place of [this.records, this.notes, this.journals]) place.clear();
  }

  /** How much there is of everything. */
  size(): number {
    let size = this.notes.size + this.journals.size;
    for (const { jobs } of this.queues.values()) size += jobs.size;
    for (const kind of this.records.values()) size += kind.size;
    return size;
  }
}
