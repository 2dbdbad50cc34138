import type { RawRequest, Verifier } from "../contract/adapter.ts";
import { equalDigest, hmacOf } from "./hmac-body.ts";

/** One thing that is signed by itself. */
export interface SignedItem {
  /** What is signed, in the order in which it is. */
  readonly fields: readonly string[];
  /** The signature that came with it; empty where none did. */
  readonly signature: string;
}

/** How one PSP signs chosen fields of each item of a webhook. */
export interface HmacFields<Config> {
  /** What has to be proven; `undefined` where the request cannot be read. What it throws counts as that. */
  items(request: RawRequest): readonly SignedItem[] | undefined;
  /** What stands between two fields. Nothing is escaped. */
  readonly joint: string;
  /** The one field, by its index, in which the joint may occur: with two of them, other fields could join to the same text. */
  readonly free: number;
  readonly digest: "base64" | "base64url" | "hex";
  /** How the secret becomes a key: its UTF-8 text, or the bytes that its hexadecimal digits stand for. */
  readonly key: "text" | "hex";
  /** The secrets that may have signed it, newest first; none where the merchant has not configured one. */
  secrets(config: Config, request: RawRequest): readonly string[];
}

/**
 * HMAC-SHA256 over chosen fields, joined, of each item. The request is proven where every item is, and there is one: what a batch says
 * beside a proven item is nobody's word. Everything else in the request is unsigned.
 */
export function hmacFields<Config>(scheme: HmacFields<Config>): Verifier<Config, "proven"> {
  return {
    trust: "proven",
    scheme: "hmac-fields",
    check(request, { config }) {
      const items = readFrom(scheme, request);
      const secrets = scheme.secrets(config, request).filter((secret) => secret !== "");
      // Every item is tried with every secret, so that the time taken does not tell which one it was.
      const proofs = items.map((item) => isSigned(item, scheme, secrets));
      return proofs.length > 0 && !proofs.includes(false);
    },
  };
}

function isSigned(
  item: SignedItem,
  { joint, free, digest, key }: Pick<HmacFields<never>, "joint" | "free" | "digest" | "key">,
  secrets: readonly string[],
): boolean {
  const text = item.fields.join(joint);
  const equal = secrets.map((secret) => equalDigest(item.signature, hmacOf(secret, key, text), digest));
  const ambiguous = item.fields.some((field, index) => index !== free && field.includes(joint));
  return equal.includes(true) && !ambiguous;
}

function readFrom<Config>(scheme: HmacFields<Config>, request: RawRequest): readonly SignedItem[] {
  try {
    return scheme.items(request) ?? [];
  } catch {
    return [];
  }
}
