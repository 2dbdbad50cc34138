import { createHmac, timingSafeEqual } from "node:crypto";
import type { RawRequest, Verifier } from "../contract/adapter.ts";
import { isFresh } from "./freshness.ts";
import { provenBy } from "./proven.ts";

/** What stands in a signature's header. */
export interface SignatureHeader {
  /** The signatures in it; one that fits is enough: a PSP that changes its secret sends two for a while. */
  readonly signatures: readonly string[];
  /** What stands before the body in what is signed. */
  readonly before?: string;
  /** When it was signed, in milliseconds since the epoch, where that stands in `before`. */
  readonly at?: number;
}

/** How one PSP signs the bytes of a body. */
export interface HmacBody<Config> {
  /** Header that holds the signature, lower case. */
  readonly header: string;
  /** What the header says where it is more than a bare signature: `sha256=…`, `t=…,v1=…`. What it throws counts as no signature. */
  readonly read?: (header: string) => SignatureHeader;
  /** How far from now the signed time may be, in seconds; left out, any time will do. */
  readonly toleranceSeconds?: number;
  /** How the digest is written; where several are given, any of them is taken: they carry the same bits. */
  readonly digest: readonly ("base64" | "base64url" | "hex")[];
  /** How the secret becomes a key: its UTF-8 text, or the bytes that its hexadecimal digits stand for. */
  readonly key: "text" | "hex";
  /** The secrets that may have signed it, newest first; none where the merchant has not configured one. */
  secrets(config: Config, request: RawRequest): readonly string[];
}

/**
 * HMAC-SHA256 over the raw body, in a header. The body is never parsed and written again: another spelling is another signature.
 * An empty list of secrets proves nothing.
 */
export function hmacBody<Config>(scheme: HmacBody<Config>): Verifier<Config, "proven"> {
  return {
    trust: "proven",
    scheme: "hmac-body",
    check(request, { config }) {
      const { signatures, before = "", at } = readFrom(scheme, request.headers[scheme.header] ?? "");
      const signed = before === "" ? request.body : Buffer.concat([Buffer.from(before, "utf8"), request.body]);
      // Every secret, signature and spelling is tried, so that the time taken does not tell which one it was.
      const proof = provenBy(scheme.secrets(config, request), (secret) => {
        const digest = hmacOf(secret, scheme.key, signed);
        const fitting = signatures.flatMap((given) =>
          scheme.digest.map((encoding) => equalDigest(given, digest, encoding)),
        );
        return fitting.includes(true);
      });
      return isFresh(at, scheme.toleranceSeconds) && proof;
    },
  };
}

function readFrom<Config>({ read }: HmacBody<Config>, header: string): SignatureHeader {
  if (read === undefined) return { signatures: [header] };
  try {
    return read(header);
  } catch {
    return { signatures: [] };
  }
}

/** HMAC-SHA256 of the bytes. A hexadecimal secret that is none gives a digest that nothing equals. */
export function hmacOf(secret: string, key: "text" | "hex", bytes: Buffer | string): Buffer {
  const material = key === "hex" ? Buffer.from(secret, "hex") : Buffer.from(secret, "utf8");
  const readable = key === "text" || material.length * 2 === secret.length;
  return readable && material.length > 0 ? createHmac("sha256", material).update(bytes).digest() : Buffer.alloc(0);
}

/** Compares a signature as it was sent with a digest, in constant time; hexadecimal digits in any case. */
export function equalDigest(given: string, digest: Buffer, encoding: "base64" | "base64url" | "hex"): boolean {
  const expected = Buffer.from(digest.toString(encoding), "utf8");
  const sent = Buffer.from(encoding === "hex" ? given.toLowerCase() : given, "utf8");
  return expected.length > 0 && sent.length === expected.length && timingSafeEqual(sent, expected);
}
