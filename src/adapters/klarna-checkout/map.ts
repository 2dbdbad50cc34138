import { desiredFrom, echoesOf, nothing } from "../_klarna/order.ts";
import { present } from "../_klarna/schema.ts";
import type { DesiredPayment, MapContext, Recurring } from "../../contract/adapter.ts";
import { disputesIn } from "./kustom.ts";
import type { CheckoutEnd, CheckoutOrder, Order, Snapshot } from "./schema.ts";

const hour = 60 * 60_000;
/** How long a recurring token is waited for after the purchase. */
const tokenPatienceMs = 24 * hour;

/** What Norce should say: what order management says, and the recurring token, which only the checkout order knows. */
export function map(snapshot: Snapshot, context: MapContext): DesiredPayment {
  if (snapshot.order === null) return fromCheckout(snapshot.checkout);
  const desired = fromOrder(snapshot.order, snapshot, context);
  return { ...desired, findings: [...(desired.findings ?? []), ...disputesIn(context.kept, snapshot.order.order_id)] };
}

function fromOrder(order: Order, snapshot: Snapshot, context: MapContext): DesiredPayment {
  const desired = desiredFrom(order, context);
  const { checkout } = snapshot;
  const end = checkoutEndOf(snapshot, context.now);
  return {
    ...desired,
    recurring: desired.phase === "declined" || checkout === null ? undefined : recurringFrom(checkout, order),
    memory: end === undefined ? undefined : { checkout: end },
    // The token is awaited: sooner than anything else but a decision.
    ...(end === undefined && desired.phase !== "review" ? { lookAgain: pauseSince(boughtAt(snapshot)) } : {}),
  };
}

/** Order management does not know the order (yet): all there is to go by is whether the shopper has finished. */
function fromCheckout(checkout: CheckoutOrder): DesiredPayment {
  const bought = isBought(checkout);
  return {
    phase: bought ? "confirmed" : "created",
    money: nothing,
    total: checkout.order_amount,
    currency: checkout.purchase_currency,
    reference: checkout.order_id,
    recurring: bought ? recurringFrom(checkout, null) : undefined,
    attributes: { status: checkout.status },
    // `open` belongs to whoever opened the session, `confirm` waits for its amount.
    transactions: [],
    possible: [],
    echoes: echoesOf(checkout),
    lookAgain: bought ? pauseSince(checkout.completed_at) : undefined,
  };
}

function isBought({ status }: CheckoutOrder): boolean {
  switch (status) {
    // Klarna does not say whether the shopper has pressed Buy: both are a session that exists, no more.
    case "created":
    case "checkout_incomplete":
      return false;
    case "checkout_complete":
      return true;
  }
}

function checkoutEndOf(snapshot: Snapshot, now: number): CheckoutEnd | undefined {
  const { checkoutEnd, checkout } = snapshot;
  if (checkoutEnd !== undefined) return checkoutEnd;
  if (checkout === null) return "gone";
  if (checkout.recurring !== true || hasToken(checkout)) return "read";
  const since = boughtAt(snapshot);
  return since === undefined || now - Date.parse(since) > tokenPatienceMs ? "no-token" : undefined;
}

function boughtAt({ checkout, order }: Snapshot): string | undefined {
  return checkout?.completed_at ?? order?.created_at;
}

function pauseSince(time: string | undefined): DesiredPayment["lookAgain"] {
  return time === undefined ? { afterSeconds: 60 } : { growing: time };
}

function recurringFrom(checkout: CheckoutOrder, order: Order | null): Recurring | undefined {
  if (!hasToken(checkout)) return undefined;
  const method = order?.initial_payment_method;
  const description = checkout.recurring_description ?? method?.description ?? undefined;
  return {
    token: checkout.recurring_token,
    ...(description === undefined ? {} : { description }),
    attributes: present({ payment_method_type: method?.type, originalOrderId: checkout.order_id }),
  };
}

function hasToken(checkout: CheckoutOrder): checkout is CheckoutOrder & { readonly recurring_token: string } {
  return (checkout.recurring_token ?? "") !== "";
}
