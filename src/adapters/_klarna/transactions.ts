import type { DesiredTransaction, Money, Phase } from "../../contract/adapter.ts";
import { present, type Order } from "./schema.ts";

/** What should stand in the log: every amount is the running total of its kind after the transaction. */
export function transactionsOf(order: Order, phase: Phase, money: Money): readonly DesiredTransaction[] {
  const { status: pspStatus, order_amount } = order;
  const original_order_amount = order.original_order_amount ?? order_amount;
  const refused = refusalOf(order.fraud_status);
  const confirm: DesiredTransaction = {
    key: confirmKey(order),
    event: "confirm",
    pspEvent: order.fraud_status,
    pspStatus,
    // What is asked to be stopped was authorised, and is refused only once it is over: the line says the same then.
    amount: phase === "declined" && order.fraud_status === "REJECTED" ? 0 : original_order_amount,
    success: refused === undefined,
    ...(refused === undefined ? {} : { errorDetail: refused }),
    facts: present({
      orderAmount: order_amount,
      originalOrderAmount: original_order_amount,
      createdAt: order.created_at,
      expiresAt: order.expires_at,
      klarnaReference: order.klarna_reference,
      paymentMethodType: order.initial_payment_method?.type,
    }),
  };
  // An upsell or a reduction. Klarna keeps no history of it: going back to an earlier amount adds no second line.
  const change: DesiredTransaction = {
    key: `paymentAction:${order_amount}`,
    event: "paymentAction",
    pspEvent: "authorization",
    pspStatus,
    amount: order_amount,
    success: true,
    facts: { orderAmount: order_amount, originalOrderAmount: original_order_amount },
  };
  // Released so far. The key is the sum, because the status that released it may go on to CLOSED.
  const cancel: DesiredTransaction = {
    key: `cancel:${money.released}`,
    event: "cancel",
    pspEvent: releaseOf(order.status),
    pspStatus,
    amount: money.released,
    success: true,
    facts: present({ releasedAmount: money.released, klarnaReference: order.klarna_reference }),
  };
  return [
    confirm,
    ...(order_amount === original_order_amount || phase === "declined" ? [] : [change]),
    ...capturesOf(order),
    ...refundsOf(order),
    ...(money.released > 0 ? [cancel] : []),
  ];
}

/** One line per fraud decision, so that a review and its outcome both stand in the log. */
export function confirmKey({ fraud_status }: Order): string {
  return `confirm:${fraud_status}`;
}

function refusalOf(fraudStatus: Order["fraud_status"]): string | undefined {
  switch (fraudStatus) {
    case "ACCEPTED":
    case "PENDING":
      return undefined;
    case "REJECTED":
      return "refused by Klarna's fraud review";
    // There is no webhook for it later, and a captured order stays captured: this line is what people see of it.
    case "STOPPED":
      return "Klarna asks to stop this order";
  }
}

function releaseOf(status: Order["status"]): string {
  switch (status) {
    case "AUTHORIZED":
    case "PART_CAPTURED":
    case "CAPTURED":
      return "release-remaining-authorization";
    case "CANCELLED":
      return "cancel";
    // No webhook tells of it: found by looking after `expires_at`.
    case "EXPIRED":
      return "expire";
    case "CLOSED":
      return "close";
  }
}

function capturesOf({ status: pspStatus, captures }: Order): readonly DesiredTransaction[] {
  let amount = 0;
  return inTurn(captures, (capture) => [capture.captured_at, capture.capture_id]).map((capture) => ({
    key: `capture:${capture.capture_id}`,
    event: "capture",
    pspEvent: "capture",
    pspStatus,
    amount: (amount += capture.captured_amount),
    success: true,
    facts: present({
      captureAmount: capture.captured_amount,
      capturedAt: capture.captured_at,
      klarnaReference: capture.klarna_reference,
    }),
  }));
}

function refundsOf({ status: pspStatus, refunds }: Order): readonly DesiredTransaction[] {
  let amount = 0;
  return inTurn(refunds, (refund) => [refund.refunded_at, refund.refund_id]).map((refund) => ({
    key: `refund:${refund.refund_id}`,
    event: "refund",
    pspEvent: "refund",
    pspStatus,
    amount: (amount += refund.refunded_amount),
    success: true,
    facts: present({ refundAmount: refund.refunded_amount, refundedAt: refund.refunded_at }),
  }));
}

/** Klarna promises no order of its lists: by time, then by id, so that the running totals are always the same. */
function inTurn<Item>(items: readonly Item[], by: (item: Item) => [string | undefined, string]): readonly Item[] {
  return items.toSorted((left, right) => {
    const [[at, id], [otherAt, otherId]] = [by(left), by(right)];
    return instant(at) - instant(otherAt) || (id < otherId ? -1 : Number(id > otherId));
  });
}

function instant(at: string | undefined): number {
  return at === undefined ? 0 : Date.parse(at);
}
