import type { PaymentKey, Target } from "../contract/adapter.ts";
import { hashOf, laneId } from "./names.ts";
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

/** A PSP's id within one of its accounts, which several channels may share. */
export interface Claimable {
  /** What tells the account from others of the same adapter. */
  readonly account: string;
  readonly reference: string;
}

/** A reference belongs to one payment of an account at the PSP, whoever came first. */
export interface Claims {
  /** `undefined`: it is this payment's, now or already. Else who has it. */
  claim(key: PaymentKey, what: Claimable, days: number): Promise<Holder | undefined>;
  /** Takes it from a holder who gives way; `false` where that is no longer the holder. */
  takeOver(key: PaymentKey, what: Claimable, days: number, from: Holder): Promise<boolean>;
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
    async claim(key, what, days) {
      const { stored } = await store.putIfAbsent<Owner>("claim", claimName(key, what), ownerOf(key), days * dayMs);
      const [merchant, channel, orderId, paymentId] = stored.value;
      const holder = { adapter: key.adapter, merchant, channel, orderId, paymentId };
      return laneId(holder) === laneId(key) ? undefined : { key: holder, version: stored.version };
    },
    takeOver: async (key, what, days, { version }) =>
      (await store.update("claim", claimName(key, what), version, ownerOf(key), days * dayMs)) !== undefined,
  };
}

/** What is kept of who has a claim; the adapter stands in the record's name. */
type Owner = readonly [merchant: string, channel: string, orderId: string, paymentId: string];

function ownerOf({ merchant, channel, orderId, paymentId }: PaymentKey): Owner {
  return [merchant, channel, orderId, paymentId];
}

function claimName({ adapter }: PaymentKey, { account, reference }: Claimable): string {
  return hashOf(["claim", adapter, account, reference]);
}

function nameOf(reference: string, { adapter, merchant, channel }: Account): string {
  return hashOf([adapter, merchant, channel, reference]);
}

function keyOf({ adapter, merchant, channel }: Account, [orderId, paymentId]: Ids): PaymentKey {
  return { adapter, merchant, channel, orderId, paymentId };
}
