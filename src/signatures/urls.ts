import type { AnyAdapter, PaymentKey, Target } from "../contract/adapter.ts";
import { callbackSignature, operationSignature, type SignedOperation } from "./signed-url.ts";
import type { SigningKeys } from "./signing-keys.ts";

/** What a URL is made with: where we are reached, without a slash at the end, and the keys of each merchant's channel. */
export interface UrlMaker {
  readonly publicUrl: string;
  readonly keys: SigningKeys;
}

/**
 * The URL to give the PSP for one webhook, signed, account-level ones as well. Placeholders that the PSP fills in stand in it as the PSP
 * writes them, unencoded.
 * @throws Error where the adapter has no such webhook for this kind of target.
 */
export function callbackUrl(
  { publicUrl, keys }: UrlMaker,
  adapter: AnyAdapter,
  target: Target,
  webhook: string,
): string {
  const rules = adapter.webhooks[webhook];
  const scope = target.paymentId === undefined ? "account" : "payment";
  if (rules?.scope !== scope) throw new Error(`${adapter.id} has no ${scope}-level webhook ${webhook}`);
  const ids = scope === "account" ? "" : `/${encode(target.orderId)}/payments/${encode(target.paymentId)}`;
  const [key] = keys.of("callback", target);
  const query = new URLSearchParams({
    merchant: target.merchant,
    channel: target.channel,
    sig: callbackSignature(key, target, webhook),
  });
  const placeholders = Object.entries(rules.placeholders ?? {}).map(([name, placeholder]) => `&${name}=${placeholder}`);
  return `${publicUrl}/${adapter.id}/api/checkout/v1/callback/orders${ids}/${encode(webhook)}?${query.toString()}${placeholders.join("")}`;
}

/** The URL that performs one operation until `exp` (unix seconds). */
export function operationUrl(
  { publicUrl, keys }: UrlMaker,
  key: PaymentKey,
  operation: SignedOperation,
  exp: number,
): string {
  const [signingKey] = keys.of("operation", key);
  const query = new URLSearchParams({
    merchant: key.merchant,
    channel: key.channel,
    exp: String(exp),
    sig: operationSignature(signingKey, key, operation, exp),
  });
  return `${publicUrl}/${key.adapter}/api/order/v1/orders/${encode(key.orderId)}/payments/${encode(key.paymentId)}/${operation}?${query.toString()}`;
}

/** The URL of an operation without proof, for callers that have the admin token. */
export function bareOperationUrl(publicUrl: string, key: PaymentKey, operation: SignedOperation): string {
  const query = new URLSearchParams({ merchant: key.merchant, channel: key.channel });
  return `${publicUrl}/${key.adapter}/api/order/v1/orders/${encode(key.orderId)}/payments/${encode(key.paymentId)}/${operation}?${query.toString()}`;
}

function encode(part: string | undefined): string {
  return encodeURIComponent(part ?? "");
}
