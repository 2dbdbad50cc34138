import { WorkerError } from "../../lib/errors.ts";
import { minorFromMajor, sum } from "../../lib/money.ts";
import type { KeptEvent, Minor, Money, OperationName } from "../../contract/adapter.ts";
import type { Order, Transaction } from "./schema.ts";

/** The transactions of an order and what they come to. */
export interface Ledger {
  /** In the order of their ids. */
  readonly transactions: readonly Transaction[];
  /** Authorisations that an upsell has replaced: they are counted no more. */
  readonly replaced: ReadonlySet<string>;
  /** Refunds that only carry out a reversal: Trustly's. */
  readonly carriedOut: ReadonlySet<string>;
  readonly money: Money;
  /** What Qliro has accepted and not yet carried out. */
  readonly underWay: Readonly<Partial<Record<OperationName, Minor>>>;
}

/** What an upsell push said of an authorisation. */
interface Replacement {
  readonly by: string;
  readonly original: string;
}

/** A line of the log that an upsell push left. */
export const upsellEventType = "UpsellStatus";

/**
 * Adds up what has succeeded: Qliro's status of an order does not say what became of its money, and a push says it of one transaction.
 * @throws WorkerError `Unmapped` where the sums contradict each other.
 */
export function ledgerOf(order: Order | null, kept: readonly KeptEvent[]): Ledger {
  const transactions = (order?.PaymentTransactions ?? []).toSorted((left, right) =>
    compareIds(left.PaymentTransactionId, right.PaymentTransactionId),
  );
  insistOnReadable(order, transactions);
  const replaced = replacedIn(transactions, replacementsIn(order?.OrderId, kept));
  const carriedOut = carriedOutIn(transactions);
  const counted = transactions.filter(
    ({ Status, PaymentTransactionId }) =>
      Status === "Success" && !replaced.has(PaymentTransactionId) && !carriedOut.has(PaymentTransactionId),
  );
  // What an upsell has replaced is in no sum, and neither is what gives it back.
  const retired = transactions.filter(({ PaymentTransactionId }) => replaced.has(PaymentTransactionId));
  const inFlight = transactions.filter(
    (transaction) => isInFlight(transaction) && !retired.some((older) => givesBackWhole(transaction, older)),
  );
  const sumOf = (of: readonly Transaction[], type: Transaction["Type"]): Minor =>
    sum(
      of.filter(({ Type }) => Type === type),
      ({ Amount }) => minorFromMajor(Amount, order?.Currency ?? ""),
    );
  return {
    transactions,
    replaced,
    carriedOut,
    money: moneyOf((type) => sumOf(counted, type)),
    underWay: {
      ...some("capture", sumOf(inFlight, "Capture")),
      ...some("cancel", sumOf(inFlight, "Reversal")),
      ...some("refund", sumOf(inFlight, "Refund")),
    },
  };
}

/** True for what Qliro is still working on. */
export function isInFlight({ Status }: Transaction): boolean {
  switch (Status) {
    case "Created":
    case "InProcess":
    case "UserInteractionRequired":
    case "OnHold":
      return true;
    case "Success":
    case "Error":
    case "Cancelled":
      return false;
  }
}

/** True for what reserves or takes the shopper's money. */
export function isAuthorization({ Type }: Transaction): boolean {
  switch (Type) {
    case "Preauthorization":
    case "Debit":
      return true;
    case "Capture":
    case "Reversal":
    case "Refund":
    case "Credit":
    case "UpdateInvoice":
    case "Registration":
      return false;
  }
}

/** How the shopper paid, where Qliro says it. */
export function methodIn(transactions: readonly Transaction[]): string | undefined {
  return transactions.findLast(isAuthorization)?.Method;
}

/** True for a reversal of the whole authorisation. Where it does not say of which one, a later one of the same amount is. */
export function givesBackWhole(reversal: Transaction, authorization: Transaction): boolean {
  const { Type, Amount, PaymentTransactionId: id, OriginalPaymentTransactionId: original } = reversal;
  if (Type !== "Reversal") return false;
  if (original === authorization.PaymentTransactionId) return Amount >= authorization.Amount;
  const isLater = compareIds(id, authorization.PaymentTransactionId) > 0;
  return (original ?? "") === "" && isLater && Amount === authorization.Amount;
}

/** Ids are numbers too large for one. */
function compareIds(left: string, right: string): number {
  return left.length - right.length || (left < right ? -1 : Number(left > right));
}

