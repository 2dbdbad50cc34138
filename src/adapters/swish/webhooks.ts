import { WorkerError } from "../../lib/errors.ts";
import { isObject, jsonFrom } from "../../lib/json.ts";
import type { LogLine, PspEvent, RawRequest, Webhook } from "../../contract/adapter.ts";
import { signedUrl } from "../../signatures/signed-url.ts";
import { refundType } from "./client.ts";
import type { Config } from "./config.ts";
import { idFrom } from "./schema.ts";

const ack = { status: 200 } as const;

/** A payment request came to its end (docs/psp/swish.md, b). Swish signs nothing: our signature in the URL keeps strangers out, and what is true is asked for. */
export const payment: Webhook<Config> = {
  scope: "payment",
  method: "POST",
  verify: signedUrl,
  ack,
  parse: eventsIn,
};

/** A refund moved on; its URL goes with each refund. */
export const refund: Webhook<Config> = { ...payment };

/** Which of the two it is, its fields say: merchants give one URL for both. Payouts are of no concern. */
function eventsIn({ body }: RawRequest): readonly PspEvent[] {
  const told = jsonFrom(body);
  if (!isObject(told)) throw malformed();
  if ("payoutInstructionUUID" in told) return [];
  const id = idFrom(told["id"]);
  if (id === undefined) throw malformed();
  if (told["originalPaymentReference"] !== undefined) return [refundEvent(id, null)];
  return [{ key: id, type: "payment", at: null, reference: id }];
}

function malformed(): WorkerError {
  return new WorkerError("MalformedWebhook", "the webhook names nothing of Swish's");
}

/**
 * That there is such a refund: no question about the payment would tell. Over no money, for what it moved is asked for.
 * @param at when we asked for it, ISO 8601; `null` where Swish tells of it
 */
export function refundEvent(id: string, at: string | null): PspEvent & { readonly line: LogLine } {
  const line = { event: "paymentAction", pspStatus: "TOLD", amount: 0, success: true, facts: { refund: id } } as const;
  return { key: `refund:${id}`, type: refundType, at, line };
}
