import { minorFromMajor } from "../../lib/money.ts";
import type {
  DesiredPayment,
  Finding,
  Minor,
  Money,
  OperationName,
  Phase,
  Recurring,
  MapContext,
} from "../../contract/adapter.ts";
import { piecesIn, returnable, shippable } from "./items.ts";
import { isAuthorization, isInFlight, type Ledger, ledgerOf, methodIn } from "./ledger.ts";
import { type Checkout, type CheckoutStatus, present } from "./schema.ts";
import { lookAgainOf, orderLifeMs } from "./polling.ts";
import type { Snapshot } from "./snapshot.ts";
import { transactionsOf } from "./transactions.ts";
import { hasOpenUpsell, upsellOf, windowOf } from "./upsell.ts";

const nothing: Money = { authorized: 0, captured: 0, refunded: 0, released: 0 };
/** How long a saved card is waited for: Qliro says that saving one can take its time. */
const cardPatienceMs = 24 * 60 * 60 * 1_000;
/** An attempt without a shopper, or a review, that takes longer than this has been forgotten by somebody. */
const longestWaitMs = 7 * cardPatienceMs;

/** What Norce should say. The sums of what succeeded decide first, the status of the checkout second, a push never. */
export function map(snapshot: Snapshot, { kept, now }: MapContext): DesiredPayment {
  const { order, checkout, noted } = snapshot;
  // `fetch` gives no snapshot without one of the two.
  const { OrderId: reference, Currency: currency } = (order ?? checkout) as { OrderId: string; Currency: string };
  const ledger = ledgerOf(order, kept);
  const status = checkout === null ? noted.status : normal(checkout.CheckoutStatus);
  const seenAt = noted.seenAt ?? new Date(now).toISOString();
  const total = totalOf(ledger, checkout, currency);
  const waitedMs = now - Date.parse(seenAt);
  const phase = phaseOf(status, ledger, total, waitedMs);
  const money = phase === "confirmed" || phase === "review" ? ledger.money : nothing;
  const completedAt = phase === "confirmed" ? completedAtOf(snapshot, ledger, now) : undefined;
  const window = completedAt === undefined ? undefined : windowOf(snapshot, completedAt, now);
  const upsell = window === undefined ? undefined : upsellOf(snapshot, window, ledger, kept);
  const upselling = window?.eligible === true || (upsell !== undefined && hasOpenUpsell(upsell, snapshot));
  const method = methodIn(ledger.transactions) ?? checkout?.Method;
  const recurring = phase === "confirmed" ? recurringFrom(checkout) : undefined;
  const cardAwaited = method?.includes("CARD") !== false && recurring === undefined;
  const age = completedAt === undefined ? 0 : now - Date.parse(completedAt);
  const told = (money.authorized > 0 || total === 0) && !upselling && (!cardAwaited || age > cardPatienceMs);
  const end = endOf(snapshot, told);
  const lookAgain = lookAgainOf({
    phase,
    status,
    money,
    total,
    now,
    seenAt,
    ...(completedAt === undefined ? {} : { completedAt }),
    ...(upselling && window !== undefined ? { windowEnd: window.expiration } : {}),
    cardAwaited: end === "open" && cardAwaited,
    inFlight: ledger.transactions.filter(isInFlight),
  });
  return {
    phase,
    money,
    total,
    currency,
    reference,
    recurring,
    upsell,
    // The transaction changes with an upsell, while the reference stays.
    attributes: present({ status, method, paymentTransactionId: authorizationIn(ledger) }),
    // Says which order the rest is about: another reference starts anew.
    memory: present({ orderId: reference, checkout: end, seenAt, status, completedAt }),
    transactions: transactionsOf(ledger, { phase, total, currency, status }),
    possible: possibleOf(money, phase),
    wholeOnly: wholeOnlyOf(snapshot, ledger),
    underWay: ledger.underWay,
    echoes: echoesOf(snapshot),
    findings: findingsOf(ledger, { phase, status, reference, currency, waitedMs }),
    lookAgain,
  };
}

/** How the purchase stands, besides its transactions. */
interface Standing {
  readonly phase: Phase;
  readonly status: CheckoutStatus | undefined;
  readonly reference: string;
  readonly currency: string;
  readonly waitedMs: number;
}

