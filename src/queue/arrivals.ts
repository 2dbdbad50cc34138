import type { Target } from "../contract/adapter.ts";
import { hashOf } from "./names.ts";
import type { Store } from "./store.ts";

/** Whose webhooks: one merchant's channel at one PSP. */
export type Account = Pick<Target, "adapter" | "merchant" | "channel">;

/** That a webhook of the whole account came and was acknowledged. */
export interface Arrival {
  readonly webhook: string;
  /** The fingerprint of the secret that proved it; absent where nothing did. */
  readonly by?: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** When account-level webhooks last came, of each key that proves them: also those that hold no event, such as a PSP's test. */
export interface Arrivals {
  /** The newest of each webhook and key stands for ninety days. */
  note(account: Account, arrival: Arrival): Promise<void>;
  list(account: Account): Promise<readonly Arrival[]>;
}

const keptMs = 90 * 24 * 3_600_000;
/** Webhooks and keys of one account are few. */
const most = 100;

/** The arrivals on one engine. */
export function createArrivals(store: Store): Arrivals {
  type Written = Arrival & Record<string, never>;
  const prefixOf = ({ adapter, merchant, channel }: Account): string =>
    hashOf([adapter, merchant, channel]).slice(0, 22);
  return {
    note: async (account, arrival) =>
      await store.put(
        "arrival",
        `${prefixOf(account)}.${hashOf([arrival.webhook, arrival.by]).slice(0, 16)}`,
        arrival as Written,
        keptMs,
      ),
    async list(account) {
      const { records } = await store.list<Written>("arrival", { limit: most, prefix: prefixOf(account) });
      return records.map(({ value }) => value);
    },
  };
}
