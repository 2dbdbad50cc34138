import { createHash } from "node:crypto";
import type { ProofContext, RawRequest, Verifier } from "../contract/adapter.ts";
import { equalDigest, hmacOf } from "./hmac-body.ts";
import { isFresh } from "./freshness.ts";
import { provenBy } from "./proven.ts";

/** What one PSP signs of a request: a text made of its target and headers, one of which is the digest of the body. */
export interface SignedHead {
  readonly text: string;
  /** The signature that came with it. */
  readonly signature: string;
  /** When it was signed, in milliseconds since the epoch, where it says so. */
  readonly at?: number;
}

/** How one PSP signs headers. */
export interface HmacHeaders<Config> {
  /** `undefined` where something is missing. What it throws counts as that. `calledUrl` says host and path as the sender knows them. */
  head(request: RawRequest, context: ProofContext<Config>): SignedHead | undefined;
  /** The header, lower case, with the SHA-256 of the body; it has to stand in the text. */
  readonly bodyDigest: { readonly header: string; readonly encoding: "base64" | "hex" };
  readonly digest: "base64" | "base64url" | "hex";
  /** How the secret becomes a key: its UTF-8 text, or the bytes that its hexadecimal digits stand for. */
  readonly key: "text" | "hex";
  /** How far from now the signed time may be, in seconds; left out, any time will do. */
  readonly toleranceSeconds?: number;
  /** The secrets that may have signed it, newest first; none where the merchant has not configured one. */
  secrets(config: Config, request: RawRequest): readonly string[];
}

/**
 * HMAC-SHA256 over a text of headers, which names the digest of the body: the body is signed by way of its digest, and a text in which
 * that digest does not stand proves nothing.
 */
export function hmacHeaders<Config>(scheme: HmacHeaders<Config>): Verifier<Config, "proven"> {
  const { bodyDigest, digest, key, toleranceSeconds } = scheme;
  return {
    trust: "proven",
    scheme: "hmac-headers",
    check(request, context) {
      const head = headOf(scheme, request, context);
      if (head === undefined) return false;
      const named = request.headers[bodyDigest.header] ?? "";
      const body = createHash("sha256").update(request.body).digest();
      const isWhole = equalDigest(named, body, bodyDigest.encoding) && head.text.includes(named);
      const proof = provenBy(scheme.secrets(context.config, request), (secret) =>
        equalDigest(head.signature, hmacOf(secret, key, head.text), digest),
      );
      return isWhole && isFresh(head.at, toleranceSeconds) && proof;
    },
  };
}

/** The URL that the sender called, which it may have signed: behind a proxy `PUBLIC_URL` says how it begins, and not the request. */
export function calledUrl(
  { url }: Pick<RawRequest, "url">,
  { publicUrl }: Pick<ProofContext<unknown>, "publicUrl">,
): URL {
  return new URL(publicUrl + url);
}

function headOf<Config>(
  scheme: HmacHeaders<Config>,
  request: RawRequest,
  context: ProofContext<Config>,
): SignedHead | undefined {
  try {
    return scheme.head(request, context);
  } catch {
    return undefined;
  }
}
