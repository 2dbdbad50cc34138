/**
 * The whole retry policy: how long anything waits (backoff), when it is given up (dead letter), and what an error's kind means. Nothing else
 * in `workers/` decides about either; its numbers stand in `patience.ts`. Pure: time and chance come in, times are milliseconds since the epoch.
 */
import type { Json } from "../contract/adapter.ts";
import { type ErrorContext, isWorkerError } from "../lib/errors.ts";
import type { Clock, Known, Note, Suspect } from "../queue/note.ts";
import type { Outcome } from "./look/outcome.ts";
import { lateUntil } from "./late-writes.ts";
import { hasToEnd } from "./sweep/due.ts";
import { day, hour, minute, type Patience, patience, pauses, second } from "./patience.ts";

/** What a job came to: a result, or whatever it threw. */
export type Result<Value> = { readonly outcome: Value } | { readonly error: unknown };

/** How a job's run went: it came to something, it threw, or it was not let in. */
export type Came<Value> = Result<Value> | { readonly turnedAway: { readonly at: number; readonly why: string } };

/** Why a person is needed. */
export interface Grave {
  readonly kind: string;
  readonly reason: string;
  readonly since: number;
  readonly context: Readonly<Record<string, Json>>;
}

/** What happens next to the payment. */
export type Next =
  /** Norce agrees with the PSP. `at`: when to look again although nobody calls. */
  | { readonly do: "rest"; readonly at?: number }
  | { readonly do: "wait"; readonly at: number; readonly known: Pick<Known, "clocks" | "suspect" | "notBefore"> }
  | { readonly do: "bury"; readonly grave: Grave; readonly at?: number };

/** What a look's result is judged by. */
export interface Circumstances {
  /** What was read when the look began. */
  readonly note: Note;
  readonly now: number;
  /** From 0 to 1, for jitter. */
  readonly random: number;
  /** Until when wrong credentials are borne: how long its adapter looks at a payment. */
  readonly horizonMs: number;
}

/** The one switch: what a look's result means for the queue. */
export function next(result: Result<Outcome>, circumstances: Circumstances): Next {
  const { note, now } = circumstances;
  if ("outcome" in result) return endUnresolved(result.outcome, note, now) ?? nextAfter(result.outcome, circumstances);
  const step = nextAfterError(result.error, circumstances);
  if (step.do !== "wait" || !mayStillHappen(result.error)) return step;
  const notBefore = lateUntil(now);
  return { ...step, at: Math.max(step.at, notBefore), known: { ...step.known, notBefore } };
}

function nextAfter(outcome: Outcome, circumstances: Circumstances): Next {
  const { note, now } = circumstances;
  switch (outcome.is) {
    case "written":
    case "unchanged": {
      // What timed out may have been carried out after this look had read.
      const late = note.known?.notBefore === undefined ? undefined : now + pauses.afterLateMs;
      const wanted = outcome.lookAgainMs === undefined ? undefined : now + outcome.lookAgainMs;
      const times = [late, wanted].filter((time) => time !== undefined);
      const at = times.length === 0 ? {} : { at: Math.min(...times) };
      const { attention } = outcome;
      if (attention === undefined) return { do: "rest", ...at };
      const { reason, message, context } = attention;
      const grave = { kind: "Attention", reason: message, since: now, context: { ...context, reason } };
      return { do: "bury", grave, ...at };
    }
    case "suspect":
      return awaitSecondLook(outcome.suspect, circumstances);
    case "later":
      return again(outcome.why, patience.notYet, { kind: "Later", reason: outcome.why }, circumstances);
  }
}

function nextAfterError(error: unknown, circumstances: Circumstances): Next {
  const { now, horizonMs } = circumstances;
  if (!isWorkerError(error))
    return again("bug", patience.bug, { kind: "Bug", reason: "an error of ours" }, circumstances);
  const grave = { kind: error.kind, reason: error.message, context: jsonContext(error.context) };
  switch (error.kind) {
    case "Unreachable":
    case "QueueUnavailable":
      return again("unreachable", patience.unreachable, grave, circumstances, error.retryAfterMs);
    case "Unauthorized": {
      const bounded = { ...patience.unauthorized, limitMs: horizonMs };
      return again("unauthorized", bounded, grave, circumstances, error.retryAfterMs);
    }
    case "Conflict":
      return again("conflict", patience.conflict, grave, circumstances);
    case "Unmapped":
      return again("unmapped", patience.unmapped, grave, circumstances);
    case "Refused":
    case "UntrustedWebhook":
    case "MalformedWebhook":
    case "UnknownTarget":
      return { do: "bury", grave: { since: now, ...grave } };
  }
}

/** Whether this look is the payment's last one. */
export function isLast({ asked }: Note, now: number): boolean {
  return asked?.lastFrom !== undefined && now >= asked.lastFrom;
}

