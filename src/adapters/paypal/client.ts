import { z } from "zod";
import { isWorkerError } from "../../lib/errors.ts";
import type { Http, HttpRequest } from "../../lib/http.ts";
import type { AskContext, Json } from "../../contract/adapter.ts";
import type { Config } from "./config.ts";
import { parsed } from "./schema.ts";

const tokenRoute = "/v1/oauth2/token";

const tokenSchema = z.object({ access_token: z.string().min(1), expires_in: z.number().positive() });
const errorSchema = z.object({
  name: z.string().optional().catch(undefined),
  debug_id: z.string().optional().catch(undefined),
  details: z
    .array(z.object({ issue: z.string().optional().catch(undefined) }))
    .optional()
    .catch(undefined),
});

/** Issues that say that the goal may have been reached already, by somebody else: what is true is to be read. */
const already = new Set([
  "AUTHORIZATION_ALREADY_CAPTURED",
  "CAPTURE_FULLY_REFUNDED",
  "ORDER_ALREADY_AUTHORIZED",
  "ORDER_ALREADY_CAPTURED",
  "PREVIOUSLY_CAPTURED",
  "PREVIOUSLY_VOIDED",
]);

/**
 * PayPal's API with an access token. The table of errors holds, but for two: what was asked before and is not finished has an unknown
 * outcome (409), and what is there already (422) is a conflict, not a refusal.
 * https://developer.paypal.com/api/rest/reference/orders/v2/errors/
 */
export function appHttp({ config, http }: AskContext<Config>): Http {
  return http({
    baseUrl: config.apiUrl,
    authority: { account: config.clientId, authorize: (bare) => authorize(bare, config) },
    classify: (_, body) => {
      const issues = issuesIn(body);
      if (issues.includes("PREVIOUS_REQUEST_IN_PROGRESS")) return "Unreachable";
      return issues.some((issue) => already.has(issue)) ? "Conflict" : undefined;
    },
    codeOf: (body) => ({ code: issuesIn(body).at(-1), supportId: errorSchema.safeParse(body).data?.debug_id }),
  });
}

/** The same for the seller whose payments these are: its own app, or a platform's that acts for it. */
export function httpFrom(context: AskContext<Config>): Http {
  const http = appHttp(context);
  const seller = sellerOf(context.config);
  return (request) => http({ ...request, headers: { ...seller, ...request.headers } });
}

/** The body; `null` where PayPal does not know what was asked for. @throws WorkerError */
export async function getOrNull(http: Http, asked: Omit<HttpRequest, "method">): Promise<unknown> {
  try {
    return (await http({ method: "GET", ...asked })).body;
  } catch (error) {
    const { status, route } = isWorkerError(error, "Refused") ? error.context : {};
    if (status === 404 && route === asked.route) return null;
    throw error;
  }
}

async function authorize(http: Http, { clientId, clientSecret }: Config) {
  const basic = Buffer.from(`${clientId}:${clientSecret}`, "utf8").toString("base64");
  const { body } = await http({
    method: "POST",
    path: tokenRoute,
    route: tokenRoute,
    headers: { authorization: `Basic ${basic}` },
    raw: { type: "application/x-www-form-urlencoded", text: "grant_type=client_credentials" },
  });
  const { access_token, expires_in } = parsed(tokenSchema, body);
  return { authorization: `Bearer ${access_token}`, expiresInSeconds: expires_in };
}

/**
 * Names the seller for whom a platform's app acts: a token without a signature, because the access token is the proof.
 * https://developer.paypal.com/api/rest/requests/#paypal-auth-assertion
 */
function sellerOf({ clientId, paypalMerchantId }: Config): Readonly<Record<string, string>> {
  if (paypalMerchantId === undefined) return {};
  const part = (value: Json): string => Buffer.from(JSON.stringify(value), "utf8").toString("base64url");
  return {
    "paypal-auth-assertion": `${part({ alg: "none" })}.${part({ iss: clientId, payer_id: paypalMerchantId })}.`,
  };
}

function issuesIn(body: unknown): readonly string[] {
  const error = errorSchema.safeParse(body);
  if (!error.success) return [];
  return [error.data.name, ...(error.data.details ?? []).map(({ issue }) => issue)].filter(
    (issue) => issue !== undefined,
  );
}
