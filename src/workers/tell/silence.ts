/**
 * When an account's webhooks are silent. What is usual is learned from the account's own webhooks, by the hour of the day: a night is no
 * silence, a morning is. Pure. Times in milliseconds since the epoch, hours and days in UTC.
 */
import type { PeerRecord, Rhythm } from "../../queue/peers.ts";
import { day as dayMs, hour as hourMs, silencePatience } from "../patience.ts";

const hoursOfDay = 24;
const nothing: readonly number[] = Array.from({ length: hoursOfDay }, () => 0);

/** The rhythm of an account of which nothing is known yet. */
export function newRhythm(now: number): Rhythm {
  return { day: Math.floor(now / dayMs), today: nothing };
}

/** The rhythm as it is `now`: days that have passed are learned from. @param since when the account was first heard of. */
export function rhythmAt(rhythm: Rhythm, since: number, now: number): Rhythm {
  const day = Math.floor(now / dayMs);
  const passed = Math.min(day - rhythm.day, silencePatience.learnedDays);
  if (passed <= 0) return rhythm;
  const first = rhythm.usual === undefined ? fillFirstDay(rhythm, since) : mix(rhythm.usual, rhythm.today);
  let usual = first;
  // Days without any webhook count, too.
  for (let quiet = 1; quiet < passed; quiet += 1) usual = mix(usual, nothing);
  return { day, today: nothing, usual };
}

/** One more came in the hour of `at`. Of an earlier day: the hour counts all the same. */
export function heard(rhythm: Rhythm, at: number): Rhythm {
  return { ...rhythm, today: rhythm.today.with(hourOf(at), (rhythm.today[hourOf(at)] ?? 0) + 1) };
}

/** How many webhooks usually come between two times. */
export function usuallyBetween(
  { rhythm, since, heardAt = since }: Pick<PeerRecord, "rhythm" | "since" | "heardAt">,
  from: number,
  to: number,
): number {
  const hours = Math.max(0, to - from) / hourMs;
  if (rhythm.usual === undefined)
    // Of the first day nothing is known but how many came so far.
    return (sumOf(rhythm.today) / Math.max(1, (heardAt - since) / hourMs)) * hours;
  const days = Math.floor(hours / hoursOfDay);
  let sum = days * sumOf(rhythm.usual);
  for (let at = from + days * dayMs; at < to;) {
    const next = Math.min((Math.floor(at / hourMs) + 1) * hourMs, to);
    sum += ((rhythm.usual[hourOf(at)] ?? 0) * (next - at)) / hourMs;
    at = next;
  }
  return sum;
}

/**
 * Whether the account's webhooks are silent: payments moved without any, and so many should have come meanwhile that it is no chance. Where
 * none ever came there is nothing to compare with: then an hour is long enough.
 * @returns since when, and how many usually come in that time.
 */
export function silenceOf(record: PeerRecord, now: number): { since: number; expected: number } | undefined {
  const { heardAt, missed, since: known } = record;
  const since = heardAt ?? known;
  const { leastMissed, leastMs, neverMs, leastExpected } = silencePatience;
  if (missed < leastMissed || now - since < leastMs) return undefined;
  const expected = Math.round(usuallyBetween(record, since, now));
  return (heardAt === undefined ? now - since >= neverMs : expected >= leastExpected) ? { since, expected } : undefined;
}

/** The first day began with the account: hours before are taken to be like those after. */
function fillFirstDay({ today }: Rhythm, since: number): readonly number[] {
  const began = hourOf(since);
  const average = sumOf(today) / (hoursOfDay - began);
  return today.map((count, hour) => (hour < began ? average : count));
}

function mix(usual: readonly number[], day: readonly number[]): readonly number[] {
  const { newShare } = silencePatience;
  return usual.map((count, hour) => round(count * (1 - newShare) + (day[hour] ?? 0) * newShare));
}

/** Three decimals are enough, and keep the record small. */
function round(count: number): number {
  return Math.round(count * 1_000) / 1_000;
}

function hourOf(at: number): number {
  return Math.floor(at / hourMs) % hoursOfDay;
}

function sumOf(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
