import { z } from "zod";
import { WorkerError } from "../../lib/errors.ts";
import { jsonFrom } from "../../lib/json.ts";
import { signedUrl } from "../../signatures/signed-url.ts";
import type { LogLine, PspEvent, RawRequest, Target, Webhook } from "../../contract/adapter.ts";
import { stopRequest } from "./schema.ts";

const idParameter = "klarna_order_id";
/** A placeholder that nobody filled in, `{order.id}`, however its braces were written or escaped on the way. */
const unfilled = /^(?:\{|%7b)+[\w.]+(?:\}|%7d)+$/i;
/** Klarna's ids are UUIDs; anything that could be one of their formats to come, and nothing that bends a path. */
const idShape = /^[\w-]{1,64}$/;

const notificationSchema = z.looseObject({ order_id: z.string().nullish(), event_type: z.string().nullish() });

/** Where an accepted order is stopped, this line may be all there ever is. It moves nothing; people hear of it. */
const stopLine: LogLine = {
  event: "confirm",
  pspStatus: stopRequest,
  amount: 0,
  success: false,
  errorDetail: "Klarna asks to stop this order",
};

/** Klarna signs none of the webhooks of a payment: each is a hint. */
export const unsigned = { scope: "payment", method: "POST", verify: signedUrl, ack: { status: 200 } } as const;

/**
 * "There is a new order": an empty POST whose only content is the id that Klarna wrote into our URL. Klarna repeats it for 48 hours
 * whatever we answer, until the order is acknowledged (`acknowledge` in client.ts).
 * https://docs.klarna.com/kco/additional-resources/confirm-purchase
 */
export function pushWith(placeholder: string): Webhook<unknown> {
  return {
    ...unsigned,
    placeholders: { [idParameter]: placeholder },
    parse: (request, target) => [eventFrom(target, "push", idFrom(request, null))],
  };
}

/**
 * The fraud decision on a pending order, or a request to stop one. An `event_type` we do not know is an event too: it only says
 * where to look. https://docs.klarna.com/payments/after-payments/order-management/more-actions/pending-orders
 */
export const notification: Webhook<unknown> = {
  ...unsigned,
  parse: (request, target) => {
    const body = bodyOf(request, notificationSchema);
    const event = eventFrom(target, typeFrom(body.event_type), idFrom(request, body.order_id ?? null));
    return [event.type === stopRequest ? { ...event, line: stopLine } : event];
  },
};

function eventFrom(target: Target, type: string, reference: string | undefined): PspEvent {
  return {
    // Klarna sends no event id. The payment is in the key because two pushes without an order id are two events.
    key: JSON.stringify([target.orderId ?? "", target.paymentId ?? "", type, reference ?? ""]),
    type,
    at: null,
    ...(reference === undefined ? {} : { reference }),
  };
}

/** The order id that query and body agree on. Left out: an empty one, and a placeholder that nobody filled in. */
function idFrom(request: RawRequest, fromBody: string | null): string | undefined {
  const named = [...request.query.getAll(idParameter), fromBody ?? ""].filter((id) => id !== "" && !unfilled.test(id));
  const [id, other] = new Set(named);
  if (other !== undefined) throw new WorkerError("MalformedWebhook", "the webhook names two orders");
  if (id !== undefined && !idShape.test(id))
    throw new WorkerError("MalformedWebhook", "this is no order id of Klarna's");
  return id;
}

/**
 * The webhook's body; nothing at all counts as an empty object, because even then it says that something happened.
 * @throws WorkerError `MalformedWebhook`
 */
export function bodyOf<Schema extends z.ZodType>({ body }: RawRequest, schema: Schema): z.output<Schema> {
  const text = body.toString("utf8").trim();
  const result = schema.safeParse(text === "" ? {} : jsonFrom(text));
  if (!result.success) throw new WorkerError("MalformedWebhook", "the webhook is not what Klarna documents");
  return result.data;
}

/** The type ends up in logs and counters, so that only what looks like a type passes. */
function typeFrom(eventType: string | null | undefined): string {
  return typeof eventType === "string" && /^\w{1,64}$/.test(eventType) ? eventType : "unknown";
}
