import { z } from "zod";
import { bodyOf, pushWith, unsigned } from "../_klarna/webhooks.ts";
import { hmacBody } from "../../signatures/hmac-body.ts";
import type { RawRequest, Webhook } from "../../contract/adapter.ts";
import type { Config } from "./config.ts";
import { eventFrom, networkSchema } from "./network.ts";

export { notification } from "../_klarna/webhooks.ts";

/** "There is a new order": only where whoever placed it gave Klarna this URL. */
export const push: Webhook<unknown> = pushWith("{order.id}");

/** `authorization_token` is not in it: it can be turned into an order for an hour, and is nobody's business here. */
const authorizationSchema = z.object({
  session_id: z
    .string()
    .regex(/^[\w:.-]{1,128}$/)
    .optional()
    .catch(undefined),
});

/**
 * "The shopper has been approved": the safety net of whoever places the order. Here it is a hint that there may be an order soon.
 * https://docs.klarna.com/payments/web-payments/integrate-with-klarna-payments/other-actions/authorization-callback
 */
export const authorization: Webhook<unknown> = {
  ...unsigned,
  parse: (request, target) => {
    const { session_id } = bodyOf(request, authorizationSchema);
    const key = [target.orderId ?? "", target.paymentId ?? "", "authorization", session_id ?? ""];
    return [{ key: JSON.stringify(key), type: "authorization", at: null, reference: session_id }];
  },
};

/**
 * Klarna Network's webhook, of everything the merchant subscribed to. Klarna's pages do not say how the digest is written: integrators
 * compare hexadecimal digits, and both spellings carry the same bits. The secret is used as text.
 * https://docs.klarna.com/klarna-network-distribution/setup-your-integration/connection-configuration/setup-your-webhooks
 */
export const webhook: Webhook<Config> = {
  scope: "account",
  method: "POST",
  verify: hmacBody<Config>({
    header: "klarna-signature",
    digest: ["hex", "base64"],
    key: "text",
    secrets: secretsNamedIn,
  }),
  ack: { status: 200 },
  parse: (request) => {
    const event = eventFrom(bodyOf(request, networkSchema));
    return event === undefined ? [] : [event];
  },
};

/** The secret of the key that the webhook names; none where that key is unknown here. */
function secretsNamedIn({ webhookSigningKeys = {} }: Config, { headers }: RawRequest): readonly string[] {
  const keyId = headers["klarna-signing-key-id"] ?? "";
  const secret = Object.hasOwn(webhookSigningKeys, keyId) ? webhookSigningKeys[keyId] : undefined;
  return secret === undefined ? [] : [secret];
}
