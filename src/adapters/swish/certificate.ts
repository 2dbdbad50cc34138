import { X509Certificate } from "node:crypto";
import { Socket } from "node:net";
import { createSecureContext, TLSSocket } from "node:tls";
import type { TlsIdentity } from "../../lib/http.ts";

/** The settings that a client certificate is made of. */
export interface CertificateSettings {
  readonly certificate?: string | undefined;
  readonly privateKey?: string | undefined;
  readonly pkcs12?: string | undefined;
  readonly passphrase?: string | undefined;
}

/** The client certificate as connections are made with it. */
export function identityOf({ certificate, privateKey, pkcs12, passphrase }: CertificateSettings): TlsIdentity {
  return {
    certificate: certificate === undefined ? undefined : pemOf(certificate),
    key: privateKey === undefined ? undefined : pemOf(privateKey),
    pkcs12: pkcs12 === undefined ? undefined : Buffer.from(pkcs12, "base64"),
    passphrase,
  };
}

/** What has to be known of a certificate in time. */
export interface CertificateLife {
  /** Its serial number, hexadecimal. */
  readonly serial: string;
  /** ISO 8601. */
  readonly ends: string;
}

/** The merchant's own certificate: which it is and when it ends; `undefined` where it cannot be opened. */
export function lifeOf(settings: CertificateSettings): CertificateLife | undefined {
  const own = ownOf(settings);
  if (own === undefined) return undefined;
  return { serial: own.serialNumber, ends: new Date(own.validTo).toISOString() };
}

function ownOf(settings: CertificateSettings): X509Certificate | undefined {
  try {
    const { certificate, pkcs12, passphrase } = identityOf(settings);
    if (certificate !== undefined) return new X509Certificate(certificate);
    return pkcs12 === undefined ? undefined : inside(pkcs12, passphrase);
  } catch {
    return undefined;
  }
}

/** Node opens such a file for connections alone: a connection to nobody says whose certificate it would show. */
function inside(pfx: Buffer, passphrase: string | undefined): X509Certificate | undefined {
  const nobody = new TLSSocket(new Socket(), { secureContext: createSecureContext({ pfx, passphrase }) });
  try {
    return nobody.getX509Certificate();
  } finally {
    nobody.destroy();
  }
}

/** Whether a PEM text begins with a certificate. */
export function isReadable(certificate: string): boolean {
  return ownOf({ certificate }) !== undefined;
}

/** Who signed a PEM certificate. */
export function issuerOf(certificate: string | undefined): string | undefined {
  return ownOf({ certificate })?.issuer;
}

/** PEM with its line breaks: environments and YAML turn them into `\n` or blanks. */
function pemOf(text: string): string {
  const broken = text.replaceAll(String.raw`\n`, "\n").trim();
  if (broken.includes("\n")) return `${broken}\n`;
  return broken.replaceAll(
    /-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----\s*/g,
    (_, kind: string, body: string) =>
      `-----BEGIN ${kind}-----\n${body.trim().split(/\s+/).join("\n")}\n-----END ${kind}-----\n`,
  );
}
