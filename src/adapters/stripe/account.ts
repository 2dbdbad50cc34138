import { z } from "zod";
import { pathOf } from "../../lib/http.ts";
import { probeBy } from "../../lib/probe.ts";
import { readAs } from "../../lib/read.ts";
import type {
  AskContext,
  ProbeResult,
  Registered,
  Registration,
  Registrations,
  WantedRegistration,
} from "../../contract/adapter.ts";
import { apiVersion, httpFrom, listAll, post } from "./client.ts";
import { type Config, isLive } from "./config.ts";
import { isThere } from "./present.ts";
import { id } from "./schema.ts";

/** What a key has to be allowed to read, as the paths name it. A look asks all of them, sooner or later. */
const asked = [
  "payment_intents",
  "setup_intents",
  "charges",
  "refunds",
  "disputes",
  "payment_methods",
  "reviews",
] as const;

/** Asks for one of each kind: a restricted key that may not read one of them is told of here, and not when the first dispute comes. */
export async function probe(context: AskContext<Config>): Promise<readonly ProbeResult[]> {
  const live = isLive(context.config.apiKey);
  const probed: { readonly kind: string; readonly is: ProbeResult["is"] }[] = [];
  for (const kind of asked) probed.push({ kind, is: await ask(kind, context) });
  return Object.entries(sentences).flatMap(([is, says]) => {
    const kinds = probed.filter((one) => one.is === is).map(({ kind }) => kind);
    return kinds.length === 0 ? [] : [{ is: is as ProbeResult["is"], says: says(kinds.join(", ")), live }];
  });
}

const sentences: Readonly<Record<ProbeResult["is"], (kinds: string) => string>> = {
  works: (kinds) => `Stripe shows ${kinds} to apiKey`,
  refused: (kinds) => `Stripe does not show ${kinds} to apiKey: the key, or its permission to read them`,
  unreachable: (kinds) => `Stripe did not answer when asked for ${kinds} with apiKey`,
};

async function ask(kind: (typeof asked)[number], context: AskContext<Config>): Promise<ProbeResult["is"]> {
  const path = `/v1/${kind}`;
  const question = { path, route: path, query: { limit: 1 }, signal: context.signal } as const;
  return (await probeBy("Stripe", "apiKey", () => httpFrom(context)({ method: "GET", ...question }))).is;
}

/** What an endpoint should be sent: everything that can move the money of a payment, or its token. */
export const wantedEvents: readonly string[] = [
  "payment_intent.processing",
  "payment_intent.requires_action",
  "payment_intent.amount_capturable_updated",
  "payment_intent.succeeded",
  "payment_intent.payment_failed",
  "payment_intent.canceled",
  "payment_intent.partially_funded",
  "charge.captured",
  "charge.expired",
  "charge.refunded",
  "charge.updated",
  "charge.dispute.created",
  "charge.dispute.updated",
  "charge.dispute.closed",
  "charge.dispute.funds_withdrawn",
  "charge.dispute.funds_reinstated",
  "refund.created",
  "refund.updated",
  "refund.failed",
  "setup_intent.succeeded",
  "setup_intent.setup_failed",
  "setup_intent.canceled",
  "review.opened",
  "review.closed",
];

const path = "/v1/webhook_endpoints";
const endpointSchema = z.object({
  id,
  url: z.string(),
  enabled_events: z.array(z.string()),
  status: z.string().nullish().catch(undefined),
  secret: z.string().nullish().catch(undefined),
});

/** Stripe's webhook endpoints. Its API has no test for them: `stripe trigger` of its command line sends one. https://docs.stripe.com/api/webhook_endpoints */
export const registrations = {
  webhooks: ["webhook"],

  async list(context: AskContext<Config>) {
    return (await listAll(context, path, {}, endpointSchema)).map(
      ({ id: name, url, enabled_events: events, status }): Registration => ({
        id: name,
        url,
        events,
        active: status !== "disabled",
      }),
    );
  },

  faultOf({ events }: Registration) {
    const missing = wantedEvents.filter((event) => !events.includes(event) && !events.includes("*"));
    return missing.length === 0 ? undefined : `it is not sent ${missing.join(", ")}`;
  },

  async register({ url }: WantedRegistration, context: AskContext<Config>) {
    const body = await post(context, { path, route: path, fields: { url, api_version: apiVersion, ...eventFields() } });
    return registeredFrom(body);
  },

  async repair({ id: endpoint }: Registration, { url }: WantedRegistration, context: AskContext<Config>) {
    const body = await post(context, {
      path: `${path}/${pathOf`${endpoint}`}`,
      route: `${path}/{id}`,
      fields: { url, disabled: false, ...eventFields() },
    });
    return registeredFrom(body);
  },
} satisfies Registrations<Config>;

function eventFields(): Readonly<Record<string, string>> {
  return Object.fromEntries(wantedEvents.map((event, index) => [`enabled_events[${index}]`, event]));
}

/** The secret stands in the answer to the first request, and in no other. */
function registeredFrom(body: unknown): Registered {
  const { id: name, secret } = readAs(endpointSchema, body, "a Stripe webhook endpoint");
  return { id: name, ...(!isThere(secret) ? {} : { secret: { setting: "webhookSecret", value: secret } }) };
}
