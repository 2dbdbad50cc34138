import { z } from "zod";
import { type Http, pathOf } from "../../lib/http.ts";
import { probeBy } from "../../lib/probe.ts";
import { isStatus, readAs } from "../../lib/read.ts";
import type {
  AskContext,
  ProbeResult,
  Registered,
  Registration,
  Registrations,
  WantedRegistration,
} from "../../contract/adapter.ts";
import { checkoutUrl, type Config, isLive, managementUrl } from "./config.ts";

/**
 * Asks how a shopper of the merchant account could pay: a question, although it is a POST. With a key for the Management API, for the account's
 * webhooks as well. https://docs.adyen.com/api-explorer/Checkout/71/post/paymentMethods
 */
export async function probe(context: AskContext<Config>): Promise<readonly ProbeResult[]> {
  const { config } = context;
  const live = isLive(config);
  const checkout = await probeBy("Adyen", "adyenApiKey for merchantAccount", () => askMethods(context));
  if (config.managementApiKey === undefined) return [{ ...checkout, live }];
  const webhooks = await probeBy("Adyen's Management API", "managementApiKey", () => registrations.list(context));
  return [checkout, webhooks].map((probed) => ({ ...probed, live }));
}

async function askMethods({ config, http, signal }: AskContext<Config>): Promise<void> {
  const [path, body] = ["/paymentMethods", { merchantAccount: config.merchantAccount }];
  const ask = http({ baseUrl: checkoutUrl(config), headers: { "x-api-key": config.adyenApiKey } });
  try {
    await ask({ method: "POST", path, route: path, body, signal });
  } catch (error) {
    // What it wants to know besides is no word about the key.
    if (!isStatus(error, 422)) throw error;
  }
}

const standard = "standard";
const pageSize = 100;
const mostPages = 20;
const webhookSchema = z.object({
  id: z.string().min(1),
  url: z.string(),
  active: z.boolean(),
  type: z.string(),
  communicationFormat: z.string().nullish().catch(undefined),
});
const listSchema = z.object({
  data: z.array(webhookSchema).optional(),
  pagesTotal: z.number().optional().catch(undefined),
});
const hmacSchema = z.object({ hmacKey: z.string().min(1) });

/**
 * The merchant account's standard webhooks (Management API v3); those of tokens are set up in the Customer Area.
 * https://docs.adyen.com/api-explorer/Management/latest/post/merchants/_merchantId_/webhooks
 */
export const registrations = {
  webhooks: ["webhook"],

  unavailable: ({ managementApiKey }: Config) =>
    managementApiKey === undefined
      ? "managementApiKey is not set: nobody asks Adyen which webhooks there are"
      : undefined,

  async list(context: AskContext<Config>) {
    const found: Registration[] = [];
    const [path, route] = pathsOf(context);
    for (let page = 1; page <= mostPages; page += 1) {
      const query = { pageNumber: page, pageSize };
      const { body } = await management(context)({ method: "GET", path, route, query, signal: context.signal });
      const { data = [], pagesTotal = 1 } = readAs(listSchema, body, "Adyen's list of webhooks");
      found.push(...data.filter(({ type }) => type === standard).map(registrationFrom));
      if (page >= pagesTotal) break;
    }
    return found;
  },

  faultOf: ({ events }: Registration) =>
    events.length === 0 || events.includes("json") ? undefined : "it is not sent as JSON",

  /** The key that its items are signed with is made apart, and told once. */
  async register({ url }: WantedRegistration, context: AskContext<Config>): Promise<Registered> {
    const [path, route] = pathsOf(context);
    const body = { type: standard, url, active: true, communicationFormat: "json", description: "norce-psp-worker" };
    const answer = await management(context)({ method: "POST", path, route, body, signal: context.signal });
    const { id } = readAs(webhookSchema, answer.body, "an Adyen webhook");
    const [hmacPath, hmacRoute] = pathsOf(context, id, "/generateHmac");
    const made = await management(context)({
      method: "POST",
      path: hmacPath,
      route: hmacRoute,
      signal: context.signal,
    });
    const { hmacKey: value } = readAs(hmacSchema, made.body, "Adyen's HMAC key");
    return { id, secret: { setting: "webhookHmacKey", value } };
  },

  async repair({ id }: Registration, { url }: WantedRegistration, context: AskContext<Config>): Promise<Registered> {
    const [path, route] = pathsOf(context, id);
    const body = { url, active: true, communicationFormat: "json" };
    await management(context)({ method: "PATCH", path, route, body, signal: context.signal });
    return { id };
  },

  /** Adyen sends a few sample items, of payments that nobody has. */
  async test({ id }: Registration, context: AskContext<Config>) {
    const [path, route] = pathsOf(context, id, "/test");
    const body = { types: ["AUTHORISATION"] };
    await management(context)({ method: "POST", path, route, body, signal: context.signal });
  },
} satisfies Registrations<Config>;

function registrationFrom({ id, url, active, communicationFormat }: z.output<typeof webhookSchema>): Registration {
  return { id, url, active, events: communicationFormat ? [communicationFormat] : [] };
}

/** The path of the account's webhooks or of one of them, and the same without ids. */
function pathsOf({ config }: AskContext<Config>, id?: string, below = ""): readonly [string, string] {
  const path = pathOf`/v3/merchants/${config.merchantAccount}/webhooks`;
  const route = "/v3/merchants/{merchantId}/webhooks";
  return id === undefined ? [path, route] : [`${path}${pathOf`/${id}`}${below}`, `${route}/{webhookId}${below}`];
}

function management({ config, http }: AskContext<Config>): Http {
  return http({ baseUrl: managementUrl(config), headers: { "x-api-key": config.managementApiKey ?? "" } });
}
