import type { Account, Arrival } from "../queue/arrivals.ts";

/** Hears of each webhook of a whole account that was acknowledged. */
export type Arrived = (account: Account, arrival: Arrival) => void;

/** How often one webhook of one account, proven by one key, is written down at most. */
const pauseMs = 1_000;

/**
 * Writes arrivals down, each webhook and key of an account once a second at most, the newest last: a busy account costs no more than a quiet
 * one. Nobody waits for it, and one that cannot be written is made up for by the next.
 */
export function createArrived(note: (account: Account, arrival: Arrival) => Promise<void>): Arrived {
  const waiting = new Map<string, Arrival | undefined>();
  return (account, arrival) => {
    const { adapter, merchant, channel } = account;
    const name = JSON.stringify([adapter, merchant, channel, arrival.webhook, arrival.by]);
    if (waiting.has(name)) {
      waiting.set(name, arrival);
      return;
    }
    waiting.set(name, undefined);
    const write = (one: Arrival): void => {
      note({ adapter, merchant, channel }, one).catch(() => undefined);
      setTimeout(() => {
        const newer = waiting.get(name);
        if (newer === undefined) waiting.delete(name);
        else {
          waiting.set(name, undefined);
          write(newer);
        }
      }, pauseMs).unref();
    };
    write(arrival);
  };
}
