import type { Request } from "express";
import type { PaymentKey, Target, Webhook } from "../contract/adapter.ts";
import type { AdapterSettings, Config } from "../config.ts";
import { WorkerError } from "../lib/errors.ts";

/** Norce's own convention for adapters: a payment's webhook, an account's, and an operation. */
export const paths = {
  webhooks: [
    "/:adapter/api/checkout/v1/callback/orders/:orderId/payments/:paymentId/:webhook",
    "/:adapter/api/checkout/v1/callback/orders/:webhook",
  ],
  operations: "/:adapter/api/order/v1/orders/:orderId/payments/:paymentId/:operation",
} as const;

/** True for a path that would be one of ours without what stands before it: a proxy did not take away the path of `PUBLIC_URL`. */
export function isStrayed(path: string): boolean {
  return /\/api\/(?:checkout\/v1\/callback|order\/v1)\/orders\//.test(path);
}

/** Where a webhook was sent to, as its URL says. */
export interface WebhookRoute {
  readonly target: Target;
  readonly webhook: string;
}

/** A route that leads somewhere: whose settings and whose rules apply. */
export interface Routed extends WebhookRoute, AdapterSettings {
  readonly rules: Webhook<unknown>;
}

/** One call of an operation URL. */
export interface OperationCall {
  readonly key: PaymentKey;
  readonly operation: string;
}

/** What a webhook's URL says; whether it leads somewhere is for `route` to find. */
export function webhookRoute(request: Request, query: URLSearchParams): WebhookRoute {
  const ids =
    request.params["paymentId"] === undefined
      ? {}
      : { orderId: param(request, "orderId"), paymentId: param(request, "paymentId") };
  return { target: { ...account(request, query), ...ids }, webhook: param(request, "webhook") };
}

/** What an operation's URL says. Norce sends merchant and channel as headers; a published URL has them in its query. */
export function operationCall(request: Request, query: URLSearchParams): OperationCall {
  const { adapter, merchant, channel } = account(request, query);
  const key = {
    adapter,
    merchant: merchant || (request.get("x-merchant") ?? ""),
    channel: channel || (request.get("x-channel") ?? ""),
    orderId: param(request, "orderId"),
    paymentId: param(request, "paymentId"),
  };
  return { key, operation: param(request, "operation") };
}

/** Finds what a webhook's URL names. @throws WorkerError `UnknownTarget`, `MalformedWebhook`. */
export function route(config: Config, { target, webhook }: WebhookRoute): Routed {
  const ids = target.paymentId === undefined ? [] : [target.orderId ?? "", target.paymentId];
  if (!ids.every(isId)) throw new WorkerError("MalformedWebhook", "an id in the URL is malformed");
  const found = config.find(target);
  const rules = webhookOf(config, target.adapter, webhook);
  const scope = target.paymentId === undefined ? "account" : "payment";
  if (found === undefined || rules?.scope !== scope) {
    throw new WorkerError("UnknownTarget", "no such adapter, merchant, channel or webhook");
  }
  return { target, webhook, rules, ...found };
}

/** An adapter's webhook, whether or not a merchant has it; never what every object has. */
export function webhookOf({ adapters }: Config, adapter: string, webhook: string): Webhook<unknown> | undefined {
  const webhooks = adapters.get(adapter)?.webhooks ?? {};
  return Object.hasOwn(webhooks, webhook) ? (webhooks[webhook] as Webhook<unknown>) : undefined;
}

/** Ids are opaque, but none has control characters, which could forge a signed text, and none is or bends a path. */
export function isId(id: string): boolean {
  return id.length > 0 && id.length <= 200 && id !== "." && id !== ".." && !noIdHas.test(id);
}

/** Unicode's control characters, its two line separators, and the slashes that some proxy reads after decoding. */
const noIdHas = /[\p{Cc}\u2028\u2029/\\]/u;

/** Merchant and channel stand in the query, where the PSP was told them. */
function account(request: Request, query: URLSearchParams): Pick<PaymentKey, "adapter" | "merchant" | "channel"> {
  return {
    adapter: param(request, "adapter"),
    merchant: query.get("merchant") ?? "",
    channel: query.get("channel") ?? "",
  };
}

function param(request: Request, name: string): string {
  const value = request.params[name];
  return typeof value === "string" ? value : "";
}
