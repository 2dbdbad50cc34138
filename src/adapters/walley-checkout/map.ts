import { WorkerError } from "../../lib/errors.ts";
import { type Minor, minorFromMajor } from "../../lib/money.ts";
import type { DesiredPayment, KeptEvent, MapContext, Money, OperationName } from "../../contract/adapter.ts";
import type { Phase, Recurring } from "../../contract/desired.ts";
import { chargeIn, type UnderWay, underWayOf } from "./kept.ts";
import { moneyOf, nothing } from "./money.ts";
import { awaitedSinceOf, isAwaited, isOver, isSilent, lookAgainOf, openedAtOf, overdueOf } from "./polling.ts";
import { type Checkout, type Order, present, type Snapshot } from "./schema.ts";
import { transactionsOf } from "./transactions.ts";
import { upsellOf } from "./upsell.ts";

type Purchase = NonNullable<Checkout["purchase"]>;

/** By the order where there is one, else by the session; a charge that has neither goes by what webhooks told of it. */
export function map(snapshot: Snapshot, { kept, now }: MapContext): DesiredPayment {
  const { order, checkout } = snapshot;
  if (order !== null) return fromOrder(order, snapshot, kept, now);
  if (checkout === null) return fromCharge(snapshot, kept, now);
  const purchase = checkout.purchase ?? undefined;
  return checkout.status === "PurchaseCompleted" && purchase !== undefined
    ? fromPurchase(purchase, checkout, snapshot, kept, now)
    : fromSession(checkout, snapshot, now);
}

/** The order is what Walley acts on: where it and the purchase differ, the purchase's result is an old one (docs/psp/walley.md, b1 and e). */
function fromOrder(order: Order, snapshot: Snapshot, kept: readonly KeptEvent[], now: number): DesiredPayment {
  const { checkout, noted } = snapshot;
  const { currency, status } = order;
  const purchase = checkout?.purchase ?? undefined;
  const total = minorFromMajor(order.totalAmount, currency);
  const bought = purchase === undefined ? (noted.bought ?? total) : minorFromMajor(purchase.amountToPay, currency);
  const phase = phaseOfOrder(status);
  const money = moneyOf(order, bought);
  const underWay = underWayOf(kept, money, now);
  const facts = factsOf(purchase, order.id, order.paymentMethod ?? purchase?.method);
  const charge = chargeIn(kept);
  return {
    ...saidOf(snapshot, { phase, money, total: bought, currency, ids: [order.id, ...charge.ids], now, underWay }),
    attributes: present({ orderStatus: status, ...facts, ...charge.attributes }),
    memory: present({
      orderId: order.id,
      orderStatus: status,
      // What an earlier look concluded is not said again; what was read once need not be read again.
      checkout: noted.checkout ?? checkoutEndOf(checkout, phase),
      bought,
      currency,
      openedAt: phase === "review" ? openedAtOf(snapshot, now) : undefined,
    }),
    transactions: transactionsOf({ phase, money, bought, status, result: status, facts }),
    possible: underWay?.amounts.cancel === undefined ? possibleOf(phase, money) : [],
    findings: overdueOf(snapshot, { phase, money, underWay }, now),
    upsell: snapshot.upsells === undefined ? undefined : upsellOf(order, snapshot.upsells, now),
  };
}

/** The order is not there yet, or there is none: a purchase of nothing, a refused one, one of a legacy account. */
function fromPurchase(
  purchase: Purchase,
  checkout: Checkout,
  snapshot: Snapshot,
  kept: readonly KeptEvent[],
  now: number,
): DesiredPayment {
  const { result } = purchase;
  const currency = currencyOf(checkout);
  const bought = minorFromMajor(purchase.amountToPay, currency);
  const phase = phaseOfResult(result);
  const money = moneyOfResult(result, bought);
  const orderId = checkout.order?.orderId ?? undefined;
  const facts = factsOf(purchase, orderId, purchase.method);
  const charge = chargeIn(kept);
  const ids = [...(orderId === undefined ? [] : [orderId]), ...charge.ids];
  return {
    ...saidOf(snapshot, { phase, money, total: bought, currency, ids, now }),
    attributes: present({ checkoutStatus: checkout.status, ...facts, ...charge.attributes }),
    memory: present({
      orderId,
      bought,
      currency,
      awaitedSince: isAwaited(snapshot, phase) ? awaitedSinceOf(snapshot, now) : undefined,
      openedAt: phase === "review" ? openedAtOf(snapshot, now) : undefined,
    }),
    transactions: transactionsOf({ phase, money, bought, status: result, result, facts }),
    // Walley is told about orders, and none is there to be told about.
    possible: [],
    findings: overdueOf(snapshot, { phase, money, underWay: undefined }, now),
  };
}

