import { createHmac, createSecretKey, type KeyObject } from "node:crypto";
import type { OperationName, Target, Verifier } from "../contract/adapter.ts";
import { equalInConstantTime } from "./constant-time.ts";

/**
 * The URL itself is the proof: for PSPs that sign nothing. Whoever creates the PSP session puts our signature into the callback
 * URL; who calls it knew the URL. That makes the webhook a hint, never the truth.
 */
export const signedUrl: Verifier<unknown, "hint"> = {
  trust: "hint",
  scheme: "signed-url",
  check(request, { target, webhook, urlSigningKeys }) {
    return provenBy(urlSigningKeys, request.query.get("sig"), callbackText(target, webhook));
  },
};

/**
 * `sig` of a callback URL: base64url (no padding) of HMAC-SHA256 over adapter, merchant, channel, order id, payment id and webhook,
 * joined by newlines; ids are empty in account-level URLs.
 */
export function callbackSignature(key: string, target: Target, webhook: string): string {
  return sign(key, callbackText(target, webhook));
}

/** The operations a URL can be signed for: those of the PSP, and `refresh`, which only looks. */
export type SignedOperation = OperationName | "refresh";

/**
 * `sig` of an operation URL. Its last lines are `operation/<name>` and `exp`, so that a callback URL can never be used as an
 * operation, and an operation URL dies.
 */
export function operationSignature(key: string, target: Target, operation: SignedOperation, exp: number): string {
  return sign(key, operationText(target, operation, String(exp)));
}

/** True where `sig` proves the operation URL and it has not died. `exp` is in unix seconds, `now` in milliseconds. */
export function operationProven(
  keys: readonly string[],
  query: URLSearchParams,
  target: Target,
  operation: SignedOperation,
  now: number,
): boolean {
  const exp = query.get("exp") ?? "";
  const alive = /^\d{1,12}$/.test(exp) && Number(exp) * 1000 > now;
  return provenBy(keys, query.get("sig"), operationText(target, operation, exp)) && alive;
}

function provenBy(keys: readonly string[], sig: string | null, text: string): boolean {
  const given = sig ?? "";
  // Every key is tried, so that the time taken does not tell which one it was.
  return keys.map((key) => equalInConstantTime(given, sign(key, text))).includes(true);
}

function callbackText({ adapter, merchant, channel, orderId, paymentId }: Target, webhook: string): string {
  return [adapter, merchant, channel, orderId ?? "", paymentId ?? "", webhook].join("\n");
}

function operationText(target: Target, operation: SignedOperation, exp: string): string {
  return `${callbackText(target, `operation/${operation}`)}\n${exp}`;
}

function sign(key: string, text: string): string {
  return createHmac("sha256", keyObject(key)).update(text, "utf8").digest("base64url");
}

/** Keys are few and live as long as the process: importing one for every webhook would cost more than the digest. */
const keyObjects = new Map<string, KeyObject>();

function keyObject(key: string): KeyObject {
  const known = keyObjects.get(key);
  if (known !== undefined) return known;
  const made = createSecretKey(key, "utf8");
  keyObjects.set(key, made);
  return made;
}
