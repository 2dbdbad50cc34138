import { z } from "zod";
import { exponentOf } from "../../lib/money.ts";
import { utcTime } from "../../lib/said-time.ts";
import type { Json } from "../../contract/adapter.ts";

/**
 * What money, or that nothing is shipped before its time, hangs on, and is read strictly. Everything else is read past where it is missing or
 * something else; unknown fields (names, addresses, national ids, articles, the iframe's snippet) are dropped on reading, so that personal data
 * gets no further than this file.
 */
export const decides = [
  "order.Id",
  "order.Currency",
  "order.OrderStatus",
  "order.OrderAmount",
  "order.CancelledAmount",
  "order.Deliveries.*.Id",
  "order.Deliveries.*.DeliveryAmount",
  "order.Deliveries.*.CreditedAmount",
  "order.Actions",
  "order.PaymentType",
  "checkout.OrderId",
  "checkout.Status",
  "checkout.Currency",
  "checkout.PaymentType",
  "checkout.Cart",
  "noted",
] as const;

const amount = z.int().nonnegative();
/** Svea's ids are int64. */
const id = z.union([z.int().positive(), z.string().regex(/^[1-9]\d{0,18}$/)]).transform(String);
/** Svea counts in hundredths: where those are not the currency's minor unit, every amount would be another one. */
const currency = z
  .string()
  .regex(/^[A-Za-z]{3}$/)
  .toUpperCase()
  .refine((code) => exponentOf(code) === 2);
const text = z.string().max(255).nullish().catch(undefined);
const word = z
  .string()
  .regex(/^\w{1,40}$/)
  .nullish()
  .catch(undefined)
  .transform((value) => value ?? undefined);
/**
 * Svea writes times without a zone. `ExpirationDate` falls on midnight in Sweden when it is read as UTC (docs/psp/svea.md,
 * h).
 */
const time = utcTime;
const actions = z
  .array(z.unknown())
  .nullish()
  .catch(undefined)
  .transform((list) =>
    (list ?? []).filter((action): action is string => typeof action === "string" && /^Can\w{1,40}$/.test(action)),
  );

function listOf<Item extends z.ZodType>(item: Item) {
  return z
    .array(item)
    .nullish()
    .transform((list): readonly z.output<Item>[] => list ?? []);
}

/**
 * An operation's id, which we send along as the article of a row that is given back; articles of the shop's own are
 * dropped.
 */
const operationId = z
  .string()
  .regex(/^[\w-]{36}$/)
  .nullish()
  .catch(undefined)
  .transform((value) => value ?? undefined);

/** A row of a delivery: what cannot be read of it can be neither sent back nor taxed. */
const row = z.object({
  OrderRowId: z.int().optional().catch(undefined),
  /** Hundredths of a percent: 25.5 is no such number. */
  VatPercent: amount.optional().catch(undefined),
  Actions: actions,
});

const delivery = z.object({
  Id: id,
  CreationDate: time,
  DeliveryAmount: amount,
  /** Svea leaves out sums as it leaves out lists (docs/psp/svea.md, i). */
  CreditedAmount: amount.nullish().transform((value) => value ?? 0),
  /** Without ids. */
  Credits: listOf(z.object({ OrderRows: listOf(z.object({ ArticleNumber: operationId })) })).catch([]),
  /** Absent where not every row can be read. */
  OrderRows: listOf(row).optional().catch(undefined),
  Actions: actions,
});

/**
 * `GET /api/v1/orders/{id}` of Payment Admin: where the money is.
 * https://docs.payments.svea.com/docs/manage-order/getting_order_information
 */
export const orderSchema = z.object({
  Id: id,
  Currency: currency,
  MerchantOrderId: text,
  // `Expired` stands in Svea's own library (OrderStatus.cs), not on the page.
  OrderStatus: z.enum(["Open", "Delivered", "Cancelled", "Failed", "Processing", "Expired"]),
  PaymentType: word,
  CreationDate: time,
  ExpirationDate: time,
  OrderAmount: amount,
  CancelledAmount: amount.nullish().transform((value) => value ?? 0),
  Deliveries: listOf(delivery),
  Actions: actions,
});

const number = z.number().min(-1e12).max(1e12);
const item = z.object({
  Quantity: number,
  UnitPrice: number,
  DiscountPercent: number.nullish(),
  DiscountAmount: number.nullish(),
});

/**
 * `GET /api/orders/{id}` of the Checkout API: the phase before the purchase, and the only home of the recurring token.
 */
export const checkoutSchema = z.object({
  OrderId: id,
  ClientOrderNumber: text,
  Status: z.enum(["Created", "Cancelled", "Final"]),
  Currency: currency,
  CountryCode: word,
  PaymentType: word,
  /** Absent where not every row can be read: then the purchase is for what Payment Admin says. */
  Cart: z
    .object({ Items: listOf(item) })
    .nullish()
    .catch(undefined),
  Recurring: z.boolean().nullish().catch(undefined),
  RecurringToken: z.string().min(1).nullish().catch(undefined),
});

export type Order = Readonly<z.infer<typeof orderSchema>>;
export type Delivery = Order["Deliveries"][number];
export type CheckoutOrder = Readonly<z.infer<typeof checkoutSchema>>;

/** Svea's event for a credit that it had accepted and could not carry out; nothing else tells of it. */
export const creditFailed = "CheckoutOrder.CreditFailed";

/** Why the checkout order need not be read again: read to its end, gone at Svea, or its token never came. */
const checkoutEnds = ["read", "gone", "no-token"] as const;
export type CheckoutEnd = (typeof checkoutEnds)[number];

/** What earlier looks at the same order concluded: `map` remembers it, `fetch` reads it back. */
export interface Noted {
  readonly checkout?: CheckoutEnd | undefined;
  /** What the order was for when it was first seen. */
  readonly orderAmount?: number | undefined;
  /** `open`: the last look saw Svea's review. `passed`: it saw the end of it. */
  readonly review?: "open" | "passed" | undefined;
  /** Since when the purchase is known without its money, ISO 8601. */
  readonly finalSince?: string | undefined;
}

/** What Svea says now. One of the two orders is there, else there is no snapshot. */
export type Snapshot = { readonly noted: Noted } & (
  | { readonly order: Order; readonly checkout: CheckoutOrder | null }
  | { readonly order: null; readonly checkout: CheckoutOrder }
);

const notedSchema = z.object({
  checkout: z.enum(checkoutEnds).optional().catch(undefined),
  orderAmount: amount.optional().catch(undefined),
  review: z.enum(["open", "passed"]).optional().catch(undefined),
  finalSince: z.iso.datetime().optional().catch(undefined),
});

/** What is remembered of this order; what is remembered of another one (the shopper paid in a second session) counts as nothing. */
export function notedFrom(memory: Readonly<Record<string, Json>>, orderId: string): Noted {
  return memory["orderId"] === orderId ? present(notedSchema.parse(memory)) : {};
}

/** Svea's endpoints do not agree on the first letter of a key (docs/psp/svea.md, d): the capital one is what stands here. */
export function capitalised(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((inner) => capitalised(inner));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([name, inner]) => [name, capitalised(inner)] as const);
  const others = entries.map(([name, inner]) => [name.charAt(0).toUpperCase() + name.slice(1), inner] as const);
  return Object.fromEntries([...others, ...entries]);
}

/** Without what is left out. */
export function present<Facts extends Readonly<Record<string, unknown>>>(
  facts: Facts,
): { [Name in keyof Facts]?: Exclude<Facts[Name], undefined> } {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as never;
}
