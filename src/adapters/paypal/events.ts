import { z } from "zod";
import { WorkerError } from "../../lib/errors.ts";
import { jsonFrom } from "../../lib/json.ts";
import { saidTime } from "../../lib/said-time.ts";
import type { AskContext, LogLine, PspEvent, RawRequest } from "../../contract/adapter.ts";
import { cluesOf, eventTypes, orderOf, type Resource, resourceSchema } from "./clues.ts";
import type { Config } from "./config.ts";
import { envelopeSchema, eventOf } from "./known-events.ts";
import { approvalReversed } from "./map.ts";
import { digestOf } from "./memory.ts";
import { present } from "./schema.ts";

const eventSchema = envelopeSchema.extend({
  create_time: saidTime.nullish().catch(undefined),
  resource: z.looseObject({}),
});
type Given = z.infer<typeof eventSchema>;

/**
 * The webhook's one event, where it says anything of a payment. Its body is nobody's word: what would leave a line is read again at PayPal.
 * @throws WorkerError `MalformedWebhook`
 */
export function eventsFrom({ body }: RawRequest): readonly PspEvent[] {
  const given = eventSchema.safeParse(jsonFrom(body));
  if (!given.success) throw new WorkerError("MalformedWebhook", "the webhook is not what PayPal documents");
  const event = eventFrom(given.data);
  if (event?.line === undefined) return event === undefined ? [] : [event];
  const { line: _hearsay, ...rest } = event;
  return [{ ...rest, hearsay: true }];
}

/** The same event as PayPal keeps it (docs/psp/paypal.md, b.3, third way). */
export async function reread({ key, type }: PspEvent, context: AskContext<Config>): Promise<PspEvent | null> {
  const given = eventSchema.safeParse(await eventOf(key, context));
  const event = given.success ? eventFrom(given.data) : undefined;
  return event?.key === key && event.type === type ? event : null;
}

function eventFrom({ id: key, event_type: type, create_time, resource: given }: Given): PspEvent | undefined {
  if (!Object.values(eventTypes).some((known) => known.test(type))) return undefined;
  const { data: resource } = resourceSchema.safeParse(given);
  if (resource === undefined || typeof resource.parent_payment === "string" || typeof resource.state === "string")
    return undefined;
  const clues = cluesOf(type, resource);
  // A token that was stored without a payment: there is nothing to look at.
  if (clues.length === 0) return undefined;
  const at = typeof create_time === "string" ? new Date(create_time).toISOString() : null;
  return { key, type, at, reference: orderOf(type, resource), clues, line: lineOf(type, resource) };
}

/**
 * What a later look has to know of the event, and people should hear: of a token its digest, of an approval that was given back that there is such
 * an event, of a dispute what it is about. No sum and no token: those come from the order and the vault.
 */
function lineOf(type: string, resource: Resource): LogLine | undefined {
  const pspStatus = resource.status ?? type.split(".").at(-1) ?? type;
  const line = { event: "paymentAction", pspStatus, amount: 0, success: true } as const;
  if (type === approvalReversed) return line;
  if (type === "VAULT.PAYMENT-TOKEN.CREATED")
    return typeof resource.id === "string" ? { ...line, facts: { tokenDigest: digestOf(resource.id) } } : undefined;
  if (!eventTypes.disputes.test(type)) return undefined;
  const { dispute_id: disputeId, reason, dispute_amount, dispute_outcome, seller_response_due_date: due } = resource;
  return {
    ...line,
    facts: present({
      disputeId,
      reason,
      outcome: dispute_outcome?.outcome_code,
      disputed: dispute_amount?.value,
      currency: dispute_amount?.currency_code,
      deadline: typeof due === "string" ? new Date(due).toISOString() : undefined,
    }),
  };
}
