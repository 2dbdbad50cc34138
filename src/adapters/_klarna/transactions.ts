import type { DesiredTransaction, Minor, Money, Phase } from "../../contract/adapter.ts";
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
  return runningTotals(captures, ({ capture_id, captured_at, captured_amount }) => ({
    id: capture_id,
    at: captured_at,
    amount: captured_amount,
  })).map(({ item, id, amount }) => ({
    key: `capture:${id}`,
    event: "capture",
    pspEvent: "capture",
    pspStatus,
    amount,
    success: true,
    facts: present({
      captureAmount: item.captured_amount,
      capturedAt: item.captured_at,
      klarnaReference: item.klarna_reference,
    }),
  }));
}

function refundsOf({ status: pspStatus, refunds }: Order): readonly DesiredTransaction[] {
  return runningTotals(refunds, ({ refund_id, refunded_at, refunded_amount }) => ({
    id: refund_id,
    at: refunded_at,
    amount: refunded_amount,
  })).map(({ item, id, amount }) => ({
    key: `refund:${id}`,
    event: "refund",
    pspEvent: "refund",
    pspStatus,
    amount,
    success: true,
    facts: present({ refundAmount: item.refunded_amount, refundedAt: item.refunded_at }),
  }));
}

/** One of Klarna's list, as far as it counts. */
interface Piece {
  readonly id: string | undefined;
  readonly at: string | undefined;
  readonly amount: Minor;
}

/**
 * What moved money, each with the sum so far. Klarna promises no order of its lists: by time, then by id and amount, so that the totals are
 * always the same. What Klarna gives no id is told apart by its time and the total that it led to.
 */
function runningTotals<Item>(
  items: readonly Item[],
  pieceOf: (item: Item) => Piece,
): readonly { readonly item: Item; readonly id: string; readonly amount: Minor }[] {
  let total = 0;
  return items
    .map((item) => ({ item, ...pieceOf(item) }))
    .filter(({ amount }) => amount > 0)
    .toSorted(inTurn)
    .map(({ item, id, at, amount }) => {
      total += amount;
      return { item, id: id ?? `${at ?? ""}:${total}`, amount: total };
    });
}

function inTurn(left: Piece, right: Piece): number {
  const [id, otherId] = [left.id ?? "", right.id ?? ""];
  return (
    instant(left.at) - instant(right.at) || (id < otherId ? -1 : Number(id > otherId)) || left.amount - right.amount
  );
}

function instant(at: string | undefined): number {
  return at === undefined ? 0 : Date.parse(at);
}
