import { WorkerError } from "../lib/errors.ts";
import { equalInConstantTime } from "./constant-time.ts";

/** Who may do what operators do: whoever has one of these. None: nobody. */
export interface AdminTokens {
  readonly adminTokens: readonly string[];
}

/** True where the caller has an admin token; never where none is configured. */
export function byAdmin({ adminTokens }: AdminTokens, authorization: string | undefined): boolean {
  return isAdminToken({ adminTokens }, /^Bearer (.+)$/i.exec(authorization ?? "")?.[1] ?? "");
}

/** True for one of the admin tokens. Every one is tried, so that the time taken does not tell which it was. */
export function isAdminToken({ adminTokens }: AdminTokens, given: string): boolean {
  return adminTokens.map((token) => equalInConstantTime(given, token)).includes(true);
}

/** @throws WorkerError `UnknownTarget` where there is no admin token, `UntrustedWebhook` where another one was given. */
export function insistOnAdmin(tokens: AdminTokens, authorization: string | undefined): void {
  if (tokens.adminTokens.length === 0) throw new WorkerError("UnknownTarget", "no such path");
  if (!byAdmin(tokens, authorization)) throw new WorkerError("UntrustedWebhook", "this needs the admin token");
}
