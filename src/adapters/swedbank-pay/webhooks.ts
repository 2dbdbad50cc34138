import { WorkerError } from "../../lib/errors.ts";
import { isObject, jsonFrom } from "../../lib/json.ts";
import type { Webhook } from "../../contract/adapter.ts";
import { signedUrl } from "../../signatures/signed-url.ts";
import type { Config } from "./config.ts";
import { orderIdFrom } from "./reference.ts";

/**
 * "Something happened to this payment order", signed by nobody (docs/psp/swedbank-pay.md, b). Our signature in the URL keeps strangers out; what
 * is true is asked for. Of its ids only the payment order's may be asked for: older versions name a payment and a transaction besides.
 */
export const callback: Webhook<Config> = {
  scope: "payment",
  method: "POST",
  verify: signedUrl,
  // Anything but exactly 200 is repeated (docs/psp/swedbank-pay.md, c).
  ack: { status: 200 },
  parse({ body }) {
    const id = idIn(body);
    return [{ key: id, type: "callback", at: null, reference: id }];
  },
};

/** @throws WorkerError `MalformedWebhook` */
function idIn(body: Buffer): string {
  const told = jsonFrom(body);
  // Both spellings have been seen.
  const order = isObject(told) ? (told["paymentOrder"] ?? told["paymentorder"]) : undefined;
  const id = isObject(order) && typeof order["id"] === "string" ? orderIdFrom(order["id"]) : undefined;
  if (id === undefined) throw new WorkerError("MalformedWebhook", "the callback names no payment order");
  return id;
}
