import { createHmac, createSecretKey } from "node:crypto";
import type { PaymentKey, SigningKey } from "../contract/adapter.ts";
import { equalInConstantTime } from "./constant-time.ts";
import { fingerprintOf } from "./fingerprint.ts";

/** Whose key it is: one merchant's channel. */
export type KeyOwner = Pick<PaymentKey, "merchant" | "channel">;

/**
 * What a key is good for. `callback`: URLs that make the service look at a payment; handed out to whoever creates the merchant's PSP sessions.
 * `operation`: URLs that move money; never leaves the service.
 */
export type Purpose = "callback" | "operation";

/** The keys of signed URLs, each of one purpose and one merchant's channel: what is known of one proves nothing of another. */
export interface SigningKeys {
  /** The fingerprints of the master keys, newest first. */
  readonly masters: readonly string[];
  /** Newest first: the first one signs, each of them proves. Ask only for merchants and channels that are configured: answers are kept. */
  of(purpose: Purpose, owner: KeyOwner): readonly [SigningKey, ...SigningKey[]];
  /** Says a nonce back, so that whoever holds one of the master keys knows who answered: base64url, by a key that proves nothing else. */
  echo(nonce: string): string;
  /** Whether this is the echo of one who holds one of the master keys. */
  isEcho(nonce: string, echo: string): boolean;
}

/**
 * Derives the keys of signed URLs from the master keys, and remembers them.
 * @param masters `URL_SIGNING_KEYS`, newest first. @throws Error where there is none.
 * @param generationOf the channel's `keyGeneration`, which revokes its keys alone.
 */
export function createSigningKeys(
  masters: readonly string[],
  generationOf: (owner: KeyOwner) => string | undefined = () => undefined,
): SigningKeys {
  const [newest, ...older] = masters;
  if (newest === undefined) throw new Error("there is no signing key");
  const known = new Map<string, readonly [SigningKey, ...SigningKey[]]>();
  return {
    masters: masters.map(fingerprintOf),
    of(purpose, owner) {
      const name = `${purpose}\n${owner.merchant}\n${owner.channel}`;
      const kept = known.get(name);
      if (kept !== undefined) return kept;
      const derive = (master: string): SigningKey => {
        const text = deriveKey(master, purpose, owner, generationOf(owner));
        return { text, key: createSecretKey(text, "utf8"), master: fingerprintOf(master) };
      };
      const keys = [derive(newest), ...older.map(derive)] as const;
      known.set(name, keys);
      return keys;
    },
    echo: (nonce) => echoBy(newest, nonce),
    isEcho: (nonce, echo) => masters.map((master) => equalInConstantTime(echo, echoBy(master, nonce))).includes(true),
  };
}

/**
 * One key: base64url (no padding) of HMAC-SHA256 by the master key over purpose, merchant, channel and, where there is one, the generation,
 * joined by newlines. The text itself, as UTF-8, is the key of `sig`.
 */
function deriveKey(master: string, purpose: Purpose, { merchant, channel }: KeyOwner, generation?: string): string {
  const lines = [purpose, merchant, channel, ...(generation === undefined ? [] : [generation])];
  return createHmac("sha256", master).update(lines.join("\n"), "utf8").digest("base64url");
}

/** The echo's key is derived from a line that no merchant's key is derived from: those have three. */
function echoBy(master: string, nonce: string): string {
  const key = createHmac("sha256", master).update("echo", "utf8").digest("base64url");
  return createHmac("sha256", key).update(nonce, "utf8").digest("base64url");
}
