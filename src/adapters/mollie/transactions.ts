import type { DesiredTransaction, Minor } from "../../contract/adapter.ts";
import { isReversed, type Standing } from "./money.ts";
import { happenedTo, minorOf, type Payment, type Snapshot } from "./schema.ts";

/** Something that happened to the money: what it moved, and the line that it makes once the sum behind it is known. */
interface Happening {
  readonly key: string;
  readonly at: string;
  readonly moves: Minor;
  readonly line: Omit<DesiredTransaction, "key" | "amount">;
}

/** Keys of the lines about captures and refunds in the order of the log: what earlier looks saw first, then by Mollie's own time. */
export function seenIn({ payment, seen }: Snapshot): readonly string[] {
  const now = inOrder([...capturesIn(payment), ...refundsIn(payment, seen)], seen).map(({ key }) => key);
  return [...seen, ...now.filter((key) => !seen.includes(key))];
}

/**
 * The log. Lines say running totals, and a line that stands in Norce never changes: Mollie carries refunds out in another order than they
 * were asked for, so that the order in which they were seen counts.
 */
export function transactionsOf({ payment, seen }: Snapshot, { money }: Standing): readonly DesiredTransaction[] {
  const captures = linesOf(capturesIn(payment), seen);
  return [
    ...(money.authorized > 0 ? [confirmOf(payment, money.authorized)] : []),
    ...(money.captured > 0 && !captures.some(({ success }) => success) ? [unlisted(payment, money.captured)] : []),
    ...captures,
    ...linesOf(refundsIn(payment, seen), seen, money.captured),
    ...endOf(payment, money.released),
  ];
}

function confirmOf(payment: Payment, amount: Minor): DesiredTransaction {
  const held = payment.status === "paid" && payment.authorizedAt === undefined ? "paid" : "authorized";
  return {
    key: "confirm",
    event: "confirm",
    pspEvent: `payment.${held}`,
    pspStatus: held,
    amount,
    success: true,
    facts: { method: payment.method ?? null },
  };
}

/** What was taken and no capture tells of: paid at once, or said as a sum alone, which may yet grow. */
function unlisted({ status }: Payment, amount: Minor): DesiredTransaction {
  const [key, pspEvent] = status === "paid" ? ["capture", "payment.paid"] : [`capture:${amount}`, "amountCaptured"];
  return { key, event: "capture", pspEvent, pspStatus: "succeeded", amount, success: true };
}

function capturesIn(payment: Payment): readonly Happening[] {
  const { captures } = happenedTo(payment);
  return captures.flatMap(({ id, status, amount, createdAt = "" }): Happening[] => {
    const line = { event: "capture", pspEvent: "capture", pspStatus: status } as const;
    switch (status) {
      case "succeeded":
        return moving({
          key: `capture:${id}`,
          at: createdAt,
          moves: minorOf(amount, payment),
          line: { ...line, success: true },
        });
      case "failed":
        return [
          {
            key: `capture-failed:${id}`,
            at: createdAt,
            moves: 0,
            line: { ...line, success: false, errorDetail: "the capture failed" },
          },
        ];
      case "pending":
        return [];
    }
  });
}

/** Refunds and chargebacks: both give back. */
function refundsIn(payment: Payment, seen: readonly string[]): readonly Happening[] {
  const { refunds, chargebacks } = happenedTo(payment);
  return [
    ...refunds.flatMap(({ id, status, amount, createdAt = "" }): readonly Happening[] => {
      const line = { event: "refund", pspEvent: "refund" } as const;
      const given: Happening = {
        key: `refund:${id}`,
        at: createdAt,
        moves: minorOf(amount, payment),
        line: { ...line, pspStatus: "refunded", success: true },
      };
      switch (status) {
        case "refunded":
          return moving(given);
        case "failed":
        case "canceled":
          return undone(seen, given, {
            key: `refund-${status}:${id}`,
            line: { ...line, pspStatus: status, success: false, errorDetail: `the refund was ${status}` },
          });
        case "queued":
        case "pending":
        case "processing":
          return [];
      }
    }),
    ...chargebacks.flatMap(({ id, amount, createdAt = "", reversedAt }): readonly Happening[] => {
      const line = { event: "refund", pspEvent: "chargeback", success: true } as const;
      const taken: Happening = {
        key: `chargeback:${id}`,
        at: createdAt,
        moves: minorOf(amount, payment),
        line: { ...line, pspStatus: "chargeback" },
      };
      if (!isReversed(reversedAt)) return moving(taken);
      return undone(seen, taken, { key: `chargeback-reversed:${id}`, line: { ...line, pspStatus: "reversed" } });
    }),
  ];
}

/** What was seen to happen and is undone stands in the log, and its undoing takes it back; what was never seen moved nothing. */
function undone(
  seen: readonly string[],
  happened: Happening,
  undoing: Pick<Happening, "key" | "line">,
): readonly Happening[] {
  const stands = seen.includes(happened.key);
  return [...(stands ? [happened] : []), { ...undoing, at: happened.at, moves: stands ? -happened.moves : 0 }];
}

/** What moves nothing makes no line. */
function moving(happening: Happening): Happening[] {
  return happening.moves > 0 ? [happening] : [];
}

/** @param most what the sum of them may be at most: more than that can have been given back */
function linesOf(
  happenings: readonly Happening[],
  seen: readonly string[],
  most = Infinity,
): readonly DesiredTransaction[] {
  let total = 0;
  return inOrder(happenings, seen).map(({ key, moves, line }) => {
    total += moves;
    return { ...line, key, amount: Math.min(total, most) };
  });
}

function inOrder(happenings: readonly Happening[], seen: readonly string[]): readonly Happening[] {
  const place = ({ key }: Happening): number => (seen.includes(key) ? seen.indexOf(key) : seen.length);
  return happenings.toSorted(
    (one, other) => place(one) - place(other) || one.at.localeCompare(other.at) || one.key.localeCompare(other.key),
  );
}

function endOf({ status, failureReason }: Payment, released: Minor): readonly DesiredTransaction[] {
  if (released > 0)
    return [
      { key: "cancel", event: "cancel", pspEvent: "release", pspStatus: status, amount: released, success: true },
    ];
  const failed = { pspEvent: "payment", pspStatus: status, amount: 0, success: false } as const;
  switch (status) {
    case "failed":
      return [
        {
          ...failed,
          key: "process:failed",
          event: "process",
          errorDetail: failureReason ?? "the payment failed",
        },
      ];
    case "canceled":
    case "expired":
      return [{ ...failed, key: `process:${status}`, event: "process", errorDetail: `the payment was ${status}` }];
    case "open":
    case "pending":
    case "authorized":
    case "paid":
      return [];
  }
}
