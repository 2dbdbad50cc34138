import type { TransactionEvent } from "../../contract/adapter.ts";

/** Events that say something of the money, or of how far the purchase is. */
export type MoneyCode =
  | "AUTHORISATION"
  | "AUTHORISATION_ADJUSTMENT"
  | "CANCELLATION"
  | "TECHNICAL_CANCEL"
  | "CANCEL_OR_REFUND"
  | "CAPTURE"
  | "CAPTURE_FAILED"
  | "REFUND"
  | "REFUND_FAILED"
  | "REFUNDED_REVERSED"
  | "EXPIRE"
  | "OFFER_CLOSED"
  | "PENDING"
  | "MANUAL_REVIEW_ACCEPT"
  | "MANUAL_REVIEW_REJECT"
  | "ORDER_OPENED"
  | "ORDER_CLOSED";

/** What kind of line a code becomes, and what its `success` true means there. */
interface Meaning {
  readonly event: TransactionEvent;
  /** True for codes that are bad news when they succeed: `CAPTURE_FAILED` with `success` true is a failure. */
  readonly bad?: boolean;
  /** True where the amount is what the event moved, or the new total of an adjustment. */
  readonly moves?: boolean;
}

const meanings: Readonly<Record<MoneyCode, Meaning>> = {
  AUTHORISATION: { event: "confirm", moves: true },
  AUTHORISATION_ADJUSTMENT: { event: "paymentAction", moves: true },
  CANCELLATION: { event: "cancel", moves: true },
  TECHNICAL_CANCEL: { event: "cancel", moves: true },
  CANCEL_OR_REFUND: { event: "cancel", moves: true },
  CAPTURE: { event: "capture", moves: true },
  CAPTURE_FAILED: { event: "capture", bad: true, moves: true },
  REFUND: { event: "refund", moves: true },
  REFUND_FAILED: { event: "refund", bad: true, moves: true },
  REFUNDED_REVERSED: { event: "refund", bad: true, moves: true },
  // Its amount is what was authorised at first, not what expired.
  EXPIRE: { event: "cancel" },
  OFFER_CLOSED: { event: "cancel" },
  PENDING: { event: "process" },
  MANUAL_REVIEW_ACCEPT: { event: "paymentAction" },
  MANUAL_REVIEW_REJECT: { event: "paymentAction" },
  ORDER_OPENED: { event: "paymentAction" },
  ORDER_CLOSED: { event: "paymentAction" },
};

/** Disputes and everything unknown are lines for people, and do nothing. */
const logged: Meaning = { event: "paymentAction" };

/** True for a code whose events `fold` reads. */
export function isMoneyCode(code: string): code is MoneyCode {
  return Object.hasOwn(meanings, code);
}

/** What a code means as a line of the log. */
export function meaningOf(code: string): Meaning {
  return isMoneyCode(code) ? meanings[code] : logged;
}

/** What a stage of a dispute means for the merchant: it can still be answered, the money was taken, or it is over without harm. */
type StageMeaning = "dispute" | "chargeback" | "over";

/** Stages of a dispute: Norce has no state for them (docs/psp/adyen.md, e), people hear of the newest. */
const disputes: Readonly<Record<string, StageMeaning>> = {
  REQUEST_FOR_INFORMATION: "dispute",
  NOTIFICATION_OF_FRAUD: "dispute",
  NOTIFICATION_OF_CHARGEBACK: "dispute",
  // In the place of NOTIFICATION_OF_CHARGEBACK, where a chargeback came without one.
  DISPUTE_OPENED_WITH_CHARGEBACK: "dispute",
  INFORMATION_SUPPLIED: "dispute",
  ISSUER_COMMENTS: "dispute",
  // The issuer accepted the defence, or did not answer it.
  ISSUER_RESPONSE_TIMEFRAME_EXPIRED: "over",
  DISPUTE_DEFENSE_PERIOD_ENDED: "dispute",
  CHARGEBACK: "chargeback",
  CHARGEBACK_REVERSED: "over",
  SECOND_CHARGEBACK: "chargeback",
  PREARBITRATION_OPEN: "dispute",
  PREARBITRATION_ACCEPTED: "chargeback",
  PREARBITRATION_DECLINED: "dispute",
  PREARBITRATION_ISSUER_WITHDRAWN: "over",
  PREARBITRATION_LOST: "chargeback",
  PREARBITRATION_WON: "over",
  SCHEME_ARBITRATION: "dispute",
  SCHEME_ARBITRATION_LOST: "chargeback",
  SCHEME_ARBITRATION_WON: "over",
};

/** True for a stage of a dispute. */
export function isDispute(code: string): boolean {
  return Object.hasOwn(disputes, code);
}

/** What a stage means; one that nobody knows can still be answered. */
export function meaningOfStage(code: string): StageMeaning {
  return (isDispute(code) ? disputes[code] : undefined) ?? "dispute";
}

/** Events of an account, not of a payment: acknowledged, and nothing to look at. */
const accountCodes: ReadonlySet<string> = new Set([
  "REPORT_AVAILABLE",
  "PAYOUT_DECLINE",
  "PAYOUT_EXPIRE",
  "PAYOUT_THIRDPARTY",
  "PAIDOUT_REVERSED",
]);

/** True where no payment stands behind the event: a report, a payout, a test ping from the Customer Area. */
export function isForNobody(code: string, pspReference: string): boolean {
  return accountCodes.has(code) || /^test(notification)?_/i.test(pspReference);
}
