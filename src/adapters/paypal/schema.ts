import { z } from "zod";
import { WorkerError } from "../../lib/errors.ts";
import type { Json } from "../../contract/adapter.ts";

/**
 * Strict where money hangs on it, loose on the rest: unknown fields (payer, addresses, items, e-mail) are dropped on reading, so that
 * personal data gets no further than this file.
 */
const amountSchema = z.object({
  currency_code: z.string().regex(/^[A-Z]{3}$/),
  value: z.string().regex(/^\d{1,15}(\.\d{1,4})?$/),
});
const id = z.string().regex(/^[A-Z0-9-]{1,36}$/);
/** A time, a reason or an id of ours that cannot be read is left out: none of them decides about money. */
const time = z.iso.datetime({ offset: true }).optional().catch(undefined);
const word = z
  .string()
  .regex(/^[A-Z][A-Z_]{0,59}$/)
  .optional()
  .catch(undefined);
const ours = z.string().max(255).nullish().catch(undefined);
const details = z.object({ reason: word }).optional().catch(undefined);
const links = z
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

const source = z.object({
  brand: word,
  last_digits: z
    .string()
    .regex(/^\d{2,4}$/)
    .optional()
    .catch(undefined),
  attributes: z
    .object({
      vault: z
        .object({
          id: z.string().min(1).max(255).nullish(),
          // Nothing requires it (https://developer.paypal.com/docs/api/orders/v2/, vault_response): an id alone is a token, too.
          status: z.enum(["VAULTED", "CREATED", "APPROVED"]).nullish(),
          customer: z.object({ id: ours }).optional().catch(undefined),
        })
        .nullish(),
    })
    .nullish(),
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
  intent: z.enum(["CAPTURE", "AUTHORIZE"]).nullish(),
  status: z.enum(["CREATED", "SAVED", "APPROVED", "VOIDED", "COMPLETED", "PAYER_ACTION_REQUIRED"]),
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
  /** The means of payment, those that can be stored. */
  payment_source: z
    .object({
      paypal: source.nullish(),
      card: source.nullish(),
      venmo: source.nullish(),
      apple_pay: source.nullish(),
      google_pay: source.nullish(),
    })
    .nullish(),
});

export type Amount = Readonly<z.infer<typeof amountSchema>>;
export type Authorization = Readonly<z.infer<typeof authorizationSchema>>;
export type Capture = Readonly<z.infer<typeof captureSchema>>;
export type Refund = Readonly<z.infer<typeof refundSchema>>;
export type Source = Readonly<z.infer<typeof source>>;
export type Order = Readonly<z.infer<typeof orderSchema>>;

/** What PayPal says now. */
export interface Snapshot {
  /** When it was read (ISO 8601): the only clock `map` sees. */
  readonly readAt: string;
  readonly order: Order;
}

/** @throws WorkerError `Unmapped` that names the field and never its value. */
export function parsed<Schema extends z.ZodType>(schema: Schema, body: unknown): z.infer<Schema> {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = issue?.path.map(String).join(".") ?? "";
  throw new WorkerError("Unmapped", `paypal sent something we cannot read: ${field || "body"}`, {
    context: { field, problem: issue?.code },
  });
}

/** Without what PayPal left out. */
export function present<Value extends Json>(facts: Readonly<Record<string, Value | undefined>>): Record<string, Value> {
  return Object.fromEntries(Object.entries(facts).filter((entry): entry is [string, Value] => entry[1] !== undefined));
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
