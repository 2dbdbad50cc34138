import { WorkerError } from "../lib/errors.ts";

/** Facts that a person compares: amounts in minor units, currencies, ids, the PSP's code. No secret, nothing personal. */
export type Facts = Readonly<Record<string, string | number | boolean>>;

/** What a person should see although the look goes on: told once per payment, name and id. */
export interface Found {
  /** Kebab-case. */
  readonly name: string;
  /** What it is about, where a payment can have several: the PSP's id of a capture, refund, dispute or payment. */
  readonly id?: string;
  /** Until when somebody has to act, ISO 8601. */
  readonly deadline?: string;
  readonly facts?: Facts;
}

/** What needs a person, although a look may have written: a letter stands until a look finds it resolved. */
export interface Attention {
  /** Kebab-case. */
  readonly reason: string;
  readonly message: string;
  readonly context: Facts;
}

/** A rule's refusal: nothing is written, and a person has to look. @param facts the values that differ. */
export function refusal(reason: string, message: string, facts: Facts = {}): WorkerError {
  return new WorkerError("Refused", message, { context: { reason, ...facts } });
}
