import type { Config } from "../config.ts";
import { equalInConstantTime } from "../signatures/constant-time.ts";

/** True where the caller has the admin token; never where none is configured. */
export function byAdmin({ adminToken }: Pick<Config, "adminToken">, authorization: string | undefined): boolean {
  const given = /^Bearer (.+)$/i.exec(authorization ?? "")?.[1];
  return adminToken !== undefined && given !== undefined && equalInConstantTime(given, adminToken);
}
