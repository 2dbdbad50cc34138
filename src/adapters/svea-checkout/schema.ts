import { z } from "zod";
import { WorkerError } from "../../lib/errors.ts";
import { exponentOf } from "../../lib/money.ts";
import type { Json } from "../../contract/adapter.ts";

/**
 * Strict where money hangs on it, loose on the rest: unknown fields (names, addresses, national ids, articles, the
 * iframe's snippet) are dropped on reading, so that personal data gets no further than this file.
 */
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
const time = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/)
  .nullish()
  .transform((value) => instantOf(value))
  .catch(undefined);
const actions = z
  .array(z.string())
  .nullish()
  .transform((list) => (list ?? []).filter((action) => /^Can\w{1,40}$/.test(action)));

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

const row = z.object({ OrderRowId: z.int(), VatPercent: amount.nullish(), Actions: actions });

const delivery = z.object({
  Id: id,
  CreationDate: time,
  DeliveryAmount: amount,
  CreditedAmount: amount,
  /** Negative amounts, without ids. */
  Credits: listOf(z.object({ Amount: z.int(), OrderRows: listOf(z.object({ ArticleNumber: operationId })) })),
  OrderRows: listOf(row),
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

const item = z.object({
  Quantity: z.int(),
  UnitPrice: z.int(),
  DiscountPercent: amount.nullish(),
  DiscountAmount: amount.nullish(),
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
  Cart: z.object({ Items: listOf(item) }).nullish(),
  Recurring: z.boolean().nullish(),
  RecurringToken: z.string().min(1).nullish(),
});

export type Order = Readonly<z.infer<typeof orderSchema>>;
export type Delivery = Order["Deliveries"][number];
export type CheckoutOrder = Readonly<z.infer<typeof checkoutSchema>>;

/** Svea's event for a credit that it had accepted and could not carry out; nothing else tells of it. */
export const creditFailed = "CheckoutOrder.CreditFailed";

/** Why the checkout order need not be read again: read to its end, gone at Svea, or its token never came. */
const checkoutEnds = ["read", "gone", "no-token"] as const;
export type CheckoutEnd = (typeof checkoutEnds)[number];

/** What earlier looks concluded; `map` writes it into the attributes, `fetch` reads it back. */
export interface Noted {
  readonly checkout?: CheckoutEnd;
  /** What the order was for when it was first seen. */
  readonly orderAmount?: number;
  /** `open`: the last look saw Svea's review. `passed`: it saw the end of it. */
  readonly review?: "open" | "passed";
  /** Since when the purchase is known without its money (the core's own note). */
  readonly finalSince?: string;
}

/** What Svea says now. One of the two orders is there, else there is no snapshot. */
export type Snapshot = {
  /** When it was read (ISO 8601): the only clock `map` sees. */
  readonly readAt: string;
  readonly noted: Noted;
} & (
  | { readonly order: Order; readonly checkout: CheckoutOrder | null }
  | { readonly order: null; readonly checkout: CheckoutOrder }
);

/** What we noted in Norce; anything else there counts as nothing. */
export function notedFrom(known: Readonly<Record<string, Json>>): Noted {
  const checkout = checkoutEnds.find((end) => end === known["checkout"]);
  const orderAmount = amount.safeParse(known["orderAmount"]).data;
  const review = (["open", "passed"] as const).find((state) => state === known["review"]);
  const waits = known["phase"] === "confirmed" && known["authorized"] === 0;
  const finalSince = waits ? z.iso.datetime().safeParse(known["since"]).data : undefined;
  return present({ checkout, orderAmount, review, finalSince });
}

/** @throws WorkerError `Unmapped` that names the field and never its value. */
export function parsed<Schema extends z.ZodType>(schema: Schema, body: unknown): z.infer<Schema> {
  const result = schema.safeParse(capitalised(body));
  if (result.success) return withoutUndefined(result.data);
  const [issue] = result.error.issues;
  const field = issue?.path.map(String).join(".") ?? "";
  throw new WorkerError("Unmapped", `svea-checkout sent an order we cannot read: ${field || "body"}`, {
    context: { field, problem: issue?.code },
  });
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

/** A snapshot survives JSON as it is. */
function withoutUndefined<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value)) as Value;
}

function instantOf(value: string | null | undefined): string | undefined {
  if (value === null || value === undefined) return undefined;
  const at = Date.parse(/(Z|[+-]\d\d:\d\d)$/.test(value) ? value : `${value}Z`);
  return Number.isNaN(at) ? undefined : new Date(at).toISOString();
}
