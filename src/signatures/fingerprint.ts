import { createHash } from "node:crypto";

/**
 * A short name for a secret that tells it from its neighbours in a rotation, and from which nobody gets the secret: six characters of base64url.
 * Log lines, metrics and journals carry it, so that an operator sees which secret no webhook is proven by any longer.
 */
export function fingerprintOf(secret: string): string {
  return createHash("sha256").update(`norce-psp-worker fingerprint\n${secret}`, "utf8").digest("base64url").slice(0, 6);
}
