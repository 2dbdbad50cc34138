import { z } from "zod";
import { WorkerError } from "../../lib/errors.ts";
import { jsonFrom } from "../../lib/json.ts";
import { isoFrom } from "../../lib/time.ts";
import type { LogLine, PspEvent, RawRequest, Target, Webhook } from "../../contract/adapter.ts";
import type { Config } from "./config.ts";
import { sveaProof } from "./proof.ts";
import { capitalised, creditFailed } from "./schema.ts";

const idParameter = "sid";
const idPlaceholder = "{checkout.order.uri}";
/** The id alone, or an address that ends in it: the placeholder is called a URI. */
const idAtEnd = /^(?:[^\s?#]*\/)?([1-9]\d{0,18})\/?$/;

/**
 * Svea reads 404 as "come again" and every other 4xx as "never again"; from 500 on it comes again as well (docs/psp/svea.md,
 * c).
 */
const refusals = { 400: 404, 401: 404, 405: 404, 408: 404, 413: 404, 429: 503 } as const;

const id = z.union([z.int().positive(), z.string().regex(/^[\w-]{1,64}$/)]).transform(String);

const eventSchema = z.object({
  EventName: z.string().min(1),
  CheckoutOrderId: id.nullish(),
  CorrelationId: id.nullish().catch(undefined),
  TimestampUtc: z.string().nullish().catch(undefined),
  DeliveryId: id.nullish().catch(undefined),
  CreditId: id.nullish().catch(undefined),
  CloseReason: z.string().nullish().catch(undefined),
});

type SveaEvent = Readonly<z.infer<typeof eventSchema>>;

/**
 * "The status of the checkout order has changed": a POST without a documented body, whose only content is the id that
 * Svea wrote into our URL. https://github.com/sveawebpay/php-checkout (MerchantSettings)
 */
export const push: Webhook<Config> = {
  scope: "payment",
  method: "POST",
  verify: sveaProof,
  ack: { status: 200 },
  refusals,
  placeholders: { [idParameter]: idPlaceholder },
  parse: (request, target) => {
    const reference = idFrom(request);
    return [
      {
        // Svea sends no event id. The payment is in the key because two pushes without an order id are two events.
        key: JSON.stringify([target.orderId ?? "", target.paymentId ?? "", "push", reference ?? ""]),
        type: "push",
        at: null,
        ...(reference === undefined ? {} : { reference }),
      },
    ];
  },
};

/**
 * A subscription of Payment Admin: one URL for all orders of the merchant account. What it says of money is read from
 * the order; only that a credit failed, and why an order was closed, stands nowhere else.
 * https://docs.payments.svea.com/docs/manage-order/callbacks/callback_events
 */
export const webhook: Webhook<Config> = {
  scope: "account",
  method: "POST",
  verify: sveaProof,
  ack: { status: 200 },
  refusals,
  parse: (request, target) => {
    const event = eventFrom(request);
    const { CheckoutOrderId: reference } = event;
    // A `Ping`, or an order that was made outside the checkout.
    if (reference === null || reference === undefined || event.EventName === "Ping") return [];
    return [eventOf(event, reference, target)];
  },
};

function eventOf(event: SveaEvent, reference: string, target: Target): PspEvent {
  const at = isoFrom(event.TimestampUtc) ?? null;
  const line = lineFrom(event);
  const part = event.DeliveryId ?? event.CreditId ?? "";
  const type = typeFrom(event.EventName);
  return {
    key: JSON.stringify([target.channel, reference, type, event.CorrelationId ?? at ?? "", part]),
    type,
    at,
    reference,
    clues: [{ reference }],
    ...(line === undefined ? {} : { line }),
  };
}

/** What no later question would tell. Neither moves money. */
function lineFrom({ EventName, CreditId, CloseReason }: SveaEvent): LogLine | undefined {
  const line = { pspStatus: EventName.slice("CheckoutOrder.".length), amount: 0 };
  if (EventName === creditFailed) {
    const creditId = CreditId ?? "";
    return { ...line, event: "refund", success: false, errorDetail: `credit ${creditId} failed`, facts: { creditId } };
  }
  if (EventName !== "CheckoutOrder.Closed" || (CloseReason !== "Cancelled" && CloseReason !== "Expired"))
    return undefined;
  return { ...line, event: "cancel", success: true, facts: { closeReason: CloseReason } };
}

/** The order id in the query. Left out: an empty one, and a placeholder that nobody filled in. */
function idFrom({ query }: RawRequest): string | undefined {
  const values = query.getAll(idParameter).filter((value) => value !== "" && value !== idPlaceholder);
  const ids = values.map((value) => {
    const found = value.length <= 500 ? idAtEnd.exec(value)?.[1] : undefined;
    if (found === undefined) throw new WorkerError("MalformedWebhook", "this is no order id of Svea's");
    return found;
  });
  const [found, other] = new Set(ids);
  if (other !== undefined) throw new WorkerError("MalformedWebhook", "the webhook names two orders");
  return found;
}

function eventFrom({ body }: RawRequest): SveaEvent {
  const result = eventSchema.safeParse(capitalised(jsonFrom(body)));
  if (!result.success) throw new WorkerError("MalformedWebhook", "the event is not what Svea documents");
  return result.data;
}

/** The type ends up in logs and counters, so that only what looks like a type passes. */
function typeFrom(eventName: string): string {
  return /^[\w.]{1,64}$/.test(eventName) ? eventName : "unknown";
}
