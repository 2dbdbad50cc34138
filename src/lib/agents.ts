import { createHash } from "node:crypto";
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { BlockList, isIP } from "node:net";
import { createSecureContext, type SecureContext } from "node:tls";
import { WorkerError } from "./errors.ts";

/** A client certificate for PSPs that want one (mutual TLS): PEM texts, or a PKCS#12 file's bytes. */
export interface TlsIdentity {
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
  readonly pkcs12?: Buffer | undefined;
  readonly passphrase?: string | undefined;
}

/** The environment's word on proxies, as everybody spells it: `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, lower case too. */
export type ProxyEnvironment = Readonly<Record<string, string | undefined>>;

/** What connections are made with. */
export interface AgentOptions {
  /** Which proxies to use; none where left out. This machine itself is never asked through one. */
  readonly proxies?: ProxyEnvironment | undefined;
  /** The certificates of the authorities to trust, PEM, instead of those that Node knows. */
  readonly trusted?: string | undefined;
}

/** The pool of connections for a URL, and for whoever is shown there. @throws WorkerError `Unauthorized` for a certificate that cannot be used. */
export type Agents = (url: URL, identity?: TlsIdentity) => HttpAgent | HttpsAgent;

const proxyNames = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"] as const;

/** Connections are kept, so that a request costs a round trip and no handshakes. */
const pool = { keepAlive: true, maxSockets: 128 } as const;

/** The pools of one process: per way (straight, through a proxy) and per client certificate, so that none is shown for another. */
export function createAgents({ proxies = {}, trusted }: AgentOptions = {}): Agents {
  const proxyEnv = proxyEnvOf(proxies);
  const hasProxies = Object.keys(proxyEnv).length > 0;
  const plain = { straight: new HttpAgent(pool), proxied: new HttpAgent({ ...pool, proxyEnv }) };
  const secure = new Map<string, { readonly straight: HttpsAgent; readonly proxied: HttpsAgent }>();
  const secureFor = (identity: TlsIdentity) => {
    const id = identityId(identity);
    const known = secure.get(id);
    if (known !== undefined) return known;
    const options = { ...pool, secureContext: secureContextOf(identity, trusted) };
    const made = { straight: new HttpsAgent(options), proxied: new HttpsAgent({ ...options, proxyEnv }) };
    secure.set(id, made);
    return made;
  };
  return (url, identity = {}) =>
    (url.protocol === "https:" ? secureFor(identity) : plain)[
      hasProxies && !isLoopback(url.hostname) ? "proxied" : "straight"
    ];
}

/** What is wrong with the environment's proxies, one line each; an address that cannot be used would be found at the first request only. */
export function proxyFaults(environment: ProxyEnvironment): string[] {
  return Object.entries(proxyEnvOf(environment))
    .filter(([name, value]) => name.toUpperCase() !== "NO_PROXY" && !isProxyUrl(value))
    .map(([name]) => `${name}: ${proxyShape}`);
}

/** Those of the environment's variables that are about proxies, without empty ones. */
export function proxyEnvOf(environment: ProxyEnvironment): Record<string, string> {
  const names = proxyNames.flatMap((name) => [name, name.toLowerCase()]);
  return Object.fromEntries(
    names.map((name) => [name, environment[name]]).filter((entry): entry is [string, string] => Boolean(entry[1])),
  );
}

const proxyShape =
  "has to be an http:// or https:// URL without white space; what stands in a password beside letters and digits has to be percent-encoded";

/** Asked of Node itself, whose own words for what it refuses have the password in them. */
function isProxyUrl(value: string): boolean {
  if (!URL.canParse(value) || !["http:", "https:"].includes(new URL(value).protocol)) return false;
  try {
    new HttpAgent({ proxyEnv: { HTTP_PROXY: value } }).destroy();
    return true;
  } catch {
    return false;
  }
}

const thisMachine = new BlockList();
thisMachine.addSubnet("127.0.0.0", 8, "ipv4");
thisMachine.addAddress("0.0.0.0", "ipv4");
thisMachine.addAddress("::1", "ipv6");
thisMachine.addAddress("::", "ipv6");

/** True for what can only be this machine, where a proxy would look at itself. @param hostname as a `URL` has it: IPv6 in brackets */
export function isLoopback(hostname: string): boolean {
  const name = hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
  if (name === "localhost" || name.endsWith(".localhost")) return true;
  const version = isIP(name);
  return version !== 0 && thisMachine.check(name, version === 6 ? "ipv6" : "ipv4");
}

/** Tells one identity from another, without any of its secrets. */
export function identityId({ certificate, key, pkcs12, passphrase }: TlsIdentity): string {
  const parts = [certificate, key, pkcs12?.toString("base64"), passphrase];
  return createHash("sha256").update(JSON.stringify(parts)).digest("base64url");
}

function secureContextOf({ certificate, key, pkcs12, passphrase }: TlsIdentity, ca?: string): SecureContext {
  try {
    return createSecureContext({ ca, cert: certificate, key, pfx: pkcs12, passphrase });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    throw new WorkerError("Unauthorized", "the client certificate cannot be used", {
      context: { reason: "client-certificate", code },
    });
  }
}
