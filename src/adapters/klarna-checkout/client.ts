import { pathOf } from "../../lib/http.ts";
import { acknowledge as acknowledgeOrder, read, readOrder } from "../_klarna/client.ts";
import { parsed } from "../_klarna/schema.ts";
import type { LookContext } from "../adapter.ts";
import type { Config } from "./config.ts";
import { checkoutEndFrom, checkoutSchema, type Snapshot } from "./schema.ts";

const checkoutRoute = "/checkout/v3/orders/{order_id}";

/**
 * What Klarna says now; `null` where it knows neither order. The checkout order is read beside the order until it has
 * nothing more to tell (`known.checkout`, written by `map`): a settled look costs one GET.
 */
export async function fetchSnapshot(reference: string, context: LookContext<Config>): Promise<Snapshot | null> {
  const checkoutEnd = checkoutEndFrom(context.known["checkout"]);
  const readCheckout = async () => {
    const body = await read(pathOf`/checkout/v3/orders/${reference}`, checkoutRoute, context);
    return body === null ? null : parsed(checkoutSchema, body);
  };
  const [order, early] = await Promise.all([
    readOrder(reference, context),
    checkoutEnd === undefined ? readCheckout() : null,
  ]);
  const seen = { readAt: new Date().toISOString(), ...(checkoutEnd === undefined ? {} : { checkoutEnd }) };
  if (order !== null) return { ...seen, order, checkout: early };
  // Right after the purchase only the checkout order exists; order management follows within seconds (fact sheet, i).
  const checkout = checkoutEnd === undefined ? early : await readCheckout();
  return checkout === null ? null : { ...seen, order: null, checkout };
}

/** Tells Klarna that the order has arrived. Without an order there is nothing to acknowledge yet: `map` sets no marker either. */
export async function acknowledge({ order }: Snapshot, context: LookContext<Config>): Promise<void> {
  if (order !== null) await acknowledgeOrder(order, context);
}
