import type { Json } from "../adapters/adapter.ts";
import { isWorkerError } from "../lib/errors.ts";
import type { Suspect, Wait } from "../queue/queues.ts";
import type { Outcome } from "./reconcile.ts";

/** What a look came to: an outcome, or whatever it threw. */
export type Result = { readonly outcome: Outcome } | { readonly error: unknown };

/** What happens next to the payment. */
export type Next =
  /** Norce agrees with the PSP. `lookAgainMs`: when to look again although nobody calls. */
  | { readonly do: "rest"; readonly lookAgainMs?: number }
  | { readonly do: "wait"; readonly delayMs: number; readonly wait: Omit<Wait, "reference"> }
  | {
      readonly do: "bury";
      readonly kind: string;
      readonly reason: string;
      readonly since: number;
      readonly context: Readonly<Record<string, Json>>;
    };

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

/** A kind of waiting: pauses double from `firstMs` to `longestMs`, until `limitMs` have passed or `limitTries` were made. */
interface Patience {
  readonly firstMs: number;
  readonly longestMs: number;
  readonly limitMs?: number;
  readonly limitTries?: number;
}

/** The whole retry policy of the service, as numbers. */
export const patience = {
  /** The order, the payment or its reference is not there yet: seconds at first, minutes later, hours in all. */
  notYet: { firstMs: 2 * second, longestMs: 15 * minute, limitMs: 24 * hour },
  /** Network, timeout, 5xx, 429. */
  unreachable: { firstMs: second, longestMs: hour, limitMs: 72 * hour },
  /** Our credentials are wrong: a person has to act, and no payment may be lost until then. */
  unauthorized: { firstMs: minute, longestMs: hour },
  /** Norce changed under us. */
  conflict: { firstMs: second, longestMs: minute, limitTries: 10 },
  /** An operation whose PSP stumbles: about three days in all. */
  operation: { firstMs: second, longestMs: hour, limitTries: 90 },
  /** A bug of ours. */
  bug: { firstMs: 5 * second, longestMs: 5 * minute, limitTries: 5 },
} as const satisfies Record<string, Patience>;

/**
 * The one switch: what a look's result means for the queue.
 * @param remembered what the payment's timer knew from earlier looks.
 * @param random a number from 0 to 1, for jitter.
 */
export function next(result: Result, remembered: Wait | undefined, now: number, random: number): Next {
  if ("outcome" in result) return nextAfter(result.outcome, remembered, now, random);
  const { error } = result;
  if (!isWorkerError(error))
    return again("bug", patience.bug, { kind: "Bug", reason: "an error of ours" }, remembered, now, random);
  const grave = { kind: error.kind, reason: error.message, context: jsonContext(error.context) };
  switch (error.kind) {
    case "Unreachable":
    case "QueueUnavailable":
      return again("unreachable", patience.unreachable, grave, remembered, now, random, error.retryAfterMs);
    case "Unauthorized":
      return again("unauthorized", patience.unauthorized, grave, remembered, now, random, error.retryAfterMs);
    case "Conflict":
      return again("conflict", patience.conflict, grave, remembered, now, random);
    case "Refused":
    case "Unmapped":
    case "UntrustedWebhook":
    case "MalformedWebhook":
    case "UnknownTarget":
      return { do: "bury", since: sinceOf(remembered, now), ...grave };
  }
}

function nextAfter(outcome: Outcome, remembered: Wait | undefined, now: number, random: number): Next {
  switch (outcome.is) {
    case "written":
    case "unchanged":
      return { do: "rest", ...(outcome.lookAgainMs === undefined ? {} : { lookAgainMs: outcome.lookAgainMs }) };
    case "suspect":
      return {
        do: "wait",
        delayMs: outcome.afterMs,
        wait: { since: sinceOf(remembered, now), tries: 0, why: "suspect", suspect: outcome.suspect },
      };
    case "later":
      return again(outcome.why, patience.notYet, { kind: "Later", reason: outcome.why }, remembered, now, random);
  }
}

/** Waits once more, or gives up when this kind of waiting has had its time. */
function again(
  why: string,
  { firstMs, longestMs, limitMs, limitTries }: Patience,
  grave: { readonly kind: string; readonly reason: string; readonly context?: Readonly<Record<string, Json>> },
  remembered: Wait | undefined,
  now: number,
  random: number,
  atLeastMs = 0,
): Next {
  // Another reason to wait starts its own clock: an hour of network trouble must not use up the patience for a late order.
  const same = remembered?.why === why ? remembered : undefined;
  const since = same?.since ?? now;
  const tries = (same?.tries ?? 0) + 1;
  if ((limitMs !== undefined && now - since >= limitMs) || (limitTries !== undefined && tries > limitTries)) {
    return { do: "bury", since, context: {}, ...grave };
  }
  const pauseMs = Math.min(longestMs, firstMs * 2 ** Math.min(tries - 1, 30));
  // Half of the pause is drawn by lot, so that payments that failed together do not come back together.
  const delayMs = Math.max(Math.round(pauseMs * (0.5 + random / 2)), Math.min(atLeastMs, hour));
  return { do: "wait", delayMs, wait: { since, tries, why, ...suspectOf(remembered) } };
}

/** What becomes of a look that was not let in: it comes back later, and remembers what it did. */
export function turnedAway(
  remembered: Wait | undefined,
  { afterMs, why }: { readonly afterMs: number; readonly why: string },
  now: number,
): Next {
  const { since = now, tries = 0, why: before = why } = remembered ?? {};
  return { do: "wait", delayMs: afterMs, wait: { since, tries, why: before, ...suspectOf(remembered) } };
}

/**
 * When to try an operation again that met this error, in milliseconds; `undefined` where it has been tried for long enough.
 * @param tries how often it was tried before.
 */
export function operationAgain(error: unknown, tries: number, random: number): number | undefined {
  const kind = isWorkerError(error) ? error.kind : undefined;
  const { firstMs, longestMs, limitTries } = kind === undefined ? patience.bug : patience.operation;
  if (tries >= limitTries) return undefined;
  const pauseMs = Math.min(longestMs, firstMs * 2 ** Math.min(tries, 30));
  const atLeastMs = isWorkerError(error) ? Math.min(error.retryAfterMs ?? 0, hour) : 0;
  return Math.max(Math.round(pauseMs * (0.5 + random / 2)), atLeastMs);
}

/** What happens next to an event whose payment is looked for. */
export type Placing = { readonly do: "done" } | { readonly do: "wait"; readonly delayMs: number };

/**
 * When to try again to place an event: after a quarter of its age, seconds at first, a quarter of an hour at most; `done` once it is older
 * than the limit.
 */
export function placingAgain(receivedAt: number, now: number, limitMs: number): Placing {
  const ageMs = now - receivedAt;
  if (ageMs >= limitMs) return { do: "done" };
  return { do: "wait", delayMs: Math.ceil(Math.min(Math.max(ageMs / 4, second), 15 * minute)) };
}

function sinceOf(remembered: Wait | undefined, now: number): number {
  return remembered === undefined || remembered.tries === 0 ? now : remembered.since;
}

/** A suspicion outlives a look that failed for another reason. */
function suspectOf(remembered: Wait | undefined): { suspect?: Suspect } {
  return remembered?.suspect === undefined ? {} : { suspect: remembered.suspect };
}

function jsonContext(
  context: Readonly<Record<string, string | number | boolean | null | undefined>>,
): Record<string, Json> {
  return Object.fromEntries(
    Object.entries(context).filter(
      (entry): entry is [string, string | number | boolean | null] => entry[1] !== undefined,
    ),
  );
}
