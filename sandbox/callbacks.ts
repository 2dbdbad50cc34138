import type { AnyAdapter, PaymentKey } from "../src/contract/adapter.ts";
import type { SigningKeys } from "../src/signatures/signing-keys.ts";
import { bareOperationUrl, callbackUrl } from "../src/signatures/urls.ts";

/** How the PSP and the operator reach the service. */
export interface ServiceAddress {
  /** Scheme, host and port of the web process, without a slash at the end. */
  readonly base: string;
  /** Sign callback URLs. */
  readonly keys: SigningKeys;
  /** Asks for a look. */
  readonly adminToken: string;
}

/**
 * The callback URL of each of the adapter's webhooks for one payment, as whoever creates the PSP session would put it there: signed,
 * and with the PSP's placeholders not yet filled in.
 */
export function callbackUrlsOf(
  { base, keys }: ServiceAddress,
  adapter: AnyAdapter,
  key: PaymentKey,
): Record<string, string> {
  const { orderId: _order, paymentId: _payment, ...account } = key;
  const maker = { publicUrl: base, keys };
  return Object.fromEntries(
    Object.entries(adapter.webhooks).map(([name, { scope }]) => [
      name,
      callbackUrl(maker, adapter, scope === "payment" ? key : account, name),
    ]),
  );
}

/** Makes the service look at a payment now. @throws Error where it does not take the request. */
export async function askForLook({ base, adminToken }: ServiceAddress, key: PaymentKey): Promise<void> {
  const answer = await fetch(bareOperationUrl(base, key, "refresh"), {
    method: "POST",
    headers: { authorization: `Bearer ${adminToken}` },
    signal: AbortSignal.timeout(5_000),
  });
  await answer.body?.cancel();
  if (!answer.ok) throw new Error(`the service answered ${answer.status} when asked to look at ${key.paymentId}`);
}
