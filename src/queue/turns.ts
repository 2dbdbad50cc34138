import type { PaymentKey } from "../contract/adapter.ts";
import { isProven } from "./locks.ts";
import { laneId } from "./names.ts";
import type { Store } from "./store.ts";

/** Longer than the longest operation runs: half a minute until it sends nothing more, and what it writes down afterwards. */
const turnMs = 90_000;

/** An operation's turn at its payment. It ends by itself, should its holder die. */
export interface Turn {
  /** Asks the engine whether the turn is still this holder's, and lets it live on. */
  isMine(): Promise<boolean>;
  /** Keeps it while the operation waits, so that nothing else moves the sums by which its outcome is found; `false`: it was lost. */
  keep(forMs: number): Promise<boolean>;
  /** Only this holder's: what somebody else holds by now stays. */
  end(): Promise<void>;
}

/**
 * Lets at most one operation of a payment run; `undefined` while another one does. An operation that kept its turn while it waited takes it
 * up again, and whoever held it for the same operation before holds it no more.
 */
export type TakeTurn = (key: PaymentKey, operationId: string) => Promise<Turn | undefined>;

/** The turns on one engine. */
export function createTurns(store: Store): TakeTurn {
  return async (key, operationId) => {
    const name = `turn-${laneId(key)}`;
    const { mine, stored } = await store.putIfAbsent("lock", name, operationId, turnMs);
    if (!mine && stored.value !== operationId) return undefined;
    const version = mine ? stored.version : await store.update("lock", name, stored.version, operationId, turnMs);
    if (version === undefined) return undefined;
    return {
      isMine: async () => await isProven(async () => await store.extend("lock", name, version, turnMs), turnMs),
      keep: async (forMs) => await store.extend("lock", name, version, forMs + turnMs),
      async end() {
        await store.remove("lock", name, version);
      },
    };
  };
}
