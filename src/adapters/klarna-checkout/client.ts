import { pathOf } from "../../lib/http.ts";
import { acknowledge as acknowledgeOrder, read, readOrder } from "../_klarna/client.ts";
import { parsed } from "../_klarna/schema.ts";
import type { Json, LookContext } from "../../contract/adapter.ts";
import type { Config } from "./config.ts";
import {
  type AbandonedCheckout,
  checkoutEndFrom,
  checkoutSchema,
  type CheckoutOrder,
  type Snapshot,
} from "./schema.ts";

const checkoutRoute = "/checkout/v3/orders/{order_id}";
/**
 * How long a checkout order lives after the shop or the shopper touched it last.
 * https://docs.kustom.co/v3/checkout/additional-resources/errors
 */
const checkoutLifeMs = 48 * 60 * 60 * 1_000;

/**
 * What Klarna says now; `null` where it knows neither order and nothing tells why. The checkout order is read beside the order until it
 * has nothing more to tell (`memory.checkout`, written by `map`): a settled look costs one GET.
 */
export async function fetchSnapshot(reference: string, context: LookContext<Config>): Promise<Snapshot | null> {
  const checkoutEnd = checkoutEndFrom(context.memory["checkout"]);
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
  // Right after the purchase only the checkout order exists; order management follows within seconds (docs/psp/klarna.md, i).
  const checkout = checkoutEnd === undefined ? early : await readCheckout();
  if (checkout !== null) return { ...seen, order: null, checkout };
  const abandoned = abandonedFrom(reference, context);
  return abandoned === undefined ? null : { ...seen, order: null, checkout: null, abandoned };
}

/**
 * The checkout order that Klarna has no more, where an earlier look saw it unfinished and its life is over: most shoppers leave, and that
 * needs nobody. What is missing for another reason is still missing, whatever was known of it.
 */
function abandonedFrom(reference: string, { memory, payment }: LookContext<Config>): AbandonedCheckout | undefined {
  const status = unfinishedFrom(memory["status"]);
  if (status === undefined || payment.reference !== reference || !isOver(memory)) return undefined;
  return { order_id: reference, status, order_amount: payment.amount, purchase_currency: payment.currency };
}

function unfinishedFrom(status: Json | undefined): CheckoutOrder["status"] | undefined {
  return status === "created" || status === "checkout_incomplete" ? status : undefined;
}

/** `phase` and `since` stand in the note of every payment: how far it came, and when. */
function isOver({ phase, since }: Readonly<Record<string, Json>>): boolean {
  return phase === "failed" || (typeof since === "string" && Date.now() - Date.parse(since) > checkoutLifeMs);
}

/** Tells Klarna that the order has arrived. Without an order there is nothing to acknowledge yet: `map` sets no marker either. */
export async function acknowledge({ order }: Snapshot, context: LookContext<Config>): Promise<void> {
  if (order !== null) await acknowledgeOrder(order, context);
}