/**
 * A = Σ Preauthorization + Σ Debit, C = Σ Capture + Σ Debit, V = Σ Reversal, R = Σ Refund (docs/psp/qliro.md, d). A reversal of what a direct method
 * has taken already gives it back: that part was neither captured nor refunded, it was cancelled.
 */
function moneyOf(sumOf: (type: Transaction["Type"]) => Minor): Money {
  const [debited, released, paidBack] = [sumOf("Debit"), sumOf("Reversal"), sumOf("Refund")];
  const authorized = sumOf("Preauthorization") + debited;
  const takenAndReversed = Math.max(0, sumOf("Capture") + debited + released - authorized);
  if (takenAndReversed > debited) throw contradiction("more was captured and reversed than was authorised");
  const captured = sumOf("Capture") + debited - takenAndReversed;
  const refunded = Math.min(paidBack, captured);
  // Trustly's extra refund beside a reversal (docs/psp/qliro.md, e), where nothing else tells the two apart.
  if (paidBack - refunded > released) throw contradiction("more was refunded than was captured");
  return { authorized, captured, refunded, released };
}

/**
 * Trustly cancels by a reversal and an extra refund of the same money: each reversal explains one refund of its amount.
 * https://developers.qliro.com/docs/qliro-checkout/order-management/before-delivery
 */
function carriedOutIn(transactions: readonly Transaction[]): ReadonlySet<string> {
  const found = new Set<string>();
  const usual = methodIn(transactions);
  const done = transactions.filter(
    ({ Status, Method = usual }) => Status === "Success" && Method?.includes("TRUSTLY") === true,
  );
  for (const reversal of done.filter(({ Type }) => Type === "Reversal")) {
    const refund = done.find(
      (other) =>
        other.Type === "Refund" &&
        !found.has(other.PaymentTransactionId) &&
        other.Amount === reversal.Amount &&
        concerns(other.OriginalPaymentTransactionId, reversal),
    );
    if (refund !== undefined) found.add(refund.PaymentTransactionId);
  }
  return found;
}

function concerns(original: string | null | undefined, reversal: Transaction): boolean {
  const { PaymentTransactionId, OriginalPaymentTransactionId } = reversal;
  return (original ?? "") === PaymentTransactionId || (original ?? "") === (OriginalPaymentTransactionId ?? "");
}

/**
 * The reservations that upsell pushes called replaced. The pushes are hints, so that the ledger has to bear them out: the new transaction
 * succeeded, came later, and covers the old one, of which nothing was captured or reversed.
 */
function replacedIn(transactions: readonly Transaction[], replacements: readonly Replacement[]): ReadonlySet<string> {
  const done = transactions.filter(({ Status }) => Status === "Success");
  const held = new Map(
    done.filter(isAuthorization).map((transaction) => [transaction.PaymentTransactionId, transaction]),
  );
  const touched = new Set(
    done
      .filter(({ Type }) => Type === "Reversal" || Type === "Capture")
      .map(({ OriginalPaymentTransactionId }) => OriginalPaymentTransactionId),
  );
  const replaced = replacements.filter(({ by, original }) => {
    const [newer, older] = [held.get(by), held.get(original)];
    if (newer === undefined || older?.Type !== "Preauthorization" || touched.has(original)) return false;
    if (done.some((transaction) => givesBackWhole(transaction, older))) return false;
    return compareIds(by, original) > 0 && newer.Amount >= older.Amount;
  });
  return new Set(replaced.map(({ original }) => original));
}

/** What the kept upsell pushes about this order claim. */
function replacementsIn(orderId: string | undefined, kept: readonly KeptEvent[]): readonly Replacement[] {
  return kept.flatMap(({ type, success, facts = {} }) => {
    const { transactionId: by, originalTransactionId: original } = facts;
    const claims = type === upsellEventType && success && facts["replacesOriginal"] === true;
    if (!claims || facts["orderId"] !== orderId || typeof by !== "string" || typeof original !== "string") return [];
    return [{ by, original }];
  });
}

function insistOnReadable(order: Order | null, transactions: readonly Transaction[]): void {
  for (const { Type, Status, Currency } of transactions) {
    // Stands in the published enumeration only; nobody says which way its money went.
    if (Type === "Credit" && Status === "Success") throw contradiction("nobody knows what a Credit means");
    if (Currency !== null && Currency !== undefined && Currency !== order?.Currency)
      throw contradiction("a transaction has another currency than its order");
  }
}

function some(name: OperationName, amount: Minor): Partial<Record<OperationName, Minor>> {
  return amount > 0 ? { [name]: amount } : {};
}

function contradiction(problem: string): WorkerError {
  return new WorkerError("Unmapped", `qliro-checkout contradicts itself: ${problem}`);
}
