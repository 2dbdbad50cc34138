import { z } from "zod";
import { isWorkerError } from "../../lib/errors.ts";
import { pathOf } from "../../lib/http.ts";
import type { AskContext, Json, OperationCall, OperationResult, PspCode } from "../../contract/adapter.ts";
import { checkoutUrl, type Config } from "./config.ts";
import { receivedEvent } from "./requests.ts";
import { receivedSchema } from "./schema.ts";

/** What a payment can be modified by. https://docs.adyen.com/api-explorer/Checkout/71/overview */
export type Modification = "captures" | "cancels" | "refunds";

/**
 * Asks for a modification. Adyen answers that it was received, and by a webhook what became of it. The same key gets the same answer, for
 * days (https://docs.adyen.com/development-resources/api-idempotency).
 */
export async function modify(
  modification: Modification,
  payment: string,
  call: OperationCall,
  body: Readonly<Record<string, Json>>,
  context: AskContext<Config>,
): Promise<OperationResult> {
  const { adyenApiKey, merchantAccount } = context.config;
  const http = context.http({
    baseUrl: checkoutUrl(context.config),
    headers: { "x-api-key": adyenApiKey },
    // 704: the first call with this key is still running. Everything else means to Adyen what it means to everybody.
    classify: (status, answer, headers) => {
      // Adyen's own word for "the same key may be sent again" (docs/psp/adyen.md, g).
      if (headers["transient-error"] === "true") return "Unreachable";
      return status === 422 && codeOf(answer).code === "704" ? "Conflict" : undefined;
    },
    codeOf,
  });
  try {
    const { body: answer } = await http({
      method: "POST",
      path: pathOf`/payments/${payment}/` + modification,
      route: `/payments/{pspReference}/${modification}`,
      headers: { "idempotency-key": call.id },
      // Comes back as the merchant reference of the webhook.
      body: { merchantAccount, reference: call.id, ...body },
      signal: context.signal,
    });
    const received = receivedSchema.safeParse(answer);
    if (!received.success) return { is: "accepted" };
    const { pspReference } = received.data;
    return { is: "accepted", pspId: pspReference, event: receivedEvent(call, payment, pspReference) };
  } catch (error) {
    if (!isWorkerError(error, "Refused")) throw error;
    const { code, status } = error.context;
    return { is: "refused", reason: String(code ?? `http-${String(status)}`) };
  }
}

const errorSchema = z.object({
  errorCode: z.string().optional().catch(undefined),
  /** Adyen's support finds the request by it; newer answers call it `requestId`. */
  pspReference: z.string().optional().catch(undefined),
  requestId: z.string().optional().catch(undefined),
});

function codeOf(answer: unknown): PspCode {
  const { errorCode: code, pspReference, requestId } = errorSchema.safeParse(answer).data ?? {};
  return { code, supportId: pspReference ?? requestId };
}
