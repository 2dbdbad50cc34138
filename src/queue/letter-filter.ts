import type { DeadLetter } from "./jobs.ts";

/** What a letter is about. */
export type LetterSubject = "payment" | "event" | "operation";

/** Which letters: those to which everything applies that is said. Times in milliseconds since the epoch. */
export interface LetterFilter {
  /** In a word, or as the letter says it. */
  readonly reason?: string;
  /** `Refused`, `Unreachable`, … */
  readonly kind?: string;
  readonly about?: LetterSubject;
  readonly adapter?: string;
  readonly merchant?: string;
  readonly channel?: string;
  /** Given up not before. */
  readonly from?: number;
  /** Given up before. */
  readonly to?: number;
  /** These alone. */
  readonly ids?: readonly string[];
}

/** Why a person is needed, in a word: a rule's name, or the kind of the error. */
export function reasonOf({ context, kind }: Pick<DeadLetter, "context" | "kind">): string {
  const word = context?.["reason"];
  return typeof word === "string" ? word : kind;
}

/** A letter with an event that can be placed again is an event's; one that names an event it does not hold is an operation's. */
export function subjectOf({ event, stored }: Pick<DeadLetter, "event" | "stored">): LetterSubject {
  if (stored !== undefined) return "event";
  return event === undefined ? "payment" : "operation";
}

/** Whether a letter is one of those that are meant. */
export function isMeant(filter: LetterFilter, id: string, letter: DeadLetter): boolean {
  const { key, at } = letter;
  const { from = -Infinity, to = Infinity } = filter;
  const said: readonly (readonly [wanted: string | undefined, is: string])[] = [
    [filter.kind, letter.kind],
    [filter.about, subjectOf(letter)],
    [filter.adapter, key.adapter],
    [filter.merchant, key.merchant],
    [filter.channel, key.channel],
  ];
  return (
    said.every(([wanted, is]) => wanted === undefined || wanted === is) &&
    (filter.reason === undefined || [reasonOf(letter), letter.reason].includes(filter.reason)) &&
    at >= from &&
    at < to &&
    (filter.ids === undefined || filter.ids.includes(id))
  );
}
