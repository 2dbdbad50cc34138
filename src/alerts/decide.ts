/** What is to be told of a cause: its state is compared with what was told, and the difference is a message. Pure. */
import type { AlertIs, AlertMessage, Cause, CauseFacts } from "../queue/causes.ts";
import { isNews } from "./names.ts";
import { deadlineHours, sendPauses, watchPauses } from "./pauses.ts";

/** What a decision is made with. @param newId a message's id that nobody has. */
export interface Moment {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly newId: () => string;
}

/** What becomes of a cause's record: nothing, it goes, or it is written. */
export type Decision = "keep" | "remove" | Cause;

/** @param known what is recorded. @param present the cause as it is now; `undefined` where it is not (any more). */
export function decide(known: Cause | undefined, present: CauseFacts | undefined, moment: Moment): Decision {
  const stands = present?.over === true ? undefined : present;
  if (known === undefined) return stands === undefined ? "keep" : { ...stands, seenAt: moment.now };
  return stands === undefined ? gone(known, present?.over === true, moment) : standing(known, stands, moment);
}

function standing(known: Cause, present: CauseFacts, { now, newId }: Moment): Decision {
  const { told, message, seenAt, goneAt, quietUntil } = known;
  // That it is over may have arrived already: then it has to be told anew. Else nobody has to hear of a moment in which it was not so.
  const wasOver = message?.is === "resolved" && message.tries > 0;
  const pending = message?.is === "resolved" ? undefined : message;
  const isNew = wasOver || (told === undefined && goneAt !== undefined);
  const quiet = wasOver ? now + watchPauses.againMs : quietUntil;
  const base: Cause = {
    ...present,
    since: isNew ? present.since : Math.min(known.since, present.since),
    seenAt: isNew ? now : seenAt,
    ...(told === undefined || wasOver ? {} : { told }),
    ...(quiet === undefined ? {} : { quietUntil: quiet }),
  };
  const is = pending === undefined ? newsOf(base, now) : undefined;
  if (is !== undefined) return { ...base, message: messageOf(is, base, now, newId()) };
  const changed = goneAt !== undefined || message?.is === "resolved" || differs(known, present);
  return changed ? { ...base, ...(pending === undefined ? {} : { message: pending }) } : "keep";
}

/** Whether there is something to tell that was not told yet. */
function newsOf(cause: Cause, now: number): AlertIs | undefined {
  const { told, seenAt, count, accounts, quietUntil = 0 } = cause;
  const settleMs = cause.name === "no-worker" ? watchPauses.noWorkerMs : watchPauses.settleMs;
  if (told === undefined) return now - seenAt >= settleMs && now >= quietUntil ? "opened" : undefined;
  const stage = stageOf(cause, now);
  if (stage !== undefined && stage < (told.stage ?? Infinity)) return "due";
  if (now - told.at < watchPauses.againMs) return undefined;
  const grew = isNews(cause.name) ? count > told.count : count >= told.count * 10 || accounts.length > told.accounts;
  if (grew) return "grown";
  // What has happened needs no reminder; deadlines remind of themselves.
  return !isNews(cause.name) && now - told.at >= watchPauses.remindMs ? "reminded" : undefined;
}

/** @param isOver it was found gone, and not only seen no more. */
function gone(known: Cause, isOver: boolean, { now, newId }: Moment): Decision {
  const { told, message, goneAt, quietUntil = 0 } = known;
  // It was never told, and no try of telling it can have arrived: nobody has to hear that it is over.
  if (told === undefined && (message === undefined || (message.is === "opened" && message.tries === 0)))
    return now < quietUntil ? "keep" : "remove";
  // What has happened stays so, unless a look found it gone; only the news of it is old.
  if (isNews(known.name) && !isOver && message?.is !== "resolved") return message === undefined ? "remove" : "keep";
  if (message?.is === "resolved") return now - message.at >= sendPauses.giveUpMs ? "remove" : "keep";
  if (goneAt === undefined) return { ...known, goneAt: now };
  if (now - goneAt < watchPauses.calmMs) return "keep";
  return { ...known, message: messageOf("resolved", known, now, newId()) };
}

function messageOf(is: AlertIs, cause: Cause, now: number, id: string): AlertMessage {
  const { seenAt: _seen, goneAt: _gone, told: _told, message: _message, quietUntil: _quiet, ...facts } = cause;
  const stage = stageOf(cause, now);
  return { id, is, at: now, tries: 0, cause: facts, ...(stage === undefined ? {} : { stage }) };
}

/** The record once its message was delivered. A cause that comes and goes is told no more than once an hour. */
export function delivered({ message, told: _before, ...cause }: Cause, now: number): Cause {
  if (message === undefined) return cause;
  const { is, stage, cause: said } = message;
  if (is === "resolved") return { ...cause, quietUntil: now + watchPauses.againMs };
  const told = { is, at: now, count: said.count, accounts: said.accounts.length };
  return { ...cause, told: { ...told, ...(stage === undefined ? {} : { stage }) } };
}

/** How near its deadline is, in hours of the stages; `undefined` where it is far, or has none. */
function stageOf({ deadline }: CauseFacts, now: number): number | undefined {
  if (deadline === undefined) return undefined;
  const hours = (deadline - now) / 3_600_000;
  return deadlineHours.findLast((stage) => hours <= stage);
}

/** Whether what is recorded has to be written anew: that something was seen once more is not worth it. */
function differs(known: Cause, present: CauseFacts): boolean {
  const of = ({ count, more, since, deadline, accounts, examples }: CauseFacts) =>
    JSON.stringify([count, more, since, deadline, accounts, examples]);
  return of(known) !== of({ ...present, since: Math.min(known.since, present.since) });
}
