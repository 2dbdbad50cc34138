import { z } from "zod";
import { isWorkerError, type WorkerError } from "../../lib/errors.ts";
import { pathOf } from "../../lib/http.ts";
import type { Json, LookContext, OperationCall, OperationResult, Operations } from "../../contract/adapter.ts";
import { httpFrom, routes } from "./client.ts";
import type { Config } from "./config.ts";
import type { Snapshot } from "./schema.ts";

/** Reason of our own, where there is nothing at Vipps that could be told. */
const nothingCharged = "NO_CHARGE";
/** Charges want a text for the shopper; 45 characters at most. */
const description = "Order";

/**
 * What Vipps can be told. It answers a repeated key as it did the first time, refusals included, and 409 for a key with another body: the same
 * operation says the same, another one has another id. https://developer.vippsmobilepay.com/docs/APIs/epayment-api/api-guide/
 */
export const operations: Operations<Config, Snapshot> = {
  repeat: "idempotency-key",
  capture: async (call, truth, context) => await tell(call, truth, context),
  cancel: async (call, truth, context) => await tell(call, truth, context),
  refund: async (call, truth, context) => await tell(call, truth, context),
};

interface Telling {
  readonly method: "POST" | "DELETE";
  readonly path: string;
  readonly route: string;
  readonly body?: Json;
}

const madeSchema = z.object({
  pspReference: z
    .string()
    .regex(/^[\w-]{1,64}$/)
    .optional()
    .catch(undefined),
});

/** @throws WorkerError where the outcome is unknown, or nothing was said about the operation */
async function tell(call: OperationCall, truth: Snapshot, context: LookContext<Config>): Promise<OperationResult> {
  const telling = tellingOf(call, truth);
  if (telling === undefined) return { is: "refused", reason: nothingCharged };
  try {
    const answer = await httpFrom(context)({
      ...telling,
      headers: { "idempotency-key": call.id },
      signal: context.signal,
    });
    const pspId = madeSchema.safeParse(answer.body ?? {}).data?.pspReference;
    return { is: "done", ...(pspId === undefined ? {} : { pspId }) };
  } catch (error) {
    if (!isWorkerError(error, "Refused") || error.context["route"] !== telling.route) throw error;
    return { is: "refused", reason: reasonOf(error) };
  }
}

function tellingOf(call: OperationCall, truth: Snapshot): Telling | undefined {
  if (truth.of === "payment") return tellingOfPayment(call, truth.payment.reference);
  const agreementId = truth.of === "agreement" ? truth.agreement.id : truth.agreementId;
  return truth.charge === null ? undefined : tellingOfCharge(call, agreementId, truth.charge.id);
}

/** A cancellation releases all that is not captured, and takes no body. */
function tellingOfPayment({ name, amount, currency }: OperationCall, reference: string): Telling {
  return {
    method: "POST",
    path: `${pathOf`/epayment/v1/payments/${reference}`}/${name}`,
    route: `${routes.payment}/${name}`,
    ...(name === "cancel" ? {} : { body: { modificationAmount: { currency, value: amount } } }),
  };
}

function tellingOfCharge({ name, amount }: OperationCall, agreementId: string, chargeId: string): Telling {
  const path = pathOf`/recurring/v3/agreements/${agreementId}/charges/${chargeId}`;
  if (name === "cancel") return { method: "DELETE", path, route: routes.charge };
  return { method: "POST", path: `${path}/${name}`, route: `${routes.charge}/${name}`, body: { amount, description } };
}

/** Vipps' number for it where it gave one, else the status. */
function reasonOf({ context: { code, status } }: WorkerError): string {
  return typeof code === "string" ? code : `HTTP_${String(status)}`;
}
