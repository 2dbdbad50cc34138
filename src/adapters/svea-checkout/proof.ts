import { createHmac } from "node:crypto";
import { equalDigest } from "../../signatures/hmac-body.ts";
import { proven } from "../../signatures/proven.ts";
import { signedUrl } from "../../signatures/signed-url.ts";
import type { ProofContext, RawRequest, Verifier } from "../../contract/adapter.ts";
import type { Config } from "./config.ts";

/**
 * Our URL, and Svea's own signature where one comes along. Svea's pages know of none, so that a webhook without it has
 * to pass, and one with it is no more than a hint: who leaves it out is asked for the URL alone.
 */
export const sveaProof: Verifier<Config, "hint"> = proven<Config, "hint">(signedUrl, isSignedRight);

/**
 * HMAC-SHA512 over the timestamp, a dot and the body, as Svea's library for PHP checks it. It wants the timestamp to be
 * at most five minutes old; here a repeated webhook costs a look, and a clock that is wrong shall lose none.
 * https://github.com/sveawebpay/php-checkout (HmacSignatureVerifier.php)
 */
function isSignedRight({ headers, body }: RawRequest, { config }: ProofContext<Config>): boolean {
  const given = headers["x-signature-512"];
  if (given === undefined) return true;
  const timestamp = headers["x-timestamp"] ?? "";
  // Digits only: otherwise bytes could be moved from the body to the timestamp.
  if (!/^\d{1,16}$/.test(timestamp)) return false;
  const digest = createHmac("sha512", config.apiSecret).update(`${timestamp}.`).update(body).digest();
  return equalDigest(given, digest, "base64");
}
