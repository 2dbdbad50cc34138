import { WorkerError } from "../../lib/errors.ts";
import { type Minor, minorFromMajor } from "../../lib/money.ts";
import type { DesiredPayment, KeptEvent, MapContext, Money, OperationName } from "../../contract/adapter.ts";
import type { Phase, Recurring } from "../../contract/desired.ts";
import { authorizationsIn, type UnderWay, underWayOf } from "./kept.ts";
import { invoicedIn, moneyOf, nothing } from "./money.ts";
import { isAwaited, lookAgainOf } from "./polling.ts";
import { type Checkout, type Order, present, type Snapshot } from "./schema.ts";
import { transactionsOf } from "./transactions.ts";
import { upsellOf } from "./upsell.ts";

type Purchase = NonNullable<Checkout["purchase"]>;
/** By the order where there is one, else by the session; a session that is gone was given up. */
export function map(snapshot: Snapshot, { kept }: Pick<MapContext, "kept">): DesiredPayment {
  const { order, checkout } = snapshot;
  if (order !== null) return fromOrder(order, snapshot, kept);
  if (checkout === null) return givenUp(snapshot);
  const { purchase } = checkout;
  return checkout.status === "PurchaseCompleted" && purchase !== null && purchase !== undefined
    ? fromPurchase(purchase, checkout, snapshot, kept)
    : fromSession(checkout, snapshot);
}

/** The order is what Walley acts on: where it and the purchase differ, the purchase's result is an old one (docs/psp/walley.md, b1 and e). */
function fromOrder(order: Order, snapshot: Snapshot, kept: readonly KeptEvent[]): DesiredPayment {
  const { checkout, noted, readAt } = snapshot;
  const { currency } = order;
  const purchase = checkout?.purchase ?? undefined;
  const total = minorFromMajor(order.totalAmount, currency);
  const bought = purchase === undefined ? (noted.bought ?? total) : minorFromMajor(purchase.amountToPay, currency);
  const phase = phaseOfOrder(order.status);
  const money = moneyOf(order, bought);
  const underWay = underWayOf(kept, money, readAt);
  const method = order.paymentMethod ?? purchase?.method;
  return {
    ...told(snapshot, { phase, money, total: bought, currency, underWay, kept, orderId: order.id }),
    attributes: present({
      orderStatus: order.status,
      // What an earlier look concluded is not said again; what was read once need not be read again.
      checkout: noted.checkout ?? checkoutEndOf(checkout, phase),
      ...factsOf(purchase, order.id, method),
      ...authorizationsIn(kept).attributes,
      bought,
      currency,
    }),
    transactions: transactionsOf({
      phase,
      money,
      bought,
      status: order.status,
      result: order.status,
      invoiced: invoicedIn(order),
      facts: factsOf(purchase, order.id, method),
    }),
    possible: underWay?.amounts.cancel === undefined ? possibleOf(phase, money) : [],
    ...(snapshot.upsells === undefined ? {} : { upsell: upsellOf(order, snapshot.upsells, readAt) }),
  };
}

/** The order is not there yet, or there is none: a purchase of nothing, a refused one, one of a legacy account. */
function fromPurchase(
  purchase: Purchase,
  checkout: Checkout,
  snapshot: Snapshot,
  kept: readonly KeptEvent[],
): DesiredPayment {
  const { noted, readAt, manages } = snapshot;
  const currency = currencyOf(checkout);
  const bought = minorFromMajor(purchase.amountToPay, currency);
  const phase = phaseOfResult(purchase.result);
  const money = moneyOfResult(purchase.result, bought);
  const orderId = checkout.order?.orderId ?? undefined;
  const awaited = manages && isAwaited(snapshot, phase);
  const facts = factsOf(purchase, orderId, purchase.method);
  return {
    ...told(snapshot, { phase, money, total: bought, currency, underWay: undefined, kept, orderId }),
    attributes: present({
      checkoutStatus: checkout.status,
      ...facts,
      ...authorizationsIn(kept).attributes,
      bought,
      currency,
      ...(awaited ? { awaitedSince: noted.awaitedSince ?? readAt } : {}),
    }),
    transactions: transactionsOf({
      phase,
      money,
      bought,
      status: purchase.result,
      result: purchase.result,
      invoiced: undefined,
      facts,
    }),
    // Walley is told about orders, and none is there to be told about.
    possible: [],
  };
}

/** A session that is open. */
function fromSession(checkout: Checkout, snapshot: Snapshot): DesiredPayment {
  const { noted, readAt } = snapshot;
  const currency = currencyOf(checkout);
  const bought = noted.bought ?? cartTotal(checkout, currency);
  const phase = phaseOfSession(checkout.status);
  return {
    ...told(snapshot, {
      phase,
      money: nothing,
      total: bought,
      currency,
      underWay: undefined,
      kept: [],
      orderId: undefined,
    }),
    attributes: present({
      checkoutStatus: checkout.status,
      bought: bought === 0 ? undefined : bought,
      currency,
      openedAt: noted.openedAt ?? readAt,
    }),
    // `open` belongs to whoever opened the session; whether the shopper goes on or back, the log does not follow.
    transactions: [],
    possible: [],
  };
}

