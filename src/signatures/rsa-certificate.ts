import { constants, verify, X509Certificate } from "node:crypto";
import type { Json, ProofContext, RawRequest, Verifier } from "../contract/adapter.ts";
import { isWorkerError } from "../lib/errors.ts";
import { createHttp } from "../lib/http.ts";

/** How one PSP signs with the key of a certificate that the request only points at. */
export interface RsaCertificate<Config> {
  /** What the request says of its own proof; `undefined` where something is missing or not allowed. */
  claim(request: RawRequest, context: ProofContext<Config>): RsaClaim | undefined;
  /** What it takes to prove the request in another way, where the certificate cannot be had. */
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

type Certificates = readonly X509Certificate[];

/** One attempt to have a certificate; once it has failed it is not repeated before `until`, so that a burst does not wait for each. */
interface Attempt {
  readonly certificates: Promise<Certificates | undefined>;
  until: number;
}

/** Short: the PSP waits for our answer meanwhile. */
const patienceMs = 1_500;
const failureMs = 5_000;
const mostAttempts = 16;
const mostKept = 64;
const longestFile = 100_000;
/** What is kept although nobody has proven it yet: no event of a PSP is nearly as long. */
const longestEvidence = 64 * 1024;
const leastBits = 2_048;

/** What is behind a URL never changes: PSPs publish another certificate at another URL. */
const kept = new Map<string, Certificates>();
const attempts = new Map<string, Attempt>();

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
      const certificates = await certificatesAt(url);
      if (certificates === undefined)
        return request.body.length <= longestEvidence ? { later: scheme.evidence(request) } : { busy: true };
      return certificates
        .filter((certificate) => isTheirs(certificate, names) && wasValid(certificate, claim.at))
        .some((certificate) => claim.texts.some((text) => isSigned(text, signature, certificate)));
    },
  };
}

/**
 * Makes a certificate known without fetching it.
 * @throws Error where the text is no certificate.
 */
export function primeCertificate(url: string, pem: string): void {
  const certificates = certificatesIn(pem);
  if (certificates === undefined) throw new Error("this is no certificate in PEM");
  keep(url, certificates);
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

/** The certificates in the file, none where there is no such file; `undefined` where it cannot be had now. */
async function certificatesAt(url: string): Promise<Certificates | undefined> {
  const known = kept.get(url);
  if (known !== undefined) return known;
  forgetFailures(Date.now());
  const attempt = attempts.get(url);
  if (attempt !== undefined) return await attempt.certificates;
  // Whoever sends many addresses that lead nowhere does not make us ask for each. What is genuine among them is no forgery for that.
  if (attempts.size >= mostAttempts) return undefined;
  const made: Attempt = { certificates: fetched(url), until: Infinity };
  attempts.set(url, made);
  const certificates = await made.certificates;
  if (certificates === undefined || certificates.length === 0) made.until = Date.now() + failureMs;
  else {
    attempts.delete(url);
    keep(url, certificates);
  }
  return certificates;
}

function forgetFailures(now: number): void {
  for (const [url, { until }] of attempts) if (until <= now) attempts.delete(url);
}

function keep(url: string, certificates: Certificates): void {
  const [oldest] = kept.keys();
  if (kept.size >= mostKept && oldest !== undefined) kept.delete(oldest);
  kept.set(url, certificates);
}

/** Never rejects. No certificate at all where the PSP itself says that there is none: what points there is a forgery. */
async function fetched(url: string): Promise<Certificates | undefined> {
  const { origin, pathname } = new URL(url);
  const headers = { accept: "application/x-pem-file, text/plain, */*" };
  const http = createHttp({ peer: "certificates", baseUrl: origin, headers, answers: "text", timeoutMs: patienceMs });
  try {
    const signal = AbortSignal.timeout(patienceMs);
    const { body } = await http({ method: "GET", path: pathname, route: "/{certificate}", signal });
    return typeof body === "string" ? certificatesIn(body) : undefined;
  } catch (error) {
    const status = isWorkerError(error) ? error.context["status"] : undefined;
    return status === 404 || status === 410 ? [] : undefined;
  }
}

function certificatesIn(pem: string): Certificates | undefined {
  if (pem.length > longestFile) return undefined;
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    return blocks.length === 0 ? undefined : blocks.map((block) => new X509Certificate(block));
  } catch {
    return undefined;
  }
}
