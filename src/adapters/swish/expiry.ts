import type { Finding } from "../../contract/adapter.ts";
import type { CertificateLife } from "./certificate.ts";

const day = 24 * 60 * 60 * 1_000;

/** How long before its end a certificate is told of, in days: each time is news of its own (docs/psp/swish.md, a). */
const warnings = [14, 30, 60] as const;

/** An expired certificate is a total outage, and a new one takes the bank days: it is told of in time, once for each warning. */
export function expiryFinding(certificate: CertificateLife | null, now: number): readonly Finding[] {
  if (certificate === null) return [];
  const { serial, ends } = certificate;
  const left = Math.floor((Date.parse(ends) - now) / day);
  const warning = warnings.find((days) => left < days);
  if (warning === undefined) return [];
  return [
    { name: "credential-expires", id: `${serial}:${warning}`, deadline: ends, facts: { serial, withinDays: warning } },
  ];
}
