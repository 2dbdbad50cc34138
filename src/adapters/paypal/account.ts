import { z } from "zod";
import { isWorkerError } from "../../lib/errors.ts";
import { pathOf } from "../../lib/http.ts";
import { probeBy } from "../../lib/probe.ts";
import type {
  AskContext,
  ProbeResult,
  Registered,
  Registration,
  Registrations,
  WantedRegistration,
} from "../../contract/adapter.ts";
import { appHttp } from "./client.ts";
import { type Config, webhookIds } from "./config.ts";
import { environmentOf } from "./environment.ts";
import { parsed } from "./schema.ts";

const path = "/v1/notifications/webhooks";

/** The app's webhooks as PayPal keeps them. https://developer.paypal.com/api/webhooks/v1/ */
const webhookSchema = z.object({
  id: z.string().min(1),
  url: z.string(),
  event_types: z.array(z.object({ name: z.string() })).catch([]),
});
const listSchema = z.object({ webhooks: z.array(webhookSchema) });

/** Everything that can move the money of a payment, or its token (docs/psp/paypal.md, b.4). */
const wantedEvents: readonly string[] = [
  ...["APPROVED", "SAVED", "VOIDED", "COMPLETED"].map((name) => `CHECKOUT.ORDER.${name}`),
  "CHECKOUT.PAYMENT-APPROVAL.REVERSED",
  ...["CREATED", "VOIDED"].map((name) => `PAYMENT.AUTHORIZATION.${name}`),
  ...["COMPLETED", "PENDING", "DENIED", "REFUNDED", "REVERSED"].map((name) => `PAYMENT.CAPTURE.${name}`),
  "VAULT.PAYMENT-TOKEN.CREATED",
  ...["CREATED", "UPDATED", "RESOLVED"].map((name) => `CUSTOMER.DISPUTE.${name}`),
];
/** PayPal's word for all of them, those to come included. */
const all = "*";

/** Asks for the app's webhooks: that takes an access token, and shows whether `webhookId` is one of the app's. */
export async function probe(context: AskContext<Config>): Promise<readonly ProbeResult[]> {
  const { config } = context;
  const environment = environmentOf(config.apiUrl);
  const live = environment === "other" ? undefined : environment === "live";
  let known: readonly Registration[] | undefined;
  const ask = async (): Promise<void> => void (known = await listOrNone(context));
  const app = { ...(await probeBy("PayPal", "clientId and clientSecret", ask, ["Unauthorized"])), live };
  if (known === undefined) return [app];
  const [newest = ""] = webhookIds(config.webhookId);
  const isThere = known.some(({ id }) => id === newest);
  const says = isThere ? "the app has the webhook of webhookId" : "the app has no webhook of this webhookId";
  return [app, { is: isThere ? "works" : "refused", says, live }];
}

/** An app may be forbidden to read its webhooks: that says nothing against its credentials. */
async function listOrNone(context: AskContext<Config>): Promise<readonly Registration[] | undefined> {
  try {
    return await registrations.list(context);
  } catch (error) {
    if (isWorkerError(error, "Refused")) return undefined;
    throw error;
  }
}

/**
 * The webhooks of the REST app. PayPal's simulator signs with a literal id in place of the webhook's, which is never taken: there is no test
 * that could be proven.
 */
export const registrations = {
  webhooks: ["webhook"],

  async list(context: AskContext<Config>) {
    const { body } = await appHttp(context)({ method: "GET", path, route: path, signal: context.signal });
    return parsed(listSchema, body).webhooks.map(({ id, url, event_types: types }): Registration => ({
      id,
      url,
      events: types.map(({ name }) => name),
      active: true,
    }));
  },

  faultOf({ id, events }: Registration, _: WantedRegistration, config: Config) {
    const missing = wantedEvents.filter((event) => !events.includes(event) && !events.includes(all));
    if (missing.length > 0) return `it is not sent ${missing.join(", ")}`;
    return webhookIds(config.webhookId).includes(id) ? undefined : "webhookId is another, by which it cannot be proven";
  },

  /** The id is part of what is signed: the settings have to hold it. */
  async register({ url }: WantedRegistration, context: AskContext<Config>): Promise<Registered> {
    const body = { url, event_types: [{ name: all }] };
    const answer = await appHttp(context)({ method: "POST", path, route: path, body, signal: context.signal });
    return toConfigure(parsed(webhookSchema, answer.body).id, context.config);
  },

  async repair({ id }: Registration, { url }: WantedRegistration, context: AskContext<Config>): Promise<Registered> {
    await appHttp(context)({
      method: "PATCH",
      path: pathOf`/v1/notifications/webhooks/${id}`,
      route: `${path}/{webhook_id}`,
      body: [
        { op: "replace", path: "/url", value: url },
        { op: "replace", path: "/event_types", value: [{ name: all }] },
      ],
      signal: context.signal,
    });
    return toConfigure(id, context.config);
  },
} satisfies Registrations<Config>;

function toConfigure(id: string, { webhookId }: Config): Registered {
  return { id, ...(webhookIds(webhookId).includes(id) ? {} : { secret: { setting: "webhookId", value: id } }) };
}
