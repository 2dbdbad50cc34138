import { crc32 } from "node:zlib";
import { rsaCertificate, type RsaClaim } from "../../signatures/rsa-certificate.ts";
import type { RawRequest, Webhook } from "../../contract/adapter.ts";
import { type Config, webhookIds } from "./config.ts";
import { certificatePlaces, signerNames } from "./environment.ts";
import { eventsFrom, reread } from "./events.ts";
import { evidenceOf, provenByPayPal } from "./known-events.ts";

/** The headers of a webhook that its proof is made of, by PayPal's names for them. */
export const transmission = {
  auth_algo: "paypal-auth-algo",
  cert_url: "paypal-cert-url",
  transmission_id: "paypal-transmission-id",
  transmission_sig: "paypal-transmission-sig",
  transmission_time: "paypal-transmission-time",
} as const;

/** The only algorithm: what the header says is not a choice. */
const algorithm = "sha256withrsa";

/**
 * Everything that PayPal sends of one REST app. Where its certificate cannot be had, the event waits until PayPal has said that it knows it.
 * https://developer.paypal.com/api/rest/webhooks/rest/
 */
export const webhook: Webhook<Config> = {
  scope: "account",
  method: "POST",
  verify: rsaCertificate<Config>({
    claim: (request, { config }) => claimFrom(request, config),
    evidence: ({ body }) => evidenceOf(body),
  }),
  // A checksum of four bytes binds the body to its signature: whoever holds one webhook's headers can write another body for them.
  signed: "none",
  ack: { status: 200 },
  parse: eventsFrom,
  reread,
  proveLater: provenByPayPal,
};

/** What PayPal signs: `transmission id|transmission time|webhook id|CRC-32 of the body`, where the webhook id is ours and never the request's. */
function claimFrom({ headers, body }: RawRequest, config: Config): RsaClaim | undefined {
  const header = (name: keyof typeof transmission): string => headers[transmission[name]] ?? "";
  const [id, time] = [header("transmission_id"), header("transmission_time")];
  if (header("auth_algo").toLowerCase() !== algorithm) return undefined;
  // Neither may hold the bar between the parts of the signed text.
  if (!/^[\w-]{1,64}$/.test(id) || !/^\d{4}-[\d:TZ.+-]{1,36}$/.test(time)) return undefined;
  return {
    signature: header("transmission_sig"),
    texts: webhookIds(config.webhookId).map((webhookId) => [id, time, webhookId, String(crc32(body))].join("|")),
    at: Date.parse(time),
    certificate: {
      url: header("cert_url"),
      within: certificatePlaces(config.apiUrl),
      names: signerNames(config.apiUrl),
    },
  };
}
