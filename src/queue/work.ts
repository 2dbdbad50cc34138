/** The lock of a job under work, which only its holder can name. */
export interface HeldLock {
  readonly queue: string;
  readonly id: string;
  readonly token: string;
}

/** A job under work, as its holder sees it. */
export interface HeldJob<Data> extends HeldLock {
  /** BullMQ's name of the job: what kind it is of. */
  readonly name: string;
  readonly data: Data;
  /**
   * When the engine granted the lock: taken before the request for it left, so that nobody else holds it before `grantedAt` plus the lock's
   * duration. Milliseconds since the epoch.
   */
  readonly grantedAt: number;
  /** How often a holder of it died. */
  readonly stalls: number;
  /**
   * Asks the engine whether the lock is still held by this job's token, and extends it. `false` also where the engine does not answer, or
   * answers so late that the lock may have run out again.
   */
  isMine(): Promise<boolean>;
}

/** How a job's run ends: done (it is removed), or given back until then, in milliseconds since the epoch. Lanes never give back. */
export type End = undefined | { readonly again: number };

/** Why a job has nobody who would run it once more: its process function threw, or its holders died too often. */
export type LostReason = "failed" | "stalled";

/** A job whose run came to no end. */
export interface LostJob<Data> {
  readonly queue: string;
  readonly id: string;
  readonly data: Data;
  readonly why: LostReason;
  /** What was thrown, where something was. */
  readonly message?: string;
  /** Its lock, where whoever is told still holds it. */
  readonly lock?: HeldLock;
}

/** How a queue is worked. */
export interface WorkOptions<Data> {
  readonly concurrency: number;
  /**
   * Stores what takes the job's place (a letter, the next job). Only then is the job removed; where this throws, it is called again, also by
   * the next process. May be called twice for one job.
   */
  readonly lost: (job: LostJob<Data>) => Promise<void>;
}

/** A worker that runs until it is closed. */
export interface Work {
  /** Takes nothing new, waits for what runs. */
  close(): Promise<void>;
}