/** Captures and refunds that failed, and money that waits for somebody's decision for too long or although Qliro has said no. */
function findingsOf(
  { transactions, money }: Ledger,
  { phase, status, reference: id, currency, waitedMs }: Standing,
): readonly Finding[] {
  const failed = transactions.flatMap(
    ({ Type, Status, Amount, PaymentTransactionId, ErrorCode, ProviderResultCode }): readonly Finding[] => {
      if ((Type !== "Capture" && Type !== "Refund") || (Status !== "Error" && Status !== "Cancelled")) return [];
      const facts = {
        amount: minorFromMajor(Amount, currency),
        currency,
        code: ErrorCode ?? ProviderResultCode ?? Status,
      };
      return [{ name: Type === "Capture" ? "capture-failed" : "refund-failed", id: PaymentTransactionId, facts }];
    },
  );
  const amount = money.authorized - money.released;
  const isRefused = status === "Refused" && amount > 0;
  const atRisk = phase === "review" && (isRefused || waitedMs > longestWaitMs);
  return [...failed, ...(atRisk ? [{ name: "authorization-at-risk", id, facts: { amount, currency } } as const] : [])];
}

/** `Success` is another word for `Completed`. */
function normal(status: Checkout["CheckoutStatus"]): CheckoutStatus | undefined {
  return status === "Success" ? "Completed" : (status ?? undefined);
}

function phaseOf(status: CheckoutStatus | undefined, ledger: Ledger, total: Minor, waitedMs: number): Phase {
  const { authorized, captured, released } = ledger.money;
  const held = authorized > released;
  switch (status) {
    case "InProcess":
      // Sums first: the status lags behind what was reserved already. What was reserved and given back may be tried again.
      if (held) return "confirmed";
      return attemptOf(ledger) === "review" ? "review" : unboughtPhase(ledger, waitedMs > orderLifeMs);
    case "OnHold":
      return captured > 0 || (authorized > 0 && !held) ? "confirmed" : "review";
    case "Refused":
      if (captured > 0) return "confirmed";
      // Qliro said no and holds the money: neither to be shipped nor to be forgotten before it has been given back.
      return held ? "review" : "declined";
    case "Completed":
    case "Success":
      return boughtPhase(ledger, total, waitedMs);
    // An order that no shopper checked out (`merchantpayment`), or that the merchant API has forgotten: the ledger is all there is.
    case undefined:
      return authorized > 0 ? boughtPhase(ledger, total, waitedMs) : unseenPhase(ledger, waitedMs);
  }
}

function unboughtPhase({ transactions, money }: Ledger, expired: boolean): Phase {
  // What was reserved and given back is released, and has not failed.
  if (expired) return money.authorized > 0 ? "confirmed" : "failed";
  return transactions.some(isAuthorization) ? "paying" : "created";
}

/** Of a renewal the status of its transaction decides; one that never comes to an end has failed. */
function unseenPhase(ledger: Ledger, waitedMs: number): Phase {
  const phase = attemptOf(ledger) ?? "created";
  return phase !== "declined" && phase !== "review" && waitedMs > longestWaitMs ? "failed" : phase;
}

function boughtPhase(ledger: Ledger, total: Minor, waitedMs: number): Phase {
  const { authorized, released } = ledger.money;
  const attempt = waitedMs > longestWaitMs && attemptOf(ledger) === "paying" ? undefined : attemptOf(ledger);
  // All was given back and another attempt runs: not over yet.
  if (authorized > 0) return authorized === released && attempt !== "declined" ? (attempt ?? "confirmed") : "confirmed";
  if (total === 0 || attempt === undefined) return "confirmed";
  // The push overtook the ledger.
  return attempt === "paying" ? "confirmed" : attempt;
}

/** What the attempts that reserved nothing come to; `undefined` where there is none. */
function attemptOf({ transactions }: Ledger): "review" | "paying" | "declined" | undefined {
  const statuses = transactions.filter(isAuthorization).map(({ Status }) => Status);
  if (statuses.includes("OnHold")) return "review";
  if (transactions.some((transaction) => isAuthorization(transaction) && isInFlight(transaction))) return "paying";
  return statuses.some((status) => status !== "Success") ? "declined" : undefined;
}

/**
 * What the purchase is for: an upsell or a reduction does not make it another one, but a shopper who was given everything back and bought
 * again did.
 */
