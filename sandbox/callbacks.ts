import type { AnyAdapter, PaymentKey } from "../src/contract/adapter.ts";
import { callbackUrl, operationUrl } from "../src/signatures/urls.ts";

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
  const { orderId: _order, paymentId: _payment, ...account } = key;
  const maker = { publicUrl: base, signingKey };
  return Object.fromEntries(
    Object.entries(adapter.webhooks).map(([name, { scope }]) => [
      name,
      callbackUrl(maker, adapter, scope === "payment" ? key : account, name),
    ]),
  );
}

/** The URL that makes the service look at a payment now. It dies a minute after `now` (milliseconds). */
export function refreshUrlOf({ base, signingKey }: ServiceAddress, key: PaymentKey, now: number): string {
  return operationUrl({ publicUrl: base, signingKey }, key, "refresh", Math.ceil(now / 1000) + 60);
}
