/** Which PayPal a merchant's `apiUrl` is; `other` is none of PayPal's own hosts: a simulator, a proxy. */
export type Environment = "live" | "sandbox" | "other";

/** Hosts of each environment: the documented one, and the older one that PayPal still writes into links and certificate addresses. */
const hosts = {
  live: ["api-m.paypal.com", "api.paypal.com"],
  sandbox: ["api-m.sandbox.paypal.com", "api.sandbox.paypal.com"],
} as const;

const certificatePath = "/v1/notifications/certs/";

/** Whose certificate signs webhooks (PayPal's Java SDK, `SSLUtil.validateCertificateChain`, asks for these common names). */
const signers = {
  live: "messageverificationcerts.paypal.com",
  sandbox: "messageverificationcerts.sandbox.paypal.com",
} as const;

/** Live or sandbox follows from the address of the API alone. */
export function environmentOf(apiUrl: string): Environment {
  const { hostname } = new URL(apiUrl);
  if (isOneOf(hosts.live, hostname)) return "live";
  return isOneOf(hosts.sandbox, hostname) ? "sandbox" : "other";
}

/**
 * Where the certificates lie that may sign this merchant's webhooks, each place ending in a slash. What is signed for the other environment
 * is refused by that. Away from PayPal's own hosts it is the API's own address and path; plain HTTP only where nobody is in between.
 */
export function certificatePlaces(apiUrl: string): readonly string[] {
  const environment = environmentOf(apiUrl);
  if (environment !== "other") return hosts[environment].map((host) => `https://${host}${certificatePath}`);
  const { protocol, hostname, host, pathname } = new URL(apiUrl);
  const scheme = isLoopback(hostname) ? protocol : "https:";
  return [`${scheme}//${host}${pathname.replace(/\/+$/, "")}${certificatePath}`];
}

/** The name on such a certificate: a simulator signs as the sandbox does. */
export function signerNames(apiUrl: string): readonly string[] {
  return [environmentOf(apiUrl) === "live" ? signers.live : signers.sandbox];
}

/** True for an address of this machine alone. */
function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}

function isOneOf(names: readonly string[], name: string): boolean {
  return names.includes(name);
}
