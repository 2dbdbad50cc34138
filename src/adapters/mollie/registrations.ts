import { z } from "zod";
import { pathOf } from "../../lib/http.ts";
import { readAs } from "../../lib/read.ts";
import type {
  AskContext,
  Registered,
  Registration,
  Registrations,
  WantedRegistration,
} from "../../contract/adapter.ts";
import { httpFrom } from "./client.ts";
import type { Config } from "./config.ts";

const route = "/v2/webhooks";
/** As many as a page may hold, and how many pages are read. */
const pageSize = 250;
const mostPages = 20;

/** Everything that can move the money of a payment (docs/psp/mollie.md, b.2). */
const wantedEvents: readonly string[] = [
  ...["paid", "authorized", "failed", "canceled", "expired", "pending"].map((name) => `payment.${name}`),
  ...["queued", "pending", "processing", "refunded", "failed", "canceled"].map((name) => `refund.${name}`),
  ...["received", "reversed"].map((name) => `chargeback.${name}`),
  ...["succeeded", "failed"].map((name) => `capture.${name}`),
];

const hookSchema = z.object({
  id: z.string().min(1),
  url: z.string(),
  eventTypes: z.union([z.string().transform((one) => [one]), z.array(z.string())]).catch([]),
  status: z.string().optional().catch(undefined),
  webhookSecret: z.string().min(1).optional().catch(undefined),
});
const listSchema = z.object({
  _embedded: z.object({ webhooks: z.array(hookSchema) }),
  _links: z
    .object({ next: z.object({ href: z.string() }).nullish().catch(undefined) })
    .nullish()
    .catch(undefined),
});

/**
 * Mollie's signed webhooks (docs/psp/mollie.md, b.2). The unsigned ones are named with each payment and are registered nowhere.
 * https://docs.mollie.com/reference/webhooks-api
 */
export const registrations = {
  webhooks: ["event"],

  unavailable: ({ webhookSecret }: Config) =>
    webhookSecret === undefined ? "webhookSecret is not set: Mollie's signed webhook is not wanted" : undefined,

  async list(context: AskContext<Config>) {
    const found: Registration[] = [];
    let from: string | undefined;
    for (let page = 0; page < mostPages; page += 1) {
      const query = { limit: pageSize, ...(from === undefined ? {} : { from }) };
      const { body } = await httpFrom(context)({ method: "GET", path: route, route, query, signal: context.signal });
      const { _embedded: embedded, _links: links } = readAs(listSchema, body, "Mollie's list of webhooks");
      found.push(...embedded.webhooks.map(registrationFrom));
      from = URL.parse(links?.next?.href ?? "")?.searchParams.get("from") ?? undefined;
      if (from === undefined) break;
    }
    return found;
  },

  faultOf({ events }: Registration) {
    const missing = wantedEvents.filter((event) => !events.includes(event) && !events.includes("*"));
    return missing.length === 0 ? undefined : `it is not sent ${missing.join(", ")}`;
  },

  /** The secret is told here and never again. */
  async register({ url }: WantedRegistration, context: AskContext<Config>): Promise<Registered> {
    const { id, webhookSecret: value } = await told("POST", route, route, { url }, context);
    return { id, ...(value === undefined ? {} : { secret: { setting: "webhookSecret", value } }) };
  },

  /** What was switched off or blocked stays so: it can be changed, not switched on. Then another one is made. */
  async repair(
    registration: Registration,
    wanted: WantedRegistration,
    context: AskContext<Config>,
  ): Promise<Registered> {
    if (!registration.active) return await registrations.register(wanted, context);
    const path = pathOf`/v2/webhooks/${registration.id}`;
    const { id } = await told("PATCH", path, `${route}/{id}`, { url: wanted.url }, context);
    return { id };
  },

  async test({ id }: Registration, context: AskContext<Config>) {
    const [path, of] = [pathOf`/v2/webhooks/${id}/ping`, `${route}/{id}/ping`];
    await httpFrom(context)({ method: "POST", path, route: of, signal: context.signal });
  },
} satisfies Registrations<Config>;

async function told(
  method: "POST" | "PATCH",
  path: string,
  of: string,
  { url }: { readonly url: string },
  context: AskContext<Config>,
): Promise<z.output<typeof hookSchema>> {
  const body = { name: "norce-psp-worker", url, eventTypes: [...wantedEvents] };
  const answer = await httpFrom(context)({ method, path, route: of, body, signal: context.signal });
  return readAs(hookSchema, answer.body, "a Mollie webhook");
}

function registrationFrom({ id, url, eventTypes: events, status }: z.output<typeof hookSchema>): Registration {
  return { id, url, events, active: status === undefined || status === "enabled" };
}
