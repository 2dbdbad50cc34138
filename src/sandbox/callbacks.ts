import type { AnyAdapter, PaymentKey, Target } from "../adapters/adapter.ts";
import { callbackSignature, operationSignature } from "../signatures/signed-url.ts";

/** How the PSP and the operator reach the service. */
export interface ServiceAddress {
  /** Scheme, host and port of the web process, without a slash at the end. */
  readonly base: string;
  /** Signs callback and operation URLs: the newest of `URL_SIGNING_KEYS`. */
  readonly signingKey: string;
}

/**
 * The callback URL of each of the adapter's webhooks for one payment, as whoever creates the PSP session would put it there: signed,
 * and with the PSP's placeholders not yet filled in.
 */
export function callbackUrlsOf(
  { base, signingKey }: ServiceAddress,
  adapter: AnyAdapter,
  key: PaymentKey,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(adapter.webhooks).map(([name, { scope, placeholders }]) => {
      const { orderId, paymentId, ...account } = key;
      const target: Target = scope === "payment" ? key : account;
      const path = scope === "payment" ? `${encode(orderId)}/payments/${encode(paymentId)}/${name}` : name;
      const query = new URLSearchParams({
        merchant: key.merchant,
        channel: key.channel,
        sig: callbackSignature(signingKey, target, name),
      });
      // Placeholders stay as they are: the PSP looks for its own spelling of them.
      const rest = Object.entries(placeholders ?? {}).map(([parameter, placeholder]) => `&${parameter}=${placeholder}`);
      return [
        name,
        `${base}/${key.adapter}/api/checkout/v1/callback/orders/${path}?${query.toString()}${rest.join("")}`,
      ];
    }),
  );
}

/** The URL that makes the service look at a payment now. It dies a minute after `now` (milliseconds). */
export function refreshUrlOf({ base, signingKey }: ServiceAddress, key: PaymentKey, now: number): string {
  const exp = Math.ceil(now / 1000) + 60;
  const sig = operationSignature(signingKey, key, "refresh", exp);
  const query = new URLSearchParams({ merchant: key.merchant, channel: key.channel, exp: String(exp), sig });
  const path = `orders/${encode(key.orderId)}/payments/${encode(key.paymentId)}/refresh`;
  return `${base}/${key.adapter}/api/order/v1/${path}?${query.toString()}`;
}

function encode(id: string): string {
  return encodeURIComponent(id);
}
