import type { ErrorKind } from "./errors.ts";
import { isObject } from "./json.ts";
import type { Unanswered } from "./transport.ts";

type Headers = Readonly<Record<string, unknown>>;

/** What a peer's error answer says of itself. Both are short words, never sentences. */
export interface PeerCode {
  readonly code?: string | undefined;
  /** The id that the peer's support asks for: `correlation_id`, `debug_id`, `ErrorReference`. */
  readonly supportId?: string | undefined;
}

/** Where a peer's answers say their error code and support id; `body` is `null` where it is empty, a text where it is no JSON. */
export type CodeOf = (body: unknown, headers: Headers) => PeerCode;

/**
 * Reads code and support id where they stand: a dotted path in the body, without regard to case (`details.0.issue`), or
 * `header:x-request-id`; the first place that has one.
 */
export function codeAt(code: string | readonly string[], supportId: string | readonly string[] = []): CodeOf {
  const [codes, supportIds] = [[code].flat(), [supportId].flat()];
  return (body, headers) => ({
    code: firstOf(codes, body, headers, /^[\w.:-]{1,64}$/),
    supportId: firstOf(supportIds, body, headers, /^[\w.:/+=|-]{1,128}$/),
  });
}

function firstOf(places: readonly string[], body: unknown, headers: Headers, word: RegExp): string | undefined {
  return places
    .map((place) => wordOf(place.startsWith("header:") ? headers[place.slice(7)] : valueAt(body, place)))
    .find((text) => text !== undefined && word.test(text));
}

/** Codes are texts or numbers (Svea); anything else is none. */
function wordOf(value: unknown): string | undefined {
  return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
}

function valueAt(body: unknown, path: string): unknown {
  return path.split(".").reduce<unknown>((value, name) => {
    if (Array.isArray(value)) return value[Number(name)];
    if (!isObject(value)) return undefined;
    const field = name in value ? name : Object.keys(value).find((key) => key.toLowerCase() === name.toLowerCase());
    return field === undefined ? undefined : value[field];
  }, body);
}

/** What a status means where the peer says nothing else (docs/errors-and-retries.md). */
export function kindOf(status: number): ErrorKind {
  if (status === 401) return "Unauthorized";
  // A redirect is an answer of whatever stands in front of the peer: no API that we know has moved.
  if (status < 400) return "Unreachable";
  if (status === 408 || status === 425 || status === 429 || status >= 500) return "Unreachable";
  if (status === 409 || status === 412) return "Conflict";
  return "Refused";
}

/**
 * Whether the verdict is not the peer's: a redirect, or a refusal in something that is not JSON (a maintenance page, a firewall, a proxy).
 * An empty body is the peer's own.
 */
export function isSomebodyElses(status: number, hasForeignBody: boolean): boolean {
  return status < 400 || (hasForeignBody && kindOf(status) === "Refused");
}

/**
 * What no answer means: a TLS alert about our certificate is a word about our credentials, everything else none at all. A write of which bytes had
 * left may have been carried out, unless the handshake was refused.
 */
export function judgeSilence(
  { code, sent }: Unanswered,
  method: string,
): { readonly kind: ErrorKind; readonly maybeCarriedOut: boolean } {
  if (/^ERR_SSL_.*ALERT_.*(CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED)/.test(code))
    return { kind: "Unauthorized", maybeCarriedOut: false };
  return { kind: "Unreachable", maybeCarriedOut: sent && method !== "GET" };
}
