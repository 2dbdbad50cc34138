import type { KeptEvent } from "../../contract/adapter.ts";

/** Oldest first by Adyen's own clock; where that ties or is silent, by key, so that the order of arrival never matters. */
export function inTurn<Event extends Pick<KeptEvent, "key" | "at">>(events: readonly Event[]): readonly Event[] {
  return events.toSorted((left, right) => instantOf(left) - instantOf(right) || (left.key < right.key ? -1 : 1));
}

/** When it happened, in milliseconds; what has no time is older than everything else. */
export function instantOf({ at }: Pick<KeptEvent, "at">): number {
  return at === null ? 0 : Date.parse(at);
}
