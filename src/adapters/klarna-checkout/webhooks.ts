import { pushWith } from "../_klarna/webhooks.ts";
import type { Webhook } from "../../contract/adapter.ts";

export { notification } from "../_klarna/webhooks.ts";

/** "There is a new order", about two minutes after the purchase. https://docs.klarna.com/kco/additional-resources/confirm-purchase */
export const push: Webhook<unknown> = pushWith("{checkout.order.id}");
