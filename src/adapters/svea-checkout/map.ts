import type {
  DesiredPayment,
  Finding,
  KeptEvent,
  Minor,
  Money,
  OperationName,
  Phase,
  Recurring,
  MapContext,
} from "../../contract/adapter.ts";
import { cancelAsked, lastAskedAt, underWayOf } from "./asked.ts";
import { boughtFor, cartTotal, moneyOf, nothing, openOf } from "./money.ts";
import { cancelsParts, refundLimit } from "./refunds.ts";
import {
  type CheckoutEnd,
  type CheckoutOrder,
  creditFailed,
  type Noted,
  type Order,
  present,
  type Snapshot,
} from "./schema.ts";
import { transactionsOf } from "./transactions.ts";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
/** Svea tells of the end of a review once, and only to a subscription. */
const reviewSeconds = 15 * 60;
/** How long a recurring token is waited for after the purchase. */
const tokenPatienceMs = day;
/** A review that takes longer than this has been forgotten by somebody. */
const longestReviewMs = 14 * day;
/** How long an order can be without a method of payment: Svea ends a checkout after two days. */
const methodlessMs = 2 * day;
const leasingInReview = "LEASINGUNAPPROVED";
const nothingToPay = "ZEROSUM";

/** What Norce should say. Svea's sums tell where the money is, its actions whether the order may be delivered. */
export function map(snapshot: Snapshot, context: MapContext): DesiredPayment {
  return snapshot.order === null
    ? fromCheckout(snapshot.checkout, snapshot, context.now)
    : fromOrder(snapshot.order, snapshot, context);
}

function fromOrder(order: Order, snapshot: Snapshot, { kept, now }: MapContext): DesiredPayment {
  const { checkout, noted } = snapshot;
  const money = moneyOf(order);
  const phase = phaseOf(order, snapshot, money, { kept, now });
  const total = noted.orderAmount ?? boughtFor(order, checkout);
  const end = checkoutEndOf(order, snapshot, now);
  const underWay = underWayOf(kept, money, now);
  const possible = possibleOf(order, phase, money, underWay);
  const wholeOnly = wholeOnlyOf(order).filter((name) => possible.includes(name));
  return {
    phase,
    money,
    total,
    currency: order.Currency,
    reference: order.Id,
    recurring: checkout === null || !isBought(phase) ? undefined : recurringFrom(checkout, order),
    attributes: present({ status: order.OrderStatus, paymentType: order.PaymentType ?? checkout?.PaymentType }),
    memory: present({
      orderId: order.Id,
      orderAmount: total,
      checkout: end,
      review: reviewOf(order, phase, noted),
    }),
    transactions: transactionsOf(order, phase, money, total),
    possible,
    wholeOnly: wholeOnly.length === 0 ? undefined : wholeOnly,
    available: availableOf(order, money, underWay),
    underWay: Object.keys(underWay).length === 0 ? undefined : underWay,
    echoes: echoesOf(order.MerchantOrderId, checkout?.ClientOrderNumber),
    findings: findingsOf(order, phase, { kept, now }),
    lookAgain: lookAgainOf({ order, phase, money, now, awaited: end === undefined, kept, underWay }),
  };
}

/** Payment Admin does not know the order (yet): all there is to go by is whether the shopper has finished. */
function fromCheckout(checkout: CheckoutOrder, { noted }: Snapshot, now: number): DesiredPayment {
  const phase = checkoutPhase(checkout);
  const free = checkout.PaymentType?.toUpperCase() === nothingToPay;
  // An order without a price is at its end; any other appears in Payment Admin within seconds.
  const awaits = isBought(phase) && !free;
  const finalSince = awaits ? (noted.finalSince ?? new Date(now).toISOString()) : undefined;
  return {
    phase,
    money: nothing,
    total: cartTotal(checkout),
    currency: checkout.Currency,
    reference: checkout.OrderId,
    recurring: isBought(phase) ? recurringFrom(checkout, null) : undefined,
    attributes: present({ status: checkout.Status, paymentType: checkout.PaymentType }),
    memory: finalSince === undefined ? undefined : { orderId: checkout.OrderId, finalSince },
    transactions: checkoutTransactions(checkout, phase, free),
    possible: [],
    echoes: echoesOf(checkout.ClientOrderNumber),
    lookAgain: finalSince === undefined ? undefined : { growing: finalSince },
  };
}

