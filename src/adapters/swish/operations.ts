import { isWorkerError, WorkerError } from "../../lib/errors.ts";
import { pathOf } from "../../lib/http.ts";
import { decimalFromMinor } from "../../lib/money.ts";
import type { LookContext, OperationCall, OperationResult, Operations } from "../../contract/adapter.ts";
import { httpFrom, isSameId, readRefund } from "./client.ts";
import type { Config } from "./config.ts";
import { instructionId } from "./instruction.ts";
import type { Snapshot } from "./schema.ts";
import { refundEvent } from "./webhooks.ts";

/**
 * What Swish can be told of a payment: to give back. The id in the path is the operation's own, so that a repeat finds what the first one
 * did (`RP09`; docs/psp/swish.md, g).
 */
export const operations: Operations<Config, Snapshot> = {
  repeat: "idempotency-key",
  refund: async (call, { payment: { paymentReference } }, context) => {
    // The bank's reference, not the request's id, which Swish does not find (RF02).
    if (paymentReference === undefined || paymentReference === null)
      return { is: "refused", reason: "no-payment-reference" };
    return await refund(call, paymentReference, context);
  },
};

/** @throws WorkerError where the outcome is unknown, or nothing was said about the operation */
async function refund(
  { id: operation, amount, currency, now }: OperationCall,
  of: string,
  context: LookContext<Config>,
): Promise<OperationResult> {
  const id = instructionId(operation);
  // Which refund it is stands nowhere at Swish but under its own id.
  const event = refundEvent(id, new Date(now).toISOString());
  try {
    await httpFrom(context)({
      method: "PUT",
      path: pathOf`/api/v2/refunds/${id}`,
      route: "/api/v2/refunds/{id}",
      body: {
        originalPaymentReference: of,
        callbackUrl: context.callbackUrl("refund"),
        payerAlias: context.config.payeeAlias,
        amount: decimalFromMinor(amount, currency),
        currency,
      },
      signal: context.signal,
    });
  } catch (error) {
    if (!isWorkerError(error, "Refused")) throw error;
    const { code, status } = error.context;
    if (code !== "RP09") return { is: "refused", reason: typeof code === "string" ? code : `HTTP_${String(status)}` };
    await insistOnOurs(id, of, context);
  }
  return { is: "accepted", pspId: id, event };
}

/** The id is used: by the first attempt. @throws WorkerError `Unreachable` where Swish does not know it after all */
async function insistOnOurs(id: string, of: string, context: LookContext<Config>): Promise<void> {
  const known = await readRefund(id, context);
  if (known !== null && isSameId(known.originalPaymentReference, of)) return;
  throw new WorkerError("Unreachable", "swish says that a refund's id is used, and does not say by what", {
    context: { code: "RP09" },
  });
}