/** A session that is open, or was. */
function fromSession(checkout: Checkout, snapshot: Snapshot, now: number): DesiredPayment {
  const { noted, known } = snapshot;
  const phase = isOver(snapshot, now) ? "failed" : phaseOfSession(checkout.status);
  // Nothing is held yet: where the shopper is says no more than what a price is to be written in.
  const currency = knownCurrencyOf(checkout) ?? known.currency;
  const bought = noted.bought ?? cartTotal(checkout, currency);
  return {
    ...saidOf(snapshot, { phase, money: nothing, total: bought, currency, ids: [], now }),
    attributes: { checkoutStatus: checkout.status },
    memory: present({ bought: bought === 0 ? undefined : bought, currency, openedAt: openedAtOf(snapshot, now) }),
    // `open` belongs to whoever opened the session; whether the shopper goes on or back, the log does not follow.
    transactions: [],
    possible: [],
    findings: overdueOf(snapshot, { phase, money: nothing, underWay: undefined }, now),
  };
}

/** The charge of a saved token, which Walley tells of by webhooks alone until there is an order (docs/psp/walley.md, b3 and e). */
function fromCharge(snapshot: Snapshot, kept: readonly KeptEvent[], now: number): DesiredPayment {
  const { last, ids, attributes } = chargeIn(kept);
  const { amount, currency } = snapshot.known;
  const since = last?.at ?? openedAtOf(snapshot, now);
  const phase = last?.pspStatus === "failed" ? "declined" : isSilent(since, now) ? "failed" : "paying";
  return {
    ...saidOf(snapshot, { phase, money: nothing, total: amount, currency, ids, now, chargedSince: since }),
    // The order that comes of it takes its place.
    provisional: true,
    attributes,
    memory: { openedAt: openedAtOf(snapshot, now) },
    // What Walley told stands in the log already: its lines are what we know it from.
    transactions: [],
    possible: [],
  };
}

interface Said {
  readonly phase: Phase;
  readonly money: Money;
  readonly total: Minor;
  readonly currency: string;
  /** Walley's other ids of the payment. */
  readonly ids: readonly string[];
  readonly now: number;
  readonly underWay?: UnderWay | undefined;
  readonly chargedSince?: string;
}

/** What every payment says, whatever it was read from. */
function saidOf(
  snapshot: Snapshot,
  { ids, now, underWay, chargedSince, ...said }: Said,
): Omit<DesiredPayment, "transactions" | "possible"> {
  const { reference, replaces, checkout, order } = snapshot;
  const lower = ids.map((id) => id.toLowerCase());
  const aliases = [...new Set([...lower, replaces ?? ""])].filter((alias) => alias !== "" && alias !== reference);
  return {
    ...said,
    reference,
    aliases: aliases.length === 0 ? undefined : aliases,
    recurring: said.phase === "confirmed" ? recurringFrom(snapshot) : undefined,
    underWay: underWay?.amounts,
    echoes: [...new Set([checkout?.reference ?? "", order?.reference ?? ""])].filter((echo) => echo !== ""),
    lookAgain: lookAgainOf(snapshot, { ...said, underWay, chargedSince }, now),
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
function knownCurrencyOf({ countryCode }: Checkout): string | undefined {
  // `EU` stands for the countries of the euro but Finland and Germany.
  return { SE: "SEK", NO: "NOK", DK: "DKK", FI: "EUR", DE: "EUR", EU: "EUR" }[countryCode ?? ""];
}

/** @throws WorkerError `Unmapped`: money in a currency that nobody names is none. */
function currencyOf(checkout: Checkout): string {
  const currency = knownCurrencyOf(checkout);
  if (currency !== undefined) return currency;
  throw new WorkerError("Unmapped", "walley-checkout sells in a country whose currency we do not know");
}

function cartTotal({ cart, fees }: Checkout, currency: string): Minor {
  const lines = (cart?.items ?? []).reduce((all, { unitPrice, quantity }) => all + unitPrice * quantity, 0);
  const total = (cart?.totalAmount ?? lines) + (fees?.shipping?.unitPrice ?? 0);
  return Math.max(0, minorFromMajor(total, currency));
}
