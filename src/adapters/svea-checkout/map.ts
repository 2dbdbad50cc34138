import type {
  DesiredPayment,
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
import { type CheckoutEnd, type CheckoutOrder, type Noted, type Order, present, type Snapshot } from "./schema.ts";
import { transactionsOf } from "./transactions.ts";

const minute = 60;
const hour = 60 * minute;
/** Svea tells of the end of a review once, and only to a subscription. */
const reviewSeconds = 15 * minute;
/** How long a recurring token is waited for after the purchase. */
const tokenPatienceSeconds = 24 * hour;
const leasingInReview = "LEASINGUNAPPROVED";
const nothingToPay = "ZEROSUM";

/** What Norce should say. Svea's sums tell where the money is, its actions whether the order may be delivered. */
export function map(snapshot: Snapshot, { kept }: Pick<MapContext, "kept">): DesiredPayment {
  return snapshot.order === null
    ? fromCheckout(snapshot.checkout, snapshot)
    : fromOrder(snapshot.order, snapshot, kept);
}

function fromOrder(order: Order, snapshot: Snapshot, kept: readonly KeptEvent[]): DesiredPayment {
  const { checkout, noted, readAt } = snapshot;
  const money = moneyOf(order);
  const phase = phaseOf(order, snapshot, money, kept);
  const total = noted.orderAmount ?? boughtFor(order, checkout);
  const end = checkoutEndOf(order, snapshot);
  const recurring = checkout === null || !isBought(phase) ? undefined : recurringFrom(checkout, order);
  const underWay = underWayOf(kept, money, readAt);
  const possible = possibleOf(order, phase, money, underWay);
  const wholeOnly = wholeOnlyOf(order).filter((name) => possible.includes(name));
  const lookAgain = lookAgainOf({ order, phase, money, readAt, awaited: end === undefined, kept, underWay });
  return {
    phase,
    money,
    total,
    currency: order.Currency,
    reference: order.Id,
    ...(recurring === undefined ? {} : { recurring }),
    attributes: present({
      status: order.OrderStatus,
      paymentType: order.PaymentType ?? checkout?.PaymentType,
      orderAmount: total,
      checkout: end,
      review: reviewOf(order, phase, noted),
    }),
    transactions: transactionsOf(order, phase, money, total),
    possible,
    ...(wholeOnly.length === 0 ? {} : { wholeOnly }),
    ...availableOf(order, money, underWay),
    ...(Object.keys(underWay).length === 0 ? {} : { underWay }),
    echoes: echoesOf(order.MerchantOrderId, checkout?.ClientOrderNumber),
    ...(lookAgain === undefined ? {} : { lookAgain }),
  };
}

/** Payment Admin does not know the order (yet): all there is to go by is whether the shopper has finished. */
function fromCheckout(checkout: CheckoutOrder, { noted, readAt }: Snapshot): DesiredPayment {
  const phase = checkoutPhase(checkout);
  const free = checkout.PaymentType?.toUpperCase() === nothingToPay;
  const recurring = isBought(phase) ? recurringFrom(checkout, null) : undefined;
  return {
    phase,
    money: nothing,
    total: cartTotal(checkout),
    currency: checkout.Currency,
    reference: checkout.OrderId,
    ...(recurring === undefined ? {} : { recurring }),
    attributes: present({ status: checkout.Status, paymentType: checkout.PaymentType }),
    transactions: checkoutTransactions(checkout, phase, free),
    possible: [],
    echoes: echoesOf(checkout.ClientOrderNumber),
    // An order without a price is at its end; any other appears in Payment Admin within seconds.
    ...(isBought(phase) && !free
      ? { lookAgain: { afterSeconds: pauseSeconds(ageSeconds(noted.finalSince, readAt)) } }
      : {}),
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

function phaseOf(order: Order, snapshot: Snapshot, money: Money, kept: readonly KeptEvent[]): Phase {
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
      return "paying";
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
function availableOf(order: Order, money: Money, underWay: Waiting["underWay"]): Pick<DesiredPayment, "available"> {
  const left = money.captured - money.refunded;
  const most = refundLimit(order)?.most ?? left;
  return most < left ? { available: { refund: Math.max(0, Math.min(most, left - (underWay.refund ?? 0))) } } : {};
}

function checkoutEndOf(order: Order, { checkout, noted, readAt }: Snapshot): CheckoutEnd | undefined {
  if (noted.checkout !== undefined) return noted.checkout;
  if (checkout === null) return "gone";
  // Only the checkout order says that the lender has decided.
  if (order.OrderStatus === "Open" && isLeasingInReview(order, checkout)) return undefined;
  if (checkout.Recurring !== true || typeof checkout.RecurringToken === "string") return "read";
  const age = ageSeconds(order.CreationDate, readAt);
  return age === undefined || age > tokenPatienceSeconds ? "no-token" : undefined;
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
  readonly readAt: string;
  /** The checkout order has not told all. */
  readonly awaited: boolean;
  readonly kept: readonly KeptEvent[];
  readonly underWay: Partial<Record<OperationName, Minor>>;
}

/** When the order may change without a webhook: a decision, a token, a task, or the end of the order. */
function lookAgainOf({ order, phase, money, readAt, awaited, kept, underWay }: Waiting): DesiredPayment["lookAgain"] {
  const now = Date.parse(readAt);
  const askedAt = Object.keys(underWay).length === 0 ? undefined : lastAskedAt(kept);
  const pauses = [
    ...(phase === "review" ? [reviewSeconds] : []),
    ...(phase === "paying" ? [5 * minute] : []),
    ...(awaited ? [Math.max(minute, pauseSeconds(ageSeconds(order.CreationDate, readAt)))] : []),
    ...(askedAt === undefined ? [] : [pauseSeconds((now - askedAt) / 1_000)]),
  ];
  if (pauses.length > 0) return { afterSeconds: Math.min(...pauses) };
  if (phase !== "confirmed" || openOf(money) === 0 || order.ExpirationDate === undefined) return undefined;
  const at = Date.parse(order.ExpirationDate) + minute * 1_000;
  // Past its end and still open: Svea is late, or somebody has extended the order.
  return at > now ? { at: new Date(at).toISOString() } : { afterSeconds: hour };
}

/** A quarter of the time waited so far, at least 5 seconds and at most an hour: quick at first, never a storm. */
function pauseSeconds(age: number | undefined): number {
  return age === undefined ? minute / 2 : Math.min(Math.max(Math.floor(age / 4), 5), hour);
}

function ageSeconds(since: string | undefined, readAt: string): number | undefined {
  return since === undefined ? undefined : (Date.parse(readAt) - Date.parse(since)) / 1_000;
}

function echoesOf(...references: readonly (string | null | undefined)[]): readonly string[] {
  return [...new Set(references.map((reference) => reference ?? ""))].filter((reference) => reference !== "");
}
