import { createHash } from "node:crypto";
import { WorkerError } from "../../lib/errors.ts";
import { isObject, jsonFrom } from "../../lib/json.ts";
import { isoFrom } from "../../lib/time.ts";
import { signedUrl } from "../../signatures/signed-url.ts";
import type { LogLine, PspEvent, Target, Webhook } from "../../contract/adapter.ts";
import type { Config } from "./config.ts";
import { upsellEventType } from "./ledger.ts";
import { id, upsellIdShape } from "./schema.ts";
import { fieldOf, idOf, transactionStatuses, transactionTypes, wordOf, withLongIntegers } from "./wire.ts";

/**
 * The checkout's status, and under the same URL that of an upsell. Qliro signs nothing and repeats a push for four days until exactly this is
 * answered. https://developers.qliro.com/docs/qliro-checkout/get-started/notifications-checkout
 */
export const push: Webhook<Config> = webhookFor("CustomerCheckoutStatus");

/** What became of a transaction: a capture, a refund, a reversal, or what a subscription was charged. */
export const status: Webhook<Config> = webhookFor("PaymentTransaction");

/** A card was saved. Its id is the recurring token, which is read from the order and never from here. */
export const saveRecurringDetails: Webhook<Config> = webhookFor("MerchantSavedCreditCard");

/** @param usual what a push is about that does not say so. The URL decides nothing else: a setting at Qliro may mix them up. */
function webhookFor(usual: string): Webhook<Config> {
  return {
    scope: "payment",
    method: "POST",
    verify: signedUrl,
    ack: { status: 200, type: "application/json", body: '{"CallbackResponse":"received"}' },
    parse: ({ body }, target) => [eventFrom(bodyFrom(body), target, usual)],
  };
}

type Body = Readonly<Record<string, unknown>>;

function eventFrom(body: Body, { orderId = "", paymentId = "" }: Target, usual: string): PspEvent {
  const reference = orderIdIn(body);
  const type = typeOf(body, usual);
  const upsell = type === upsellEventType ? upsellIn(body, reference) : undefined;
  const said = fieldOf(body, "Status");
  const at = isoFrom(fieldOf(body, "Timestamp")) ?? null;
  return {
    // Qliro sends no event id. The payment is in the key because two pushes without an order id are two events.
    key: JSON.stringify([
      orderId,
      paymentId,
      type,
      reference ?? "",
      wordIn(wordOf(transactionStatuses, said)),
      transactionIdIn(body, "PaymentTransactionId") ?? "",
      // Two statuses of the same transaction differ; the same status of a checkout may come again later.
      ...(type === "CustomerCheckoutStatus" ? [at ?? ""] : []),
      ...(type === "MerchantSavedCreditCard" ? [digestOf(fieldOf(body, "Id"))] : []),
      ...(upsell === undefined ? [] : [upsell.facts?.["upsellId"], upsell.facts?.["replacesOriginal"]]),
    ]),
    type,
    at,
    ...(reference === undefined ? {} : { reference }),
    ...(upsell === undefined ? {} : { line: upsell }),
  };
}

/** The type ends up in logs and counters, so that only what looks like a type passes. */
function typeOf(body: Body, usual: string): string {
  const said = fieldOf(body, "NotificationType") ?? wordOf(transactionTypes, fieldOf(body, "PaymentType"));
  if (said === undefined || said === null || said === "") return usual;
  if (typeof said !== "string" || !/^\w{1,64}$/.test(said)) return "unknown";
  return [usual, upsellEventType].find((type) => type.toLowerCase() === said.toLowerCase()) ?? said;
}

/**
 * What no later question would tell: that an upsell failed before there was a transaction, and that its transaction replaces another one.
 * `undefined` where the push does not say which upsell and what became of it.
 */
function upsellIn(body: Body, orderId: string | undefined): LogLine | undefined {
  const upsellId = fieldOf(body, "UpsellId");
  const became = wordOf(transactionStatuses, fieldOf(body, "Status"));
  const transactionId = transactionIdIn(body, "PaymentTransactionId");
  const originalTransactionId = transactionIdIn(body, "OriginalPaymentTransactionId");
  if (typeof upsellId !== "string" || !upsellIdShape.test(upsellId) || orderId === undefined) return undefined;
  if (became !== "Success" && became !== "Error") return undefined;
  return {
    event: "paymentAction",
    pspStatus: became,
    // The push says no amount.
    amount: 0,
    success: became === "Success",
    ...(became === "Success" ? {} : { errorDetail: "Error" }),
    facts: {
      orderId,
      upsellId,
      ...(transactionId === undefined ? {} : { transactionId }),
      ...(originalTransactionId === undefined ? {} : { originalTransactionId }),
      replacesOriginal: fieldOf(body, "ReplacesOriginalPaymentTransaction") === true,
    },
  };
}

/** The order that the push names; none where it names none, or 0, as it does where nobody knows it. */
function orderIdIn(body: Body): string | undefined {
  const said = idOf(fieldOf(body, "OrderId"));
  if (said === undefined || said === null) return undefined;
  const read = id.safeParse(said);
  if (!read.success) throw new WorkerError("MalformedWebhook", "this is no order id of Qliro's");
  return read.data;
}

function transactionIdIn(body: Body, name: string): string | undefined {
  return id.safeParse(idOf(fieldOf(body, name))).data;
}

function wordIn(value: unknown): string {
  return typeof value === "string" && /^\w{1,64}$/.test(value) ? value.toLowerCase() : "";
}

/** Tells cards apart without saying which they are. */
function digestOf(value: unknown): string {
  return typeof value === "string" ? createHash("sha256").update(value).digest("base64url").slice(0, 16) : "";
}

function bodyFrom(bytes: Buffer): Body {
  const text = bytes.toString("utf8").trim();
  // A redirect on the way may lose the body (Magento module 1.7.12): it still says that something happened to this payment.
  if (text === "") return {};
  const body = jsonFrom(withLongIntegers(text));
  if (!isObject(body)) throw new WorkerError("MalformedWebhook", "the push is not what Qliro documents");
  return body;
}
