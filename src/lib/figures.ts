import type { Meters } from "./meters.ts";

/** Who scrapes more often gets the same figures. */
const freshMs = 1_000;

/**
 * What `/metrics` shows, wherever it is asked for: made anew at most once a second, because making it asks the queue.
 * @param now milliseconds since the epoch.
 */
export function figuresOf(meters: Pick<Meters, "text">, now: () => number): () => Promise<string> {
  let made: { readonly at: number; readonly text: Promise<string> } | undefined;
  return async () => {
    if (made === undefined || now() - made.at >= freshMs || now() < made.at) made = { at: now(), text: meters.text() };
    return await made.text;
  };
}
