import { z } from "zod";
import { saidTime } from "../../lib/said-time.ts";
import type { Clue } from "../../contract/adapter.ts";
import { echoFrom, parentOf } from "./schema.ts";

/** Of a field that is not what it should be nothing is read: an event only says where to look. */
function lenient<Schema extends z.ZodType>(schema: Schema) {
  return schema.nullish().catch(undefined);
}
const id = lenient(z.string().regex(/^[A-Z0-9-]{1,36}$/));
/** Printable: it stands in queues and is compared with ids. An order's `custom_id` may be as long as this. */
const ours = lenient(z.string().regex(/^\P{C}{1,255}$/u));
const word = lenient(z.string().regex(/^[A-Z][A-Z0-9_]{0,59}$/));
const amount = lenient(
  z.object({ currency_code: z.string().regex(/^[A-Z]{3}$/), value: z.string().regex(/^\d{1,15}(\.\d{1,4})?$/) }),
);
/** What is read of the thing that an event is about. */
export const resourceSchema = z.object({
  id: lenient(z.string().regex(/^[\w.-]{1,255}$/)),
  status: word,
  amount,
  custom_id: ours,
  invoice_id: ours,
  order_id: id,
  supplementary_data: lenient(
    z.object({ related_ids: lenient(z.object({ order_id: id, authorization_id: id, capture_id: id })) }),
  ),
  links: lenient(z.array(z.object({ rel: z.string(), href: z.string() }))),
  purchase_units: lenient(z.array(z.object({ custom_id: ours, invoice_id: ours }))),
  // The older API's payments have these: no order of version 2 is behind them.
  state: lenient(z.string()),
  parent_payment: lenient(z.string()),
  // Stored means of payment.
  metadata: lenient(z.object({ order_id: id })),
  // Disputes.
  dispute_id: lenient(z.string().regex(/^[\w-]{1,64}$/)),
  reason: word,
  dispute_amount: amount,
  seller_response_due_date: lenient(saidTime),
  dispute_outcome: lenient(z.object({ outcome_code: word })),
  disputed_transactions: lenient(z.array(z.object({ seller_transaction_id: id, custom: ours, invoice_number: ours }))),
  // The same in RISK.DISPUTE.CREATED. https://github.com/paypal/PayPal-PHP-SDK (getRiskDisputeCreated)
  seller_payment_id: id,
});

/** What an event is about, as far as it is read. */
export type Resource = z.infer<typeof resourceSchema>;

/**
 * Event types that say something of a payment of ours. All others (plans, subscriptions, invoices, payouts, the older API's sales) are
 * acknowledged and left. https://developer.paypal.com/api/rest/webhooks/event-names/
 */
export const eventTypes = {
  orders: /^CHECKOUT\.(ORDER|PAYMENT-APPROVAL)\./,
  payments: /^PAYMENT\.(AUTHORIZATION|CAPTURE|REFUND)\./,
  tokens: /^VAULT\.PAYMENT-TOKEN\./,
  disputes: /^(CUSTOMER|RISK)\.DISPUTE\./,
} as const;

/**
 * How the payment can be found, best first: what the shop wrote, the order, then the piece that the event is about. A refund that somebody
 * made in PayPal's dashboard may have nothing but the link to its capture (https://github.com/paypal/PayPal-Python-SDK/issues/91).
 */
export function cluesOf(type: string, resource: Resource): readonly Clue[] {
  const { supplementary_data, links } = resource;
  const [unit] = resource.purchase_units ?? [];
  const [disputed] = resource.disputed_transactions ?? [];
  const related = supplementary_data?.related_ids;
  const customId = echoFrom(resource.custom_id ?? unit?.custom_id ?? disputed?.custom);
  const invoiceId = resource.invoice_id ?? unit?.invoice_id ?? disputed?.invoice_number ?? "";
  const references = [
    orderOf(type, resource),
    parentOf("captures", links ?? undefined),
    parentOf("authorizations", links ?? undefined),
    related?.capture_id,
    related?.authorization_id,
    eventTypes.payments.test(type) ? id.parse(resource.id) : undefined,
    disputed?.seller_transaction_id,
    resource.seller_payment_id,
  ].filter((reference) => typeof reference === "string");
  return [
    ...(customId === "" ? [] : [{ echo: customId }]),
    ...[...new Set(references)].map((reference) => ({ reference })),
    ...(invoiceId === "" ? [] : [{ echo: invoiceId }]),
  ];
}

/** The order's id, where the event names it. */
export function orderOf(
  type: string,
  { supplementary_data, order_id, id: own, metadata, links }: Resource,
): string | undefined {
  return (
    supplementary_data?.related_ids?.order_id ??
    order_id ??
    (eventTypes.orders.test(type) ? id.parse(own) : undefined) ??
    metadata?.order_id ??
    parentOf("orders", links ?? undefined)
  );
}
