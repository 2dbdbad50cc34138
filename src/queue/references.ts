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
  /** Whose it is now; `null`: nobody's. */
  holder(adapter: string, what: Claimable): Promise<PaymentKey | null>;
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
      const name = claimName(key.adapter, what);
      const { stored } = await store.putIfAbsent<Owner>("claim", name, ownerOf(key), days * dayMs);
      const holder = holderOf(key.adapter, stored.value);
      return laneId(holder) === laneId(key) ? undefined : { key: holder, version: stored.version };
    },
    async holder(adapter, what) {
      const found = await store.get<Owner>("claim", claimName(adapter, what));
      return found === undefined ? null : holderOf(adapter, found.value);
    },
    takeOver: async (key, what, days, { version }) =>
      (await store.update("claim", claimName(key.adapter, what), version, ownerOf(key), days * dayMs)) !== undefined,
  };
}

/**
 * Names a PSP's account by its settings, and so tells it from others of the adapter: channels that share one share its ids, and a rotated secret
 * makes no other account.
 */
export function pspAccountOf({
  adapter,
  settings,
}: {
  readonly adapter: { readonly secrets: readonly string[] };
  readonly settings: object;
}): string {
  const secret: ReadonlySet<string> = new Set(adapter.secrets);
  const account = Object.entries(settings)
    .filter(([name, value]) => typeof value === "string" && !secret.has(name) && !ours.has(name))
    .toSorted(([one], [other]) => (one < other ? -1 : 1));
  return JSON.stringify(account);
}

/** Settings of a merchant's channel that say nothing of its account at the PSP. */
const ours: ReadonlySet<string> = new Set(["adapterId", "merchantReference", "publishActions", "keyGeneration"]);

/** What is kept of who has a claim; the adapter stands in the record's name. */
type Owner = readonly [merchant: string, channel: string, orderId: string, paymentId: string];

function ownerOf({ merchant, channel, orderId, paymentId }: PaymentKey): Owner {
  return [merchant, channel, orderId, paymentId];
}

function holderOf(adapter: string, [merchant, channel, orderId, paymentId]: Owner): PaymentKey {
  return { adapter, merchant, channel, orderId, paymentId };
}

function claimName(adapter: string, { account, reference }: Claimable): string {
  return hashOf(["claim", adapter, account, reference]);
}

function nameOf(reference: string, { adapter, merchant, channel }: Account): string {
  return hashOf([adapter, merchant, channel, reference]);
}

function keyOf({ adapter, merchant, channel }: Account, [orderId, paymentId]: Ids): PaymentKey {
  return { adapter, merchant, channel, orderId, paymentId };
}
