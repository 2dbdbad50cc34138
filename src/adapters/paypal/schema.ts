import { z } from "zod";
import { WorkerError } from "../../lib/errors.ts";
import { saidTime } from "../../lib/said-time.ts";
import type { Json } from "../../contract/adapter.ts";

/**
 * What money hangs on, and is read strictly. Everything else is read past where it is missing or something else; unknown fields (payer,
 * addresses, items, e-mail) are dropped on reading, so that personal data gets no further than this file.
 */
export const decides = [
  "order.id",
  // Needed only where nothing is in the order.
  "order.status",
  "order.purchase_units",
  "order.purchase_units.*.amount",
  "order.purchase_units.*.payments.authorizations.*.id",
  "order.purchase_units.*.payments.authorizations.*.status",
  "order.purchase_units.*.payments.authorizations.*.amount",
  "order.purchase_units.*.payments.captures.*.id",
  "order.purchase_units.*.payments.captures.*.status",
  "order.purchase_units.*.payments.captures.*.amount",
  "order.purchase_units.*.payments.captures.*.final_capture",
  "order.purchase_units.*.payments.captures.*.links",
  "order.purchase_units.*.payments.captures.*.supplementary_data",
  "order.purchase_units.*.payments.refunds.*.id",
  "order.purchase_units.*.payments.refunds.*.status",
  "order.purchase_units.*.payments.refunds.*.amount",
  "order.purchase_units.*.payments.refunds.*.links",
  "approvalReversed",
] as const;

const amountSchema = z.object({
  currency_code: z.string().regex(/^[A-Z]{3}$/),
  value: z.string().regex(/^\d{1,15}(\.\d{1,4})?$/),
});
/** An id of PayPal's. */
export const id = z.string().regex(/^[A-Z0-9-]{1,36}$/);
/** A time, a reason or an id of ours that cannot be read is left out: none of them decides about money. */
const time = saidTime.optional().catch(undefined);
const word = z
  .string()
  .regex(/^[A-Z][A-Z_]{0,59}$/)
  .optional()
  .catch(undefined);
/** An id of ours that PayPal gives back. */
export const ours = z.string().max(255).nullish().catch(undefined);
const details = z.object({ reason: word }).optional().catch(undefined);
/** How pieces point at each other. */
export const links = z
  .array(z.object({ rel: z.string(), href: z.string() }))
  .optional()
  .catch(undefined);

/** `GET /v2/payments/authorizations/{id}`, and inside an order. EXPIRED stands only in PayPal's older documents. */
const authorizationSchema = z.object({
  id,
  status: z.enum(["CREATED", "CAPTURED", "DENIED", "PARTIALLY_CAPTURED", "VOIDED", "PENDING", "EXPIRED"]),
  status_details: details,
  amount: amountSchema,
  create_time: time,
  update_time: time,
  expiration_time: time,
});

/** `GET /v2/payments/captures/{id}`, and inside an order. DENIED is the older name of DECLINED, still used in event names. */
const captureSchema = z.object({
  id,
  status: z.enum(["COMPLETED", "DECLINED", "DENIED", "PARTIALLY_REFUNDED", "PENDING", "REFUNDED", "FAILED"]),
  status_details: details,
  amount: amountSchema,
  final_capture: z.boolean().nullish(),
  create_time: time,
  links,
  supplementary_data: z
    .object({ related_ids: z.object({ authorization_id: id.nullish() }).nullish() })
    .optional()
    .catch(undefined),
});

/** `GET /v2/payments/refunds/{id}`, and inside an order. */
const refundSchema = z.object({
  id,
  status: z.enum(["CANCELLED", "FAILED", "PENDING", "COMPLETED"]),
  status_details: details,
  amount: amountSchema,
  custom_id: ours,
  create_time: time,
  links,
});

/** What is not what it should be is left out. */
function lenient<Schema extends z.ZodType>(schema: Schema) {
  return schema.nullish().catch(undefined);
}

const meansSchema = z.object({
  brand: word,
  last_digits: z
    .string()
    .regex(/^\d{2,4}$/)
    .optional()
    .catch(undefined),
  attributes: lenient(
    z.object({
      vault: lenient(
        z.object({
          id: lenient(z.string().min(1).max(255)),
          // Nothing requires it (https://developer.paypal.com/docs/api/orders/v2/, vault_response): an id alone is a token, too.
          status: word,
          customer: lenient(z.object({ id: lenient(z.string().regex(/^[\w-]{1,64}$/)) })),
        }),
      ),
    }),
  ),
});

/** The means of payment, those that can be stored, by PayPal's names. */
const sources = z.object({
  paypal: lenient(meansSchema),
  card: lenient(meansSchema),
  venmo: lenient(meansSchema),
  apple_pay: lenient(meansSchema),
  google_pay: lenient(meansSchema),
});

/** Pieces of one kind, none where PayPal leaves the list out. */
function listOf<Piece extends z.ZodType>(piece: Piece) {
  return z
    .array(piece)
    .nullish()
    .transform((pieces) => pieces ?? []);
}

