import type { RawRequest, Target, Verifier } from "../contract/adapter.ts";
import { equalInConstantTime } from "./constant-time.ts";
import { provenBy } from "./proven.ts";

/** What may stand in the header, and the secret in the settings that it is made of. */
export interface ShownSecret {
  readonly value: string;
  readonly secret: string;
}

/** How one PSP shows a secret that it shares with us: in a header, the same with every webhook. */
export interface SharedSecret<Config> {
  /** Lower case. */
  readonly header: string;
  /**
   * What may stand in it, newest first; none where the merchant has not configured one. It may differ by whose webhook it is: then it says
   * of which secret it is made.
   */
  values(config: Config, request: RawRequest, target: Target): readonly (string | ShownSecret)[];
}

/**
 * A static secret in a header. It tells who calls and nothing of what is said: the same header fits any body, so that the webhook stays a
 * hint. An empty list proves nothing.
 */
export function sharedSecret<Config>(scheme: SharedSecret<Config>): Verifier<Config, "hint"> {
  return {
    trust: "hint",
    scheme: "shared-secret",
    check(request, { config, target }) {
      const given = spelled(request.headers[scheme.header] ?? "");
      const shown = scheme
        .values(config, request, target)
        .map((one) => (typeof one === "string" ? { value: one, secret: one } : one));
      return provenBy(
        shown,
        ({ value }) => equalInConstantTime(given, spelled(value)),
        ({ secret }) => secret,
      );
    },
  };
}

/** The header values of HTTP Basic (RFC 7617) for one user and each of its passwords. */
export function basicCredentials(username: string, passwords: readonly string[]): readonly ShownSecret[] {
  return passwords.map((secret) => ({
    value: `Basic ${Buffer.from(`${username}:${secret}`, "utf8").toString("base64")}`,
    secret,
  }));
}

/** The scheme's name counts in any case (RFC 9110, 11.1); the credentials behind it do not. */
function spelled(value: string): string {
  return value.replace(/^basic +/i, "Basic ");
}
