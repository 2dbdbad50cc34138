import type { Minor } from "../../lib/money.ts";
import type { DesiredTransaction, Json, Money, Phase, TransactionEvent } from "../../contract/adapter.ts";

/** What the log is written from. */
export interface Purchase {
  /** Walley's word: the result of the purchase, and the order's status once there is an order. */
  readonly result: string;
  readonly status: string;
  readonly phase: Phase;
  readonly money: Money;
  readonly bought: Minor;
  readonly facts: Readonly<Record<string, Json>>;
}

/** What should stand in the log: every amount is the running total of its kind after the transaction. */
export function transactionsOf(purchase: Purchase): readonly DesiredTransaction[] {
  const { phase, result, status, bought, money, facts } = purchase;
  if (phase === "review") return [transaction(`process:${result}`, "process", result, result, bought, facts)];
  if (phase === "declined") {
    const refused = transaction("process:Rejected", "process", "Rejected", "Rejected", 0, facts);
    return [{ ...refused, success: false, errorDetail: "refused by Walley" }];
  }
  const { authorized, captured, refunded, released } = money;
  return [
    transaction("confirm", "confirm", "purchase", result, authorized === 0 ? 0 : bought, facts),
    // Walley keeps no history of totals: going back to an earlier one adds no second line.
    ...(authorized === bought || authorized === 0
      ? []
      : [transaction(`paymentAction:${authorized}`, "paymentAction", "reauthorize", status, authorized)]),
    ...upTo("capture", "capture", status, captured),
    ...upTo("refund", "refund", status, refunded),
    ...upTo("cancel", releaseOf(status), status, released),
  ];
}

/**
 * One line for each sum that a look has seen: the invoices have neither ids nor times that a page names and come in no order, so that nothing
 * else would say the same at the next look.
 */
function upTo(
  event: "capture" | "refund" | "cancel",
  pspEvent: string,
  pspStatus: string,
  amount: Minor,
): readonly DesiredTransaction[] {
  return amount === 0 ? [] : [transaction(`${event}:${amount}`, event, pspEvent, pspStatus, amount)];
}

function releaseOf(status: string): string {
  return status === "Expired" ? "expire" : "cancel";
}

function transaction(
  key: string,
  event: TransactionEvent,
  pspEvent: string,
  pspStatus: string,
  amount: Minor,
  facts?: Readonly<Record<string, Json>>,
): DesiredTransaction {
  return { key, event, pspEvent, pspStatus, amount, success: true, ...(facts === undefined ? {} : { facts }) };
}
