import type { ClientConfig } from "pg";
import { ConfigError } from "../../lib/document.ts";
import { type TlsSettings, tlsOptions } from "./redis-address.ts";

/** Without the value: a password stands in it. */
const wrong = (why: string): ConfigError =>
  new ConfigError([
    `QUEUE_URL: ${why}. It has to look like postgres://user:password@host:5432/database?sslmode=require; characters such as / ? # @ : % and blanks in the password have to be percent-encoded`,
  ]);

/** libpq's words. `disable` and none: no TLS. `no-verify`: any certificate. `verify-ca`: the chain. All others: chain and name. */
const modes = ["disable", "allow", "prefer", "require", "no-verify", "verify-ca", "verify-full"];

/** Reads `QUEUE_URL`. @throws ConfigError that says what is wrong with it and prints nothing of it. */
export function postgresAddress(text: string, tls: TlsSettings): Pick<ClientConfig, "connectionString" | "ssl"> {
  let url: URL;
  try {
    url = new URL(text);
    decodeURIComponent(url.password);
    decodeURIComponent(url.username);
  } catch {
    throw wrong("is no URL");
  }
  if (url.protocol !== "postgres:" && url.protocol !== "postgresql:") throw wrong("does not begin with postgres://");
  if (url.hostname === "" && !url.searchParams.has("host")) throw wrong("names no host");
  if (url.hash !== "") throw wrong("has a # that is not percent-encoded");
  const mode = url.searchParams.get("sslmode") ?? (tls.ca === undefined ? "disable" : "verify-full");
  if (!modes.includes(mode)) throw wrong(`has an sslmode that is none of ${modes.join(", ")}`);
  // The driver would read it in a way of its own, and print a warning.
  url.searchParams.delete("sslmode");
  if (mode === "disable" && tls.tlsInsecure !== true) return { connectionString: url.href, ssl: false };
  return {
    connectionString: url.href,
    ssl: {
      ...tlsOptions(tls),
      ...(mode === "no-verify" ? { rejectUnauthorized: false } : {}),
      ...(mode === "verify-ca" ? { checkServerIdentity: () => undefined } : {}),
    },
  };
}
