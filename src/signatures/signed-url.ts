import { createHmac } from "node:crypto";
import type { OperationName, Proof, SigningKey, Target, Verifier } from "../contract/adapter.ts";
import { equalInConstantTime } from "./constant-time.ts";

/**
 * The URL itself is the proof: for PSPs that sign nothing. Whoever creates the PSP session puts our signature into the callback
 * URL; who calls it knew the URL. That makes the webhook a hint, never the truth.
 */
export const signedUrl: Verifier<unknown, "hint"> = {
  trust: "hint",
  scheme: "signed-url",
  check(request, { target, webhook, callbackKeys }) {
    return signedBy(callbackKeys, request.query.get("sig"), callbackText(target, webhook));
  },
};

/**
 * `sig` of a callback URL: base64url (no padding) of HMAC-SHA256 over adapter, merchant, channel, order id, payment id and webhook,
 * joined by newlines; ids are empty in account-level URLs.
 * @param key the callback key of the target's merchant and channel.
 */
export function callbackSignature(key: SigningKey, target: Target, webhook: string): string {
  return sign(key, callbackText(target, webhook));
}

/** The operations a URL can be signed for: those of the PSP, and `refresh`, which only looks. */
export type SignedOperation = OperationName | "refresh";

/** The longest that an operation URL may live: 90 days, in seconds. */
export const longestLifeSeconds = 90 * 24 * 3_600;

/**
 * `sig` of an operation URL. Its last lines are `operation/<name>` and `exp`, so that a callback URL can never be used as an
 * operation, and an operation URL dies.
 * @param key the operation key of the target's merchant and channel. @param exp unix seconds.
 */
export function operationSignature(key: SigningKey, target: Target, operation: SignedOperation, exp: number): string {
  return sign(key, operationText(target, operation, String(exp)));
}

/**
 * True where `sig` proves the operation URL, and it neither has died nor lives longer than any of ours does. `exp` is in unix seconds, `now`
 * in milliseconds.
 * @param keys the operation keys of the target's merchant and channel.
 */
export function operationProven(
  keys: readonly SigningKey[],
  query: URLSearchParams,
  target: Target,
  operation: SignedOperation,
  now: number,
): boolean {
  const exp = query.get("exp") ?? "";
  const seconds = /^\d{1,12}$/.test(exp) ? Number(exp) : 0;
  const alive = seconds * 1_000 > now && seconds * 1_000 <= now + longestLifeSeconds * 1_000;
  return signedBy(keys, query.get("sig"), operationText(target, operation, exp)) !== false && alive;
}

function signedBy(keys: readonly SigningKey[], sig: string | null, text: string): Proof {
  const given = sig ?? "";
  // Every key is tried, so that the time taken does not tell which one it was.
  const fitting = keys.filter((key) => equalInConstantTime(given, sign(key, text)));
  return fitting[0] === undefined ? false : { by: fitting[0].master };
}

function callbackText({ adapter, merchant, channel, orderId, paymentId }: Target, webhook: string): string {
  return [adapter, merchant, channel, orderId ?? "", paymentId ?? "", webhook].join("\n");
}

function operationText(target: Target, operation: SignedOperation, exp: string): string {
  return `${callbackText(target, `operation/${operation}`)}\n${exp}`;
}

function sign({ key }: SigningKey, text: string): string {
  return createHmac("sha256", key).update(text, "utf8").digest("base64url");
}
