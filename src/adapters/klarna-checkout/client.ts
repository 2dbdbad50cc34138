import { pathOf } from "../../lib/http.ts";
import { insistOnAsked, readOrNull } from "../../lib/read.ts";
import { acknowledge as acknowledgeOrder, httpFrom, readOrder } from "../_klarna/client.ts";
import type { LookContext } from "../../contract/adapter.ts";
import type { Config } from "./config.ts";
import { checkoutEndFrom, checkoutSchema, type CheckoutOrder, type Snapshot } from "./schema.ts";

const checkoutRoute = "/checkout/v3/orders/{order_id}";

/**
 * What Klarna says now; `null` where it knows neither order. The checkout order is read beside the order until it has nothing more to tell
 * (`memory.checkout`, written by `map`): a settled look costs one GET.
 */
export async function fetchSnapshot(reference: string, context: LookContext<Config>): Promise<Snapshot | null> {
  const checkoutEnd = checkoutEndFrom(context.memory["checkout"]);
  const [order, early] = await Promise.all([
    readOrder(reference, context),
    checkoutEnd === undefined ? readCheckout(reference, context) : null,
  ]);
  const seen = checkoutEnd === undefined ? {} : { checkoutEnd };
  if (order !== null) return { ...seen, order, checkout: early };
  // Right after the purchase only the checkout order exists; order management follows within seconds (docs/psp/klarna.md, i).
  const checkout = checkoutEnd === undefined ? early : await readCheckout(reference, context);
  return checkout === null ? null : { ...seen, order: null, checkout };
}

/** @throws WorkerError `Refused` for an answer about another order than was asked for: its token is somebody else's */
async function readCheckout(reference: string, context: LookContext<Config>): Promise<CheckoutOrder | null> {
  const path = pathOf`/checkout/v3/orders/${reference}`;
  const question = { path, route: checkoutRoute, signal: context.signal };
  const checkout = await readOrNull(httpFrom(context), question, checkoutSchema, "Klarna's checkout order");
  if (checkout !== null) insistOnAsked(reference, checkout.order_id, { peer: "Klarna", thing: "checkout order" });
  return checkout;
}

/** Tells Klarna that the order has arrived. Without an order there is nothing to acknowledge yet: `map` sets no marker either. */
export async function acknowledge({ order }: Snapshot, context: LookContext<Config>): Promise<void> {
  if (order !== null) await acknowledgeOrder(order, context);
}
