import type { DesiredTransaction } from "../../contract/adapter.ts";
import type { Standing } from "./money.ts";
import type { Ended, Payment } from "./schema.ts";

/** The log: lines say running totals, also those of what failed; the order in which refunds ended is remembered, so that no line changes. */
export function transactionsOf(payment: Payment, { money, ended }: Standing): readonly DesiredTransaction[] {
  if (money.captured === 0) return endOf(payment);
  const line = { pspStatus: payment.status, amount: money.captured, success: true } as const;
  return [
    { ...line, key: "confirm", event: "confirm", pspEvent: "paymentrequest" },
    { ...line, key: "capture", event: "capture", pspEvent: "paymentrequest" },
    ...refundsOf(ended),
  ];
}

function refundsOf(ended: readonly Ended[]): readonly DesiredTransaction[] {
  let amount = 0;
  return ended.map(({ id, is, amount: moved, code = "ERROR" }): DesiredTransaction => {
    const line = { event: "refund", pspEvent: "refund", pspStatus: is, facts: { refund: id } } as const;
    if (is === "PAID") {
      amount += moved;
      return { ...line, key: `refund:${id}:paid`, amount, success: true };
    }
    return { ...line, key: `refund:${id}:failed`, amount, success: false, errorDetail: code };
  });
}

function endOf({ status, errorCode }: Payment): readonly DesiredTransaction[] {
  const line = { pspEvent: "paymentrequest", pspStatus: status, amount: 0, success: false } as const;
  switch (status) {
    case "CREATED":
    case "PAID":
      return [];
    case "DECLINED":
      return [{ ...line, key: "cancel:DECLINED", event: "cancel", errorDetail: "the shopper declined" }];
    case "CANCELLED":
      return [{ ...line, key: "cancel:CANCELLED", event: "cancel", errorDetail: "the request was cancelled" }];
    case "ERROR": {
      const code = errorCode ?? status;
      // The shopper stopped while signing.
      const event = code === "BANKIDCL" ? "cancel" : "process";
      return [{ ...line, key: `${event}:${code}`, event, errorDetail: code }];
    }
  }
}
