import { z } from "zod";
import { isWorkerError, type WorkerError } from "../../lib/errors.ts";
import { pathOf } from "../../lib/http.ts";
import type { Json, LookContext, OperationCall, OperationResult, Operations } from "../../contract/adapter.ts";
import { httpFrom, paymentRoute } from "./client.ts";
import type { Config } from "./config.ts";
import { expiredType } from "./money.ts";
import type { Payment, Snapshot } from "./schema.ts";

/** Nexi's code for a reservation that has expired: the only way in which it says so (docs/psp/nexi.md, j). */
const expiredCode = "1010";

/**
 * What Nexi can be told. It answers a repeated key as it did the first time. Charges and refunds are accepted; whether they were carried
 * out is told by its webhooks, and by the sums.
 */
export const operations: Operations<Config, Snapshot> = {
  repeat: "idempotency-key",
  // Refunds of invoices may wait for days.
  patienceSeconds: 7 * 24 * 3_600,
  capture: async (call, { payment }, context) => await tell(call, payment, "charges", context, bodyOf(call, payment)),
  // All of it: Nexi cancels no part (1007), and nothing of which something was charged (1008).
  cancel: async (call, { payment }, context) =>
    await tell(call, payment, "cancels", context, { amount: payment.summary?.reservedAmount ?? call.amount }),
  // By payment: which of its charges are given back is Nexi's business, and a repeat is the same request whatever was charged since.
  refund: async (call, { payment }, context) =>
    await tell(call, payment, "refunds", context, { ...bodyOf(call, payment), myReference: call.id }),
};

/** A part needs order lines that add up to it (1005, 1015): Nexi does not say which ones there were, so that one line stands for the part. */
function bodyOf({ amount, name }: OperationCall, { orderDetails }: Payment): { readonly [key: string]: Json } {
  if (amount === orderDetails.amount) return { amount };
  const line = { reference: `partial-${name}`, name: `Partial ${name}`, quantity: 1, unit: "pcs", unitPrice: amount };
  const sums = { taxRate: 0, taxAmount: 0, netTotalAmount: amount, grossTotalAmount: amount };
  return { amount, orderItems: [{ ...line, ...sums }] };
}

const word = z
  .string()
  .regex(/^\w{1,64}$/)
  .optional()
  .catch(undefined);
const madeSchema = z.object({ chargeId: word, refundId: word });

/** @throws WorkerError where the outcome is unknown, or nothing was said about the operation */
async function tell(
  call: OperationCall,
  { paymentId }: Payment,
  what: "charges" | "cancels" | "refunds",
  context: LookContext<Config>,
  body: Json,
): Promise<OperationResult> {
  try {
    const answer = await httpFrom(context)({
      method: "POST",
      path: `${pathOf`/v1/payments/${paymentId}`}/${what}`,
      route: `${paymentRoute}/${what}`,
      headers: { "idempotency-key": call.id },
      body,
      signal: context.signal,
    });
    const { data } = madeSchema.safeParse(answer.body ?? {});
    const pspId = data?.chargeId ?? data?.refundId;
    return { is: what === "cancels" ? "done" : "accepted", ...(pspId === undefined ? {} : { pspId }) };
  } catch (error) {
    if (!isWorkerError(error, "Refused")) throw error;
    return refusalFrom(error, call, paymentId);
  }
}

/** That the reservation has expired is kept: no later question would tell, and what was open is released (docs/psp/nexi.md, e). */
function refusalFrom(error: WorkerError, { name, now }: OperationCall, paymentId: string): OperationResult {
  const { code, status } = error.context;
  const reason = typeof code === "string" ? code : `HTTP_${String(status)}`;
  if (reason !== expiredCode || name === "refund") return { is: "refused", reason };
  const line = { event: name, pspStatus: "expired", amount: 0, success: false, errorDetail: reason } as const;
  const event = { key: `expired:${paymentId}`, type: expiredType, at: new Date(now).toISOString(), line };
  return { is: "refused", reason, event };
}
