/**
 * Which of several attempts to pay is the payment's: a shopper may pay with another session than the one that Norce names. Pure: what the
 * PSP said of each is given.
 */
import type { DesiredPayment } from "../../contract/adapter.ts";
import type { WorkerError } from "../../lib/errors.ts";
import type { CurrentPayment } from "../../norce/payment.ts";
import { holdsMoney } from "../../norce/states.ts";
import type { Attention, Facts, Found } from "../found.ts";
import { rankOf } from "./backwards.ts";
import { readRecord, sumsOf } from "./record.ts";

/** What the PSP said of one id. */
export interface Attempt {
  /** What was asked for; empty where events are folded. */
  readonly asked: string;
  /** `null`: the PSP does not know it. */
  readonly desired: DesiredPayment | null;
  /** Why it is not this payment's. */
  readonly refused?: WorkerError | undefined;
}

/** What the answers come to. */
export interface Choice<Tried extends Attempt = Attempt> {
  /** The attempt that counts; `undefined`: none is known to the PSP. */
  readonly chosen: Tried | undefined;
  readonly findings: readonly Found[];
  readonly attention?: Attention;
  /** Ids that a webhook named and that the PSP has answered about. */
  readonly judged: readonly string[];
}

/**
 * The ids that the PSP is asked about: the one that counts first, then what else Norce and webhooks name. Where events are folded nobody is
 * asked, and one empty id stands for them all.
 */
export function referencesToAsk(current: CurrentPayment, hints: readonly string[], folds: boolean): readonly string[] {
  if (folds) return [""];
  const { bound } = readRecord(current.record);
  const ids = [bound, current.reference ?? undefined, ...hints];
  return [...new Set(ids.filter((id): id is string => id !== undefined && id !== ""))];
}

/**
 * Chooses among the answers, which come in the order of `referencesToAsk`. The first one stays unless it holds no money and another one does,
 * or it has failed, is gone or is provisional and another one has come further.
 * @throws WorkerError the refusal of what Norce names, or of all that is named: it is somebody else's.
 */
export function chooseAttempt<Tried extends Attempt>(
  current: CurrentPayment,
  attempts: readonly Tried[],
): Choice<Tried> {
  const { bound } = readRecord(current.record);
  const named = bound ?? current.reference ?? undefined;
  const good = attempts.filter((attempt) => isGood(attempt));
  const [standing] = attempts;
  if (named !== undefined && standing?.refused !== undefined) throw standing.refused;
  const first = named === undefined ? good[0] : good.find((attempt) => attempt === standing);
  const chosen = good.reduce((best, next) => (replaces(next, best, current) ? next : best), first);
  if (chosen === undefined || !holds(chosen)) refuseNamed(current, attempts, chosen);
  const twice = good.find((attempt) => !isSame(attempt, chosen) && holds(attempt) && holds(chosen));
  // What nobody knows yet may come to be known, unless the money is here.
  const judged = attempts.filter((attempt) => isAnswered(attempt) || holds(chosen)).map(({ asked }) => asked);
  const others = attempts.filter(
    (attempt) => attempt.asked !== named && isAnswered(attempt) && !isSame(attempt, chosen),
  );
  return {
    chosen: isAwaited(current, attempts, chosen) ? undefined : chosen,
    findings: others.map((attempt) => refusedFound(attempt, chosen?.asked ?? named)),
    judged,
    ...(twice?.desired && chosen?.desired ? { attention: paidTwice(chosen.desired, twice.desired) } : {}),
  };
}

/** True where the other attempt takes the place of the one that stands. */
function replaces(next: Good, best: Good | undefined, { record }: CurrentPayment): boolean {
  if (best === undefined) return true;
  if (best === next || holds(best)) return false;
  if (holds(next)) return true;
  const { phase, provisional } = best.desired;
  const gives = phase === "failed" || phase === "declined" || provisional === true || readRecord(record).provisional;
  return gives && progressOf(next) > progressOf(best);
}

/** How far an attempt has come; one that has failed is behind every other. */
function progressOf({ desired: { phase, money } }: Good): number {
  return rankOf(phase, money.authorized) ?? -1;
}

/** Nothing is written while Norce names what is not this payment's, or where nothing that is named is. */
function refuseNamed(current: CurrentPayment, attempts: readonly Attempt[], chosen: Attempt | undefined): void {
  const refused = attempts.filter(({ refused: why }) => why !== undefined);
  const wrong =
    refused.find(({ asked }) => asked === current.reference) ?? (chosen === undefined ? refused[0] : undefined);
  if (wrong?.refused !== undefined) throw wrong.refused;
}

/** Norce has come to name another id, which the PSP does not know yet: what was bound before is not put back in its place. */
function isAwaited(
  { reference, record }: CurrentPayment,
  attempts: readonly Attempt[],
  chosen: Attempt | undefined,
): boolean {
  const { bound } = readRecord(record);
  if (bound === undefined || reference === null || reference === bound || holds(chosen)) return false;
  return attempts.some(({ asked, desired }) => asked === reference && desired === null);
}

/** An attempt that the PSP knows and that is this payment's. */
type Good<Tried extends Attempt = Attempt> = Tried & { readonly desired: DesiredPayment };

function isGood<Tried extends Attempt>(attempt: Tried): attempt is Good<Tried> {
  return attempt.desired !== null && attempt.refused === undefined;
}

/** Two ids of one payment at the PSP, a session's and its order's: what the PSP says of the one names the other. */
function isSame(one: Attempt, other: Attempt | undefined): boolean {
  if (one === other) return true;
  const [names, named] = [idsOf(one), idsOf(other)];
  return named.some((id) => id === one.desired?.reference) || names.some((id) => id === other?.desired?.reference);
}

/** By what the PSP's answer may be called. */
function idsOf(attempt: Attempt | undefined): readonly string[] {
  return attempt === undefined || attempt.desired === null
    ? []
    : [attempt.desired.reference, ...(attempt.desired.aliases ?? [])];
}

function isAnswered({ desired, refused }: Attempt): boolean {
  return desired !== null || refused !== undefined;
}

function holds(attempt: Attempt | undefined): boolean {
  return attempt !== undefined && attempt.desired !== null && holdsMoney(attempt.desired.money);
}

function refusedFound({ asked, desired, refused }: Attempt, bound: string | undefined): Found {
  const facts: Facts = {
    asked,
    ...(bound === undefined ? {} : { bound }),
    ...(desired === null ? {} : { ...sumsOf(desired.money), currency: desired.currency }),
    ...(refused === undefined ? {} : { why: String(refused.context["reason"]) }),
  };
  return { name: "reference-refused", id: asked, facts };
}

function paidTwice(kept: DesiredPayment, other: DesiredPayment): Attention {
  const context = {
    reference: kept.reference,
    authorized: kept.money.authorized,
    captured: kept.money.captured,
    currency: kept.currency,
    otherReference: other.reference,
    otherAuthorized: other.money.authorized,
    otherCaptured: other.money.captured,
    otherCurrency: other.currency,
  };
  return { reason: "paid-twice", message: "the shopper has paid with two of the PSP's payments", context };
}
