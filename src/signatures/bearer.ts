import { createLocalJWKSet, errors, type JSONWebKeySet, jwtVerify } from "jose";
import type { PublicFiles, RawRequest } from "../contract/adapter.ts";
import { isObject, parseJson } from "../lib/json.ts";

/** Whose tokens are taken: those that an identity provider of the merchant's gave out, for us. */
export interface BearerRules {
  /** The claim `iss`, to the letter. */
  readonly issuer: string;
  /** One of the claim `aud`. */
  readonly audience: string;
  /** Where the provider's public keys lie, as a JWK set. */
  readonly jwksUrl: string;
}

/** Signed with a private key: whoever reads the public ones can make none. What the token says of its own algorithm is no choice beyond these. */
const algorithms = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];
/** How far clocks may be apart. */
const toleranceSeconds = 60;
/** How old the keys may be; a token that names one which is not among them has them fetched anew, though not at each token. */
const freshMs = { usual: 10 * 60_000, unknown: 30_000 } as const;

/**
 * Whether the request carries a bearer token by these rules: a JWT (RFC 7519) that the provider has signed, for us, and that has not expired.
 * Something besides a proof of the content, which it says nothing of. Ask it only of what is proven: it may fetch the provider's keys.
 * @returns `undefined` where the keys cannot be had now.
 */
export async function hasBearer(
  { headers }: RawRequest,
  rules: BearerRules,
  files: PublicFiles,
): Promise<boolean | undefined> {
  const token = /^Bearer +([\w.-]+)$/i.exec(headers["authorization"] ?? "")?.[1];
  if (token === undefined) return false;
  const said = await verified(token, rules, files, freshMs.usual);
  return said === "unknown-key" ? (await verified(token, rules, files, freshMs.unknown)) === true : said;
}

async function verified(
  token: string,
  { issuer, audience, jwksUrl }: BearerRules,
  files: PublicFiles,
  youngMs: number,
): Promise<boolean | undefined | "unknown-key"> {
  const file = await files.at(jwksUrl, { is: isKeySet, freshMs: youngMs });
  if (file === undefined || file === null) return undefined;
  try {
    const keys = createLocalJWKSet(parseJson(file) as JSONWebKeySet);
    const rules = { issuer, audience, algorithms, requiredClaims: ["exp"], clockTolerance: toleranceSeconds };
    await jwtVerify(token, keys, rules);
    return true;
  } catch (error) {
    return error instanceof errors.JWKSNoMatchingKey ? "unknown-key" : false;
  }
}

function isKeySet(text: string): boolean {
  const set = parseJson(text);
  if (!isObject(set) || !Array.isArray(set["keys"])) return false;
  return set["keys"].length > 0 && set["keys"].every((key) => isObject(key) && typeof key["kty"] === "string");
}
