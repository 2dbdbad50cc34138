import { z } from "zod";
import { commonConfig } from "../../contract/adapter.ts";

/** 64 hexadecimal characters, as the Customer Area shows them: as text they would be another key. */
const hmacKey = z
  .string()
  .regex(/^[0-9A-Fa-f]{64}$/, "has to be the 64 hexadecimal characters that the Customer Area shows");
const password = z.string().min(1);

/** One merchant account's settings. What proves webhooks may be one secret or several, newest first. */
export const config = commonConfig.extend({
  adyenApiKey: z.string().regex(/^[\x21-\x7e]+$/, "must be printable ASCII without spaces"),
  merchantAccount: z.string().regex(/^[^:\p{Cc}]+$/u, "must not be empty nor contain a colon"),
  webhookHmacKey: z.union([hmacKey, z.array(hmacKey).min(1)]),
  /** The token webhook is an endpoint of its own, and may have a key of its own. */
  tokenWebhookHmacKey: z.union([hmacKey, z.array(hmacKey).min(1)]).optional(),
  /** Basic authentication of the endpoint: what HMAC does not cover is then at least Adyen's. */
  webhookUsername: z
    .string()
    .regex(/^[^:]+$/, "must not be empty nor contain a colon")
    .default("adyen"),
  webhookPassword: z.union([password, z.array(password).min(1)]).optional(),
  /**
   * OAuth of the endpoint of standard webhooks, in the place of Basic authentication: Adyen fetches a token from the merchant's own identity
   * provider and sends it along. Checked besides the HMAC, never instead.
   */
  webhookOAuth: z
    .strictObject({
      issuer: z.string().min(1),
      audience: z.string().min(1),
      jwksUrl: z
        .url({ protocol: /^https?$/ })
        .refine((url) => url.startsWith("https:") || isLoopback(url), "has to be https"),
    })
    .optional(),
  /**
   * A key for the Management API, with the role "Management API—Webhooks read and write": `npm run doctor` compares the merchant account's
   * webhooks by it, and registers them. Absent where the webhook is the company account's.
   */
  managementApiKey: z
    .string()
    .regex(/^[\x21-\x7e]+$/, "must be printable ASCII without spaces")
    .optional(),
  /**
   * What the account does after an authorisation. `manual` claims the least: money counts as captured when Adyen says so. An account
   * that captures at once sends no event for it and needs `immediate`.
   */
  captureMode: z.enum(["immediate", "delayed", "manual"]).default("manual"),
  /** Payment methods that take the money at once whatever the account does. */
  saleMethods: z.array(z.string().min(1)).default([]),
  /**
   * Where Adyen leaves the rest open after a partial capture, which it cancels otherwise: a matter of the account and of the method, so that it
   * is a list of payment methods, or `true` for all.
   */
  multiplePartialCaptures: z.union([z.boolean(), z.array(z.string().min(1))]).default(false),
});

export type Config = Readonly<z.infer<typeof config>>;

/** True for an address of this machine alone: nobody is in between. */
function isLoopback(url: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(new URL(url).hostname);
}

/** One secret or several, as a list. */
export function listOf(secrets: string | readonly string[] | undefined): readonly string[] {
  if (secrets === undefined) return [];
  return typeof secrets === "string" ? [secrets] : secrets;
}

/** Whether the rest stays open after a partial capture with this payment method. */
export function keepsRest(
  { multiplePartialCaptures: kept }: Pick<Config, "multiplePartialCaptures">,
  paymentMethod: string | undefined,
): boolean {
  return typeof kept === "boolean" ? kept : paymentMethod !== undefined && kept.includes(paymentMethod);
}

/** Live money is moved at `adyenpayments.com` alone; everything else, a simulator too, is a test. */
export function isLive({ apiUrl }: Pick<Config, "apiUrl">): boolean {
  return /(^|\.)adyenpayments\.com$/.test(new URL(apiUrl).hostname);
}

/**
 * Where the Checkout API is. Its version belongs to the URL; where somebody left it out, it is the one this was written for.
 * https://docs.adyen.com/development-resources/live-endpoints
 */
export function checkoutUrl({ apiUrl }: Pick<Config, "apiUrl">): string {
  const { hostname, pathname } = new URL(apiUrl);
  if (pathname !== "/" || !/\.(adyen|adyenpayments)\.com$/.test(hostname)) return apiUrl;
  return `${apiUrl.replace(/\/+$/, "")}${isLive({ apiUrl }) ? "/checkout/v71" : "/v71"}`;
}

/** The Management API's host; away from Adyen's own hosts the API's own address. https://docs.adyen.com/api-explorer/Management/latest/overview */
export function managementUrl({ apiUrl }: Pick<Config, "apiUrl">): string {
  if (isLive({ apiUrl })) return "https://management-live.adyen.com";
  return new URL(apiUrl).hostname.endsWith(".adyen.com") ? "https://management-test.adyen.com" : apiUrl;
}