function checkoutPhase({ Status }: CheckoutOrder): Phase {
  switch (Status) {
    case "Created":
      return "created";
    // The shopper was inactive for too long: nothing was ever authorised.
    case "Cancelled":
      return "failed";
    // Under review or not: only Payment Admin shows it, and nothing is reserved before it does.
    case "Final":
      return "confirmed";
  }
}

function checkoutTransactions({ Status }: CheckoutOrder, phase: Phase, free: boolean): DesiredPayment["transactions"] {
  const line = { pspEvent: "checkout", pspStatus: Status, amount: 0 };
  if (phase === "failed") return [{ ...line, key: "checkout:Cancelled", event: "cancel", success: false }];
  // `open` belongs to whoever opened the session; `confirm` waits for its amount, unless there will be none.
  return free ? [{ ...line, key: "confirm", event: "confirm", success: true }] : [];
}

function phaseOf(order: Order, snapshot: Snapshot, money: Money, { kept, now }: MapContext): Phase {
  switch (order.OrderStatus) {
    case "Open":
      return awaitsApproval(order, snapshot, money) ? "review" : "confirmed";
    case "Delivered":
    case "Expired":
      return "confirmed";
    // Svea says of an order that was closed during its review only that it is cancelled: it refused it, unless we
    // asked it to cancel.
    case "Cancelled":
      return snapshot.noted.review === "open" && money.captured === 0 && !cancelAsked(kept) ? "declined" : "confirmed";
    case "Failed":
      return "failed";
    case "Processing":
      return ageMs(order.CreationDate, now) > methodlessMs ? "failed" : "paying";
  }
}

/** Svea's order has no status for a review: what shows it is that nothing may be delivered yet (docs/psp/svea.md, d). */
function awaitsApproval(order: Order, { checkout }: Snapshot, money: Money): boolean {
  if (money.captured > 0 || openOf(money) === 0) return false;
  return !mayDeliver(order) || isLeasingInReview(order, checkout);
}

function mayDeliver({ Actions }: Order): boolean {
  return ["CanDeliverOrder", "CanDeliverPartially", "CanDeliverOrderPartially"].some((name) => Actions.includes(name));
}

/** Svea's lender decides later, by hand. */
function isLeasingInReview(order: Order, checkout: CheckoutOrder | null): boolean {
  return [order.PaymentType, checkout?.PaymentType].some((type) => type?.toUpperCase() === leasingInReview);
}

function isBought(phase: Phase): boolean {
  return phase === "confirmed" || phase === "review";
}

/** Absent where the order was never seen in review. A cancelled order stays what it was when it was cancelled. */
function reviewOf({ OrderStatus }: Order, phase: Phase, { review }: Noted): Noted["review"] {
  if (phase === "review") return "open";
  return review === undefined || OrderStatus === "Cancelled" ? review : "passed";
}

/**
 * What Svea allows now (docs/psp/svea.md, g): its actions, as far as they go with its sums. A refund names the sum in the
 * end, and the order knows nothing of one in Svea's queue: a second one would leave it out, or take it for itself.
 */
function possibleOf(order: Order, phase: Phase, money: Money, underWay: Waiting["underWay"]): readonly OperationName[] {
  if (!isBought(phase)) return [];
  const open = openOf(money) > 0;
  const capture = open && phase === "confirmed" && order.Actions.includes("CanDeliverOrder");
  const cancel = open && ["CanCancelOrder", ...cancelsParts].some((name) => order.Actions.includes(name));
  const refund = money.captured > money.refunded && underWay.refund === undefined && refundLimit(order) !== undefined;
  return [
    ...(capture ? (["capture"] as const) : []),
    ...(cancel ? (["cancel"] as const) : []),
    ...(refund ? (["refund"] as const) : []),
  ];
}

