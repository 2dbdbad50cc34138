import { z } from "zod";
import { isObject } from "../../lib/json.ts";
import { readAs } from "../../lib/read.ts";
import { utcTime } from "../../lib/said-time.ts";
import { isoFrom } from "../../lib/time.ts";
import { cardBrands, checkoutStatuses, fieldOf, idOf, transactionStatuses, transactionTypes, wordOf } from "./wire.ts";

/** The fields of a snapshot on which money, or how far the purchase came, hangs: read strictly. */
export const decides = [
  "order.OrderId",
  "order.Currency",
  "order.PaymentTransactions",
  "checkout.OrderId",
  "checkout.Currency",
  "checkout.TotalPrice",
  // Called so in Qliro's answer.
  "checkout.CustomerCheckoutStatus",
  "checkout.CheckoutStatus",
  "noted",
] as const;

/**
 * Everything else is read past where it is missing or something else. What is not named here (names, addresses, personal numbers, the HTML snippet with its
 * session) is dropped on reading, so that personal data gets no further than this file. Field names are Qliro's where they can be.
 */

/** int64 as text. */
export const id = z.string().regex(/^\d{1,19}$/);
const idOrNone = id.nullish().catch(undefined);
const currency = z
  .string()
  .regex(/^[A-Za-z]{3}$/)
  .toUpperCase();
/** Major units. */
const amount = z.number().nonnegative().max(1e12);
/** A code, never a sentence: what does not look like one is left out. */
const code = z
  .string()
  .regex(/^[A-Z0-9_.]{1,64}$/)
  .optional()
  .catch(undefined);
/** Qliro says no zone; UTC is assumed (inferred). A time that cannot be read is left out: none of them decides about money. */
const time = utcTime;
const reference = z.string().max(64).nullish().catch(undefined);
/** What a merchant chose: an upsell's id. */
export const upsellIdShape = /^[\w.:-]{1,64}$/;

/** Our ids, where whoever created the order put them into its metadata. */
const echoes = z.array(z.string()).default([]);

const upsell = z.object({ EligibleForUpsell: z.boolean(), EligibleForUpsellUntil: time }).optional();

const transaction = z
  .object({
    PaymentTransactionId: id,
    OriginalPaymentTransactionId: idOrNone,
    Type: z.enum(transactionTypes),
    Status: z.enum(transactionStatuses),
    Amount: z.number().min(-1e12).max(1e12),
    Currency: currency.nullish(),
    Timestamp: time,
    Method: code,
    ErrorCode: code,
    ProviderResultCode: code,
  })
  // An invoice is changed by items that are added to it or taken from it, discounts above all; it is in no sum.
  // https://developers.qliro.com/docs/qliro-checkout/order-management/get-payment-transaction-1
  .refine(({ Type, Amount }) => Amount >= 0 || Type === "UpdateInvoice", { path: ["Amount"] });

/** What was done to a line of the order, by the transaction that did it. Words are read where lines are needed (items.ts). */
const lineAction = z.object({
  ActionType: z.string(),
  MerchantReference: z.string().min(1).max(200),
  ItemType: z.string(),
  Quantity: z.int().positive(),
  PricePerItemIncVat: z.number().min(-1e12).max(1e12),
  PaymentTransactionId: idOrNone,
});

/** `GET /checkout/adminapi/v2/orders/{id}`: the ledger. It knows no total and no status of its own. */
export const orderSchema = z.object({
  OrderId: id,
  MerchantReference: reference,
  Currency: currency,
  PaymentTransactions: z.array(transaction),
  /** Absent where they cannot be read: then nothing can be captured or refunded by lines, and money is what it is. */
  OrderItemActions: z.array(lineAction).optional().catch(undefined),
  Echoes: echoes,
  Upsell: upsell,
});

