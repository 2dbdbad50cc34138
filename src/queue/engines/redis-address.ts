import type { ClusterOptions, RedisOptions } from "ioredis";
import { ConfigError } from "../../lib/document.ts";

/** How a connection's certificates are judged. */
export interface TlsSettings {
  /** PEM certificates that are trusted. */
  readonly ca?: string | undefined;
  /** Any certificate is taken. */
  readonly tlsInsecure?: boolean;
}

/** What Node's TLS takes of these settings. */
export function tlsOptions({ ca, tlsInsecure = false }: TlsSettings): {
  ca?: string;
  rejectUnauthorized?: boolean;
} {
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(tlsInsecure ? { rejectUnauthorized: false } : {}),
  };
}

/** Where Redis is: one server, or the nodes of a cluster, and what each connection needs. */
export interface RedisAddress {
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  readonly options: Pick<RedisOptions, "username" | "password" | "db" | "tls">;
  /** A cluster's nodes tell their names; with their addresses no certificate for names would fit. */
  readonly cluster: Pick<ClusterOptions, "dnsLookup">;
}

/** Without the value: a password stands in it. */
const wrong = (why: string): ConfigError =>
  new ConfigError([
    `REDIS_URL: ${why}. It has to look like redis://user:password@host:6379, or rediss:// for TLS, comma-separated for the nodes of a cluster; characters such as / ? # @ : % and blanks in the password have to be percent-encoded`,
  ]);

/** Reads `REDIS_URL`. @throws ConfigError that says what is wrong with it and prints nothing of it. */
export function redisAddress(urls: string, tls: TlsSettings): RedisAddress {
  const nodes = urls.split(",").map((url) => urlOf(url.trim()));
  const [first] = nodes;
  if (first === undefined) throw wrong("is empty");
  if (nodes.some(({ protocol }) => protocol !== first.protocol)) throw wrong("mixes redis:// and rediss://");
  const [, path = ""] = /^\/(\d*)$/.exec(first.pathname) ?? [];
  return {
    nodes: nodes.map(({ hostname, port }) => ({
      host: hostname.replace(/^\[(.*)\]$/, "$1"),
      port: Number(port || 6_379),
    })),
    options: {
      ...(first.username === "" ? {} : { username: decode(first.username) }),
      ...(first.password === "" ? {} : { password: decode(first.password) }),
      ...(path === "" ? {} : { db: Number(path) }),
      ...(first.protocol === "rediss:" ? { tls: tlsOptions(tls) } : {}),
    },
    cluster: first.protocol === "rediss:" ? { dnsLookup: (address, callback) => callback(null, address) } : {},
  };
}

function urlOf(text: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw wrong("is no URL");
  }
  if (url.protocol !== "redis:" && url.protocol !== "rediss:") throw wrong("does not begin with redis:// or rediss://");
  if (url.hostname === "") throw wrong("names no host");
  if (url.search !== "" || url.hash !== "" || !/^\/?\d*$/.test(url.pathname)) {
    throw wrong("has more after the host than the number of a database");
  }
  return url;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw wrong("has a % that encodes nothing");
  }
}
