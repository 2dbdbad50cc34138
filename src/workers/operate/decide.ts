/** Whether an operation may be sent (again). Pure: the life of an operation is the same for every PSP, an adapter only says how a repeat is safe. */
import type { Minor, Money, OperationName, Operations } from "../../contract/adapter.ts";
import type { SentOperation } from "../../queue/operations.ts";
import { hour } from "../patience.ts";
import { sumMovedBy } from "./possible.ts";

/** What is known of an operation that is about to be sent. */
export interface Known {
  readonly name: OperationName;
  /** The adapter's. */
  readonly operations: Pick<Operations<unknown, unknown>, "repeat" | "mostTries">;
  /** How it was sent before; absent: it never was. */
  readonly sent: SentOperation | undefined;
  /** The PSP's sums now, as they will be once what is under way has been carried out. */
  readonly sums: Money;
  /** How long the PSP's reads may lag, in milliseconds. */
  readonly settledMs: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/**
 * `send`: nothing was carried out, or the PSP answers a repeat as it did the first time. `done`: the PSP's sums show it. `wait`: they may yet
 * show it. `unknown`: nobody can find out, and a person has to.
 */
export type Decision = "send" | "done" | "wait" | "unknown";

/** What to do with an operation, by what was sent and what the PSP's sums show since. */
export function decideSending({ name, operations, sent, sums, settledMs, now }: Known): Decision {
  if (sent === undefined) return "send";
  const { repeat, mostTries } = operations;
  // What is shown may be another operation's doing, and nothing else would tell them apart.
  if (repeat === "never") return "unknown";
  if (isShown(name, sent, sums)) return "done";
  // The PSP locks the payment for good after so many: the last one is not wasted on a repeat.
  if (mostTries !== undefined && sent.times >= mostTries) return now - sent.at < settledMs ? "wait" : "unknown";
  if (areKeysAlive(repeat, sent, settledMs, now)) return "send";
  return now - sent.at < settledMs ? "wait" : "send";
}

/** Whether the sums have moved as far as the operation moves them. What is not settled yet is given back by lowering what was captured. */
export function isShown(name: OperationName, { before, amount }: SentOperation, sums: Money): boolean {
  const lowered = name === "refund" ? Math.max(0, before.captured - sums.captured) : 0;
  return sumMovedBy(name, sums) + lowered >= sumMovedBy(name, before) + amount;
}

/** Whether the PSP would know the repeat by its key. Keys die after the first sending, and the repeat takes its time to arrive. */
function areKeysAlive(
  repeat: Exclude<Known["operations"]["repeat"], "never">,
  { first }: SentOperation,
  marginMs: number,
  now: number,
): boolean {
  if (typeof repeat === "string") return repeat === "idempotency-key";
  return now + marginMs < first + repeat.idempotencyKeyHours * hour;
}

/** What is written down before anything is sent; a repeat says what was said first. */
export function noteSending(
  sent: SentOperation | undefined,
  said: { readonly before: Money; readonly amount: Minor; readonly whole: boolean },
  now: number,
): SentOperation {
  const { before, amount, whole } = sent ?? said;
  return { at: now, first: sent?.first ?? now, times: (sent?.times ?? 0) + 1, before, amount, whole };
}

/** The line in Norce's log that an operation is about to be sent, where no look could show it and the queue's engine may come back empty. */
export function sendingKey(id: string): string {
  return `sent:${id}`;
}

/** The line in Norce's log with what came of an operation. */
export function endKey(id: string): string {
  return `operation:${id}`;
}

/**
 * Whether the log tells of a sending that has no end: this operation's, which its record has forgotten, or another one's, whose money would
 * be moved twice. @param sent whether this operation's own record knows of it.
 */
export function hasUnknownSending(id: string, logged: ReadonlySet<string>, sent: boolean): boolean {
  return [...logged].some((key) => {
    if (!key.startsWith("sent:")) return false;
    const of = key.slice("sent:".length);
    return !logged.has(endKey(of)) && !(of === id && sent);
  });
}
