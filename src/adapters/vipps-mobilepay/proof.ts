import { calledUrl, hmacHeaders, type SignedHead } from "../../signatures/hmac-headers.ts";
import type { ProofContext, RawRequest } from "../../contract/adapter.ts";
import { type Config, webhookSecretsOf } from "./config.ts";

/** The headers that are signed, by name and in this order, as Vipps' own header says it. */
const signedHeaders = "x-ms-date;host;x-ms-content-sha256";
const scheme = new RegExp(`^HMAC-SHA256 SignedHeaders=${signedHeaders}&Signature=(\\S+)$`);

/** What Vipps signs, and how it says so. */
export interface Signing {
  /** Path and query as Vipps called them. */
  readonly target: string;
  /** `x-ms-date`, RFC 1123. */
  readonly date: string;
  /** The host that Vipps called, with its port where it is not the usual one. */
  readonly host: string;
  /** `x-ms-content-sha256`: base64. */
  readonly digest: string;
}

/** The text that is signed. https://developer.vippsmobilepay.com/docs/APIs/webhooks-api/request-authentication/ */
export function signedText({ target, date, host, digest }: Signing): string {
  return `POST\n${target}\n${date};${host};${digest}`;
}

/** How the signature stands in `Authorization`. @param signature base64 */
export function authorizationOf(signature: string): string {
  return `HMAC-SHA256 SignedHeaders=${signedHeaders}&Signature=${signature}`;
}

/**
 * Method, path, query, date, host and body are signed, with the secret's text as it was given: it looks like base64 and is not to be decoded.
 * How old the date is does not matter: Vipps does not say that it signs a repeat anew, a refusal holds back everything else about the
 * payment for a week, and a repeated webhook only asks for a look.
 */
export const signedByVipps = hmacHeaders<Config>({
  bodyDigest: { header: "x-ms-content-sha256", encoding: "base64" },
  digest: "base64",
  key: "text",
  secrets: webhookSecretsOf,
  head: headOf,
});

function headOf(request: RawRequest, context: ProofContext<Config>): SignedHead | undefined {
  const { "x-ms-date": date = "", "x-ms-content-sha256": digest = "" } = request.headers;
  const signature = signatureIn(request);
  if (signature === undefined || date === "" || digest === "" || request.method !== "POST") return undefined;
  const { host } = calledUrl(request, context);
  const target = new URL(context.publicUrl).pathname.replace(/\/$/, "") + request.url;
  return { text: signedText({ target, date, host, digest }), signature };
}

/** Proxies that take `Authorization` for themselves can be told to hand it on under the name that Vipps' own plugin reads. */
function signatureIn({ headers }: RawRequest): string | undefined {
  return [headers["authorization"], headers["x-vipps-authorization"]]
    .map((header) => scheme.exec(header ?? "")?.[1])
    .find((signature) => signature !== undefined);
}