/** A last look found the payment where it was: a person has to say what becomes of it. */
function endUnresolved(outcome: Outcome, note: Note, now: number): Next | undefined {
  const from = note.asked?.lastFrom;
  if (from === undefined || !isLast(note, now) || outcome.is === "suspect") return undefined;
  // That its actions were withdrawn has moved nothing.
  if (outcome.is === "written" && outcome.wrote.some((name) => name !== "actions")) return undefined;
  if (outcome.is !== "later" && !hasToEnd(outcome.is === "written" ? outcome.to : outcome.state)) return undefined;
  const reason = "the payment came to no end within its horizon";
  return { do: "bury", grave: { kind: "Unresolved", reason, since: from, context: { reason: "unresolved" } } };
}

/** Looks again when two looks may agree. A suspicion of a clock that was ahead counts from now: it would be waited for as long as the jump. */
function awaitSecondLook(seen: Suspect, { note, now }: Circumstances): Next {
  const clear = { ...seen, at: Math.min(seen.at, now) };
  const known = { clocks: note.known?.clocks ?? {}, suspect: clear, ...notBeforeOf(note) };
  return { do: "wait", at: clear.at + pauses.suspicionMs, known };
}

/**
 * Waits once more, or gives up when this kind of waiting has had its time. Each reason to wait has its own clock: an hour of network trouble
 * must not use up the patience for a late order. A look before the clock is due counts no try: a burst must not use up all patience.
 */
function again(
  why: string,
  { firstMs, longestMs, limitMs, limitTries }: Patience,
  grave: Omit<Grave, "since" | "context"> & Partial<Pick<Grave, "context">>,
  { note, now, random }: Circumstances,
  atLeastMs = 0,
): Next {
  const { [why]: same, ...others } = note.known?.clocks ?? {};
  // Until a person has put the credentials right, nothing else gets its chance, and so nothing else uses up its time.
  const kept = why === "unauthorized" ? {} : others;
  const waitBy = (clock: Clock): Next => ({
    do: "wait",
    at: clock.dueAt,
    known: { clocks: { ...kept, [why]: clock }, ...suspectOf(note), ...notBeforeOf(note) },
  });
  // A clock that was set back must make neither the limit nor the pause any longer.
  if (same !== undefined && now < same.dueAt && same.dueAt - now <= 2 * Math.max(longestMs, hour)) return waitBy(same);
  const since = Math.min(same?.since ?? now, now);
  const tries = (same?.tries ?? 0) + 1;
  if ((limitMs !== undefined && now - since >= limitMs) || (limitTries !== undefined && tries > limitTries))
    return { do: "bury", grave: { since, context: {}, ...grave } };
  const pauseMs = Math.max(jitter(firstMs, longestMs, tries, random), Math.min(atLeastMs, hour));
  return waitBy({ since, tries, dueAt: now + pauseMs });
}

/** Half of the pause is drawn by lot, so that those who failed together do not come back together. */
function jitter(firstMs: number, longestMs: number, tries: number, random: number): number {
  return Math.round(Math.min(longestMs, firstMs * 2 ** Math.min(tries - 1, 30)) * (0.5 + random / 2));
}

/** What becomes of a look that sends nothing now, because it was not let in or its process stops: it comes back, and remembers what it did. */
export function waitUntil(at: number, note: Note): Next {
  return { do: "wait", at, known: { clocks: note.known?.clocks ?? {}, ...suspectOf(note), ...notBeforeOf(note) } };
}

/** The suspicion that stands, or a new one where the last look saw something else. @returns what to wait for, or that both looks agree. */
export function suspect(
  fingerprint: string,
  { known }: Note,
  now: number,
): { readonly is: Suspect; readonly agrees: boolean } {
  const earlier = known?.suspect;
  const is = earlier?.fingerprint === fingerprint ? earlier : { fingerprint, at: now };
  return { is, agrees: now - is.at >= pauses.suspicionMs };
}

/** How long a payment is looked at again that grows old: a quarter of its age, seconds at first, six hours at most. */
export function growingPauseMs(ageMs: number): number {
  return Number.isNaN(ageMs) ? 6 * hour : Math.min(Math.max(Math.round(ageMs / 4), 5 * second), 6 * hour);
}

/**
 * When to try an operation again that met this error, in milliseconds; `undefined` where it has been tried for long enough.
 * @param tries how often it was tried before.
 */
export function operationAgain(error: unknown, tries: number, random: number): number | undefined {
  const { firstMs, longestMs, limitTries } = isWorkerError(error) ? patience.operation : patience.bug;
  // Credentials are put right by a person, however long that takes.
  if (tries >= limitTries && !isWorkerError(error, "Unauthorized")) return undefined;
  const atLeastMs = isWorkerError(error) ? Math.min(error.retryAfterMs ?? 0, hour) : 0;
  const lateMs = mayStillHappen(error) ? pauses.lateWriteMs : 0;
  return Math.max(jitter(firstMs, longestMs, tries + 1, random), atLeastMs, lateMs);
}

