import type { Forgery, ProvenRequest } from "../../contract/simulator.ts";

const signatureHeader = "klarna-signature";
const keyIdHeader = "klarna-signing-key-id";

/** Every byte of the body is signed, with the secret of the key that a header names. */
const webhook: Forgery = {
  forged(proof) {
    const { request } = proof;
    const flipped = (at: number): ProvenRequest => {
      const body = Buffer.from(request.body);
      body[at] = (body[at] ?? 0) ^ 1;
      return { ...proof, request: { ...request, body } };
    };
    return {
      beginning: flipped(0),
      middle: flipped(Math.floor(request.body.length / 2)),
      end: flipped(request.body.length - 1),
      "key id": withHeader(proof, keyIdHeader, `${keyIdOf(proof)}0`),
    };
  },
  // Hexadecimal digits are taken in any case, base64 is not: written so, every change of the text is a change of the signature.
  signed(proof, change) {
    const given = proof.request.headers[signatureHeader] ?? "";
    const signature = change(/^[\da-f]+$/i.test(given) ? Buffer.from(given, "hex").toString("base64") : given);
    return withHeader(proof, signatureHeader, signature);
  },
  // The key that the webhook names holds its own secret where that is still one of ours, else the newest; the others have ids of their own.
  secrets(proof, secrets) {
    const { request, context } = proof;
    const { webhookSigningKeys: keys } = context.config as unknown as {
      readonly webhookSigningKeys: Readonly<Record<string, string>>;
    };
    const keyId = keyIdOf(proof);
    const own = keys[keyId] ?? "";
    const all = secrets(own);
    const named = all.includes(own) ? own : all[0];
    const webhookSigningKeys = Object.fromEntries(
      all.map((secret, index) => [secret === named ? keyId : `another-key-${index}`, secret]),
    );
    return {
      request,
      context: { ...context, config: { ...context.config, webhookSigningKeys } as typeof context.config },
    };
  },
};

/** How the webhooks that are proven by more than their URL could be forged. */
export const forgeries: Readonly<Record<string, Forgery>> = { webhook };

function keyIdOf({ request }: ProvenRequest): string {
  return request.headers[keyIdHeader] ?? "";
}

function withHeader({ request, context }: ProvenRequest, name: string, value: string | undefined): ProvenRequest {
  const { [name]: _replaced, ...others } = request.headers;
  const headers = value === undefined ? others : { ...others, [name]: value };
  return { request: { ...request, headers }, context };
}
