import { z } from "zod";
import { commonConfig } from "../../contract/adapter.ts";
import { secretText } from "../../lib/secrets.ts";
import { isReadable, issuerOf } from "./certificate.ts";

/** Where real money moves (docs/psp/swish.md, a); every other host is Swish's simulator, its sandbox, or ours. */
const liveHost = "cpc.getswish.net";
/** The numbers of the simulator's published certificates. */
const testNumbers: readonly string[] = ["1234679304", "1231181189"];

/**
 * One merchant's settings: its Swish number, and the client certificate, which is the only credential there is (docs/psp/swish.md, a). Either
 * PEM (`certificate`, leaf first, and `privateKey`) or a PKCS#12 file in base64 (`pkcs12`); `passphrase` opens either.
 */
export const config = commonConfig
  .extend({
    /** The merchant's Swish number: `123` and seven digits. */
    payeeAlias: z.string().regex(/^\d{8,15}$/, "has to be a Swish number: digits alone"),
    certificate: z
      .string()
      .includes("-----BEGIN CERTIFICATE-----", { message: "has to be PEM, the merchant's own certificate first" })
      .optional(),
    privateKey: z.string().includes("PRIVATE KEY-----", { message: "has to be PEM" }).optional(),
    pkcs12: secretText.regex(/^[A-Za-z0-9+/]+={0,2}$/, "has to be the file in base64, in one line").optional(),
    passphrase: secretText.optional(),
  })
  .superRefine((settings, context) => {
    const { certificate, privateKey, pkcs12 } = settings;
    const fault = (path: string, message: string): void => context.addIssue({ code: "custom", path: [path], message });
    if (pkcs12 === undefined) {
      if (certificate === undefined) fault("certificate", "is missing, and so is pkcs12");
      else if (privateKey === undefined) fault("privateKey", "is missing: a certificate alone proves nothing");
    } else if (certificate !== undefined || privateKey !== undefined)
      fault("pkcs12", "holds certificate and key already: leave the others out");
    if (certificate !== undefined && !isReadable(certificate)) fault("certificate", "cannot be read");
    if (isTestAtLive(settings)) fault("apiUrl", "is for real money, number or certificate are for tests");
  });

export type Config = Readonly<z.infer<typeof config>>;

/** Whether payments there are of real money. */
export function isLive({ apiUrl }: Pick<Config, "apiUrl">): boolean {
  return new URL(apiUrl).hostname === liveHost;
}

/** A test's credential at the live address would only be refused there, call by call. */
function isTestAtLive({ apiUrl, payeeAlias, certificate }: Pick<Config, "apiUrl" | "payeeAlias" | "certificate">) {
  if (!URL.canParse(apiUrl) || !isLive({ apiUrl })) return false;
  return testNumbers.includes(payeeAlias) || /\btest\b/i.test(issuerOf(certificate) ?? "");
}
