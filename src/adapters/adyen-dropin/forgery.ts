import type { CommonConfig } from "../../contract/adapter.ts";
import type { Forgery, ProvenRequest } from "../../contract/simulator.ts";

type Item = Readonly<Record<string, unknown>>;

/** The two kinds of webhook that Adyen sends to this address, as far as they matter here. */
interface Document {
  readonly live?: string;
  /** Absent in token webhooks. */
  readonly notificationItems?: readonly { readonly NotificationRequestItem: Item }[];
}

const signedTexts = [
  "pspReference",
  "originalReference",
  "merchantAccountCode",
  "merchantReference",
  "eventCode",
  "success",
] as const;

/**
 * Standard webhook: eight fields of each item are signed and nothing else of the body; besides, `live` and the merchant account have to fit
 * the settings. Token webhook: every byte of the body (docs/psp/adyen.md, b.2 and b.3).
 */
const webhook: Forgery = {
  forged(proof) {
    const text = proof.request.body.toString("utf8");
    const document = JSON.parse(text) as Document;
    const items = document.notificationItems;
    if (items === undefined)
      return {
        body: withBody(proof, flipped(text)),
        end: withBody(proof, `${text.slice(0, -2)}${flipped(text.slice(-2, -1))}}`),
      };
    const forgeries = items.flatMap(({ NotificationRequestItem: item }, index) => {
      const changed = (fields: Item): ProvenRequest =>
        withItems(
          proof,
          document,
          items.map((other, at) => (at === index ? { NotificationRequestItem: { ...item, ...fields } } : other)),
        );
      const amount = item["amount"] as { readonly value: number; readonly currency: string };
      return [
        ...signedTexts.map(
          (name) => [`${name} of item ${index}`, changed({ [name]: flipped(textOf(item[name])) })] as const,
        ),
        [`value of item ${index}`, changed({ amount: { ...amount, value: amount.value ^ 1 } })] as const,
        [`currency of item ${index}`, changed({ amount: { ...amount, currency: flipped(amount.currency) } })] as const,
      ];
    });
    return {
      ...Object.fromEntries(forgeries),
      environment: withBody(proof, JSON.stringify({ ...document, live: "true" })),
      "number of items": withItems(proof, document, []),
    };
  },
  // In a batch the last item's signature is changed: one bad item is enough.
  signed(proof, change) {
    const { request } = proof;
    const document = JSON.parse(request.body.toString("utf8")) as Document;
    const items = document.notificationItems;
    if (items === undefined) {
      const { hmacsignature = "", ...headers } = request.headers;
      const signature = change(hmacsignature);
      const signed = signature === undefined ? headers : { ...headers, hmacsignature: signature };
      return { ...proof, request: { ...request, headers: signed } };
    }
    const last = items.at(-1)?.NotificationRequestItem ?? {};
    const { hmacSignature = "", ...data } = (last["additionalData"] ?? {}) as Record<string, string>;
    const signature = change(hmacSignature);
    const additionalData = signature === undefined ? data : { ...data, hmacSignature: signature };
    return withItems(proof, document, [
      ...items.slice(0, -1),
      { NotificationRequestItem: { ...last, additionalData } },
    ]);
  },
  secrets({ request, context }, secrets) {
    const { webhookHmacKey } = context.config as CommonConfig & { readonly webhookHmacKey: string };
    const config = { ...context.config, webhookHmacKey: secrets(webhookHmacKey) };
    return { request, context: { ...context, config } };
  },
};

/** What is signed of Adyen's webhooks, for the law "proof". */
export const forgeries = { webhook } satisfies Readonly<Record<string, Forgery>>;

function withItems(
  proof: ProvenRequest,
  document: Document,
  notificationItems: Document["notificationItems"],
): ProvenRequest {
  return withBody(proof, JSON.stringify({ ...document, notificationItems }));
}

function withBody({ request, context }: ProvenRequest, body: string): ProvenRequest {
  return { request: { ...request, body: Buffer.from(body, "utf8") }, context };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** The text with one bit of its first byte changed; of nothing, something. */
function flipped(text: string): string {
  return String.fromCodePoint((text.codePointAt(0) ?? 0) ^ 1) + text.slice(1);
}
