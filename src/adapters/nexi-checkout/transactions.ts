import type { DesiredTransaction, Minor } from "../../contract/adapter.ts";
import type { Standing } from "./money.ts";
import type { Payment, Snapshot } from "./schema.ts";

/** Something that happened to the money: what it moved, and the line that it makes once the sum behind it is known. */
interface Happening {
  readonly key: string;
  readonly at: string;
  readonly moves: Minor;
  readonly line: Omit<DesiredTransaction, "key" | "amount">;
}

/** Keys of the lines about charges and refunds in the order of the log: what earlier looks saw first, then by Nexi's own time. */
export function seenIn({ payment, seen }: Snapshot, standing: Standing): readonly string[] {
  const now = [...chargesIn(payment, seen, standing), ...inOrder(refundsIn(payment, seen), seen)].map(({ key }) => key);
  return [...seen, ...now.filter((key) => !seen.includes(key))];
}

/**
 * The log. Lines say running totals, and a line that stands in Norce never changes: refunds are carried out in another order than they were
 * asked for, so that the order in which they were seen counts. Where the lists do not add up to the summary, a line says the sum.
 */
export function transactionsOf({ payment, seen }: Snapshot, standing: Standing): readonly DesiredTransaction[] {
  const { authorized, captured, refunded, released } = standing.money;
  return [
    ...(authorized > 0 ? [confirmOf(payment, authorized)] : []),
    ...withSum("capture", linesOf(chargesIn(payment, seen, standing)), captured),
    ...withSum("refund", linesOf(inOrder(refundsIn(payment, seen), seen)), refunded),
    ...endOf(payment, standing.money, released),
  ];
}

function confirmOf({ summary, paymentDetails }: Payment, amount: Minor): DesiredTransaction {
  const held = (summary?.reservedAmount ?? 0) > 0;
  return {
    key: "confirm",
    event: "confirm",
    pspEvent: held ? "reservation" : "charge",
    pspStatus: held ? "reserved" : "charged",
    amount,
    success: true,
    facts: { paymentMethod: paymentDetails?.paymentMethod ?? null, paymentType: paymentDetails?.paymentType ?? null },
  };
}

/** Charges that the summary counts. What is listed beyond that waits, or has failed. */
function chargesIn(payment: Payment, seen: readonly string[], { money, failed }: Standing): readonly Happening[] {
  const listed = (payment.charges ?? []).map(({ chargeId, amount, created = "" }): Happening & { id: string } => ({
    id: chargeId,
    key: `capture:${chargeId}`,
    at: created,
    moves: amount,
    line: { event: "capture", pspEvent: "charge", pspStatus: "charged", success: true, facts: { chargeId } },
  }));
  const likely = listed.filter(({ id, key, moves }) => seen.includes(key) || (moves > 0 && !failed.has(id)));
  let total = 0;
  return inOrder(likely, seen).filter(({ key, moves }) => {
    if (!seen.includes(key) && total + moves > money.captured) return false;
    total += moves;
    return true;
  });
}

function refundsIn({ refunds }: Payment, seen: readonly string[]): readonly Happening[] {
  return (refunds ?? []).flatMap(({ refundId, state, amount, lastUpdated = "" }): readonly Happening[] => {
    const line = { event: "refund", pspEvent: "refund", pspStatus: state, facts: { refundId } } as const;
    const given = { key: `refund:${refundId}`, at: lastUpdated, moves: amount };
    const stands = seen.includes(given.key);
    const done: Happening = { ...given, line: { ...line, pspStatus: "Completed", success: true } };
    switch (state) {
      case "Completed":
        return amount > 0 ? [done] : [];
      case "Failed":
      case "Expired":
      case "Cancelled": {
        const undone: Happening = {
          key: `refund-${state.toLowerCase()}:${refundId}`,
          at: lastUpdated,
          moves: stands ? -amount : 0,
          line: { ...line, success: false, errorDetail: state },
        };
        return stands ? [done, undone] : [undone];
      }
      case "Pending":
        return [];
    }
  });
}

/** @param happenings in their order */
function linesOf(happenings: readonly Happening[]): readonly DesiredTransaction[] {
  let total = 0;
  return happenings.map(({ key, moves, line }) => {
    total += moves;
    return { ...line, key, amount: total };
  });
}

function withSum(
  event: "capture" | "refund",
  lines: readonly DesiredTransaction[],
  sum: Minor,
): readonly DesiredTransaction[] {
  if (sum === 0 || lines.findLast(({ success }) => success)?.amount === sum) return lines;
  const pspEvent = event === "capture" ? "charge" : "refund";
  return [...lines, { key: `${event}:sum:${sum}`, event, pspEvent, pspStatus: "summary", amount: sum, success: true }];
}

function inOrder<Item extends Pick<Happening, "key" | "at">>(
  happenings: readonly Item[],
  seen: readonly string[],
): readonly Item[] {
  const place = ({ key }: Item): number => (seen.includes(key) ? seen.indexOf(key) : seen.length);
  return happenings.toSorted(
    (one, other) => place(one) - place(other) || one.at.localeCompare(other.at) || one.key.localeCompare(other.key),
  );
}

function endOf(payment: Payment, { authorized }: Standing["money"], released: Minor): readonly DesiredTransaction[] {
  if (released > 0) {
    const cancelled = (payment.summary?.cancelledAmount ?? 0) >= released;
    const pspStatus = cancelled ? "cancelled" : "expired";
    return [{ key: "cancel", event: "cancel", pspEvent: "cancel", pspStatus, amount: released, success: true }];
  }
  if (authorized > 0 || !isTerminated(payment)) return [];
  const line = { event: "process", pspEvent: "payment", pspStatus: "terminated", amount: 0, success: false } as const;
  return [{ ...line, key: "process:terminated", errorDetail: "terminated" }];
}

/** Whether Nexi, or somebody who told it to, ended the payment before it was completed. */
export function isTerminated({ terminated }: Payment): boolean {
  return terminated !== undefined && terminated !== null && terminated !== "";
}
