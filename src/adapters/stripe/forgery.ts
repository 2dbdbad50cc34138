import type { CommonConfig } from "../../contract/adapter.ts";
import type { Forgery, ProvenRequest } from "../../contract/simulator.ts";

const signatureHeader = "stripe-signature";

/** Signed are the time in the header and every byte of the body, with the secret of the endpoint. */
const webhook: Forgery = {
  forged(proof) {
    const { request } = proof;
    const header = request.headers[signatureHeader] ?? "";
    const body = Buffer.from(request.body);
    body[10] = (body[10] ?? 0) ^ 1;
    return {
      body: { ...proof, request: { ...request, body } },
      time: withHeader(
        proof,
        header.replace(/t=(\d+)/, (_, time: string) => `t=${Number(time) + 1}`),
      ),
      scheme: withHeader(proof, header.replaceAll("v1=", "v0=")),
      "time at all": withHeader(proof, header.replace(/t=\d+,/, "")),
    };
  },
  // The last `v1` of the header; another one may stand before it while a secret is rolled.
  signed(proof, change) {
    const header = proof.request.headers[signatureHeader] ?? "";
    const [, before = "", signature = ""] = /^(.*v1=)([\da-f]+)$/.exec(header) ?? [];
    const changed = change(signature);
    return withHeader(proof, changed === undefined ? before.replace(/,v1=$/, "") : `${before}${changed}`);
  },
  secrets({ request, context }, secrets) {
    const { webhookSecret: own } = context.config as CommonConfig & { readonly webhookSecret: string };
    const config = { ...context.config, webhookSecret: secrets(own) };
    return { request, context: { ...context, config } };
  },
};

/** What is signed of Stripe's webhooks, for the law "proof". */
export const forgeries = { webhook } satisfies Readonly<Record<string, Forgery>>;

function withHeader({ request, context }: ProvenRequest, value: string): ProvenRequest {
  return { request: { ...request, headers: { ...request.headers, [signatureHeader]: value } }, context };
}
