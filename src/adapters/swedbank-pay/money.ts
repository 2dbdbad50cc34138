import { WorkerError } from "../../lib/errors.ts";
import { sum } from "../../lib/money.ts";
import type { Minor, Money } from "../../contract/adapter.ts";
import type { Order, Snapshot, Transaction } from "./schema.ts";

const dayMs = 24 * 60 * 60 * 1_000;
/** How long an authorisation lives in Swedbank Pay's system; a card's own hold may be shorter (docs/psp/swedbank-pay.md, e). */
export const authorizationLifeMs = 180 * dayMs;

/** The sums, and what they were made of. */
export interface Standing {
  readonly money: Money;
  /** Of what was taken, what was taken at once: nobody captures it. */
  readonly sold: Minor;
}

/**
 * Where the payment order's money is. `Paid` covers an authorisation as well as a completed sale, and stays whatever is captured or given back
 * in part: the transactions decide (docs/psp/swedbank-pay.md, d). The list does not always name the authorisation: then what was paid says it.
 */
export function standingOf(snapshot: Snapshot, now: number): Standing {
  const { order } = snapshot;
  const of = (kind: Transaction["kind"]): Minor =>
    sum(
      order.transactions.filter((transaction) => transaction.kind === kind),
      ({ amount }) => amount,
    );
  const sold = of("Sale") > 0 ? of("Sale") : boughtBy("Sale", order);
  const held = of("Authorization") > 0 ? of("Authorization") : heldBy(order, sold);
  const [taken, letGo, refunded] = [of("Capture"), of("Cancellation"), of("Reversal")];
  if (taken + letGo > held || refunded > sold + taken)
    throw new WorkerError("Unmapped", "swedbank pay says that more was taken or given back than there was", {
      context: { status: order.status, held, sold, taken, letGo, refunded },
    });
  if (order.status === "Reversed" && sold + taken === 0)
    throw new WorkerError("Unmapped", "swedbank pay says that it was given back, and not what", {
      context: { status: order.status, held },
    });
  const rest = held - taken;
  const released = rest - letGo > 0 && isOver(snapshot, now) ? rest : letGo;
  return { money: { authorized: held + sold, captured: sold + taken, refunded, released }, sold };
}

/** What was paid says of itself how it was. */
function boughtBy(type: "Authorization" | "Sale", { status, paid }: Order): Minor {
  switch (status) {
    case "Paid":
    case "Cancelled":
    case "Reversed":
      return paid?.transactionType === type ? (paid.amount ?? 0) : 0;
    case "Initialized":
    case "Failed":
    case "Aborted":
      return 0;
  }
}

/** What is cancelled was held, whether or not anything says how much. */
function heldBy(order: Order, sold: Minor): Minor {
  const said = boughtBy("Authorization", order);
  return said === 0 && sold === 0 && order.status === "Cancelled" ? order.amount : said;
}

/** Whether nothing is held any more: what was not taken was let go. */
function isOver({ order, operations }: Snapshot, now: number): boolean {
  switch (order.status) {
    case "Cancelled":
    case "Aborted":
    case "Failed":
      return true;
    case "Initialized":
      return false;
    case "Paid":
    case "Reversed":
      if (order.remainingCaptureAmount !== undefined) return order.remainingCaptureAmount === 0;
      // No status says that an authorisation has ended: it is older than it can be, and nothing can be captured.
      return isPast(order, now) && !operations.some(({ rel }) => rel === "capture");
  }
}

/** When an authorisation ends, Unix milliseconds; `undefined` where nothing says since when it lives. */
export function endOf({ transactions, created }: Order): number | undefined {
  const since = transactions.find(({ kind }) => kind === "Authorization")?.created ?? created;
  return since === undefined ? undefined : Date.parse(since) + authorizationLifeMs;
}

function isPast(order: Order, now: number): boolean {
  return (endOf(order) ?? Infinity) <= now;
}
