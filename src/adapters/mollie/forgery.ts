import type { Forgery, ProvenRequest } from "../../contract/simulator.ts";

const header = "x-mollie-signature";

/** Every byte of the body is signed; the digest stands behind `sha256=`. */
const event: Forgery = {
  forged(proof) {
    const { body } = proof.request;
    const flipped = (at: number): ProvenRequest => {
      const bytes = Buffer.from(body);
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      return { ...proof, request: { ...proof.request, body: bytes } };
    };
    return { beginning: flipped(0), middle: flipped(Math.floor(body.length / 2)), end: flipped(body.length - 1) };
  },
  signed(proof, change) {
    const { [header]: given = "", ...others } = proof.request.headers;
    const changed = change(given.replace(/^sha256=/, ""));
    const headers = changed === undefined ? others : { ...others, [header]: `sha256=${changed}` };
    return { ...proof, request: { ...proof.request, headers } };
  },
  secrets({ request, context }, secrets) {
    const config = context.config as typeof context.config & { readonly webhookSecret: string | readonly string[] };
    const own = [config.webhookSecret].flat()[0] ?? "";
    return { request, context: { ...context, config: { ...config, webhookSecret: secrets(own) } as typeof config } };
  },
};

/** How the webhooks that are proven by more than their URL could be forged. */
export const forgeries: Readonly<Record<string, Forgery>> = { event };
