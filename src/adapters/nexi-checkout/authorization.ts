import { createHmac } from "node:crypto";
import type { Target } from "../../contract/adapter.ts";
import { listOf } from "../../lib/secrets.ts";
import type { ShownSecret } from "../../signatures/shared-secret.ts";

/** Nexi takes 8 to 32 letters and digits as `authorization` of a webhook (docs/psp/nexi.md, b). */
const taken = /^[A-Za-z0-9]{8,32}$/;

/**
 * The value for one order's webhooks: the first 32 hexadecimal digits of HMAC-SHA256 over `tenant:orderId` (docs/psp/nexi.md, b:
 * Authenticity). Nothing has to be stored, and one that gets out proves nothing of another order.
 * @param tenant merchant and channel: `acme/se`. @param orderId empty for account-level webhooks.
 */
export function authorizationFor(secret: string, tenant: string, orderId: string): string {
  return createHmac("sha256", secret).update(`${tenant}:${orderId}`, "utf8").digest("hex").slice(0, 32);
}

/** Every value that may stand in `Authorization`: derived from each secret, and each secret itself where Nexi would take it as it is. */
export function authorizationsOf(
  secrets: string | readonly string[],
  { merchant, channel, orderId = "" }: Pick<Target, "merchant" | "channel" | "orderId">,
): readonly ShownSecret[] {
  return listOf(secrets)
    .filter((secret) => secret !== "")
    .flatMap((secret) => [
      { value: authorizationFor(secret, `${merchant}/${channel}`, orderId), secret },
      ...(taken.test(secret) ? [{ value: secret, secret }] : []),
    ]);
}
