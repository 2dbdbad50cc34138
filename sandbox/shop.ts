import type { Minor, PaymentKey } from "../src/contract/adapter.ts";
import type { Adapters } from "../src/adapters/registry.ts";
import { majorFromMinor } from "../src/lib/money.ts";
import { callbackUrlsOf, askForLook, type ServiceAddress } from "./callbacks.ts";
import type { History } from "./history.ts";
import type { SandboxNorce } from "./norce.ts";
import type { SandboxPsp } from "./psp.ts";
import { demoMerchant, kinds, orderOf, type PurchaseKind, totalOf } from "./purchases.ts";

/** One purchase of the demo. */
export interface Purchase {
  readonly key: PaymentKey;
  /** The PSP's id of it. */
  readonly reference: string;
  readonly kind: PurchaseKind;
  /** What it shows, for people. */
  readonly title: string;
  readonly amount: Minor;
  readonly currency: string;
}

export interface PurchaseOptions {
  /** Adapter folder; the first that has a simulator where it is left out. */
  readonly adapter?: string;
  readonly title?: string;
  /** Leaves the payment's `reference` empty, so that the first webhook has to bind it. */
  readonly unbound?: boolean;
}

/** What the merchant's systems do in real life: the storefront creates orders and PSP sessions, the back office asks for looks. */
export interface Shop {
  /** Newest first. */
  purchases(): readonly Purchase[];
  find(paymentId: string): Purchase | undefined;
  /** A shopper opens the checkout: an order and a payment in Norce, a session at the PSP with our signed callback URLs. */
  startPurchase(kind: PurchaseKind, options?: PurchaseOptions): Purchase;
  /** The shopper, or somebody in the PSP's portal, does something. @throws Error when it is not possible now. */
  act(purchase: Purchase, action: string, amount?: Minor): void;
  /** Asks the service to look at the payment now (its `refresh` operation). @throws Error where it does not take it. */
  look(purchase: Purchase): Promise<void>;
}

/** What the shop buys and sells with. */
export interface ShopParts {
  readonly norce: SandboxNorce;
  readonly psp: SandboxPsp;
  readonly history: History;
  readonly adapters: Adapters;
  readonly service: ServiceAddress;
  readonly now: () => number;
}

/** Norce's way of saying "no ceiling": the largest 32-bit integer (docs/norce.md, 2.5). */
const noCeiling = 2_147_483_647;
const maxPurchases = 1_000;
/** Where the storefront notes in a payment's attributes what the purchase shows. */
export const titleKey = "demo";

/** `payment.adapterId` of the demo's payments. */
export function adapterIdOf(adapter: string): string {
  return `${demoMerchant}_${adapter.replaceAll("-", "_")}_adapter`;
}

/** The demo's shop. */
export function createShop({ norce, psp, history, adapters, service }: ShopParts): Shop {
  const purchases = new Map<string, Purchase>();
  let number = 0;

  return {
    purchases: () => [...purchases.values()].toReversed(),
    find: (paymentId) => purchases.get(paymentId),

    startPurchase(kind, options = {}) {
      const folder = options.adapter ?? psp.adapters[0] ?? "";
      const adapter = adapters.get(folder);
      if (adapter === undefined) throw new Error(`there is no adapter ${folder} with a simulator`);
      const { channel, currency, recurring, title } = kinds[kind];
      const amount = totalOf(kind);
      number += 1;
      const orderId = norce.createOrder({ merchant: demoMerchant, channel, order: orderOf(kind, number) });
      const paymentId = norce.addPayment(orderId, {
        adapterId: adapterIdOf(folder),
        name: adapter.title,
        type: "default",
        currency,
        amount: majorFromMinor(amount, currency),
        upperLimitAmount: noCeiling,
        state: "intent",
        attributes: { [titleKey]: options.title ?? title },
      });
      const key = { adapter: folder, merchant: demoMerchant, channel, orderId, paymentId };
      const callbackUrls = callbackUrlsOf(service, adapter, key);
      const reference = psp.open(folder, { orderId, paymentId, amount, currency, callbackUrls, recurring });
      if (options.unbound !== true) norce.edit(orderId, paymentId, (payment) => ({ ...payment, reference }));
      const purchase = { key, reference, kind, title: options.title ?? title, amount, currency };
      purchases.set(paymentId, purchase);
      for (const oldest of purchases.keys()) {
        if (purchases.size <= maxPurchases) break;
        purchases.delete(oldest);
      }
      return purchase;
    },

    act({ key, reference }, action, amount) {
      psp.act(key.adapter, reference, action, amount);
      history.add(key.paymentId, { kind: "action", name: action });
    },

    async look({ key }) {
      history.add(key.paymentId, { kind: "look" });
      await askForLook(service, key);
    },
  };
}
