import type { Minor } from "../../contract/adapter.ts";
import type { Told } from "./client.ts";
import { loweredOf, moneyOf } from "./money.ts";
import type { Delivery, Order } from "./schema.ts";

/** Svea's own pages spell it in two ways. */
export const cancelsParts: readonly string[] = ["CanCancelAmount", "CanCancelOrderAmount"];

/** One request that gives money back: how much it can be at most, and what it is for an amount. */
interface Refund {
  readonly most: Minor;
  /** False where it is all of it or nothing. */
  readonly parts: boolean;
  request(amount: Minor): Told;
}

/** What a row that is given back is called, and the operation it belongs to. */
export interface CreditRow {
  readonly name: string;
  readonly operationId: string;
}

/**
 * How much one request can give back at most, and whether it may be less; `undefined` where Svea lets nothing be given
 * back now.
 */
export function refundLimit(order: Order): { readonly most: Minor; readonly parts: boolean } | undefined {
  const refunds = refundsOf(order, { name: "", operationId: "" });
  const most = Math.max(0, ...refunds.map((refund) => refund.most));
  const parts = refunds.some((refund) => refund.parts && refund.most === most);
  return most === 0 ? undefined : { most, parts };
}

/**
 * The request that gives an amount back, of the oldest delivery that bears it: Svea credits per delivery, and one
 * operation is one request, so that none is ever carried out by half. `undefined` where no delivery bears it.
 */
export function refundRequest(order: Order, amount: Minor, creditRow: CreditRow): Told | undefined {
  return refundsOf(order, creditRow)
    .find(({ most, parts }) => most === amount || (parts && most > amount))
    ?.request(amount);
}

/** True where one of the order's credits has a row of this operation: it was carried out. */
export function isCredited(order: Order, operationId: string): boolean {
  return order.Deliveries.some(({ Credits }) =>
    Credits.some(({ OrderRows }) => OrderRows.some(({ ArticleNumber }) => ArticleNumber === operationId)),
  );
}

function refundsOf(order: Order, creditRow: CreditRow): readonly Refund[] {
  const credits = order.Deliveries.toSorted((left, right) => (BigInt(left.Id) < BigInt(right.Id) ? -1 : 1)).map(
    (delivery) => creditOf(delivery, creditRow),
  );
  return [...credits, loweringOf(order)].filter((refund) => refund !== undefined);
}

/** How Svea lets a delivery be credited now: some payment methods know amounts only, some rows only. */
function creditOf(delivery: Delivery, { name, operationId }: CreditRow): Refund | undefined {
  const { Id, DeliveryAmount, CreditedAmount, Actions } = delivery;
  const most = DeliveryAmount - CreditedAmount;
  const path = `/deliveries/${Id}`;
  const route = "/deliveries/{DeliveryId}";
  if (most === 0) return undefined;
  // The sum that is to be credited in the end: a repeat is refused instead of doubled (docs/psp/svea.md, g).
  if (Actions.includes("CanCreditAmount"))
    return {
      most,
      parts: true,
      request: (amount) => ({ method: "PATCH", path, route, body: { CreditedAmount: CreditedAmount + amount } }),
    };
  const vat = vatOf(delivery);
  const byRow = Actions.includes("CanCreditNewRow") && vat !== undefined;
  const allRows = creditableRows(delivery);
  if (!byRow && allRows === undefined) return undefined;
  return {
    most,
    parts: byRow,
    request: (amount) => ({
      method: "POST",
      path: `${path}/credits`,
      route: `${route}/credits`,
      body:
        amount === most && allRows !== undefined
          ? { OrderRowIds: allRows }
          : {
              NewCreditOrderRow: {
                // No sum to be reached: the article is what tells this credit from another over the same amount.
                ArticleNumber: operationId,
                Name: name,
                Quantity: 100,
                UnitPrice: amount,
                VatPercent: vat ?? 0,
              },
            },
    }),
  };
}

/** All rows of the delivery, where each of them can be read and credited: a list of some would credit some. */
function creditableRows({ Actions, OrderRows = [], CreditedAmount }: Delivery): readonly number[] | undefined {
  if (CreditedAmount > 0 || OrderRows.length === 0 || !Actions.includes("CanCreditOrderRows")) return undefined;
  const ids = OrderRows.flatMap((row) => (row.Actions.includes("CanCreditRow") ? (row.OrderRowId ?? []) : []));
  return ids.length === OrderRows.length ? ids : undefined;
}

/** The VAT of everything in the delivery; `undefined` where there are several, or one cannot be read. */
function vatOf({ OrderRows = [] }: Delivery): Minor | undefined {
  const rates = new Set(OrderRows.map(({ VatPercent }) => VatPercent));
  const [rate] = rates;
  return rates.size === 1 ? rate : undefined;
}

/** A delivered card payment that Svea has not settled cannot be credited but cancelled, as Svea's own modules do. */
function loweringOf(order: Order): Refund | undefined {
  const { OrderStatus, Actions, CancelledAmount } = order;
  const { captured } = moneyOf(order);
  const most = captured - loweredOf(order, captured);
  if (OrderStatus !== "Delivered" || most === 0) return undefined;
  const way = { method: "PATCH", path: "", route: "" } as const;
  const parts = cancelsParts.some((name) => Actions.includes(name));
  const all = Actions.includes("CanCancelOrder") && most === order.OrderAmount;
  if (!parts && !all) return undefined;
  return {
    most,
    parts,
    request: (amount) => ({
      ...way,
      body: amount === most && all ? { IsCancelled: true } : { CancelledAmount: CancelledAmount + amount },
    }),
  };
}
