import { majorFromMinor, type Minor } from "../src/lib/money.ts";
import type { Document } from "./norce-rules.ts";

/** What can be bought in the demo. */
export const purchaseKinds = ["home", "travel", "subscription"] as const;
export type PurchaseKind = (typeof purchaseKinds)[number];

interface Item {
  readonly name: string;
  readonly sku: string;
  readonly quantity: number;
  /** Minor units, VAT included. */
  readonly price: Minor;
}

interface Kind {
  /** For people. */
  readonly title: string;
  /** Norce's channel, one per market. */
  readonly channel: "se" | "fi";
  readonly currency: "SEK" | "EUR";
  readonly culture: string;
  readonly country: string;
  readonly recurring: boolean;
  readonly items: readonly Item[];
}

/** The demo's merchant: Norce's `x-merchant`. */
export const demoMerchant = "demo";
/** Its channels: Norce's `x-channel`. */
export const demoChannels = ["se", "fi"] as const;

/** What can be bought, by kind. */
export const kinds: Readonly<Record<PurchaseKind, Kind>> = {
  home: {
    title: "Things for the home",
    channel: "se",
    currency: "SEK",
    culture: "sv-SE",
    country: "SE",
    recurring: false,
    items: [
      { name: "Pendant lamp, brass", sku: "LAMP-21", quantity: 1, price: 74_900 },
      { name: "Linen tea towel", sku: "TOWEL-4", quantity: 3, price: 8_950 },
      { name: "Coffee, 500 g", sku: "COFFEE-500", quantity: 2, price: 6_552 },
    ],
  },
  travel: {
    title: "A weekend bag, in euro",
    channel: "fi",
    currency: "EUR",
    culture: "fi-FI",
    country: "FI",
    recurring: false,
    items: [
      { name: "Weekend bag, canvas", sku: "BAG-7", quantity: 1, price: 11_900 },
      { name: "Luggage tag", sku: "TAG-1", quantity: 2, price: 990 },
    ],
  },
  subscription: {
    title: "A coffee subscription",
    channel: "se",
    currency: "SEK",
    culture: "sv-SE",
    country: "SE",
    recurring: true,
    items: [
      { name: "Coffee of the month", sku: "SUB-COFFEE", quantity: 1, price: 18_900 },
      { name: "Paper filters", sku: "FILTER-100", quantity: 2, price: 3_450 },
    ],
  },
};

const vatRate = 0.25;
const names = [
  ["Testa", "Provsson"],
  ["Exempla", "Påhittad"],
  ["Fiktiv", "Demosson"],
  ["Låtsas", "Kund"],
];

/** What the basket costs, in minor units. */
export function totalOf(kind: PurchaseKind): Minor {
  return kinds[kind].items.reduce((sum, { quantity, price }) => sum + quantity * price, 0);
}

/** A Norce order with this kind's basket and a customer who is obviously nobody. @param number tells customers apart. */
export function orderOf(kind: PurchaseKind, number: number): Document {
  const { currency, culture, country, items } = kinds[kind];
  const amounts = (minor: Minor): Document => ({
    includingVat: majorFromMinor(minor, currency),
    excludingVat: majorFromMinor(Math.round(minor / (1 + vatRate)), currency),
  });
  const [givenName = "", familyName = ""] = names[number % names.length] ?? [];
  const address = {
    givenName,
    familyName,
    streetAddress: "Exempelgatan 1",
    postalCode: "000 00",
    city: "Exempelstad",
    country,
    email: `customer-${number}@example.invalid`,
    type: "person",
  };
  const total = amounts(totalOf(kind));
  return {
    reference: `DEMO-${1000 + number}`,
    culture,
    currency,
    country,
    cart: {
      reference: `cart-${1000 + number}`,
      items: items.map(({ name, sku, quantity, price }, index) => ({
        id: `c${index + 1}`,
        reference: sku,
        name,
        sku,
        quantity,
        unit: "pcs",
        price: amounts(price),
        total: amounts(price * quantity),
        vatRate,
      })),
      discounts: [],
      total,
    },
    customer: { type: "person", billing: address, shipping: address },
    consents: [],
    total,
  };
}
