import { isWorkerError, WorkerError } from "../../lib/errors.ts";
import { pathOf } from "../../lib/http.ts";
import { codeAt } from "../../lib/judgement.ts";
import { probeBy } from "../../lib/probe.ts";
import { readOrNull } from "../../lib/read.ts";
import type { AskContext, Http, ProbeResult } from "../../contract/adapter.ts";
import { authorizationFrom, isLive, type KlarnaConfig } from "./config.ts";
import { type Order, orderSchema } from "./schema.ts";

/** Order management's order, for logs and metrics. */
export const orderRoute = "/ordermanagement/v1/orders/{order_id}";

/** Classic bodies have a `correlation_id`, the new API's an `error_id` (docs/psp/klarna.md, j). */
const codeOf = codeAt("error_code", ["correlation_id", "error_id"]);

/** The merchant's client. */
export function httpFrom(context: AskContext<KlarnaConfig>): Http {
  // No `classify`: 401, 403, 409, 422, 429 and 5xx mean to Klarna what they mean to everybody (docs/psp/klarna.md, j).
  const { apiUrl: baseUrl } = context.config;
  return context.http({ baseUrl, headers: { authorization: authorizationFrom(context.config) }, codeOf });
}

/** The order as order management has it; `null` where it does not know it. */
export async function readOrder(reference: string, context: AskContext<KlarnaConfig>): Promise<Order | null> {
  const path = pathOf`/ordermanagement/v1/orders/${reference}`;
  const question = { path, route: orderRoute, signal: context.signal };
  return await readOrNull(httpFrom(context), question, orderSchema, "Klarna's order");
}

/**
 * Tells Klarna that the order has arrived; until then it pushes for 48 hours. Repeating it is harmless.
 * https://docs.klarna.com/order-management/manage-orders-with-the-api/view-and-change-orders/acknowledge-your-kco-orders/
 */
export async function acknowledge(order: Order, context: AskContext<KlarnaConfig>): Promise<void> {
  try {
    await httpFrom(context)({
      method: "POST",
      path: pathOf`/ordermanagement/v1/orders/${order.order_id}/acknowledge`,
      route: `${orderRoute}/acknowledge`,
      signal: context.signal,
    });
  } catch (error) {
    if (!isWorkerError(error)) throw error;
    const status = error.context["status"];
    // Not allowed: the order is captured (which counts as acknowledged), cancelled or closed. Klarna pushes no more, so nothing is
    // owed; at worst it still pushes, and each push costs a look that writes nothing. Failing here would leave the log unwritten.
    if (status === 403) return;
    if (status === 404 || status === 409) {
      if (order.status !== "AUTHORIZED") return;
      // Order management has just shown us this order: its other half lags, or somebody changes the order right now.
      throw new WorkerError("Conflict", "Klarna does not take the acknowledgement yet", { context: error.context });
    }
    throw error;
  }
}

/** Asks for an order that nobody has: Klarna says 404 to credentials that work, and 401 to others. */
export async function probe(context: AskContext<KlarnaConfig>): Promise<readonly ProbeResult[]> {
  const credential = context.config.apiKey === undefined ? "username and password" : "apiKey";
  const probed = await probeBy("Klarna", credential, () => readOrder("00000000-0000-4000-8000-000000000000", context));
  return [{ ...probed, live: isLive(context.config) }];
}
