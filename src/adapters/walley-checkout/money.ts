import { WorkerError } from "../../lib/errors.ts";
import { type Minor, minorFromMajor, sum } from "../../lib/money.ts";
import type { Money } from "../../contract/adapter.ts";
import type { Invoice, Order } from "./schema.ts";

/** A payment of which nothing is held. */
export const nothing: Money = { authorized: 0, captured: 0, refunded: 0, released: 0 };

/** What an order's invoices come to, in minor units. */
interface Invoiced {
  /** Captures. */
  readonly invoices: readonly Minor[];
  /** Refunds as positive amounts. */
  readonly credits: readonly Minor[];
}

/**
 * The sums of an order. Its status says what became of the whole, its invoices say of which part: Walley shows no amounts beside the total.
 * Captured is the sum of the invoices, refunded the sum of the credit notes, or what the invoices of a captured order are short of its total
 * (docs/psp/walley.md, d and e: inferred).
 * @param bought what the purchase was for, in case that an order that is over shows a total of nothing.
 * @throws WorkerError `Unmapped` for a part that cannot be told, and for sums that contradict the status.
 */
export function moneyOf(order: Order, bought: Minor): Money {
  const total = minorFromMajor(order.totalAmount, order.currency);
  const read = invoicedIn(order);
  switch (order.status) {
    case "NotActivated":
    case "OnHold":
      return { ...nothing, authorized: total };
    case "PartActivated": {
      const { invoices, credits } = insistOn(order, read);
      const captured = sum(invoices);
      if (captured === 0) throw contradiction(order, "has no invoice");
      return insistOnSums(order, { authorized: total, captured, refunded: sum(credits), released: 0 });
    }
    case "Activated":
      return insistOnSums(order, {
        authorized: total,
        captured: total,
        refunded: read === undefined ? 0 : refundedOf(read, total),
        released: 0,
      });
    case "Returned": {
      const authorized = total === 0 ? bought : total;
      const invoices = sum(read?.invoices ?? []);
      const captured = invoices === 0 || invoices > authorized ? authorized : invoices;
      return { authorized, captured, refunded: captured, released: authorized - captured };
    }
    case "Cancelled":
    case "Expired": {
      const { invoices, credits } = insistOn(order, read);
      const authorized = total === 0 ? Math.max(bought, sum(invoices)) : total;
      const captured = sum(invoices);
      return insistOnSums(order, { authorized, captured, refunded: sum(credits), released: authorized - captured });
    }
    case "Rejected":
      return nothing;
  }
}

/** The invoices, as far as all of them can be read; `undefined` where one cannot, and where there are none of a captured order. */
function invoicedIn({ invoices, currency }: Order): Invoiced | undefined {
  const amounts = (invoices ?? []).map((invoice) => amountOf(invoice));
  if (amounts.includes(undefined)) return undefined;
  const minor = amounts.map((amount) => minorFromMajor(amount ?? 0, currency));
  return {
    invoices: minor.filter((amount) => amount > 0),
    credits: minor.filter((amount) => amount < 0).map(Math.abs),
  };
}

/** Whichever of the names that Walley uses for amounts an invoice has, else the sum of its lines. */
function amountOf({ totalAmount, amount, items }: Invoice): number | undefined {
  const lines = items?.reduce((all, { unitPrice, quantity }) => all + unitPrice * quantity, 0);
  return totalAmount ?? amount ?? lines;
}

/** A captured order without invoices is one that was paid directly: nothing tells of a refunded part. Fees may lift invoices above the total. */
function refundedOf({ invoices, credits }: Invoiced, total: Minor): Minor {
  if (credits.length > 0) return sum(credits);
  return invoices.length === 0 ? 0 : Math.max(0, total - sum(invoices));
}

function insistOn(order: Order, read: Invoiced | undefined): Invoiced {
  if (read === undefined) throw contradiction(order, "has invoices whose amounts we cannot read");
  return read;
}

function insistOnSums(order: Order, money: Money): Money {
  const { authorized, captured, refunded } = money;
  if (captured > authorized) throw contradiction(order, "is captured above its total");
  if (refunded > captured) throw contradiction(order, "is refunded above what was captured");
  return money;
}

function contradiction({ status }: Order, problem: string): WorkerError {
  return new WorkerError("Unmapped", `walley-checkout contradicts itself: an order that is ${status} ${problem}`, {
    context: { status },
  });
}
