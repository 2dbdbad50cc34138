import { minorFromMajor } from "../../lib/money.ts";
import type { DesiredTransaction, Minor, Money, Phase, TransactionEvent } from "../../contract/adapter.ts";
import { isAuthorization, isInFlight, type Ledger } from "./ledger.ts";
import { type CheckoutStatus, present, type Transaction } from "./schema.ts";

/** How the purchase stands, besides its transactions. */
export interface Standing {
  readonly phase: Phase;
  readonly total: Minor;
  readonly currency: string;
  readonly status: CheckoutStatus | undefined;
}

/**
 * What should stand in the log: every transaction that has come to an end, each with the running total of its kind. What is under way
 * is left out: it says nothing yet, and which of it a look sees is chance. Only the ledger counts here, and not what pushes said of it: a
 * line is written once, whichever comes first.
 */
export function transactionsOf(ledger: Ledger, standing: Standing): readonly DesiredTransaction[] {
  const { currency } = standing;
  let sums: Money = { authorized: 0, captured: 0, refunded: 0, released: 0 };
  const lines = ledger.transactions.flatMap((transaction) => {
    if (isInFlight(transaction)) return [];
    const first = sums.authorized === sums.released;
    const carriesOut = ledger.carriedOut.has(transaction.PaymentTransactionId);
    const amount = minorFromMajor(transaction.Amount, currency);
    if (transaction.Status === "Success" && !carriesOut) sums = summed(sums, transaction.Type, amount);
    return linesOf(transaction, sums, { first, carriesOut, amount });
  });
  return [...lines, ...endOf(ledger, standing)];
}

function summed(sums: Money, type: Transaction["Type"], amount: Minor): Money {
  switch (type) {
    case "Preauthorization":
      return { ...sums, authorized: sums.authorized + amount };
    case "Debit":
      return { ...sums, authorized: sums.authorized + amount, captured: sums.captured + amount };
    case "Capture":
      // What was taken at once and is shipped later was captured already.
      return { ...sums, captured: Math.min(sums.captured + amount, coveredBy(sums)) };
    case "Reversal":
      return { ...sums, released: sums.released + amount };
    case "Refund":
      return { ...sums, refunded: sums.refunded + amount };
    case "Credit":
    case "UpdateInvoice":
    case "Registration":
      return sums;
  }
}

/** What the payment covers: authorised less released. */
function coveredBy({ authorized, released }: Money): Minor {
  return Math.max(0, authorized - released);
}

interface Place {
  /** Nothing was held before it. */
  readonly first: boolean;
  /** A refund that only carries out a reversal. */
  readonly carriesOut: boolean;
  readonly amount: Minor;
}

function linesOf(transaction: Transaction, sums: Money, place: Place): readonly DesiredTransaction[] {
  const { Type, Status, PaymentTransactionId: id, ErrorCode, ProviderResultCode } = transaction;
  const success = Status === "Success";
  const line = (event: TransactionEvent, amount: Minor): DesiredTransaction => ({
    key: `${event}:${id}${success ? "" : `:${Status}`}`,
    event,
    pspEvent: Type,
    pspStatus: Status,
    amount,
    success,
    ...(success ? {} : { errorDetail: ErrorCode ?? ProviderResultCode ?? Status }),
    facts: present({
      paymentTransactionId: id,
      originalPaymentTransactionId: transaction.OriginalPaymentTransactionId,
      transactionAmount: place.amount,
      timestamp: transaction.Timestamp,
    }),
  });
  const covered = coveredBy(sums);
  // What moves nothing makes no line.
  if (success && place.amount === 0 && (Type === "Capture" || Type === "Refund")) return [];
  switch (Type) {
    case "Preauthorization":
    case "Debit":
      if (!success) return [line("process", covered)];
      return [
        // Beside another authorisation it is an upsell; after one that was given back, another attempt.
        line(place.first ? "confirm" : "paymentAction", covered),
        ...(Type === "Debit" ? [line("capture", sums.captured)] : []),
      ];
    case "Capture":
      return [line("capture", sums.captured)];
    case "Reversal": {
      // A discount gives a part back, and that is no cancellation.
      const ends = success && sums.authorized <= sums.captured + sums.released;
      return [ends ? line("cancel", sums.released) : line("paymentAction", covered)];
    }
    case "Refund":
      return [place.carriesOut ? line("paymentAction", covered) : line("refund", sums.refunded)];
    case "UpdateInvoice":
      return [line("paymentAction", covered)];
    // Saving a card moves no money; nobody knows what a credit is, and one that succeeded is not mapped at all.
    case "Registration":
    case "Credit":
      return [];
  }
}

/** How the purchase stands where no transaction tells. */
function endOf(
  { transactions }: Ledger,
  { phase, total, status = "unknown" }: Omit<Standing, "status"> & { readonly status?: string | undefined },
): readonly DesiredTransaction[] {
  const line = (what: string, amount: Minor, errorDetail?: string): DesiredTransaction => ({
    key: `process:${what}`,
    event: "process",
    pspEvent: "CustomerCheckoutStatus",
    pspStatus: status,
    amount,
    success: errorDetail === undefined,
    ...(errorDetail === undefined ? {} : { errorDetail }),
  });
  switch (phase) {
    case "review":
    case "awaiting":
      return [line("review", total)];
    case "declined":
      // A payment without a shopper is refused by its transaction alone.
      return status === "Refused" || !transactions.some(isAuthorization) ? [line("refused", 0, "Refused")] : [];
    case "failed":
      return [line("expired", 0, "ORDER_EXPIRED")];
    case "created":
    case "paying":
    case "confirmed":
      return [];
  }
}
