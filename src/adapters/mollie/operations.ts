import { z } from "zod";
import { isWorkerError, type WorkerError } from "../../lib/errors.ts";
import { pathOf } from "../../lib/http.ts";
import { decimalFromMinor } from "../../lib/money.ts";
import type { Json, LookContext, OperationCall, OperationResult, Operations } from "../../contract/adapter.ts";
import { httpFrom, paymentRoute } from "./client.ts";
import type { Config } from "./config.ts";
import type { Snapshot } from "./schema.ts";

/**
 * What Mollie can be told. It answers a repeated key as it did the first time, but knows keys for an hour only (docs/psp/mollie.md, g): from
 * then on a look has to show first that nothing was carried out.
 */
export const operations: Operations<Config, Snapshot> = {
  repeat: { idempotencyKeyHours: 1 },
  capture: async (call, { payment }, context) =>
    await tell(call, payment.id, "captures", context, { amount: amountOf(call), description: call.id }),
  // What is left is let go, all of it: of a payment of which something was captured as well.
  cancel: async (call, { payment }, context) => await tell(call, payment.id, "release-authorization", context),
  // Their metadata says which operation a refund was: it can be found when its key is forgotten.
  refund: async (call, { payment }, context) =>
    await tell(call, payment.id, "refunds", context, { amount: amountOf(call), metadata: { operation: call.id } }),
};

function amountOf({ amount, currency }: OperationCall): Json {
  return { currency, value: decimalFromMinor(amount, currency) };
}

const madeSchema = z.object({
  id: z
    .string()
    .regex(/^\w{1,64}$/)
    .optional()
    .catch(undefined),
  status: z.string().optional().catch(undefined),
});

/** @throws WorkerError where the outcome is unknown, or nothing was said about the operation */
async function tell(
  { id }: OperationCall,
  payment: string,
  what: "captures" | "refunds" | "release-authorization",
  context: LookContext<Config>,
  body?: Json,
): Promise<OperationResult> {
  try {
    const answer = await httpFrom(context)({
      method: "POST",
      path: `${pathOf`/v2/payments/${payment}`}/${what}`,
      route: `${paymentRoute}/${what}`,
      headers: { "idempotency-key": id },
      ...(body === undefined ? {} : { body }),
      signal: context.signal,
    });
    return resultFrom(answer.body);
  } catch (error) {
    if (!isWorkerError(error, "Refused")) throw error;
    return { is: "refused", reason: reasonOf(error) };
  }
}

/** A capture may take its time, a refund waits for about two hours, and what is let go is answered before it is (202, nothing in it). */
function resultFrom(body: unknown): OperationResult {
  const { data } = madeSchema.safeParse(body ?? {});
  const done = data?.status === "succeeded" || data?.status === "refunded";
  return { is: done ? "done" : "accepted", ...(data?.id === undefined ? {} : { pspId: data.id }) };
}

/** The field that Mollie names, else its status: it has no codes. */
function reasonOf({ context: { code, status } }: WorkerError): string {
  return typeof code === "string" ? code : `HTTP_${String(status)}`;
}