/** `GET /v2/checkout/orders/{id}`. */
export const orderSchema = z.object({
  id,
  intent: word,
  // It may be missing where the only capture was declined (docs/psp/paypal.md, Changes of 2025-2026).
  status: z.string().nullish(),
  create_time: time,
  update_time: time,
  purchase_units: z
    .array(
      z.object({
        amount: amountSchema,
        custom_id: ours,
        invoice_id: ours,
        payments: z
          .object({
            authorizations: listOf(authorizationSchema),
            captures: listOf(captureSchema),
            refunds: listOf(refundSchema),
          })
          .nullish(),
      }),
    )
    .min(1),
  payment_source: lenient(sources),
});

/** One page of `GET /v3/vault/payment-tokens`. https://developer.paypal.com/api/payment-tokens/v3 */
export const vaultSchema = z.object({
  total_pages: lenient(z.int().positive()),
  payment_tokens: lenient(
    z.array(
      lenient(
        z.object({
          id: z.string().min(1).max(255),
          customer: lenient(z.object({ id: lenient(z.string()) })),
          payment_source: lenient(sources),
        }),
      ),
    ),
  ),
});

export type Amount = Readonly<z.infer<typeof amountSchema>>;
export type Authorization = Readonly<z.infer<typeof authorizationSchema>>;
export type Capture = Readonly<z.infer<typeof captureSchema>>;
export type Refund = Readonly<z.infer<typeof refundSchema>>;
export type Source = Readonly<z.infer<typeof meansSchema>>;
export type Order = Readonly<z.infer<typeof orderSchema>>;

/** What PayPal says now. */
export interface Snapshot {
  readonly order: Order;
  /** PayPal does not know the order any more: this is what it was at the last look, when nobody had paid yet. */
  readonly gone?: true;
  /** PayPal has told that the approval was given back, which the order itself need not say. */
  readonly approvalReversed?: true;
  /** The token that the order only promises, as PayPal's vault has it. */
  readonly stored?: { readonly token: string; readonly type: SourceType; readonly source: Source };
  /** Digest of the token that an earlier look found, and Norce has. */
  readonly foundBefore?: string;
  /** Keys of lines in the order in which earlier looks found them. */
  readonly linesBefore?: readonly string[];
}

/** Means of payment that can be stored, by PayPal's names. */
export const sourceTypes = ["paypal", "card", "venmo", "apple_pay", "google_pay"] as const;
export type SourceType = (typeof sourceTypes)[number];

/** The first means of payment that is named. */
export function sourceIn(
  given: z.infer<typeof sources> | null | undefined,
): { readonly type: SourceType; readonly source: Source } | undefined {
  for (const type of sourceTypes) {
    const source = given?.[type];
    if (source !== undefined && source !== null) return { type, source };
  }
  return undefined;
}

/** @throws WorkerError `Unmapped` that names the field and never its value. */
export function parsed<Schema extends z.ZodType>(schema: Schema, body: unknown): z.infer<Schema> {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw unmapped(issue?.path.map(String).join(".") || "body", issue?.code);
}

/** What PayPal says in a field that nobody mapped. */
export function unmapped(field: string, problem?: string): WorkerError {
  return new WorkerError("Unmapped", `paypal sent something we cannot read: ${field}`, { context: { field, problem } });
}

/** Without what PayPal left out. */
export function present<Value extends Json>(
  facts: Readonly<Record<string, Value | null | undefined>>,
): Record<string, Value> {
  return Object.fromEntries(
    Object.entries(facts).filter((entry): entry is [string, Value] => entry[1] !== undefined && entry[1] !== null),
  );
}

/** The id that a link `up` ends in, where it leads to that kind of thing: from a refund to its capture, from a capture to its authorization. */
export function parentOf(
  kind: "authorizations" | "captures" | "orders",
  of: readonly { readonly rel: string; readonly href: string }[] | undefined,
): string | undefined {
  const ups = (of ?? [])
    .filter(({ rel }) => rel === "up")
    .map(({ href }) => /\/(authorizations|captures|orders)\/([A-Z0-9-]{1,36})$/.exec(href) ?? []);
  return ups.find(([, found]) => found === kind)?.[2];
}

/** What our own refunds carry behind the order's `custom_id`: the operation that made them. */
const operationMark = /#([\w-]{36})$/;

/** An id of ours as PayPal gives it back; empty where there is none. `orderId/paymentId` is written `orderId:paymentId` everywhere else. */
export function echoFrom(customId: string | null | undefined): string {
  const plain = (customId ?? "").replace(operationMark, "");
  return /^[^/:]+\/[^/:]+$/.test(plain) ? plain.replace("/", ":") : plain;
}

/** The operation of ours that made this refund; `undefined` where somebody else made it. */
export function operationOf({ custom_id }: Refund): string | undefined {
  return operationMark.exec(custom_id ?? "")?.[1];
}
