import { z } from "zod";
import { pathOf } from "../../lib/http.ts";
import { jsonFrom } from "../../lib/json.ts";
import type { AskContext, Json } from "../../contract/adapter.ts";
import { appHttp, getOrNull } from "./client.ts";
import type { Config } from "./config.ts";
import { parsed } from "./schema.ts";

const eventSchema = z.looseObject({ event_type: z.string(), resource: z.looseObject({}) });

/** An event as PayPal keeps it. */
export type KnownEvent = Readonly<z.infer<typeof eventSchema>>;

/** An event as PayPal has it, `null` where it has none of this id (docs/psp/paypal.md, b.3, third way). */
export async function eventOf(id: string, context: AskContext<Config>): Promise<KnownEvent | null> {
  const route = "/v1/notifications/webhooks-events/{event_id}";
  const path = pathOf`/v1/notifications/webhooks-events/${id}`;
  // Events are the app's, for whichever seller it acts.
  const body = await getOrNull(appHttp(context), { path, route, signal: context.signal });
  return body === null ? null : parsed(eventSchema, body);
}

/** What every event says of itself. */
export const envelopeSchema = z.object({
  id: z.string().regex(/^[\w-]{1,100}$/),
  event_type: z.string().regex(/^[A-Z][A-Z0-9._-]{0,99}$/),
});
const evidenceSchema = z.object({ id: envelopeSchema.shape.id, type: envelopeSchema.shape.event_type });

/**
 * What it takes to ask PayPal about a webhook: which event it says it is, and nothing of what it says besides.
 * @throws Error where it does not say so.
 */
export function evidenceOf(body: Buffer): Json {
  const { id, event_type: type } = envelopeSchema.parse(jsonFrom(body));
  return { id, type };
}

/** Asks PayPal whether it has this event: that is all that a webhook's signature would say, which does not cover what stands in it. */
export async function provenByPayPal(evidence: Json, context: AskContext<Config>): Promise<boolean> {
  const given = evidenceSchema.safeParse(evidence).data;
  if (given === undefined) return false;
  return (await eventOf(given.id, context))?.event_type === given.type;
}
