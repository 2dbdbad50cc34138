import type { Json } from "../contract/adapter.ts";
import { isWorkerError } from "../lib/errors.ts";
import type { Clock, Suspect, Wait } from "../queue/queues.ts";
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

/** A suspicion is confirmed or dropped by a look that comes no later than this. */
const longestSuspicionMs = minute;

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

/** What a look's result is judged by. */
export interface Circumstances {
  /** What the payment's timer knew from earlier looks. */
  readonly remembered: Wait | undefined;
  /** The timer asked for this look. What a webhook asks for in the meantime is no further try: a burst must not use up all patience. */
  readonly due: boolean;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** A number from 0 to 1, for jitter. */
  readonly random: number;
}

/** The one switch: what a look's result means for the queue. */
export function next(result: Result, circumstances: Circumstances): Next {
  const { remembered, now } = circumstances;
  if ("outcome" in result) return nextAfter(result.outcome, circumstances);
  const { error } = result;
  if (!isWorkerError(error))
    return again("bug", patience.bug, { kind: "Bug", reason: "an error of ours" }, circumstances);
  const grave = { kind: error.kind, reason: error.message, context: jsonContext(error.context) };
  switch (error.kind) {
    case "Unreachable":
    case "QueueUnavailable":
      return again("unreachable", patience.unreachable, grave, circumstances, error.retryAfterMs);
    case "Unauthorized":
      return again("unauthorized", patience.unauthorized, grave, circumstances, error.retryAfterMs);
    case "Conflict":
      return again("conflict", patience.conflict, grave, circumstances);
    case "Refused":
    case "Unmapped":
    case "UntrustedWebhook":
    case "MalformedWebhook":
    case "UnknownTarget":
      return { do: "bury", since: sinceOf(remembered, now), ...grave };
  }
}

function nextAfter(outcome: Outcome, circumstances: Circumstances): Next {
  switch (outcome.is) {
    case "written":
    case "unchanged":
      return { do: "rest", ...(outcome.lookAgainMs === undefined ? {} : { lookAgainMs: outcome.lookAgainMs }) };
    case "suspect":
      return suspected(outcome, circumstances);
    case "later":
      return again(outcome.why, patience.notYet, { kind: "Later", reason: outcome.why }, circumstances);
  }
}

/** Looks again when two looks may agree. A suspicion of a clock that was ahead counts from now: it would be waited for as long as the jump. */
function suspected(
  { suspect, afterMs }: Extract<Outcome, { is: "suspect" }>,
  { remembered, now }: Circumstances,
): Next {
  const since = sinceOf(remembered, now);
  const clear = { ...suspect, at: Math.min(suspect.at, now) };
  return {
    do: "wait",
    delayMs: Math.min(afterMs, longestSuspicionMs),
    wait: { since, tries: 0, why: "suspect", suspect: clear, ...othersIn(clocksOf(remembered)) },
  };
}

/** Waits once more, or gives up when this kind of waiting has had its time. */
function again(
  why: string,
  { firstMs, longestMs, limitMs, limitTries }: Patience,
  grave: { readonly kind: string; readonly reason: string; readonly context?: Readonly<Record<string, Json>> },
  { remembered, due, now, random }: Circumstances,
  atLeastMs = 0,
): Next {
  // Each reason to wait has its own clock: an hour of network trouble must not use up the patience for a late order. It goes on where it
  // was when its reason comes back: reasons that take turns would set each other's clock to zero for ever.
  const { [why]: same, ...others } = clocksOf(remembered);
  // A clock that was set back must not make the limit any longer.
  const since = Math.min(same?.since ?? now, now);
  const tries = (same?.tries ?? 0) + (due || same === undefined ? 1 : 0);
  if ((limitMs !== undefined && now - since >= limitMs) || (limitTries !== undefined && tries > limitTries)) {
    return { do: "bury", since, context: {}, ...grave };
  }
  const pauseMs = Math.min(longestMs, firstMs * 2 ** Math.min(tries - 1, 30));
  // Half of the pause is drawn by lot, so that payments that failed together do not come back together.
  const delayMs = Math.max(Math.round(pauseMs * (0.5 + random / 2)), Math.min(atLeastMs, hour));
  // Until a person has put the credentials right, nothing else gets its chance, and so nothing else uses up its time.
  const kept = why === "unauthorized" ? {} : others;
  return { do: "wait", delayMs, wait: { since, tries, why, ...suspectOf(remembered), ...othersIn(kept) } };
}

/** What becomes of a look that was not let in: it comes back later, and remembers what it did. */
export function turnedAway(
  remembered: Wait | undefined,
  { afterMs, why }: { readonly afterMs: number; readonly why: string },
  now: number,
): Next {
  const { since = now, tries = 0, why: before = why, others = {} } = remembered ?? {};
  const wait = { since, tries, why: before, ...suspectOf(remembered), ...othersIn(others) };
  return { do: "wait", delayMs: afterMs, wait };
}

/**
 * When to try an operation again that met this error, in milliseconds; `undefined` where it has been tried for long enough.
 * @param tries how often it was tried before.
 */
export function operationAgain(error: unknown, tries: number, random: number): number | undefined {
  const kind = isWorkerError(error) ? error.kind : undefined;
  const { firstMs, longestMs, limitTries } = kind === undefined ? patience.bug : patience.operation;
  // Credentials are put right by a person, however long that takes.
  if (tries >= limitTries && kind !== "Unauthorized") return undefined;
  const pauseMs = Math.min(longestMs, firstMs * 2 ** Math.min(tries, 30));
  const atLeastMs = isWorkerError(error) ? Math.min(error.retryAfterMs ?? 0, hour) : 0;
  return Math.max(Math.round(pauseMs * (0.5 + random / 2)), atLeastMs);
}

/** What happens next to an event whose payment is looked for. */
export type Placing = { readonly do: "done" } | { readonly do: "wait"; readonly delayMs: number };

/**
 * When to try again to place an event: after a quarter of its age, seconds at first, a quarter of an hour at most, and an hour once it is
 * older than a day; `done` once it is older than the limit.
 */
export function placingAgain(receivedAt: number, now: number, limitMs: number): Placing {
  const ageMs = now - receivedAt;
  if (ageMs >= limitMs) return { do: "done" };
  const longestMs = ageMs > 24 * hour ? hour : 15 * minute;
  // One that comes from the future: the clock was set back, by about as much as it is ahead.
  return { do: "wait", delayMs: Math.ceil(Math.min(Math.max(Math.abs(ageMs) / 4, second), longestMs)) };
}

function sinceOf(remembered: Wait | undefined, now: number): number {
  return remembered === undefined || remembered.tries === 0 ? now : remembered.since;
}

/** The clocks that run: a wait that was no failure has none. */
function clocksOf(remembered: Wait | undefined): Readonly<Record<string, Clock>> {
  if (remembered === undefined) return {};
  const { why, since, tries, others = {} } = remembered;
  return tries === 0 ? others : { ...others, [why]: { since, tries } };
}

function othersIn(clocks: Readonly<Record<string, Clock>>): Pick<Wait, "others"> {
  return Object.keys(clocks).length === 0 ? {} : { others: clocks };
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