function totalOf({ transactions }: Ledger, checkout: Checkout | null, currency: string): Minor {
  let bought: number | undefined;
  let held = 0;
  for (const { Type, Status, Amount } of transactions) {
    if (Status !== "Success") continue;
    const amount = minorFromMajor(Amount, currency);
    if (Type === "Reversal") held -= amount;
    if (Type !== "Preauthorization" && Type !== "Debit") continue;
    if (held <= 0) bought = amount;
    held += amount;
  }
  return bought ?? minorFromMajor(checkout?.TotalPrice ?? transactions.find(isAuthorization)?.Amount ?? 0, currency);
}

/** When the purchase was complete: at the first look that saw it, or when Qliro says that money was reserved, if that was earlier. */
function completedAtOf({ noted }: Snapshot, { transactions }: Ledger, now: number): string {
  if (noted.completedAt !== undefined) return noted.completedAt;
  const reserved = transactions.find((transaction) => isAuthorization(transaction) && transaction.Status === "Success");
  const at = reserved?.Timestamp;
  // Qliro says no zone: a time to come is no time at which something was done.
  return at !== undefined && Date.parse(at) < now ? at : new Date(now).toISOString();
}

/** Why the checkout order need not be read again. */
function endOf({ noted, checkout, order }: Snapshot, told: boolean): "open" | "read" | "gone" {
  if (noted.checkout === "read" || noted.checkout === "gone") return noted.checkout;
  if (checkout === null && order !== null) return "gone";
  return told && normal(checkout?.CheckoutStatus) === "Completed" ? "read" : "open";
}

function authorizationIn({ transactions, replaced }: Ledger): string | undefined {
  return transactions.findLast(
    (transaction) =>
      isAuthorization(transaction) &&
      transaction.Status === "Success" &&
      !replaced.has(transaction.PaymentTransactionId),
  )?.PaymentTransactionId;
}

/** The saved card. Charging takes its id; whoever pays an invoice has none (docs/psp/qliro.md, f). */
function recurringFrom(checkout: Checkout | null): Recurring | undefined {
  const card = checkout?.Card;
  if (card === undefined || card === null) return undefined;
  const { Brand: brand, Bin: bin, Last4Digits: last4, MaskedNumber: maskedNumber } = card;
  const { ExpiryMonth: expiryMonth, ExpiryYear: expiryYear } = card;
  const two = (number: number): string => String(number % 100).padStart(2, "0");
  const expiry =
    expiryMonth === undefined || expiryYear === undefined ? undefined : `${two(expiryMonth)}/${two(expiryYear)}`;
  const description = [brand, last4 === undefined ? undefined : `****${last4}`, expiry].filter(
    (part) => part !== undefined,
  );
  return {
    token: card.Id,
    ...(description.length === 0 ? {} : { description: description.join(" ") }),
    attributes: present({ type: "card", brand, bin, last4, expiryMonth, expiryYear, maskedNumber }),
  };
}

/** What Qliro takes now. While a transaction of the order is under way it refuses another one, for a moment only (client.ts). */
function possibleOf({ authorized, captured, refunded, released }: Money, phase: Phase): readonly OperationName[] {
  const open = authorized - captured - released > 0;
  if (phase === "review") return open ? ["cancel"] : [];
  return [...(open ? (["capture", "cancel"] as const) : []), ...(captured > refunded ? (["refund"] as const) : [])];
}

/** What is left is a single piece, or no lines can be told apart: then no part of the amount can be said in lines. */
function wholeOnlyOf({ order }: Snapshot, ledger: Ledger): readonly OperationName[] {
  const divisible = (parcels: ReturnType<typeof returnable>): boolean => piecesIn(parcels ?? []) > 1;
  const capture = order !== null && divisible(shippable(order, ledger));
  const refund = order !== null && divisible(returnable(order));
  return ["cancel", ...(capture ? [] : (["capture"] as const)), ...(refund ? [] : (["refund"] as const))];
}

/** What Qliro gives back of ours. It lets a merchant reference be rewritten after the purchase: whose it is was proven by then. */
function echoesOf({ order, checkout }: Snapshot): readonly string[] {
  const said = order?.MerchantReference ?? checkout?.MerchantReference ?? "";
  return [...(said === "" ? [] : [said]), ...(order?.Echoes ?? checkout?.Echoes ?? [])];
}
