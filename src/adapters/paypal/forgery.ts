import type { CommonConfig } from "../../contract/adapter.ts";
import type { Forgery, ProvenRequest } from "../../contract/simulator.ts";
import { simulatorCertificate } from "./simulator-certificate.ts";

/** The setting that is part of the signed text. */
type Config = CommonConfig & { readonly webhookId: string };

/** Signed are the transmission's id and time, the configured webhook id and a checksum of the body (docs/psp/paypal.md, b.3). */
const webhook: Forgery = {
  files: { "https://psp.invalid/v1/notifications/certs/CERT-simulator-only": simulatorCertificate },
  forged(proof) {
    const { request, context } = proof;
    const config = context.config as Config;
    return {
      "length of the body": withBody(proof, Buffer.concat([Buffer.from(" "), request.body])),
      "byte of the body": withBody(proof, flippedBytes(request.body)),
      transmission: withHeader(proof, "paypal-transmission-id"),
      time: withHeader(proof, "paypal-transmission-time"),
      algorithm: withHeader(proof, "paypal-auth-algo"),
      webhook: { request, context: { ...context, config: { ...config, webhookId: flipped(config.webhookId) } } },
    };
  },
  signed({ request, context }, change) {
    const { "paypal-transmission-sig": signature = "", ...headers } = request.headers;
    const changed = change(signature);
    const kept = changed === undefined ? {} : { "paypal-transmission-sig": changed };
    return { request: { ...request, headers: { ...headers, ...kept } }, context };
  },
  secrets({ request, context }, secrets) {
    const config = context.config as Config;
    return { request, context: { ...context, config: { ...config, webhookId: secrets(config.webhookId) } } };
  },
};

/** What is signed of PayPal's webhooks, for the law "proof". */
export const forgeries = { webhook } satisfies Readonly<Record<string, Forgery>>;

function withBody({ request, context }: ProvenRequest, body: Buffer): ProvenRequest {
  return { request: { ...request, body }, context };
}

/** A digit in the middle stays a digit, so that the rest still reads as what it is. */
function withHeader({ request, context }: ProvenRequest, name: string): ProvenRequest {
  const text = request.headers[name] ?? "";
  const at = Math.floor(text.length / 2);
  return {
    request: { ...request, headers: { ...request.headers, [name]: text.slice(0, at) + flipped(text.slice(at)) } },
    context,
  };
}

function flippedBytes(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy[10] = (copy[10] ?? 0) ^ 1;
  return copy;
}

/** The text with one bit of its first byte changed. */
function flipped(text: string): string {
  return String.fromCodePoint((text.codePointAt(0) ?? 0) ^ 1) + text.slice(1);
}
