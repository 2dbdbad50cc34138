import { isWorkerError, WorkerError } from "../../lib/errors.ts";
import { pathOf } from "../../lib/http.ts";
import type { Http, LookContext } from "../adapter.ts";
import { authorizationFrom, type Config } from "./config.ts";
import { checkoutEndFrom, checkoutSchema, orderSchema, parsed, type Snapshot } from "./schema.ts";

const orderRoute = "/ordermanagement/v1/orders/{order_id}";
const checkoutRoute = "/checkout/v3/orders/{order_id}";

/**
 * What Klarna says now; `null` where it knows neither order. The checkout order is read beside the order until it has
 * nothing more to tell (`known.checkout`, written by `map`): a settled look costs one GET.
 */
export async function fetchSnapshot(reference: string, context: LookContext<Config>): Promise<Snapshot | null> {
  const http = httpFrom(context);
  const checkoutEnd = checkoutEndFrom(context.known["checkout"]);
  const readCheckout = async () => {
    const body = await read(http, pathOf`/checkout/v3/orders/${reference}`, checkoutRoute, context.signal);
    return body === null ? null : parsed(checkoutSchema, body);
  };
  const readOrder = async () => {
    const body = await read(http, pathOf`/ordermanagement/v1/orders/${reference}`, orderRoute, context.signal);
    return body === null ? null : parsed(orderSchema, body);
  };
  const [order, early] = await Promise.all([readOrder(), checkoutEnd === undefined ? readCheckout() : null]);
  const seen = { readAt: new Date().toISOString(), ...(checkoutEnd === undefined ? {} : { checkoutEnd }) };
  if (order !== null) return { ...seen, order, checkout: early };
  // Right after the purchase only the checkout order exists; order management follows within seconds (fact sheet, i).
  const checkout = checkoutEnd === undefined ? early : await readCheckout();
  return checkout === null ? null : { ...seen, order: null, checkout };
}

/**
 * Tells Klarna that the order has arrived; until then it pushes for 48 hours. Repeating it is harmless.
 * https://docs.klarna.com/order-management/manage-orders-with-the-api/view-and-change-orders/acknowledge-your-kco-orders/
 */
export async function acknowledge({ order }: Snapshot, context: LookContext<Config>): Promise<void> {
  // Nothing to acknowledge yet: `map` sets no marker either.
  if (order === null) return;
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
      throw new WorkerError("Conflict", "klarna-checkout does not take the acknowledgement yet", {
        context: error.context,
      });
    }
    throw error;
  }
}

/** The body, or `null` for 404: an id that Klarna does not know, not yet or no longer. Its body may be empty. */
async function read(http: Http, path: string, route: string, signal: AbortSignal): Promise<unknown> {
  try {
    return (await http({ method: "GET", path, route, signal })).body ?? {};
  } catch (error) {
    if (isWorkerError(error, "Refused") && error.context["status"] === 404) return null;
    throw error;
  }
}

function httpFrom(context: LookContext<Config>): Http {
  // No `classify`: 401, 403, 409, 422, 429 and 5xx mean to Klarna what they mean to everybody (fact sheet, j).
  const { apiUrl: baseUrl } = context.config;
  return context.http({ baseUrl, headers: { authorization: authorizationFrom(context.config) } });
}
