import { WorkerError } from "../../lib/errors.ts";
import type {
  DesiredPayment,
  Finding,
  MapContext,
  Minor,
  Money,
  OperationName,
  Phase,
} from "../../contract/adapter.ts";
import { type Order, present, stopRequest } from "./schema.ts";
import { confirmKey, transactionsOf } from "./transactions.ts";

/** Before anything was bought, and after it was refused. */
export const nothing: Money = { authorized: 0, captured: 0, refunded: 0, released: 0 };
/** A review takes hours, at most 24 of them; its result is notified once, if at all (docs/psp/klarna.md, b.5). */
const reviewSeconds = 15 * 60;
const minute = 60_000;
const hour = 60 * minute;
/** A review that takes longer than this has been forgotten by somebody. */
const longestReviewMs = 48 * hour;

/** What Norce should say of an order, whatever product it was bought with. Its status tells how it can move, its sums where the money is. */
export function desiredFrom(order: Order, { kept, now }: MapContext): DesiredPayment {
  insistOnSums(order);
  const phase = phaseOf(order);
  const money = moneyOf(order, phase);
  return {
    phase,
    money,
    // What the shopper bought; a later upsell or reduction does not make it another purchase.
    total: order.original_order_amount ?? order.order_amount,
    currency: order.purchase_currency,
    reference: order.order_id,
    attributes: present({
      status: order.status,
      fraudStatus: order.fraud_status,
      klarnaReference: order.klarna_reference,
      paymentMethodType: order.initial_payment_method?.type,
    }),
    transactions: transactionsOf(order, phase, money),
    possible: possibleOf(order, phase, money),
    echoes: echoesOf(order),
    // Acknowledged once per fraud decision: the order must not be acknowledged before Norce knows of it.
    marker: confirmKey(order),
    findings: findingsOf(order, phase, money, { kept, now }),
    lookAgain: lookAgainOf(order, phase, money, now),
  };
}

/** Where the order's money is, and how much of it can still be captured. */
export function sumsOf(order: Order): Money & { readonly open: Minor } {
  const money = moneyOf(order, phaseOf(order));
  return { ...money, open: openIn(money) };
}

/** What Klarna gives back of ours. */
export function echoesOf({
  merchant_reference1,
  merchant_reference2,
}: Pick<Order, "merchant_reference1" | "merchant_reference2">): readonly string[] {
  return [merchant_reference1 ?? "", merchant_reference2 ?? ""].filter((reference) => reference !== "");
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

function openIn({ authorized, captured, released }: Money): Minor {
  return authorized - captured - released;
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
  return new WorkerError("Unmapped", `Klarna contradicts itself: ${problem}`, { context: { status } });
}

/** What Klarna allows now (docs/psp/klarna.md, g). A pending order may be cancelled but not captured. */
function possibleOf(order: Order, phase: Phase, money: Money): readonly OperationName[] {
  if (phase === "declined") return [];
  const open = openIn(money);
  const capture = open > 0 && phase === "confirmed" && order.fraud_status === "ACCEPTED";
  return [
    ...(capture ? (["capture"] as const) : []),
    ...(open > 0 ? (["cancel"] as const) : []),
    ...(money.captured > money.refunded ? (["refund"] as const) : []),
  ];
}

/** When the order may change without a webhook: a decision, or the end of the authorisation. */
function lookAgainOf(order: Order, phase: Phase, money: Money, now: number): DesiredPayment["lookAgain"] {
  if (phase === "review") return { afterSeconds: reviewSeconds };
  if (openIn(money) === 0 || phase !== "confirmed" || order.expires_at === undefined) return undefined;
  const at = Date.parse(order.expires_at) + minute;
  // Past its end and still open: Klarna is late, or somebody extended the time without a new date.
  return at > now ? { at: new Date(at).toISOString() } : { growing: order.expires_at };
}

/** Klarna asks to stop what holds or took money, or a review goes on although it should be over. */
function findingsOf(order: Order, phase: Phase, money: Money, { kept, now }: MapContext): readonly Finding[] {
  const { order_id: id, fraud_status: fraudStatus, purchase_currency: currency, created_at } = order;
  const held = money.authorized - money.released - money.refunded;
  const overdue = created_at !== undefined && now - Date.parse(created_at) > longestReviewMs;
  // A webhook asks for it, and order management may go on showing an accepted order.
  const asked = kept.some(({ type }) => type === stopRequest);
  const atRisk = asked || fraudStatus === "STOPPED" || (phase === "review" && overdue);
  if (!atRisk || held === 0) return [];
  return [
    {
      name: "authorization-at-risk",
      id,
      facts: { fraudStatus, ...(asked ? { event: stopRequest } : {}), amount: held, currency },
    },
  ];
}
