import type { PaymentKey, Target } from "../contract/adapter.ts";
import { hashOf } from "./names.ts";
import type { Store } from "./store.ts";

type Account = Pick<Target, "adapter" | "merchant" | "channel">;
/** What is kept of a payment: merchant, channel and adapter stand in the record's name. */
type Ids = readonly [orderId: string, paymentId: string];

const dayMs = 24 * 3_600_000;

/** Which payment a PSP's id belongs to: for account-level events that carry nothing else. Any number of ids lead to one payment. */
export interface References {
  put(key: PaymentKey, reference: string, days: number): Promise<void>;
  get(reference: string, account: Target): Promise<PaymentKey | null>;
}

/** A claim that somebody else has made. */
export interface Holder {
  readonly key: PaymentKey;
  readonly version: string;
}

/** A reference belongs to one payment of an account at the PSP, whoever came first. */
export interface Claims {
  /** `undefined`: it is this payment's, now or already. Else who has it. */
  claim(key: PaymentKey, reference: string, days: number): Promise<Holder | undefined>;
  /** Takes it from a holder who gives way; `false` where that is no longer the holder. */
  takeOver(key: PaymentKey, reference: string, days: number, from: Holder): Promise<boolean>;
}

/** The references on one engine. */
export function createReferences(store: Store): References {
  return {
    put: async (key, reference, days) =>
      await store.put("reference", nameOf(reference, key), [key.orderId, key.paymentId], days * dayMs),
    async get(reference, account) {
      const found = await store.get<Ids>("reference", nameOf(reference, account));
      return found === undefined ? null : keyOf(account, found.value);
    },
  };
}

/** The claims on one engine. */
export function createClaims(store: Store): Claims {
  return {
    async claim(key, reference, days) {
      const ids: Ids = [key.orderId, key.paymentId];
      const { stored } = await store.putIfAbsent<Ids>("claim", nameOf(reference, key), ids, days * dayMs);
      const [orderId, paymentId] = stored.value;
      if (orderId === key.orderId && paymentId === key.paymentId) return undefined;
      return { key: keyOf(key, stored.value), version: stored.version };
    },
    takeOver: async (key, reference, days, { version }) =>
      (await store.update("claim", nameOf(reference, key), version, [key.orderId, key.paymentId], days * dayMs)) !==
      undefined,
  };
}

function nameOf(reference: string, { adapter, merchant, channel }: Account): string {
  return hashOf([adapter, merchant, channel, reference]);
}

function keyOf({ adapter, merchant, channel }: Account, [orderId, paymentId]: Ids): PaymentKey {
  return { adapter, merchant, channel, orderId, paymentId };
}
