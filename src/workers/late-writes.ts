/**
 * Writes to Norce that may be carried out although nobody waits for their answer any more: it timed out, or whoever sent it is gone. Until then
 * nothing else is written. Pure: times come in, in milliseconds since the epoch.
 */
import { pauses, second } from "./patience.ts";

/** What is noted of writes that may still be carried out. */
interface Noted {
  /** Milliseconds since the epoch. */
  readonly notBefore?: number | undefined;
}

/**
 * Until when nothing may be written; `undefined`: now. A time that lies much further ahead than any is set was set by a clock that was ahead.
 * @param noted what a payment's note, or an operation's record, knows.
 */
export function tooEarlyUntil(noted: Noted | undefined, now: number): number | undefined {
  const notBefore = noted?.notBefore ?? 0;
  return notBefore > now && notBefore - now <= 2 * pauses.lateWriteMs ? notBefore : undefined;
}

/**
 * What has to be noted before a write to Norce leaves, should nobody be left who hears its answer; `undefined` where what is noted already
 * will do: writes that follow each other at once share one note.
 */
export function notBeforeWriting(noted: Noted | undefined, now: number): number | undefined {
  const notBefore = lateUntil(now);
  const aheadMs = notBefore - (noted?.notBefore ?? 0);
  return aheadMs >= 0 && aheadMs < second ? undefined : notBefore;
}

/** Until when a write that leaves now may still be carried out. */
export function lateUntil(now: number): number {
  return now + pauses.lateWriteMs;
}
