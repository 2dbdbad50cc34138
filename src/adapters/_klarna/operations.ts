import { isWorkerError, type WorkerError } from "../../lib/errors.ts";
import { pathOf } from "../../lib/http.ts";
import type {
  AskContext,
  Json,
  Operation,
  OperationCall,
  OperationResult,
  Operations,
} from "../../contract/adapter.ts";
import { httpFrom, orderRoute, readOrder } from "./client.ts";
import type { KlarnaConfig } from "./config.ts";
import { sumsOf } from "./order.ts";
import type { Order } from "./schema.ts";

/** What an operation has to know of the truth. */
interface WithOrder {
  readonly order: Order | null;
}

/** One call to order management: what it is called there, what it says, and the header that names what it made. */
interface Step {
  readonly name: string;
  readonly body?: Json;
  readonly idHeader?: string;
}

/**
 * Order management carries a call out at once and says so: no webhook follows (docs/psp/klarna.md, g). A repeated key gets the first answer, whatever
 * the body says, for 24 hours. https://docs.klarna.com/api/escalation-and-retry-policy
 */
export const operations: Operations<KlarnaConfig, WithOrder> = {
  repeat: { idempotencyKeyHours: 24 },
  capture: telling(({ amount }) => ({ name: "captures", body: { captured_amount: amount }, idHeader: "capture-id" })),
  // An order of which something was captured cannot be cancelled any more; what is left of it can be released.
  cancel: telling((_, order) => ({ name: order.captured_amount === 0 ? "cancel" : "release-remaining-authorization" })),
  refund: telling(({ amount }) => ({ name: "refunds", body: { refunded_amount: amount }, idHeader: "refund-id" })),
};

function telling(stepOf: (call: OperationCall, order: Order) => Step): Operation<KlarnaConfig, WithOrder> {
  return async (call, { order }, context) => {
    // Without an order there is nothing that `map` would have called possible.
    if (order === null) return { is: "refused", reason: "NO_SUCH_ORDER" };
    const { name, body, idHeader } = stepOf(call, order);
    try {
      const { headers } = await httpFrom(context)({
        method: "POST",
        path: pathOf`/ordermanagement/v1/orders/${order.order_id}/${name}`,
        route: `${orderRoute}/${name}`,
        headers: { "klarna-idempotency-key": call.id },
        ...(body === undefined ? {} : { body }),
        signal: context.signal,
      });
      return { is: "done", ...pspIdFrom(headers, idHeader) };
    } catch (error) {
      if (!isWorkerError(error, "Refused")) throw error;
      return (await isReached(call, order, context)) ? { is: "done" } : { is: "refused", reason: reasonOf(error) };
    }
  };
}

/** Klarna refuses what has been done already as it refuses what cannot be done: the order tells them apart. */
async function isReached(call: OperationCall, before: Order, context: AskContext<KlarnaConfig>): Promise<boolean> {
  const order = await readOrder(before.order_id, context);
  if (order === null) return false;
  const [was, is] = [sumsOf(before), sumsOf(order)];
  switch (call.name) {
    case "capture":
      return is.captured >= was.captured + call.amount;
    case "cancel":
      return is.open === 0 && is.captured === was.captured;
    case "refund":
      return is.refunded >= was.refunded + call.amount;
  }
}

/** Klarna's own code; its body may be empty. */
function reasonOf({ context: { code, status } }: WorkerError): string {
  return typeof code === "string" ? code : `HTTP_${String(status)}`;
}

/** The id of what was made, from its own header, or from the address where it can be read. */
function pspIdFrom(
  headers: Readonly<Record<string, unknown>>,
  idHeader: string | undefined,
): Pick<OperationResult & { is: "done" }, "pspId"> {
  if (idHeader === undefined) return {};
  const made = [headers[idHeader], lastSegmentOf(headers["location"])].find(
    (text) => typeof text === "string" && /^[\w-]{1,64}$/.test(text),
  );
  return typeof made === "string" ? { pspId: made } : {};
}

function lastSegmentOf(address: unknown): string | undefined {
  return typeof address === "string" ? /\/(?:captures|refunds)\/([^/?#]+)\/?$/.exec(address)?.[1] : undefined;
}
