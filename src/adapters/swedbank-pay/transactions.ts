import type { DesiredTransaction, Minor, TransactionEvent } from "../../contract/adapter.ts";
import type { Standing } from "./money.ts";
import type { Failure, Order, Snapshot, Transaction } from "./schema.ts";

/** Something that happened to the money: what it moved, and the line that it makes once the sum behind it is known. */
interface Happening {
  readonly key: string;
  readonly at: string;
  readonly number: number;
  readonly moves: Minor;
  readonly line: Omit<DesiredTransaction, "key" | "amount">;
}

/** Keys of the lines about money in the order of the log: what earlier looks saw first, then by Swedbank Pay's own time. */
export function seenIn({ order, seen }: Snapshot): readonly string[] {
  const now = inOrder(happeningsIn(order), seen).map(({ key }) => key);
  return [...seen, ...now.filter((key) => !seen.includes(key))];
}

/**
 * The log. Lines say running totals, and a line that stands in Norce never changes: what is carried out later than it was asked for comes
 * behind what was seen before.
 */
export function transactionsOf({ order, seen }: Snapshot, { money, sold }: Standing): readonly DesiredTransaction[] {
  const happenings = happeningsIn(order);
  const isListed = order.transactions.some(({ kind }) => kind === "Sale");
  const told = linesOf(happenings, seen, isListed ? 0 : sold);
  const letGo = told.findLast(({ event, success }) => event === "cancel" && success)?.amount ?? 0;
  return [
    ...attemptsIn(order),
    ...(money.authorized > 0 ? [confirmOf(order, money.authorized, sold)] : []),
    ...(sold > 0 && !isListed ? [{ ...saleLine, key: "sale", amount: sold }] : []),
    ...told,
    ...(money.released > letGo ? [releaseOf(order, money.released)] : []),
    ...endOf(order, money.authorized),
  ];
}

const saleLine = { event: "capture", pspEvent: "Sale", pspStatus: "Paid", success: true } as const;

function confirmOf({ paid }: Order, amount: Minor, sold: Minor): DesiredTransaction {
  const type = sold > 0 ? "Sale" : "Authorization";
  return {
    key: "confirm",
    event: "confirm",
    pspEvent: type,
    pspStatus: "Paid",
    amount,
    success: true,
    facts: { instrument: paid?.instrument ?? null },
  };
}

/** Nobody told of it: it ended, or the payment order was cancelled and the list does not say so. */
function releaseOf({ status }: Order, amount: Minor): DesiredTransaction {
  return { key: "release", event: "cancel", pspEvent: "release", pspStatus: status, amount, success: true };
}

/** Attempts of the shopper's that failed; another may follow in the same payment order. */
function attemptsIn({ failedAttempts }: Order): readonly DesiredTransaction[] {
  const lines = failedAttempts.map(
    ({ number, created = "", status = "Failed", instrument, problem }): DesiredTransaction => ({
      key: `attempt:${number ?? created}`,
      event: "process",
      pspEvent: "attempt",
      pspStatus: status,
      amount: 0,
      success: false,
      errorDetail: problem ?? "the attempt failed",
      facts: { instrument: instrument ?? null },
    }),
  );
  return onePerKey(lines);
}

function endOf({ status, failed }: Order, authorized: Minor): readonly DesiredTransaction[] {
  if (authorized > 0) return [];
  const line = { pspEvent: "paymentOrder", pspStatus: status, amount: 0, success: false } as const;
  switch (status) {
    case "Aborted":
      return [{ ...line, key: "aborted", event: "cancel", errorDetail: "the payment order was aborted" }];
    case "Failed":
      return [{ ...line, key: "failed", event: "process", errorDetail: failed ?? "the payment failed" }];
    case "Cancelled":
      return [{ ...line, key: "cancelled", event: "cancel", errorDetail: "the payment order was cancelled" }];
    case "Initialized":
    case "Paid":
    case "Reversed":
      return [];
  }
}

function happeningsIn(order: Order): readonly Happening[] {
  return onePerKey([
    ...order.transactions.flatMap((transaction) => happeningOf(transaction)),
    ...order.postPurchaseFailedAttempts.flatMap((failure) => troubleOf(failure)),
  ]);
}

function happeningOf({ id, kind, amount, created = "", number = "0" }: Transaction): readonly Happening[] {
  const event = eventOf(kind);
  // What moves nothing makes no line.
  if (event === undefined || amount === 0) return [];
  return [
    {
      key: `${event}:${id.replace(/^.*\//, "")}`,
      at: created,
      number: Number(number),
      moves: amount,
      line: { event, pspEvent: kind, pspStatus: "Completed", success: true },
    },
  ];
}

function eventOf(kind: Transaction["kind"]): "capture" | "cancel" | "refund" | undefined {
  switch (kind) {
    case "Authorization":
      return undefined;
    case "Sale":
    case "Capture":
      return "capture";
    case "Cancellation":
      return "cancel";
    case "Reversal":
      return "refund";
  }
}

/** What a failed operation would have been; `undefined` for one that nobody knows. */
export function triedBy({ type = "" }: Failure): "capture" | "cancel" | "refund" | undefined {
  switch (type.toLowerCase()) {
    case "capture":
      return "capture";
    case "cancellation":
    case "cancel":
      return "cancel";
    case "reversal":
      return "refund";
    default:
      return undefined;
  }
}

/** What tells a failed operation from others: it has no id, only a number. */
export function failureId({ number, created = "" }: Failure): string {
  return number ?? created;
}

function troubleOf(failure: Failure): readonly Happening[] {
  const event = triedBy(failure);
  if (event === undefined) return [];
  const { type = "", created = "", number = "0", problem } = failure;
  return [
    {
      key: `${event}-failed:${failureId(failure)}`,
      at: created,
      number: Number(number),
      moves: 0,
      line: { event, pspEvent: type, pspStatus: "Failed", success: false, errorDetail: problem ?? "it failed" },
    },
  ];
}

/** @param sold what was taken before any of them, where no transaction tells of it */
function linesOf(
  happenings: readonly Happening[],
  seen: readonly string[],
  sold: Minor,
): readonly DesiredTransaction[] {
  const totals = new Map<TransactionEvent, Minor>([["capture", sold]]);
  return inOrder(happenings, seen).map(({ key, moves, line }) => {
    const amount = (totals.get(line.event) ?? 0) + moves;
    totals.set(line.event, amount);
    return { ...line, key, amount };
  });
}

function inOrder(happenings: readonly Happening[], seen: readonly string[]): readonly Happening[] {
  const place = ({ key }: Happening): number => (seen.includes(key) ? seen.indexOf(key) : seen.length);
  return happenings.toSorted(
    (one, other) =>
      place(one) - place(other) ||
      one.at.localeCompare(other.at) ||
      one.number - other.number ||
      one.key.localeCompare(other.key),
  );
}

function onePerKey<Item extends { readonly key: string }>(items: readonly Item[]): readonly Item[] {
  return [...new Map(items.map((item) => [item.key, item])).values()];
}
