import type { AskedOperation, OperationOutcome } from "./operation-records.ts";

/** An operation as whoever asked for it may see it. */
export interface OperationRecord {
  readonly id: string;
  readonly asked: AskedOperation;
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
  ask(asked: AskedOperation, idempotencyKey: string | undefined): Promise<string>;
  read(id: string): Promise<OperationRecord | undefined>;
}
