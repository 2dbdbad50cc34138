import { WorkerError } from "../../lib/errors.ts";
import { sum } from "../../lib/money.ts";
import type { Minor, Money } from "../../contract/adapter.ts";
import type { CheckoutOrder, Order } from "./schema.ts";

/** Money that is nowhere. */
export const nothing: Money = { authorized: 0, captured: 0, refunded: 0, released: 0 };

/**
 * Where the money is. Deliveries and what was credited of them are sums of their own; what was cancelled after a
 * delivery (a card that Svea has not settled yet) is given back, not released.
 * @throws WorkerError `Unmapped` where sums contradict each other or the status: they are no truth to act on.
 */
export function moneyOf(order: Order): Money {
  const { OrderStatus: status, OrderAmount: authorized, CancelledAmount: cancelled } = order;
  const captured = sum(order.Deliveries, ({ DeliveryAmount }) => DeliveryAmount);
  const refunded = creditedOf(order, captured);
  if (captured > authorized) throw contradiction("more is delivered than was ordered", status);
  if (cancelled > authorized) throw contradiction("more is cancelled than was ordered", status);
  if (refunded > captured) throw contradiction("more is credited than was delivered", status);
  switch (status) {
    case "Open":
      if (captured + cancelled > authorized) throw contradiction("more is gone than was ordered", status);
      return { authorized, captured, refunded, released: cancelled };
    case "Delivered":
      // Would read as "all voided" and remove a payment that Svea calls delivered.
      if (captured + cancelled === 0 && authorized > 0) throw contradiction("nothing is delivered", status);
      return { authorized, captured, refunded, released: authorized - captured };
    case "Cancelled":
    case "Expired":
      return { authorized, captured, refunded, released: authorized - captured };
    case "Failed":
    case "Processing":
      if (captured > 0) throw contradiction("something is delivered", status);
      return nothing;
  }
}

/** What of the delivered amount was cancelled instead of credited: Svea lowers a card payment until it is settled. */
export function loweredOf({ OrderAmount, CancelledAmount }: Order, captured: Minor): Minor {
  return Math.max(0, captured + CancelledAmount - OrderAmount);
}

/** What is still authorised and neither delivered nor released. */
export function openOf({ authorized, captured, released }: Money): Minor {
  return authorized - captured - released;
}

/** What the cart comes to: quantities and percentages are hundredths, prices include VAT (docs/psp/svea.md, h). */
export function cartTotal({ Cart }: CheckoutOrder): Minor {
  const rows = (Cart?.Items ?? []).map(({ Quantity, UnitPrice, DiscountPercent, DiscountAmount }) => {
    const price = (Quantity * UnitPrice) / 100;
    return Math.round((price * (10_000 - (DiscountPercent ?? 0))) / 10_000) - Math.round(DiscountAmount ?? 0);
  });
  return Math.max(0, sum(rows));
}

/**
 * What the shopper bought: the cart, where it is there, because rows may have been changed in Payment Admin since. How
 * Svea rounds a row is not documented, so that a unit a row is no difference.
 */
export function boughtFor({ OrderAmount }: Order, checkout: CheckoutOrder | null): Minor {
  const rows = checkout?.Cart?.Items.length ?? 0;
  if (checkout === null || rows === 0) return OrderAmount;
  const total = cartTotal(checkout);
  return Math.abs(total - OrderAmount) <= rows ? OrderAmount : total;
}

/** Whether Svea counts a credit as cancelled as well is not documented: the larger sum counts, never both. */
function creditedOf(order: Order, captured: Minor): Minor {
  const credited = sum(order.Deliveries, ({ CreditedAmount }) => CreditedAmount);
  return order.OrderStatus === "Open" ? credited : Math.max(credited, loweredOf(order, captured));
}

function contradiction(problem: string, status: Order["OrderStatus"]): WorkerError {
  return new WorkerError("Unmapped", `svea-checkout contradicts itself: ${problem}`, { context: { status } });
}