/** An amount does not say which articles are delivered, and delivering less by amount would drop the rest. */
function wholeOnlyOf(order: Order): readonly OperationName[] {
  const cancel = !cancelsParts.some((name) => order.Actions.includes(name));
  return [
    "capture",
    ...(cancel ? (["cancel"] as const) : []),
    ...(refundLimit(order)?.parts === true ? [] : (["refund"] as const)),
  ];
}

/** Svea credits per delivery: one refund gives back at most what one delivery has left. */
function availableOf(order: Order, money: Money, underWay: Waiting["underWay"]): DesiredPayment["available"] {
  const left = money.captured - money.refunded;
  const most = refundLimit(order)?.most ?? left;
  return most < left ? { refund: Math.max(0, Math.min(most, left - (underWay.refund ?? 0))) } : undefined;
}

function checkoutEndOf(order: Order, { checkout, noted }: Snapshot, now: number): CheckoutEnd | undefined {
  if (noted.checkout !== undefined) return noted.checkout;
  if (checkout === null) return "gone";
  // Only the checkout order says that the lender has decided.
  if (order.OrderStatus === "Open" && isLeasingInReview(order, checkout)) return undefined;
  if (checkout.Recurring !== true || typeof checkout.RecurringToken === "string") return "read";
  return order.CreationDate === undefined || ageMs(order.CreationDate, now) > tokenPatienceMs ? "no-token" : undefined;
}

function recurringFrom(checkout: CheckoutOrder, order: Order | null): Recurring | undefined {
  if (typeof checkout.RecurringToken !== "string") return undefined;
  const paymentType = checkout.PaymentType ?? order?.PaymentType;
  return {
    token: checkout.RecurringToken,
    ...(paymentType === undefined ? {} : { description: paymentType }),
    attributes: present({
      paymentType,
      countryCode: checkout.CountryCode,
      clientOrderNumber: checkout.ClientOrderNumber ?? undefined,
    }),
  };
}

interface Waiting {
  readonly order: Order;
  readonly phase: Phase;
  readonly money: Money;
  readonly now: number;
  /** The checkout order has not told all. */
  readonly awaited: boolean;
  readonly kept: readonly KeptEvent[];
  readonly underWay: Partial<Record<OperationName, Minor>>;
}

/** When the order may change without a webhook: a decision, a token, a task, or the end of the order. */
function lookAgainOf({ order, phase, money, now, awaited, kept, underWay }: Waiting): DesiredPayment["lookAgain"] {
  const askedAt = Object.keys(underWay).length === 0 ? undefined : lastAskedAt(kept);
  if (askedAt !== undefined) return { growing: new Date(askedAt).toISOString() };
  if (phase === "review") return { afterSeconds: reviewSeconds };
  if (phase === "paying" || awaited)
    return order.CreationDate === undefined ? { afterSeconds: reviewSeconds } : { growing: order.CreationDate };
  if (phase !== "confirmed" || openOf(money) === 0 || order.ExpirationDate === undefined) return undefined;
  const at = Date.parse(order.ExpirationDate) + minute;
  // Past its end and still open: Svea is late, or somebody has extended the order.
  return at > now ? { at: new Date(at).toISOString() } : { growing: order.ExpirationDate };
}

/** Credits that Svea had accepted and could not carry out, and a review that goes on although it should be over. */
function findingsOf(order: Order, phase: Phase, { kept, now }: MapContext): readonly Finding[] {
  const failed = kept
    .filter(({ type }) => type === creditFailed)
    .map(({ key, facts }) =>
      typeof facts?.["creditId"] === "string" && facts["creditId"] !== "" ? facts["creditId"] : key,
    );
  const facts = { amount: order.OrderAmount, currency: order.Currency };
  return [
    ...[...new Set(failed)].toSorted().map((id): Finding => ({ name: "refund-failed", id })),
    ...(phase === "review" && ageMs(order.CreationDate, now) > longestReviewMs
      ? [{ name: "authorization-at-risk", id: order.Id, facts } as const]
      : []),
  ];
}

/** 0 where nobody knows since when. */
function ageMs(since: string | undefined, now: number): number {
  return since === undefined ? 0 : now - Date.parse(since);
}

function echoesOf(...references: readonly (string | null | undefined)[]): readonly string[] {
  return [...new Set(references.map((reference) => reference ?? ""))].filter((reference) => reference !== "");
}
