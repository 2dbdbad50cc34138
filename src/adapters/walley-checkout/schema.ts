import { z } from "zod";
import { isoFrom } from "../../lib/time.ts";
import type { Json, KnownPayment } from "../../contract/adapter.ts";

/**
 * What money hangs on, and is read strictly. Everything else is read past where it is missing or something else; unknown fields (names,
 * addresses, national identification numbers, the merchant's own `metadata`) are dropped on reading, so that personal data gets no further
 * than this file. Amounts are decimals in the major unit.
 */
export const decides = [
  "order.id",
  "order.totalAmount",
  "order.currency",
  "order.status",
  "order.invoices",
  "checkout.status",
  // A session names no currency: it is the country's.
  "checkout.countryCode",
  "checkout.purchase",
  "checkout.order.orderId",
  "known",
  "manages",
  "noted",
] as const;

const major = z.number().nonnegative().max(1e12);
/** Walley's ids are GUIDs; anything that could be one of their formats to come, and nothing that bends a path. */
export const idShape: RegExp = /^[\w-]{1,64}$/;
const id = z.string().regex(idShape);
/** A time, a name or a number that cannot be read is left out: none of them decides about money. Walley writes seven digits of a second. */
const time = z.string().transform(isoFrom).nullish().catch(undefined);
const short = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,40}$/)
  .nullish()
  .catch(undefined);
const echo = z.string().max(255).nullish().catch(undefined);
const currency = z
  .string()
  .regex(/^[A-Za-z]{3}$/)
  .toUpperCase();
/** A payment method by Walley's own word: one word of letters. */
const method = z
  .string()
  .regex(/^[A-Z][A-Za-z]{1,39}$/)
  .nullish()
  .catch(undefined);
const guid = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i);
const line = z.object({ unitPrice: z.number(), quantity: z.number() });

/**
 * `data` of `GET /checkouts/{privateId}`. `Aborted` stands on the page about payment links only
 * (https://payments.collectorbank.se/docs/checkout/paylink/getting-started/).
 */
export const checkoutSchema = z.object({
  status: z.enum(["Initialized", "CustomerIdentified", "CommittedToPurchase", "PurchaseCompleted", "Aborted"]),
  countryCode: z
    .string()
    .regex(/^[A-Za-z]{2}$/)
    .toUpperCase()
    .nullish()
    .catch(undefined),
  reference: echo,
  /** Both are null once the purchase is complete. */
  cart: z
    .object({ totalAmount: major.nullish().catch(undefined), items: z.array(line).nullish().catch(undefined) })
    .nullish()
    .catch(undefined),
  fees: z
    .object({ shipping: z.object({ unitPrice: z.number() }).nullish() })
    .nullish()
    .catch(undefined),
  purchase: z
    .object({
      result: z.enum(["Preliminary", "OnHold", "Signing", "Rejected", "Activated", "Completed"]),
      amountToPay: major,
      paymentName: method,
      purchaseIdentifier: short,
    })
    .transform(({ paymentName, ...purchase }) => ({ ...purchase, method: paymentName }))
    .nullish(),
  order: z
    .object({
      // A purchase of nothing has no order.
      orderId: z.union([id, z.literal("").transform(() => undefined)]).nullish(),
      customerToken: guid.nullish().catch(undefined),
    })
    .transform(({ orderId, customerToken }) => ({ orderId, token: customerToken }))
    .nullish(),
});

/** An invoice or a credit note. No page names its fields: its amount is read from what Walley calls amounts elsewhere. */
const invoice = z.object({
  totalAmount: z.number().nullish(),
  amount: z.number().nullish(),
  items: z.array(line).nullish().catch(undefined),
});

/** `data` of `GET /manage/orders/{orderId}`. */
export const orderSchema = z.object({
  id,
  reference: echo,
  paymentMethod: method,
  totalAmount: major,
  currency,
  // OnHold and Rejected are possible during a review (docs/psp/walley.md, d); whatever else there may be is nobody's guess.
  status: z.enum([
    "NotActivated",
    "PartActivated",
    "Activated",
    "Expired",
    "Cancelled",
    "Returned",
    "OnHold",
    "Rejected",
  ]),
  placedAt: time,
  expiresAt: time,
  invoices: z.array(invoice).nullish(),
});

export type Checkout = Readonly<z.infer<typeof checkoutSchema>>;
export type Order = Readonly<z.infer<typeof orderSchema>>;
export type Invoice = Readonly<z.infer<typeof invoice>>;

/** Where both APIs put what was asked for. */
export function envelopeOf<Schema extends z.ZodType>(schema: Schema) {
  return z.object({ data: schema });
}

/** What Walley says now, and what has to be remembered to read it right. */
export interface Snapshot {
  /** The id by which the payment is known: the session's, the order's, or that of the charge of a saved token. */
  readonly reference: string;
  /** What was asked for, where that was a charge's id and its order has been found: the order's takes its place. */
  readonly replaces?: string;
  /** False for an account of the legacy API: what comes after the purchase cannot be asked. */
  readonly manages: boolean;
  readonly checkout: Checkout | null;
  readonly order: Order | null;
  readonly noted: Noted;
  /** What Norce asks for: what a charge is over of which Walley says nothing but how it goes. */
  readonly known: Pick<KnownPayment, "amount" | "currency">;
  readonly storeId?: string;
  /** Absent where the merchant offers no upsell. */
  readonly upsells?: readonly Upsold[];
}

/** What became of a reauthorisation that was not over when Norce was last written; `null` where Walley does not know it. */
export interface Upsold {
  readonly id: string;
  readonly status: string | null;
  /** When an earlier look first found it without an end (ISO 8601). */
  readonly awaitedSince?: string;
}

const noted = z.object({
  /** Why the session need not be read again: it has told all, or Walley no longer has it. */
  checkout: z.enum(["read", "gone"]).optional().catch(undefined),
  orderId: id.optional().catch(undefined),
  /** What the manage API said last: as long as it has said nothing, the order may be on its way. */
  orderStatus: z.string().optional().catch(undefined),
  /** What the purchase is for, in minor units, and its currency. */
  bought: z.int().nonnegative().optional().catch(undefined),
  currency: z.string().optional().catch(undefined),
  /** When the session was first seen open, and since when a complete purchase is not readable to its end. */
  openedAt: z.string().optional().catch(undefined),
  awaitedSince: z.string().optional().catch(undefined),
});

/** What `map` remembered at an earlier look. */
export type Noted = Readonly<z.infer<typeof noted>>;

/** What the last look remembered; anything in it that we cannot have written counts as nothing. */
export function notedIn(memory: Readonly<Record<string, Json>>): Noted {
  return present(noted.parse(memory)) as Noted;
}

/** Without what Walley left out. */
export function present<Value extends Json>(
  facts: Readonly<Record<string, Value | null | undefined>>,
): Record<string, Value> {
  return Object.fromEntries(
    Object.entries(facts).filter((entry): entry is [string, Value] => entry[1] !== undefined && entry[1] !== null),
  );
}
