import { WorkerError } from "../lib/errors.ts";
import { equalInConstantTime } from "./constant-time.ts";
import { fingerprintOf } from "./fingerprint.ts";

/** Who may do what operators do: whoever has one of these. None: nobody. */
export interface AdminTokens {
  readonly adminTokens: readonly string[];
}

/** True where the caller has an admin token; never where none is configured. */
export function byAdmin({ adminTokens }: AdminTokens, authorization: string | undefined): boolean {
  return isAdminToken({ adminTokens }, bearerIn(authorization));
}

/** True for one of the admin tokens. Every one is tried, so that the time taken does not tell which it was. */
export function isAdminToken({ adminTokens }: AdminTokens, given: string): boolean {
  return adminTokens.map((token) => equalInConstantTime(given, token)).includes(true);
}

/**
 * Who calls: the fingerprint of the admin token.
 * @throws WorkerError `UnknownTarget` where there is no admin token, `UntrustedWebhook` where another one was given.
 */
export function insistOnAdmin(tokens: AdminTokens, authorization: string | undefined): string {
  if (tokens.adminTokens.length === 0) throw new WorkerError("UnknownTarget", "no such path");
  if (!byAdmin(tokens, authorization)) throw new WorkerError("UntrustedWebhook", "this needs the admin token");
  return fingerprintOf(bearerIn(authorization));
}

function bearerIn(authorization = ""): string {
  return /^Bearer (.+)$/i.exec(authorization)?.[1] ?? "";
}
