import { createHash } from "node:crypto";
import type { Config } from "./config.ts";

/**
 * The headers that prove one request: SHA-512 over the body's text, the secret and the time, in lower-case hexadecimal
 * digits, then base64 once. Svea's page wraps base64 twice and shows upper-case digits; its own libraries send what
 * stands here. https://docs.payments.svea.com/docs/getting-started/authentication,
 * https://github.com/sveawebpay/svea-sdk-dotnet (SveaHttpClient.cs)
 * @param text exactly what is sent, empty where nothing is. @param now unix milliseconds.
 */
export function authHeaders(
  { merchantId, apiSecret }: Pick<Config, "merchantId" | "apiSecret">,
  text: string,
  now: number,
): { readonly authorization: string; readonly timestamp: string } {
  const timestamp = new Date(now).toISOString().slice(0, 19).replace("T", " ");
  const digest = createHash("sha512").update(`${text}${apiSecret}${timestamp}`, "utf8").digest("hex");
  return {
    authorization: `Svea ${Buffer.from(`${merchantId}:${digest}`, "utf8").toString("base64")}`,
    timestamp,
  };
}
