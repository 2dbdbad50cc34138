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
import { authHeaders } from "./auth.ts";
import { adminOf } from "./client.ts";
import type { Config } from "./config.ts";
import { capitalised } from "./schema.ts";

const route = "/api/v2/callbacks/subscriptions";
const one = `${route}/{SubscriptionId}`;

/** Everything that Svea tells of orders of the checkout (docs/psp/svea.md, b4). */
const wantedEvents: readonly string[] = [
  "Created",
  "PendingStatusReleased",
  "Updated",
  "Delivered",
  "CreditSucceeded",
  "CreditFailed",
  "Closed",
].map((name) => `CheckoutOrder.${name}`);

const subscriptionSchema = z.preprocess(
  capitalised,
  z.object({
    SubscriptionId: z.string().min(1),
    CallbackUri: z.string(),
    Events: z.array(z.string()).nullish().catch(undefined),
    Verified: z.boolean().nullish().catch(undefined),
  }),
);
const madeSchema = z.preprocess(capitalised, z.object({ SubscriptionId: z.string().min(1) }));

/**
 * The callback subscriptions of Payment Admin. One can be neither changed nor switched on by hand: it is made, has to answer a `Ping`, and is
 * removed. https://docs.payments.svea.com/docs/manage-order/callbacks/get_subscriptions, …/add_subscription, …/verify_subscription,
 * …/remove_subscription
 */
export const registrations = {
  webhooks: ["webhook"],

  async list(context: AskContext<Config>) {
    const body = await asked("GET", `${route}/`, route, context);
    return readAs(z.array(subscriptionSchema), body ?? [], "Svea's subscriptions").map(
      ({ SubscriptionId: id, CallbackUri: url, Events: events, Verified: verified }): Registration => ({
        id,
        url,
        events: events ?? [],
        active: verified !== false,
      }),
    );
  },

  faultOf({ events }: Registration) {
    const missing = wantedEvents.filter((event) => !events.includes(event));
    return missing.length === 0 ? undefined : `it is not sent ${missing.join(", ")}`;
  },

  /** Until the `Ping` was answered, which Svea sends when it is asked to verify, nothing comes. */
  async register({ url }: WantedRegistration, context: AskContext<Config>): Promise<Registered> {
    const body = await asked("POST", route, route, context, { CallbackUri: url, Events: [...wantedEvents] });
    const { SubscriptionId: id } = readAs(madeSchema, body, "Svea's subscription");
    await verify(id, context);
    return { id };
  },

  /** One that was never verified is verified; any other is made anew, and then removed. */
  async repair(
    registration: Registration,
    wanted: WantedRegistration,
    context: AskContext<Config>,
  ): Promise<Registered> {
    const { id, active, url } = registration;
    if (!active && url === wanted.url) {
      await verify(id, context);
      return { id };
    }
    const made = await registrations.register(wanted, context);
    await asked("DELETE", pathOf`/api/v2/callbacks/subscriptions/${id}`, one, context);
    return made;
  },

  test: async ({ id }: Registration, context: AskContext<Config>) => await verify(id, context),
} satisfies Registrations<Config>;

async function verify(id: string, context: AskContext<Config>): Promise<void> {
  await asked("POST", pathOf`/api/v2/callbacks/subscriptions/${id}/verify`, `${one}/verify`, context);
}

/** Proven anew each time: the time and the body are part of the proof. */
async function asked(
  method: "GET" | "POST" | "DELETE",
  path: string,
  of: string,
  context: AskContext<Config>,
  body?: Readonly<Record<string, unknown>>,
): Promise<unknown> {
  const text = body === undefined ? "" : JSON.stringify(body);
  const answer = await adminOf(context)({
    method,
    path,
    route: of,
    headers: authHeaders(context.config, text, context.now),
    ...(body === undefined ? {} : { raw: { type: "application/json", text } }),
    signal: context.signal,
  });
  return answer.body;
}
