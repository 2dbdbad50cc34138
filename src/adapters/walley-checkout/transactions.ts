import type { Minor } from "../../lib/money.ts";
import type { DesiredTransaction, Json, Money, Phase, TransactionEvent } from "../../contract/adapter.ts";
import { type Invoiced, sum } from "./money.ts";

/** What the log is written from. */
export interface Purchase {
  /** Walley's word: the result of the purchase, and the order's status once there is an order. */
  readonly result: string;
  readonly status: string;
  readonly phase: Phase;
  readonly money: Money;
  readonly bought: Minor;
  readonly invoiced: Invoiced | undefined;
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
  const { invoices, credits } = purchase.invoiced ?? { invoices: [], credits: [] };
  return [
    transaction("confirm", "confirm", "purchase", result, authorized === 0 ? 0 : bought, facts),
    // Walley keeps no history of totals: going back to an earlier one adds no second line.
    ...(authorized === bought || authorized === 0
      ? []
      : [transaction(`paymentAction:${authorized}`, "paymentAction", "reauthorize", status, authorized)]),
    ...inTurn("capture", status, captured, invoices),
    ...inTurn("refund", status, refunded, credits),
    ...(released === 0 ? [] : [transaction(`cancel:${released}`, "cancel", releaseOf(status), status, released)]),
  ];
}

/** One line per invoice where they add up to the sum, else one for the sum: the keys are running totals, so that both agree. */
function inTurn(
  event: "capture" | "refund",
  status: string,
  total: Minor,
  parts: readonly Minor[],
): readonly DesiredTransaction[] {
  let amount = 0;
  const totals = sum(parts) === total ? parts.map((part) => (amount += part)) : [total];
  return totals
    .filter((running) => running > 0)
    .map((running) => transaction(`${event}:${running}`, event, event, status, running));
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