function givenUp(snapshot: Snapshot): DesiredPayment {
  const { bought = 0, currency = "" } = snapshot.noted;
  return {
    ...told(snapshot, {
      phase: "failed",
      money: nothing,
      total: bought,
      currency,
      underWay: undefined,
      kept: [],
      orderId: undefined,
    }),
    attributes: { checkoutStatus: "gone" },
    transactions: [
      {
        key: "process:gone",
        event: "process",
        pspEvent: "session",
        pspStatus: "gone",
        amount: 0,
        success: false,
        errorDetail: "the session was given up",
      },
    ],
    possible: [],
  };
}

interface Said {
  readonly phase: Phase;
  readonly money: Money;
  readonly total: Minor;
  readonly currency: string;
  readonly underWay: UnderWay | undefined;
  readonly kept: readonly KeptEvent[];
  readonly orderId: string | undefined;
}

/** What every payment says, whatever it was read from. */
function told(snapshot: Snapshot, said: Said): Omit<DesiredPayment, "transactions" | "possible"> {
  const { reference, checkout, order } = snapshot;
  const { phase, money, total, currency, underWay, kept, orderId } = said;
  const recurring = phase === "confirmed" ? recurringFrom(snapshot) : undefined;
  const lookAgain = lookAgainOf(snapshot, phase, money, underWay);
  const ids = [...(orderId === undefined ? [] : [orderId]), ...authorizationsIn(kept).ids];
  const aliases = [...new Set(ids.map((id) => id.toLowerCase()))].filter((alias) => alias !== reference);
  return {
    phase,
    money,
    total,
    currency,
    reference,
    ...(aliases.length === 0 ? {} : { aliases }),
    ...(recurring === undefined ? {} : { recurring }),
    ...(underWay === undefined ? {} : { underWay: underWay.amounts }),
    echoes: [...new Set([checkout?.reference ?? "", order?.reference ?? ""])].filter((echo) => echo !== ""),
    ...(lookAgain === undefined ? {} : { lookAgain }),
  };
}

function phaseOfOrder(status: Order["status"]): Phase {
  switch (status) {
    case "NotActivated":
    case "PartActivated":
    case "Activated":
    case "Expired":
    case "Cancelled":
    case "Returned":
      return "confirmed";
    case "OnHold":
      return "review";
    case "Rejected":
      return "declined";
  }
}

function phaseOfResult(result: Purchase["result"]): Phase {
  switch (result) {
    case "Preliminary":
    case "Activated":
    case "Completed":
      return "confirmed";
    // Anti-fraud has to decide, or the shopper has to sign a credit agreement.
    case "OnHold":
    case "Signing":
      return "review";
    case "Rejected":
      return "declined";
  }
}

function moneyOfResult(result: Purchase["result"], bought: Minor): Money {
  switch (result) {
    case "Preliminary":
    case "OnHold":
    case "Signing":
      return { ...nothing, authorized: bought };
    case "Activated":
      return { ...nothing, authorized: bought, captured: bought };
    // A purchase of nothing: a trial, or a token alone. There is no order, so that nothing is ever captured.
    case "Completed":
    case "Rejected":
      return nothing;
  }
}

function phaseOfSession(status: Checkout["status"]): Phase {
  switch (status) {
    case "Initialized":
    case "CustomerIdentified":
      return "created";
    case "CommittedToPurchase":
    // Complete, and how it went is not readable yet.
    case "PurchaseCompleted":
      return "paying";
    // Somebody pressed "back" on a payment link: it never held anything.
    case "Aborted":
      return "failed";
  }
}

/** What can be told to an order now (docs/psp/walley.md, g). */
function possibleOf(phase: Phase, { authorized, captured, refunded, released }: Money): readonly OperationName[] {
  if (phase !== "confirmed") return [];
  return [
    ...(authorized > captured + released ? (["capture", "cancel"] as const) : []),
    ...(captured > refunded ? (["refund"] as const) : []),
  ];
}

/** A purchase under review has not told all: its token is taken over once it is accepted. */
function checkoutEndOf(checkout: Checkout | null, phase: Phase): "read" | "gone" | undefined {
  if (checkout === null) return "gone";
  return phase === "review" || (checkout.purchase ?? null) === null ? undefined : "read";
}

function factsOf(
  purchase: Purchase | undefined,
  orderId: string | undefined,
  method: string | null | undefined,
): Record<string, string> {
  return present({ purchaseIdentifier: purchase?.purchaseIdentifier, orderId, paymentMethod: method });
}

function recurringFrom({ checkout, order, storeId }: Snapshot): Recurring | undefined {
  const token = checkout?.order?.token;
  if (token === undefined || token === null) return undefined;
  const method = checkout?.purchase?.method ?? order?.paymentMethod ?? undefined;
  return {
    token,
    ...(method === undefined ? {} : { description: method }),
    // The token belongs to the store too (docs/psp/walley.md, f).
    attributes: present({ paymentName: method, storeId }),
  };
}

/** The session names no currency: it is the country's. https://dev.walleypay.com/docs/checkout/initcheckout */
function currencyOf({ countryCode }: Checkout): string {
  const currency = { SE: "SEK", NO: "NOK", DK: "DKK", FI: "EUR", DE: "EUR", EU: "EUR" }[countryCode];
  if (currency !== undefined) return currency;
  throw new WorkerError("Unmapped", "walley-checkout sells in a country whose currency we do not know");
}

function cartTotal({ cart, fees }: Checkout, currency: string): Minor {
  const lines = (cart?.items ?? []).reduce((all, { unitPrice, quantity }) => all + unitPrice * quantity, 0);
  const total = (cart?.totalAmount ?? lines) + (fees?.shipping?.unitPrice ?? 0);
  return Math.max(0, minorFromMajor(total, currency));
}
