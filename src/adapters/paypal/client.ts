import { z } from "zod";
import { isWorkerError } from "../../lib/errors.ts";
import { type Http, pathOf } from "../../lib/http.ts";
import type { AskContext, Json, LookContext } from "../../contract/adapter.ts";
import { type Config, webhookIds } from "./config.ts";
import { orderSchema, parsed, type Snapshot } from "./schema.ts";

const tokenRoute = "/v1/oauth2/token";
const verifyRoute = "/v1/notifications/verify-webhook-signature";

const tokenSchema = z.object({ access_token: z.string().min(1), expires_in: z.number().positive() });
const verificationSchema = z.object({ verification_status: z.enum(["SUCCESS", "FAILURE"]) });
const errorSchema = z.object({
  name: z.string().optional().catch(undefined),
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
function appHttp({ config, http }: AskContext<Config>): Http {
  return http({
    baseUrl: config.apiUrl,
    authority: { account: config.clientId, authorize: (bare) => authorize(bare, config) },
    classify: (_, body) => {
      const issues = issuesIn(body);
      if (issues.includes("PREVIOUS_REQUEST_IN_PROGRESS")) return "Unreachable";
      return issues.some((issue) => already.has(issue)) ? "Conflict" : undefined;
    },
  });
}

/** The same for the seller whose payments these are: its own app, or a platform's that acts for it. */
export function httpFrom(context: AskContext<Config>): Http {
  const http = appHttp(context);
  const seller = sellerOf(context.config);
  return (request) => http({ ...request, headers: { ...seller, ...request.headers } });
}

/**
 * What PayPal says now; `null` where it does not know the order: one that nobody approved in time disappears without a word, and a new one
 * may not be readable yet, which are the same answer (404).
 */
export async function fetchSnapshot(reference: string, context: LookContext<Config>): Promise<Snapshot | null> {
  const path = pathOf`/v2/checkout/orders/${reference}`;
  const route = "/v2/checkout/orders/{order_id}";
  try {
    const { body } = await httpFrom(context)({ method: "GET", path, route, signal: context.signal });
    return { readAt: new Date().toISOString(), order: parsed(orderSchema, body) };
  } catch (error) {
    if (isWorkerError(error, "Refused") && error.context["status"] === 404 && error.context["route"] === route)
      return null;
    throw error;
  }
}

/** The headers of a webhook that PayPal's verification wants, by its names for them. */
export const transmission = {
  auth_algo: "paypal-auth-algo",
  cert_url: "paypal-cert-url",
  transmission_id: "paypal-transmission-id",
  transmission_sig: "paypal-transmission-sig",
  transmission_time: "paypal-transmission-time",
} as const;

const evidenceSchema = z.object({
  auth_algo: z.string(),
  cert_url: z.string(),
  transmission_id: z.string(),
  transmission_sig: z.string(),
  transmission_time: z.string(),
  /** The body's bytes, base64. */
  body: z.base64(),
});

/**
 * Asks PayPal whether it has sent this webhook. The event has to be the received text, byte for byte: parsed and printed again it is another
 * one (https://github.com/paypal/PayPal-node-SDK/issues/412), so the request is put together around it.
 */
export async function provenByPayPal(evidence: Json, context: AskContext<Config>): Promise<boolean> {
  const given = evidenceSchema.safeParse(evidence);
  const event = given.success ? objectText(given.data.body) : undefined;
  if (!given.success || event === undefined) return false;
  const { body: _, ...headers } = given.data;
  let refused: unknown;
  for (const webhook_id of webhookIds(context.config.webhookId)) {
    const known = JSON.stringify({ ...headers, webhook_id });
    try {
      if (await isVerified(`${known.slice(0, -1)},"webhook_event":${event}}`, context)) return true;
    } catch (error) {
      // A webhook that has been replaced is not known any more; the next id may be the one.
      if (!isWorkerError(error, "Refused") || error.context["route"] !== verifyRoute) throw error;
      refused ??= error;
    }
  }
  if (refused !== undefined) throw refused;
  return false;
}

async function isVerified(text: string, context: AskContext<Config>): Promise<boolean> {
  const { body } = await appHttp(context)({
    method: "POST",
    path: verifyRoute,
    route: verifyRoute,
    raw: { type: "application/json", text },
    signal: context.signal,
  });
  return parsed(verificationSchema, body).verification_status === "SUCCESS";
}

/** The text that the bytes are, where they are one JSON object and nothing else: it is to stand inside another. */
function objectText(base64: string): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.from(base64, "base64"));
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? text : undefined;
  } catch {
    return undefined;
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
