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
import { httpFrom, routes } from "./client.ts";
import { type Config, isLive } from "./config.ts";
import { registeredSchema, registrationsSchema } from "./schema.ts";

/** What the webhook is for. https://developer.vippsmobilepay.com/docs/APIs/webhooks-api/events */
const eventTypes: readonly string[] = [
  ...["created", "authorized", "aborted", "expired", "terminated", "cancelled", "captured", "refunded"].map(
    (name) => `epayments.payment.${name}.v1`,
  ),
  ...["activated", "rejected", "stopped", "expired"].map((name) => `recurring.agreement-${name}.v1`),
  ...["reserved", "captured", "canceled", "failed"].map((name) => `recurring.charge-${name}.v1`),
];

/** Lists the webhooks: that takes an access token, the subscription key and the sales unit, and changes nothing. */
export async function probe(context: AskContext<Config>): Promise<readonly ProbeResult[]> {
  const credential = "clientId, clientSecret and subscriptionKey for merchantSerialNumber";
  return [{ ...(await probeBy("Vipps", credential, () => list(context))), live: isLive(context.config) }];
}

/**
 * The webhooks of the sales unit. There is no way to change one, so that a repair registers a second and then deletes the first; Vipps deletes
 * by itself what has not answered for two weeks. https://developer.vippsmobilepay.com/docs/APIs/webhooks-api/CHANGELOG
 */
export const registrations: Registrations<Config> = {
  webhooks: ["webhook"],
  list,
  faultOf({ events }: Registration): string | undefined {
    const missing = eventTypes.filter((type) => !events.includes(type));
    return missing.length === 0 ? undefined : `does not send ${missing.join(", ")}`;
  },
  register,
  async repair({ id }, wanted, context) {
    const made = await register(wanted, context);
    await httpFrom(context)({
      method: "DELETE",
      path: pathOf`/webhooks/v1/webhooks/${id}`,
      route: `${routes.webhooks}/{id}`,
      headers: { "idempotency-key": `delete-${id}`.slice(0, longestKey) },
      signal: context.signal,
    });
    return made;
  },
};

const longestKey = 50;

async function list(context: AskContext<Config>): Promise<readonly Registration[]> {
  const { webhooks: route } = routes;
  const { body } = await httpFrom(context)({ method: "GET", path: route, route, signal: context.signal });
  const { webhooks } = readAs(registrationsSchema, body, "Vipps' list of webhooks");
  return webhooks.map(({ id, url, events }) => ({ id, url, events, active: true }));
}

/** The secret is told here and never again. */
async function register({ url }: WantedRegistration, context: AskContext<Config>): Promise<Registered> {
  const { webhooks: route } = routes;
  const { body } = await httpFrom(context)({
    method: "POST",
    path: route,
    route,
    // Every try makes another registration with another secret: none may be answered by an earlier one's.
    headers: { "idempotency-key": `register-${context.now}` },
    body: { url, events: [...eventTypes] },
    signal: context.signal,
  });
  const { id, secret } = readAs(registeredSchema, body, "a Vipps webhook");
  return { id, secret: { setting: "webhookSecret", value: secret } };
}
