import { desiredFrom, echoesOf, nothing } from "../_klarna/order.ts";
import { present } from "../_klarna/schema.ts";
import type { DesiredPayment, DesiredTransaction, Recurring } from "../../contract/adapter.ts";
import type { AbandonedCheckout, CheckoutEnd, CheckoutOrder, Order, Snapshot } from "./schema.ts";

const minute = 60;
const hour = 60 * minute;
/** How long a recurring token is waited for after the purchase. */
const tokenPatienceSeconds = 24 * hour;

/** What Norce should say: what order management says, and the recurring token, which only the checkout order knows. */
export function map(snapshot: Snapshot): DesiredPayment {
  if (snapshot.order !== null) return fromOrder(snapshot.order, snapshot);
  return snapshot.checkout === null
    ? fromAbandoned(snapshot.abandoned)
    : fromCheckout(snapshot.checkout, snapshot.readAt);
}

function fromOrder(order: Order, snapshot: Snapshot): DesiredPayment {
  const desired = desiredFrom(order, snapshot.readAt);
  const { checkout } = snapshot;
  const end = checkoutEndOf(snapshot);
  const recurring = desired.phase === "declined" || checkout === null ? undefined : recurringFrom(checkout, order);
  return {
    ...desired,
    ...(recurring === undefined ? {} : { recurring }),
    attributes: present({ ...desired.attributes, checkout: end }),
    ...(end === undefined && checkout !== null ? { lookAgain: forToken(checkout, desired, snapshot.readAt) } : {}),
  };
}

/** Order management does not know the order (yet): all there is to go by is whether the shopper has finished. */
function fromCheckout(checkout: CheckoutOrder, readAt: string): DesiredPayment {
  const bought = isBought(checkout);
  const recurring = bought ? recurringFrom(checkout, null) : undefined;
  return {
    phase: bought ? "confirmed" : "created",
    money: nothing,
    total: checkout.order_amount,
    currency: checkout.purchase_currency,
    reference: checkout.order_id,
    ...(recurring === undefined ? {} : { recurring }),
    attributes: { status: checkout.status },
    // `open` belongs to whoever opened the session, `confirm` waits for its amount.
    transactions: [],
    possible: [],
    echoes: echoesOf(checkout),
    ...(bought ? { lookAgain: { afterSeconds: pauseSeconds(ageSeconds(checkout.completed_at, readAt)) } } : {}),
  };
}

/** Nothing was bought, and nobody can buy with it any more. Its end is not noted as `checkout`: should it come back, it is read again. */
function fromAbandoned({ order_id, status, order_amount, purchase_currency }: AbandonedCheckout): DesiredPayment {
  const expired: DesiredTransaction = {
    key: "process:expired",
    event: "process",
    pspEvent: "expire",
    pspStatus: status,
    amount: 0,
    success: false,
    errorDetail: "the checkout ended without a purchase",
  };
  return {
    phase: "failed",
    money: nothing,
    total: order_amount,
    currency: purchase_currency,
    reference: order_id,
    attributes: { status },
    transactions: [expired],
    possible: [],
    echoes: [],
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

function checkoutEndOf({ checkoutEnd, order, checkout, readAt }: Snapshot): CheckoutEnd | undefined {
  if (checkoutEnd !== undefined) return checkoutEnd;
  if (checkout === null) return "gone";
  if (checkout.recurring !== true || hasToken(checkout)) return "read";
  const age = ageSeconds(checkout.completed_at ?? order?.created_at, readAt);
  return age === undefined || age > tokenPatienceSeconds ? "no-token" : undefined;
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

/** The token is awaited: sooner than anything else but a decision, which may come sooner still. */
function forToken({ completed_at }: CheckoutOrder, { lookAgain }: DesiredPayment, readAt: string) {
  const pause = Math.max(minute, pauseSeconds(ageSeconds(completed_at, readAt)));
  const otherwise = lookAgain !== undefined && "afterSeconds" in lookAgain ? lookAgain.afterSeconds : Infinity;
  return { afterSeconds: Math.min(pause, otherwise) };
}

/** A quarter of the time waited so far, at least 5 seconds and at most an hour: quick at first, never a storm. */
function pauseSeconds(age: number | undefined): number {
  return age === undefined ? minute : Math.min(Math.max(Math.floor(age / 4), 5), hour);
}

function ageSeconds(since: string | undefined, readAt: string): number | undefined {
  return since === undefined ? undefined : (Date.parse(readAt) - Date.parse(since)) / 1000;
}
