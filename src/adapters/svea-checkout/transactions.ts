import type { DesiredTransaction, Minor, Money, Phase } from "../../contract/adapter.ts";
import { loweredOf } from "./money.ts";
import { type Delivery, type Order, present } from "./schema.ts";

/**
 * What should stand in the log: every amount is the running total of its kind after the transaction.
 * @param total what the order was for when it was first seen.
 */
export function transactionsOf(order: Order, phase: Phase, money: Money, total: Minor): readonly DesiredTransaction[] {
  const { OrderStatus: pspStatus, OrderAmount } = order;
  // Rows were added, changed or replaced. Going back to an earlier amount adds no second line.
  const change: DesiredTransaction = {
    key: `paymentAction:${OrderAmount}`,
    event: "paymentAction",
    pspEvent: "update",
    pspStatus,
    amount: OrderAmount,
    success: true,
    facts: { orderAmount: OrderAmount, firstOrderAmount: total },
  };
  // Released so far. The key is the sum, because the status that released it may go on.
  const cancel: DesiredTransaction = {
    key: `cancel:${money.released}`,
    event: "cancel",
    pspEvent: releaseOf(pspStatus),
    pspStatus,
    amount: money.released,
    success: true,
    facts: { cancelledAmount: order.CancelledAmount },
  };
  return [
    beginningOf(order, phase, total),
    ...(OrderAmount === total ? [] : [change]),
    ...deliveriesOf(order),
    ...refundOf(order, money),
    ...(money.released > 0 && phase !== "declined" ? [cancel] : []),
  ];
}

/** One line per step of the purchase, so that a review and its outcome both stand in the log. */
function beginningOf(order: Order, phase: Phase, amount: Minor): DesiredTransaction {
  const line = {
    pspEvent: "order",
    pspStatus: order.OrderStatus,
    facts: present({
      orderAmount: order.OrderAmount,
      paymentType: order.PaymentType,
      createdAt: order.CreationDate,
      expiresAt: order.ExpirationDate,
    }),
  };
  switch (phase) {
    case "created":
    case "paying":
      return { ...line, key: "process:paying", event: "process", amount, success: true };
    case "review":
    case "awaiting":
      return { ...line, key: "process:review", event: "process", amount, success: true };
    case "confirmed":
      return { ...line, key: "confirm", event: "confirm", amount, success: true };
    case "declined":
      return {
        ...line,
        key: "cancel:refused",
        event: "cancel",
        amount: 0,
        success: false,
        errorDetail: "closed by Svea during its review",
      };
    case "failed":
      return { ...line, key: "process:failed", event: "process", amount: 0, success: false };
  }
}

function releaseOf(status: Order["OrderStatus"]): string {
  switch (status) {
    case "Open":
    case "Processing":
    case "Failed":
      return "cancel-amount";
    case "Delivered":
      return "cancel-remaining";
    case "Cancelled":
      return "cancel";
    // Found by looking after `ExpirationDate`, where no subscription tells of it.
    case "Expired":
      return "expire";
  }
}

function deliveriesOf(order: Order): readonly DesiredTransaction[] {
  let amount = 0;
  return inTurn(order.Deliveries).map((delivery) => ({
    key: `capture:${delivery.Id}`,
    event: "capture",
    pspEvent: "delivery",
    pspStatus: order.OrderStatus,
    amount: (amount += delivery.DeliveryAmount),
    success: true,
    facts: present({ deliveryAmount: delivery.DeliveryAmount, deliveredAt: delivery.CreationDate }),
  }));
}

/**
 * Refunded so far. Svea's credits have neither ids nor times, and the second delivery may be credited before the first: what tells one refund
 * from the next is the sum that it led to.
 */
function refundOf(order: Order, { captured, refunded }: Money): readonly DesiredTransaction[] {
  if (refunded === 0) return [];
  const lowered = loweredOf(order, captured);
  const credits = order.Deliveries.filter(({ CreditedAmount }) => CreditedAmount > 0).map(
    ({ Id, CreditedAmount }) => [Id, CreditedAmount] as const,
  );
  return [
    {
      key: `refund:${refunded}`,
      event: "refund",
      pspEvent: credits.length === 0 ? "cancel-amount" : "credit",
      pspStatus: order.OrderStatus,
      amount: refunded,
      success: true,
      facts: credits.length === 0 ? { loweredAmount: lowered } : { creditedByDelivery: Object.fromEntries(credits) },
    },
  ];
}

/** Svea promises no order of its lists: by time, then by id, so that the running totals are always the same. */
function inTurn(deliveries: readonly Delivery[]): readonly Delivery[] {
  const instant = ({ CreationDate }: Delivery): number => (CreationDate === undefined ? 0 : Date.parse(CreationDate));
  return deliveries.toSorted(
    (left, right) => instant(left) - instant(right) || (BigInt(left.Id) < BigInt(right.Id) ? -1 : 1),
  );
}
