import { bodyOf, pushWith } from "../_klarna/webhooks.ts";
import { signedUrl } from "../../signatures/signed-url.ts";
import type { Webhook } from "../../contract/adapter.ts";
import { kustomEventFrom, kustomSchema } from "./kustom.ts";

export { notification } from "../_klarna/webhooks.ts";

/** "There is a new order", about two minutes after the purchase. https://docs.klarna.com/kco/additional-resources/confirm-purchase */
export const push: Webhook<unknown> = pushWith("{checkout.order.id}");

/**
 * Kustom's account-level webhooks: one URL for all orders of the merchant, registered in Kustom's portal, with our own `sig`. Kustom signs
 * them besides, which is not checked: the key is not known well enough (docs/psp/klarna.md), and a hint is enough, because a look costs a question.
 * https://docs.kustom.co/contents/api/api-basics/webhooks
 */
export const webhook: Webhook<unknown> = {
  scope: "account",
  method: "POST",
  verify: signedUrl,
  ack: { status: 200 },
  parse: (request) => kustomEventFrom(bodyOf(request, kustomSchema)),
};
