import { createHmac } from "node:crypto";
import { listOf } from "../../lib/secrets.ts";
import { equalDigest } from "../../signatures/hmac-body.ts";
import { isProven, provenBy } from "../../signatures/proven.ts";
import { sharedSecret } from "../../signatures/shared-secret.ts";
import type { Proof, RawRequest, Verifier } from "../../contract/adapter.ts";
import { type Config, webhookAuthorizations } from "./config.ts";

const credentials = sharedSecret<Config>({ header: "authorization", values: webhookAuthorizations });

/**
 * What proves a store-level webhook: everything that the merchant configured, and nothing where nothing was. Walley does not publish how the
 * signature is made (docs/psp/walley.md, b3), so that even one that fits makes the webhook no more than a hint.
 */
export const configuredProofs: Verifier<Config, "hint"> = {
  ...credentials,
  async check(request, context) {
    const { webhookUsername, webhookHmacKey } = context.config;
    const proofs = [
      ...(webhookUsername === undefined ? [] : [await credentials.check(request, context)]),
      ...(webhookHmacKey === undefined ? [] : [isSigned(request, listOf(webhookHmacKey))]),
    ];
    // Named is the stronger one.
    return proofs.every(isProven) ? (proofs.at(-1) ?? false) : false;
  },
};

/**
 * Proven by an HMAC-SHA256 of timestamp and body in any of the spellings that the documentation leaves open. Each covers both, byte for byte,
 * with the whole digest, so that one more spelling is no easier to forge. A signature over the body alone is not among them: the timestamp is
 * known to be signed. How old it is does not matter: it is the time of the event, and Walley repeats a webhook for days.
 */
function isSigned({ headers, body }: RawRequest, keys: readonly string[]): Proof {
  const timestamp = headers["walley-timestamp"] ?? "";
  const given = (headers["walley-signature"] ?? "").replace(/^sha256=/i, "");
  if (!/^\d{9,16}$/.test(timestamp)) return false;
  const stamp = Buffer.from(timestamp, "utf8");
  const texts = [
    Buffer.concat([stamp, body]),
    Buffer.concat([stamp, Buffer.from("."), body]),
    Buffer.concat([body, stamp]),
  ];
  // Every spelling is tried, so that the time taken does not tell which one it was.
  return provenBy(keys, (secret) =>
    keysFrom(secret)
      .flatMap((key) => texts.map((text) => createHmac("sha256", key).update(text).digest()))
      .flatMap((digest) => (["hex", "base64", "base64url"] as const).map((as) => equalDigest(given, digest, as)))
      .includes(true),
  );
}

/** Merchant Hub shows the key once, as text: the bytes it stands for may be its own, or those of its base64 or hexadecimal digits. */
function keysFrom(key: string): readonly Buffer[] {
  const decoded = (["base64", "hex"] as const)
    .map((encoding) => ({ encoding, bytes: Buffer.from(key, encoding) }))
    // Short keys are none: what decodes to a few bytes was no encoded key.
    .filter(({ encoding, bytes }) => bytes.length >= 16 && bytes.toString(encoding) === normalized(key, encoding))
    .map(({ bytes }) => bytes);
  return [Buffer.from(key, "utf8"), ...decoded];
}

function normalized(key: string, encoding: "base64" | "hex"): string {
  return encoding === "hex" ? key.toLowerCase() : key;
}
