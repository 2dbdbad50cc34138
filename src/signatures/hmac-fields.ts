import type { Proof, RawRequest, Verifier } from "../contract/adapter.ts";
import { equalDigest, hmacOf } from "./hmac-body.ts";
import { provenBy } from "./proven.ts";

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

/** The largest batch: PSPs that send several items at once send few, and each of them is a digest of ours. */
const mostItems = 100;

/**
 * HMAC-SHA256 over chosen fields, joined, of each item. The request is proven where every item is, and there is one: what a batch says
 * beside a proven item is nobody's word. Nothing is computed for what follows an item that is not proven. Everything else in the request is
 * unsigned.
 */
export function hmacFields<Config>(scheme: HmacFields<Config>): Verifier<Config, "proven"> {
  return {
    trust: "proven",
    scheme: "hmac-fields",
    check(request, { config }) {
      const items = readFrom(scheme, request);
      if (items.length > mostItems) return false;
      const secrets = scheme.secrets(config, request);
      let proof: Proof = false;
      for (const item of items) {
        proof = isSigned(item, scheme, secrets);
        if (proof === false) return false;
      }
      return proof;
    },
  };
}

function isSigned(
  item: SignedItem,
  { joint, free, digest, key }: Pick<HmacFields<never>, "joint" | "free" | "digest" | "key">,
  secrets: readonly string[],
): Proof {
  const ambiguous = item.fields.some((field, index) => index !== free && field.includes(joint));
  if (ambiguous) return false;
  const text = item.fields.join(joint);
  return provenBy(secrets, (secret) => equalDigest(item.signature, hmacOf(secret, key, text), digest));
}

function readFrom<Config>(scheme: HmacFields<Config>, request: RawRequest): readonly SignedItem[] {
  try {
    return scheme.items(request) ?? [];
  } catch {
    return [];
  }
}
