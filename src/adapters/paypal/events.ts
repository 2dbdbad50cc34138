import { z } from "zod";
import { WorkerError } from "../../lib/errors.ts";
import type { Clue, LogLine, PspEvent, RawRequest } from "../../contract/adapter.ts";
import { minorOf } from "./amounts.ts";
import { approvalReversed, describedSource } from "./map.ts";
import { echoFrom, parentOf, present } from "./schema.ts";

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
const source = lenient(
  z.object({
    brand: lenient(z.string().regex(/^[A-Z][A-Z_]{0,59}$/)),
    last_digits: lenient(z.string().regex(/^\d{2,4}$/)),
    usage_type: word,
  }),
);

const resourceSchema = z.object({
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
  customer: lenient(z.object({ id: lenient(z.string().regex(/^[\w-]{1,64}$/)) })),
  payment_source: lenient(
    z.object({ paypal: source, card: source, venmo: source, apple_pay: source, google_pay: source }),
  ),
  // Disputes.
  dispute_id: lenient(z.string().regex(/^[\w-]{1,64}$/)),
  reason: word,
  dispute_amount: amount,
  dispute_outcome: lenient(z.object({ outcome_code: word })),
  disputed_transactions: lenient(z.array(z.object({ seller_transaction_id: id, custom: ours, invoice_number: ours }))),
  // The same in RISK.DISPUTE.CREATED. https://github.com/paypal/PayPal-PHP-SDK (getRiskDisputeCreated)
  seller_payment_id: id,
});

const eventSchema = z.object({
  id: z.string().regex(/^[\w-]{1,100}$/),
  event_type: z.string().regex(/^[A-Z][A-Z0-9._-]{0,99}$/),
  create_time: lenient(z.iso.datetime({ offset: true })),
  resource: z.object({}).loose(),
});

type Resource = z.infer<typeof resourceSchema>;

/**
 * Event types that say something of a payment of ours. All others (plans, subscriptions, invoices, payouts, the older API's sales) are
 * acknowledged and left. https://developer.paypal.com/api/rest/webhooks/event-names/
 */
const orders = /^CHECKOUT\.(ORDER|PAYMENT-APPROVAL)\./;
const payments = /^PAYMENT\.(AUTHORIZATION|CAPTURE|REFUND)\./;
const tokens = /^VAULT\.PAYMENT-TOKEN\./;
const disputes = /^(CUSTOMER|RISK)\.DISPUTE\./;

/** ISO 4217's code for no currency: of a token there is none. */
const noCurrency = "XXX";

/** The webhook's one event, where it says anything of a payment. @throws WorkerError `MalformedWebhook` */
export function eventsFrom({ body }: RawRequest): readonly PspEvent[] {
  const event = eventSchema.safeParse(jsonFrom(body.toString("utf8")));
  if (!event.success) throw new WorkerError("MalformedWebhook", "the webhook is not what PayPal documents");
  const { id: key, event_type: type, create_time, resource: given } = event.data;
  if (![orders, payments, tokens, disputes].some((known) => known.test(type))) return [];
  const { data: resource } = resourceSchema.safeParse(given);
  if (resource === undefined || typeof resource.parent_payment === "string" || typeof resource.state === "string")
    return [];
  const clues = cluesOf(type, resource);
  // A token that was stored without a payment: there is nothing to look at.
  if (clues.length === 0) return [];
  const reference = orderOf(type, resource);
  const line = lineOf(type, resource);
  return [
    {
      key,
      type,
      at: typeof create_time === "string" ? new Date(create_time).toISOString() : null,
      ...(reference === undefined ? {} : { reference }),
      clues,
      ...(line === undefined ? {} : { line }),
    },
  ];
}

/**
 * How the payment can be found, best first: what the shop wrote, the order, then the piece that the event is about. A refund that somebody
 * made in PayPal's dashboard may have nothing but the link to its capture (https://github.com/paypal/PayPal-Python-SDK/issues/91).
 */
function cluesOf(type: string, resource: Resource): readonly Clue[] {
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
    payments.test(type) ? id.parse(resource.id) : undefined,
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
function orderOf(
  type: string,
  { supplementary_data, order_id, id: own, metadata, links }: Resource,
): string | undefined {
  return (
    supplementary_data?.related_ids?.order_id ??
    order_id ??
    (orders.test(type) ? id.parse(own) : undefined) ??
    metadata?.order_id ??
    parentOf("orders", links ?? undefined)
  );
}

/** What the order does not tell later. */
function lineOf(type: string, resource: Resource): LogLine | undefined {
  const line = { event: "paymentAction", amount: 0, currency: noCurrency, success: true } as const;
  const pspStatus = resource.status ?? type.split(".").at(-1) ?? type;
  if (type === "VAULT.PAYMENT-TOKEN.CREATED") return { ...line, pspStatus: "CREATED", ...tokenIn(resource) };
  if (tokens.test(type) || type === approvalReversed) return { ...line, pspStatus };
  if (type === "PAYMENT.CAPTURE.REVERSED") {
    const captureId = parentOf("captures", resource.links ?? undefined);
    return { ...line, pspStatus, ...moved(resource.amount), facts: present({ captureId }) };
  }
  if (!disputes.test(type)) return undefined;
  const { dispute_id: disputeId, reason, dispute_amount, dispute_outcome } = resource;
  const outcome = dispute_outcome?.outcome_code;
  // Nothing has moved yet, so that the amount is a fact and not the line's.
  const disputed = dispute_amount?.value;
  return {
    ...line,
    pspStatus,
    facts: present({ disputeId, reason, outcome, disputed, currency: dispute_amount?.currency_code }),
  };
}

function moved(given: Resource["amount"]): Pick<LogLine, "amount" | "currency"> | undefined {
  if (given === undefined || given === null) return undefined;
  try {
    return { amount: minorOf(given), currency: given.currency_code };
  } catch {
    // Less than a minor unit: the line tells of it without an amount, the look will say more.
    return undefined;
  }
}

/** The token is a secret that Norce keeps in the same payment; of the wallet behind it nothing is kept that names anybody. */
function tokenIn({ id: token, customer, payment_source }: Resource): Pick<LogLine, "recurring"> | undefined {
  if (typeof token !== "string") return undefined;
  const [type, given] =
    Object.entries(payment_source ?? {}).find(([, value]) => value !== undefined && value !== null) ?? [];
  const described = describedSource(type ?? "paypal", given?.brand ?? undefined, given?.last_digits ?? undefined);
  const attributes = present({
    sourceType: type,
    customerId: customer?.id ?? undefined,
    usageType: given?.usage_type ?? undefined,
  });
  return { recurring: { token, description: described, attributes } };
}

function jsonFrom(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new WorkerError("MalformedWebhook", "the webhook is not JSON");
  }
}
