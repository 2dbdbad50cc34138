import { WorkerError } from "../../lib/errors.ts";
import type { DesiredPayment, Minor, Money, OperationName, Phase, Recurring } from "../adapter.ts";
import { type CheckoutEnd, type CheckoutOrder, present, type Order, type Snapshot } from "./schema.ts";
import { confirmKey, transactionsOf } from "./transactions.ts";

const nothing: Money = { authorized: 0, captured: 0, refunded: 0, released: 0 };
/** A review takes hours, at most 24 of them; its result is notified once, if at all (fact sheet, b.5). */
const reviewSeconds = 15 * 60;
const minute = 60;
const hour = 60 * minute;
/** How long a recurring token is waited for after the purchase. */
const tokenPatienceSeconds = 24 * hour;

/** What Norce should say. Klarna's status tells how the order can move, its sums tell where the money is. */
export function map(snapshot: Snapshot): DesiredPayment {
  return snapshot.order === null
    ? fromCheckout(snapshot.checkout, snapshot.readAt)
    : fromOrder(snapshot.order, snapshot);
}

function fromOrder(order: Order, snapshot: Snapshot): DesiredPayment {
  insistOnSums(order);
  const phase = phaseOf(order);
  const money = moneyOf(order, phase);
  const { checkout } = snapshot;
  const end = checkoutEndOf(snapshot);
  const recurring = phase === "declined" || checkout === null ? undefined : recurringFrom(checkout, order);
  const lookAgain = lookAgainOf(order, phase, money, snapshot.readAt, end === undefined ? checkout : null);
  return {
    phase,
    money,
    // What the shopper bought; a later upsell or reduction does not make it another purchase.
    total: order.original_order_amount ?? order.order_amount,
    currency: order.purchase_currency,
    reference: order.order_id,
    ...(recurring === undefined ? {} : { recurring }),
    attributes: present({
      status: order.status,
      fraudStatus: order.fraud_status,
      klarnaReference: order.klarna_reference,
      paymentMethodType: order.initial_payment_method?.type,
      checkout: end,
    }),
    transactions: transactionsOf(order, phase, money),
    possible: possibleOf(order, phase, money),
    echoes: echoesOf(order),
    // Acknowledged once per fraud decision: the order must not be acknowledged before Norce knows of it.
    marker: confirmKey(order),
    ...(lookAgain === undefined ? {} : { lookAgain }),
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

function phaseOf({ status, fraud_status, captured_amount }: Order): Phase {
  switch (fraud_status) {
    case "ACCEPTED":
      return "confirmed";
    // Klarna shows a pending order as AUTHORIZED; reading the status alone would ship goods before the fraud decision.
    case "PENDING":
      return status === "AUTHORIZED" ? "review" : "confirmed";
    // Captured money is at the merchant whatever was decided later: then the sums speak.
    case "REJECTED":
      return captured_amount === 0 ? "declined" : "confirmed";
    // Klarna asks the merchant to stop. It is refused once it is over; until then somebody must look at it.
    case "STOPPED":
      if (captured_amount > 0) return "confirmed";
      return isOver(status) ? "declined" : "review";
  }
}

/** True where no part of the order can be captured any more. */
function isOver(status: Order["status"]): boolean {
  switch (status) {
    case "AUTHORIZED":
    case "PART_CAPTURED":
      return false;
    case "CAPTURED":
    case "CANCELLED":
    case "EXPIRED":
    case "CLOSED":
      return true;
  }
}

function moneyOf(order: Order, phase: Phase): Money {
  // A refused order never held anything that could be released.
  if (phase === "declined") return nothing;
  const { order_amount: authorized, captured_amount: captured, refunded_amount: refunded } = order;
  return { authorized, captured, refunded, released: authorized - captured - openOf(order, phase) };
}

function openOf({ status, order_amount, captured_amount, remaining_authorized_amount }: Order, phase: Phase): Minor {
  // Nothing is released before the decision, whatever the remaining amount of a pending order says.
  if (phase === "review") return order_amount - captured_amount;
  return isOver(status) ? 0 : remaining_authorized_amount;
}

/** Sums that contradict each other or the status are no truth to act on. @throws WorkerError `Unmapped` */
function insistOnSums(order: Order): void {
  const { status, fraud_status, order_amount: a, captured_amount: c, refunded_amount: r } = order;
  const m = order.remaining_authorized_amount;
  const capturedByName = status === "CAPTURED" || status === "PART_CAPTURED";
  const heldByName = status === "AUTHORIZED" && fraud_status === "ACCEPTED";
  if (c > a) throw contradiction("captured_amount is above order_amount", status);
  if (r > c) throw contradiction("refunded_amount is above captured_amount", status);
  if (!isOver(status) && m > a - c) throw contradiction("remaining_authorized_amount is above what is left", status);
  if (capturedByName && c === 0 && a > 0) throw contradiction("captured_amount is zero", status);
  // Would read as "all voided" and remove a payment that Klarna calls authorised.
  if (heldByName && c === 0 && m === 0 && a > 0) throw contradiction("remaining_authorized_amount is zero", status);
}

function contradiction(problem: string, status: Order["status"]): WorkerError {
  return new WorkerError("Unmapped", `klarna-checkout contradicts itself: ${problem}`, { context: { status } });
}

/** What Klarna allows now (fact sheet, g). A pending order may be cancelled but not captured. */
function possibleOf(order: Order, phase: Phase, money: Money): readonly OperationName[] {
  if (phase === "declined") return [];
  const open = money.authorized - money.captured - money.released;
  const capture = open > 0 && phase === "confirmed" && order.fraud_status === "ACCEPTED";
  return [
    ...(capture ? (["capture"] as const) : []),
    ...(open > 0 ? (["cancel"] as const) : []),
    ...(money.captured > money.refunded ? (["refund"] as const) : []),
  ];
}

function checkoutEndOf({ checkoutEnd, order, checkout, readAt }: Snapshot): CheckoutEnd | undefined {
  if (checkoutEnd !== undefined) return checkoutEnd;
  if (checkout === null) return "gone";
  if (checkout.recurring !== true || typeof checkout.recurring_token === "string") return "read";
  const age = ageSeconds(checkout.completed_at ?? order?.created_at, readAt);
  return age === undefined || age > tokenPatienceSeconds ? "no-token" : undefined;
}

function recurringFrom(checkout: CheckoutOrder, order: Order | null): Recurring | undefined {
  if (typeof checkout.recurring_token !== "string") return undefined;
  const method = order?.initial_payment_method;
  const description = checkout.recurring_description ?? method?.description ?? undefined;
  return {
    token: checkout.recurring_token,
    ...(description === undefined ? {} : { description }),
    attributes: present({ payment_method_type: method?.type, originalOrderId: checkout.order_id }),
  };
}

/** When the order may change without a webhook: a decision, a token or the end of the authorisation. */
function lookAgainOf(
  order: Order,
  phase: Phase,
  money: Money,
  readAt: string,
  tokenAwaited: CheckoutOrder | null,
): DesiredPayment["lookAgain"] {
  const pauses = [
    ...(phase === "review" ? [reviewSeconds] : []),
    ...(tokenAwaited === null ? [] : [Math.max(minute, pauseSeconds(ageSeconds(tokenAwaited.completed_at, readAt)))]),
  ];
  if (pauses.length > 0) return { afterSeconds: Math.min(...pauses) };
  const open = money.authorized - money.captured - money.released;
  if (open === 0 || phase !== "confirmed" || order.expires_at === undefined) return undefined;
  const at = Date.parse(order.expires_at) + minute * 1000;
  // Past its end and still open: Klarna is late, or somebody extended the time without a new date.
  return at > Date.parse(readAt) ? { at: new Date(at).toISOString() } : { afterSeconds: hour };
}

/** A quarter of the time waited so far, at least 5 seconds and at most an hour: quick at first, never a storm. */
function pauseSeconds(age: number | undefined): number {
  return age === undefined ? minute : Math.min(Math.max(Math.floor(age / 4), 5), hour);
}

function ageSeconds(since: string | undefined, readAt: string): number | undefined {
  return since === undefined ? undefined : (Date.parse(readAt) - Date.parse(since)) / 1000;
}

function echoesOf({ merchant_reference1, merchant_reference2 }: Order | CheckoutOrder): readonly string[] {
  return [merchant_reference1 ?? "", merchant_reference2 ?? ""].filter((reference) => reference !== "");
}
