import { WorkerError } from "../../lib/errors.ts";
import { sum } from "../../lib/money.ts";
import type { Minor, Money } from "../../contract/adapter.ts";
import { isAwaited, isUnknown } from "./patience.ts";
import { type Ended, idFrom, minorOf, msOf, type Refund, type Snapshot } from "./schema.ts";

/** The sums, what Swish has accepted and not carried out yet, and every refund that has come to its end, in the order in which that was seen. */
export interface Standing {
  readonly money: Money;
  readonly refunding: Minor;
  readonly ended: readonly Ended[];
}

/** Where the payment's money is: taken at once, and given back by the refunds that are known. @throws WorkerError `Unmapped` */
export function standingOf({ payment, refunds, ended: earlier }: Snapshot): Standing {
  const taken = payment.status === "PAID" ? minorOf(payment) : 0;
  const ended = [...earlier, ...refunds.filter(hasEnded).toSorted(byTime).map(endOf)];
  const refunded = sum(
    ended.filter(({ is }) => is === "PAID"),
    ({ amount }) => amount,
  );
  if (refunded > taken)
    throw new WorkerError("Unmapped", "swish says that more was given back than there was", {
      context: { status: payment.status, taken, refunded },
    });
  const refunding = sum(refunds.filter(isAwaited), minorOf);
  return { money: { authorized: taken, captured: taken, refunded, released: 0 }, refunding, ended };
}

/** A refund of which Swish does not know what became of it has not ended. */
function hasEnded(refund: Refund): boolean {
  return (refund.status === "PAID" || refund.status === "ERROR") && !isUnknown(refund);
}

function byTime(one: Refund, other: Refund): number {
  return timeOf(one) - timeOf(other) || one.id.localeCompare(other.id);
}

function timeOf({ datePaid, dateCreated }: Refund): number {
  return msOf(datePaid ?? dateCreated);
}

function endOf(refund: Refund): Ended {
  const { status, errorCode } = refund;
  return {
    id: idFrom(refund.id) ?? refund.id,
    is: status === "PAID" ? "PAID" : "ERROR",
    amount: minorOf(refund),
    ...(status === "PAID" || errorCode === undefined || errorCode === null ? {} : { code: errorCode }),
  };
}