const card = z
  .object({
    Id: z.string().regex(/^[A-Za-z0-9-]{1,64}$/),
    Brand: z
      .string()
      .regex(/^[A-Z ]{1,20}$/)
      .optional()
      .catch(undefined),
    ExpiryYear: z.int().min(0).max(9999).optional().catch(undefined),
    ExpiryMonth: z.int().min(1).max(12).optional().catch(undefined),
    Bin: z
      .string()
      .regex(/^\d{4,8}$/)
      .optional()
      .catch(undefined),
    Last4Digits: z
      .string()
      .regex(/^\d{4}$/)
      .optional()
      .catch(undefined),
    MaskedNumber: z
      .string()
      .regex(/^[\dXx*\u2022 ]{4,30}$/)
      .optional()
      .catch(undefined),
  })
  .nullish()
  .catch(undefined);

/** Where the shopper is, as the merchant API says it. */
export const statusSchema = z.object({ CustomerCheckoutStatus: z.enum(checkoutStatuses).nullish() });

/** `GET /checkout/merchantapi/Orders/{id}`: the checkout session, what it was for, and the saved card. */
export const checkoutSchema = z.object({
  OrderId: id,
  MerchantReference: reference,
  Currency: currency,
  TotalPrice: amount,
  /** Qliro's `CustomerCheckoutStatus`. */
  CheckoutStatus: z.enum(checkoutStatuses).nullish(),
  Method: code,
  Echoes: echoes,
  Upsell: upsell,
  /** Which transaction an upsell's lines were bought by. */
  Upsold: z.array(z.object({ UpsellId: z.string().regex(upsellIdShape), PaymentTransactionId: id })),
  Card: card,
});

export type Transaction = Readonly<z.infer<typeof transaction>>;
export type LineAction = Readonly<z.infer<typeof lineAction>>;
export type Order = Readonly<z.infer<typeof orderSchema>>;
export type Checkout = Readonly<z.infer<typeof checkoutSchema>>;
export type CheckoutStatus = (typeof checkoutStatuses)[number];

/** The ledger in an answer of the admin API. @throws WorkerError `Unmapped` */
export function orderFrom(body: unknown): Order {
  const of = reader(body);
  const transactions = of("PaymentTransactions") ?? [];
  return readAs(orderSchema, orderText(of, transactions), "Qliro's order");
}

function orderText(of: Reader, transactions: unknown): Readonly<Record<string, unknown>> {
  return {
    ...identityFrom(of),
    Currency: of("Currency") ?? reader(listOf(transactions)[0])("Currency"),
    PaymentTransactions: transactionsFrom(transactions),
    OrderItemActions: listOf(of("OrderItemActions")).map(lineFrom),
    Echoes: echoesFrom(of("MerchantProvidedMetadata")),
    Upsell: upsellFrom(of("Upsell")),
  };
}

/** The checkout session in an answer of the merchant API. @throws WorkerError `Unmapped` */
export function checkoutFrom(body: unknown): Checkout {
  const of = reader(body);
  const said = wordOf(checkoutStatuses, of("CustomerCheckoutStatus"));
  const session = {
    ...identityFrom(of),
    TotalPrice: of("TotalPrice"),
    CheckoutStatus: readAs(statusSchema, { CustomerCheckoutStatus: said }, "Qliro's checkout order")
      .CustomerCheckoutStatus,
    Method: optional(reader(of("PaymentMethod"))("PaymentMethodName")),
    Echoes: echoesFrom(of("MerchantProvidedMetadata")),
    Upsell: upsellFrom(of("Upsell")),
    Upsold: listOf(of("OrderItems")).flatMap(upsoldFrom),
    Card: cardFrom(of("MerchantSavedCreditCard")),
  };
  return readAs(checkoutSchema, session, "Qliro's checkout order");
}

type Reader = (name: string) => unknown;

/** Reads fields whatever their casing; of what is no object, none. */
function reader(value: unknown): Reader {
  return (name) => (isObject(value) ? fieldOf(value, name) : undefined);
}

function identityFrom(of: Reader): Readonly<Record<string, unknown>> {
  return { OrderId: idOf(of("OrderId")), MerchantReference: of("MerchantReference"), Currency: of("Currency") };
}

