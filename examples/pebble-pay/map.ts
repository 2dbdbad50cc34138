import { WorkerError } from "norce-psp-worker/lib/errors";
import type { DesiredPayment, DesiredTransaction, Money, Phase } from "norce-psp-worker/adapter";
import type { Payment, Snapshot } from "./schema.ts";

/** What Norce should say: how far the purchase came is Pebble Pay's status, the money is its lists of captures and refunds. */
export function map({ payment }: Snapshot): DesiredPayment {
  const { id, status, amount, currency, shop_reference: echo } = payment;
  const money = moneyOf(payment);
  return {
    phase: phaseOf(status),
    money,
    total: amount,
    currency,
    reference: id,
    attributes: { status },
    transactions: transactionsOf(payment, money),
    possible: [],
    echoes: echo === null ? [] : [echo],
  };
}

function phaseOf(status: Payment["status"]): Phase {
  switch (status) {
    case "created":
      return "created";
    case "authorized":
    case "cancelled":
      return "confirmed";
    case "declined":
      return "declined";
  }
}

function moneyOf({ status, amount, captures, refunds }: Payment): Money {
  const [captured, refunded] = [sumOf(captures), sumOf(refunds)];
  switch (status) {
    case "created":
    case "declined":
      // Nobody has paid: where money moved all the same, a person has to look.
      if (captured > 0) throw new WorkerError("Unmapped", `pebble-pay says ${status}, and has captures`);
      return { authorized: 0, captured: 0, refunded: 0, released: 0 };
    case "authorized":
      return { authorized: amount, captured, refunded, released: 0 };
    // What was not captured by then is let go.
    case "cancelled":
      return { authorized: amount, captured, refunded, released: amount - captured };
  }
}

/** Amounts are running totals, keys are Pebble Pay's own ids. */
function transactionsOf(payment: Payment, { authorized, released }: Money): readonly DesiredTransaction[] {
  const { status: pspStatus, captures, refunds } = payment;
  const line = (key: string, event: DesiredTransaction["event"], amount: number): DesiredTransaction => {
    return { key, event, pspEvent: event, pspStatus, amount, success: true };
  };
  return [
    ...(authorized > 0 ? [line("confirm", "confirm", authorized)] : []),
    ...captures.map(({ id }, index) => line(`capture:${id}`, "capture", sumOf(captures.slice(0, index + 1)))),
    ...refunds.map(({ id }, index) => line(`refund:${id}`, "refund", sumOf(refunds.slice(0, index + 1)))),
    ...(released > 0 ? [line("cancel", "cancel", released)] : []),
  ];
}

function sumOf(moves: Payment["captures"]): number {
  return moves.reduce((sum, { amount }) => sum + amount, 0);
}
