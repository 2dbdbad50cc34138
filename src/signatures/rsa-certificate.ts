import { constants, verify, X509Certificate } from "node:crypto";
import type { Json, Proof, ProofContext, RawRequest, Verifier } from "../contract/adapter.ts";

/** How one PSP signs with the key of a certificate that the request only points at. */
export interface RsaCertificate<Config> {
  /** What the request says of its own proof; `undefined` where something is missing or not allowed. */
  claim(request: RawRequest, context: ProofContext<Config>): RsaClaim | undefined;
  /**
   * What it takes to prove the request in another way, where the certificate cannot be had: small, and nothing personal. What it throws counts as
   * none, and the request as not proven.
   */
  evidence(request: RawRequest): Json;
}

/** RSA, PKCS #1 v1.5 with SHA-256: the only algorithm there is here. */
export interface RsaClaim {
  /** Base64. */
  readonly signature: string;
  /** The texts that may have been signed: one per id or secret of ours that stands in it, none where none is configured. */
  readonly texts: readonly string[];
  /** When it was signed, in unix milliseconds, as the signed text says: the certificate has to have been valid then. */
  readonly at: number;
  readonly certificate: {
    readonly url: string;
    /** The pinned places, origin and path, each ending in a slash: a certificate lies directly in one of them or is none. */
    readonly within: readonly string[];
    /** Whose certificate it has to be, one of these: DNS name in its SAN, or common name where it has none. */
    readonly names: readonly string[];
  };
}

/** What is read although nobody has proven it: no event of a PSP is nearly as long. */
const longestUnproven = 64 * 1024;
const leastBits = 2_048;

/**
 * A signature by the key of a certificate that is fetched from pinned places and cached. Relied on are these places: TLS to the PSP's own
 * host, no redirects, one path; then the certificate's name, its validity when it was signed, and the signature. The chain is not built: the
 * file may hold the leaf alone, and who could put another one there could sign as well. Fetching is all that an unproven request may cause.
 */
export function rsaCertificate<Config>(scheme: RsaCertificate<Config>): Verifier<Config, "proven"> {
  return {
    trust: "proven",
    scheme: "rsa-certificate",
    async check(request, context) {
      const claim = scheme.claim(request, context);
      const signature = claim === undefined ? undefined : bytesOf(claim.signature);
      if (claim === undefined || signature === undefined || claim.texts.length === 0) return false;
      const { url, within, names } = claim.certificate;
      if (!liesWithin(url, within)) return false;
      const file = await context.files.at(url, { is: (text) => certificatesIn(text) !== undefined });
      if (file === undefined) return laterBy(scheme, request);
      // Where the PSP itself says that there is none, what points there is a forgery.
      return (file === null ? [] : (certificatesIn(file) ?? []))
        .filter((certificate) => isTheirs(certificate, names) && wasValid(certificate, claim.at))
        .some((certificate) => claim.texts.some((text) => isSigned(text, signature, certificate)));
    },
  };
}

function laterBy<Config>({ evidence }: RsaCertificate<Config>, request: RawRequest): Proof {
  if (request.body.length > longestUnproven) return { busy: true };
  try {
    return { later: evidence(request) };
  } catch {
    return false;
  }
}

/** The signature's bytes; `undefined` where the text is not exactly what base64 makes of them. */
function bytesOf(signature: string): Buffer | undefined {
  const bytes = Buffer.from(signature, "base64");
  return bytes.length > 0 && bytes.toString("base64") === signature ? bytes : undefined;
}

/** True for a file directly in a pinned place, written as every parser of URLs reads it: no user, port, query, dots or escapes. */
function liesWithin(url: string, within: readonly string[]): boolean {
  if (!URL.canParse(url) || new URL(url).href !== url) return false;
  return within.some((place) => url.startsWith(place) && /^[\w-][\w.-]{0,127}$/.test(url.slice(place.length)));
}

function isTheirs(certificate: X509Certificate, names: readonly string[]): boolean {
  return names.some((name) => certificate.checkHost(name, { wildcards: false }) !== undefined);
}

function wasValid({ validFrom, validTo }: X509Certificate, at: number): boolean {
  return Date.parse(validFrom) <= at && at <= Date.parse(validTo);
}

function isSigned(text: string, signature: Buffer, certificate: X509Certificate): boolean {
  try {
    const key = certificate.publicKey;
    if (key.asymmetricKeyType !== "rsa" || (key.asymmetricKeyDetails?.modulusLength ?? 0) < leastBits) return false;
    return verify("sha256", Buffer.from(text, "utf8"), { key, padding: constants.RSA_PKCS1_PADDING }, signature);
  } catch {
    // A certificate can be read although its key cannot.
    return false;
  }
}

/** The certificates of a file; `undefined` where it is none. */
function certificatesIn(pem: string): readonly X509Certificate[] | undefined {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    return blocks.length === 0 ? undefined : blocks.map((block) => new X509Certificate(block));
  } catch {
    return undefined;
  }
}