/** What is no list stays what it is, so that it is seen to be none: money hangs on it. */
function transactionsFrom(value: unknown): unknown {
  return Array.isArray(value) ? value.map(transactionFrom) : value;
}

function transactionFrom(entry: unknown): Readonly<Record<string, unknown>> {
  const of = reader(entry);
  return {
    PaymentTransactionId: idOf(of("PaymentTransactionId")),
    OriginalPaymentTransactionId: idOf(of("OriginalPaymentTransactionId")),
    Type: wordOf(transactionTypes, of("Type")),
    Status: wordOf(transactionStatuses, of("Status")),
    Amount: of("Amount"),
    Currency: of("Currency"),
    Timestamp: of("Timestamp"),
    Method: optional(of("PaymentMethodName")),
    ErrorCode: optional(of("ErrorCode")),
    ProviderResultCode: optional(of("ProviderResultCode")),
  };
}

function lineFrom(entry: unknown): Readonly<Record<string, unknown>> {
  const of = reader(entry);
  const text = (value: unknown): unknown => (typeof value === "number" ? String(value) : value);
  return {
    ActionType: text(of("ActionType")),
    MerchantReference: of("MerchantReference"),
    ItemType: text(of("Type")),
    Quantity: of("Quantity"),
    PricePerItemIncVat: of("PricePerItemIncVat"),
    PaymentTransactionId: idOf(of("PaymentTransactionId")),
  };
}

function upsellFrom(value: unknown): unknown {
  const of = reader(value);
  if (!isObject(value)) return undefined;
  const said = optional(of("EligibleForUpsellUntil"));
  const EligibleForUpsellUntil = isoFrom(said);
  // An end that cannot be read offers nothing.
  const isReadable = said === undefined || EligibleForUpsellUntil !== undefined;
  return { EligibleForUpsell: of("EligibleForUpsell") === true && isReadable, EligibleForUpsellUntil };
}

function upsoldFrom(item: unknown): unknown[] {
  const of = reader(item);
  const found = { UpsellId: of("UpsellId"), PaymentTransactionId: idOf(of("PaymentTransactionId")) };
  return checkoutSchema.shape.Upsold.element.safeParse(found).success ? [found] : [];
}

function cardFrom(value: unknown): unknown {
  const of = reader(value);
  if (!isObject(value)) return undefined;
  return {
    Id: of("Id"),
    Brand: wordOf(cardBrands, of("BrandName")),
    ExpiryYear: numberFrom(of("ExpiryYear")),
    ExpiryMonth: numberFrom(of("ExpiryMonth")),
    Bin: digitsFrom(of("Bin"), 6),
    Last4Digits: digitsFrom(of("Last4Digits"), 4),
    MaskedNumber: of("MaskedNumber"),
  };
}

/** Digits that came as text. */
function numberFrom(value: unknown): unknown {
  return typeof value === "string" && /^\d{1,4}$/.test(value) ? Number(value) : value;
}

/** Digits that came as a number, which has lost the zeros before them. */
function digitsFrom(value: unknown, length: number): unknown {
  return typeof value === "number" ? String(value).padStart(length, "0") : value;
}

/** The metadata under the names that whoever creates the order is asked to use. */
function echoesFrom(value: unknown): string[] {
  return listOf(value).flatMap((entry) => {
    const of = reader(entry);
    const [key, echo] = [of("Key"), of("Value")];
    const ours = typeof key === "string" && /^(payment|order)id$/i.test(key);
    return ours && typeof echo === "string" && /^[\w:-]{1,100}$/.test(echo) ? [echo] : [];
  });
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function optional(value: unknown): unknown {
  return value ?? undefined;
}

/** Without what is left out. */
export function present<Value extends object>(facts: Value): { [Key in keyof Value]: Exclude<Value[Key], undefined> } {
  return Object.fromEntries(
    Object.entries(facts).filter(([, value]) => value !== undefined && value !== null),
  ) as never;
}
