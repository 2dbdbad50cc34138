import { createHmac } from "node:crypto";

/**
 * A short text that is the same for the same value, and tells nothing of it: without the key nobody can try values against it.
 * @param value anything that JSON has.
 */
export function keyedFingerprint(key: string, value: unknown): string {
  return createHmac("sha256", key).update(JSON.stringify(value)).digest("base64url").slice(0, 10);
}