/**
 * When to try again to place an event: after a quarter of its age, seconds at first, a quarter of an hour at most, and an hour once it is
 * older than a day; `undefined` once it is older than the limit.
 */
export function placingAgain(receivedAt: number, now: number, limitMs: number, error?: unknown): number | undefined {
  const ageMs = now - receivedAt;
  if (ageMs >= limitMs && !isPassing(error)) return undefined;
  const longestMs = ageMs > day ? hour : 15 * minute;
  // One that comes from the future: the clock was set back, by about as much as it is ahead.
  const pauseMs = Math.ceil(Math.min(Math.max(Math.abs(ageMs) / 4, second), longestMs));
  return now + Math.max(pauseMs, mayStillHappen(error) ? pauses.lateWriteMs : 0);
}

/** Until when a payment is looked at, or an event's may still appear, in milliseconds. */
export function horizonOf(days: number | undefined, otherwiseDays: number): number {
  return (days ?? otherwiseDays) * day;
}

/** Whether the error ends by itself or by a person's doing, however long that takes: somebody is away, or wants other credentials. */
function isPassing(error: unknown): boolean {
  return isWorkerError(error) && passing.has(error.kind);
}

const passing: ReadonlySet<string> = new Set(["Unreachable", "Unauthorized", "QueueUnavailable", "Conflict"]);

/** A write to Norce that timed out: it may still be carried out. A connection that was reset, or an answer that was lost, waits for nothing. */
export function mayStillHappen(error: unknown): boolean {
  if (!isWorkerError(error)) return false;
  const { peer, code, maybeCarriedOut } = error.context;
  return peer === "norce" && maybeCarriedOut === true && code === "timeout";
}

/** True where the PSP cannot have carried out what it was told: it never saw it, or sent us away at its door. */
export function isTurnedAway(error: unknown): boolean {
  if (!isWorkerError(error)) return false;
  const { status, code } = error.context;
  return error.kind === "Unauthorized" || status === 429 || neverSent.has(String(code));
}

const neverSent: ReadonlySet<string> = new Set(["given-up", "ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN"]);

/** The code of a refusal, ours or the PSP's own: repeating cannot help. `undefined` for every other error. */
export function refusalOf(error: unknown): string | undefined {
  if (!isWorkerError(error, "Refused") && !isWorkerError(error, "Unmapped")) return undefined;
  const { context, kind } = error;
  return String(context["reason"] ?? context["code"] ?? context["status"] ?? kind);
}

/** The rule of ours that refused what was answered; `undefined` for every other error. */
export function ruleIn(error: unknown): string | undefined {
  const { peer, reason } = isWorkerError(error, "Refused") ? error.context : {};
  return peer === undefined && typeof reason === "string" ? reason : undefined;
}

/** An error in a word, for log lines and letters. */
export function kindOf(error: unknown): string {
  return isWorkerError(error) ? error.kind : "Bug";
}

/** What an error says of a peer. `own`: in the peer's own words, not a proxy's or a maintenance page's. */
export interface Behaviour {
  readonly failed: boolean;
  readonly own?: boolean;
  /** How long it asked to be left alone. */
  readonly retryAfterMs?: number | undefined;
}

/** How a peer behaved, as far as a job met it. @param error what the job threw, if it did. */
export function behaviourOf(peer: string, error: unknown): Behaviour {
  if (!isWorkerError(error, "Unreachable") || error.context["peer"] !== peer) return { failed: false };
  if (error.context["code"] === "given-up") return { failed: false };
  return { failed: true, own: error.context["notItsOwn"] !== true, retryAfterMs: error.retryAfterMs };
}

/** What an error tells of the peer that it names: it is down, or it refuses our credentials. */
export function newsOf(
  error: unknown,
): { readonly peer: string; readonly is: "down" | "refused"; readonly context: ErrorContext } | undefined {
  if (!isWorkerError(error) || typeof error.context["peer"] !== "string" || error.context["code"] === "given-up")
    return undefined;
  const { peer } = error.context;
  if (error.kind === "Unauthorized") return { peer, is: "refused", context: error.context };
  return error.kind === "Unreachable" ? { peer, is: "down", context: error.context } : undefined;
}

/** That a write may have been carried out late is known until a look comes to rest: one more follows then. */
function notBeforeOf({ known }: Note): Pick<Known, "notBefore"> {
  return known?.notBefore === undefined ? {} : { notBefore: known.notBefore };
}

/** A suspicion outlives a look that failed for another reason. */
function suspectOf({ known }: Note): Pick<Known, "suspect"> {
  return known?.suspect === undefined ? {} : { suspect: known.suspect };
}

function jsonContext(context: ErrorContext): Record<string, Json> {
  return Object.fromEntries(
    Object.entries(context).filter(
      (entry): entry is [string, string | number | boolean | null] => entry[1] !== undefined,
    ),
  );
}
