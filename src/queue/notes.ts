import type { JobsOptions, Queue } from "bullmq";
import type { JournalBounds, JournalText, PaymentName } from "./store.ts";

/** How many hints a note holds; the oldest give way. */
export const mostHints = 5;

/** A note's asked half on its way, and the look's job. */
export interface NoteAsk {
  readonly of: PaymentName;
  /** Absent: nothing is noted, only asked. */
  readonly asked?: {
    /** Absent, like by whom, where no look is asked for. */
    readonly version?: string;
    readonly by?: string;
    readonly announcedAt?: number;
    readonly lastFrom?: number;
    readonly hint?: string;
  };
  readonly journal: readonly JournalText[];
  /** The lane's job; absent: the note alone is written. */
  readonly job?: { readonly queue: Queue; readonly data: object; readonly options: JobsOptions };
}

/** A note as it is stored. */
export interface RawNote {
  readonly version?: string;
  readonly by?: string;
  readonly announcedAt?: number;
  readonly lastFrom?: number;
  /** By reference. */
  readonly hints: Readonly<Record<string, string>>;
  /** JSON. */
  readonly known?: string;
}

/** What a look leaves. */
export interface RawSettlement {
  readonly known?: string;
  /** Reference and the value that was read. */
  readonly hints: readonly (readonly [string, string])[];
  /** The version whose announcement is dealt with. */
  readonly announced?: string;
  readonly last?: number;
  readonly ttlMs: number;
  readonly journal: readonly JournalText[];
  /** What the payment waits for from now on; `null`: for nothing; absent: as before. */
  readonly wait?: RawWait | null;
}

/** That a payment waits. */
export interface RawWait {
  /** Whom it is counted with. */
  readonly group: string;
  /** Milliseconds since the epoch. While it stays in its group, the earliest counts. */
  readonly since: number;
}

/** Payments of one group that wait. Times in milliseconds since the epoch. */
export interface RawWaits {
  readonly group: string;
  readonly count: number;
  readonly since: number;
  /** When the first of their notes ends. */
  readonly ends: number;
}

/** Bounds of what is written along. */
export interface NoteBounds {
  readonly ttlMs: number;
  readonly journal: JournalBounds;
}

/** Notes on one engine. Each method is one round trip. */
export interface Notes {
  /** All notes first, then all adds. @returns the jobs' ids, in order; @throws where anything was not written. */
  ask(asks: readonly NoteAsk[], bounds: NoteBounds): Promise<readonly string[]>;
  read(id: string): Promise<RawNote>;
  settle(
    of: PaymentName,
    lock: { readonly queue: string; readonly id: string; readonly token: string },
    settlement: RawSettlement,
    bounds: JournalBounds,
  ): Promise<boolean>;
  /** Payments that wait, by group: kept with what is settled, so that it costs a look no round trip. */
  waits(): Promise<readonly RawWaits[]>;
}
