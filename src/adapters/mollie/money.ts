import { WorkerError } from "../../lib/errors.ts";
import { sum } from "../../lib/money.ts";
import type { Minor, Money } from "../../contract/adapter.ts";
import { happenedTo, minorOf, type Payment, type Refund } from "./schema.ts";

/** The sums, and what Mollie has accepted and not carried out yet. */
export interface Standing {
  readonly money: Money;
  readonly capturing: Minor;
  readonly refunding: Minor;
}

/**
 * Where the payment's money is. No status says it: a payment that was refunded, or charged back, stays `paid` for ever (docs/psp/mollie.md, d).
 */
export function standingOf(payment: Payment): Standing {
  const { refunds, captures, chargebacks } = happenedTo(payment);
  const worth = ({ amount }: Pick<Refund, "amount">): Minor => minorOf(amount, payment);
  const captured = captures.filter(({ status }) => status === "succeeded");
  const refunded = refunds.filter(({ status }) => status === "refunded");
  const standing = chargebacks.filter(({ reversedAt }) => !isReversed(reversedAt));
  const taken = takenOf(payment, sum(captured, worth));
  const held = wasHeld(payment) ? minorOf(payment.amount, payment) : 0;
  const givenBack = sum(refunded, worth) + sum(standing, worth);
  if (taken > held)
    throw new WorkerError("Unmapped", "mollie says that more was taken than there was", {
      context: { status: payment.status, held, taken },
    });
  return {
    money: {
      authorized: held,
      captured: taken,
      // A refund may be over more than was paid (the costs of sending it back), and a bank may take back what was refunded before.
      refunded: Math.min(taken, givenBack),
      released: isOver(payment) ? held - taken : 0,
    },
    capturing: sum(
      captures.filter(({ status }) => status === "pending"),
      worth,
    ),
    refunding: sum(
      refunds.filter(({ status }) => status === "queued" || status === "pending" || status === "processing"),
      worth,
    ),
  };
}

/** Whether a chargeback has been won back. */
export function isReversed(reversedAt: string | null | undefined): boolean {
  return reversedAt !== undefined && reversedAt !== null && reversedAt !== "";
}

/** Paid at once takes all of it; what was held is taken as far as captures went through. */
function takenOf(payment: Payment, captured: Minor): Minor {
  const { status, amountCaptured, amount } = payment;
  // Where captures are listed, they say which of them went through.
  const isListed = happenedTo(payment).captures.length > 0;
  const said =
    isListed || amountCaptured === null || amountCaptured === undefined ? 0 : minorOf(amountCaptured, payment);
  switch (status) {
    case "paid":
      return captured || said || minorOf(amount, payment);
    case "authorized":
    case "canceled":
    case "expired":
      return captured || said;
    case "open":
    case "pending":
    case "failed":
      return 0;
  }
}

function wasHeld({ status, authorizedAt }: Payment): boolean {
  switch (status) {
    case "authorized":
    case "paid":
      return true;
    case "canceled":
    case "expired":
      return authorizedAt !== undefined && authorizedAt !== null && authorizedAt !== "";
    case "open":
    case "pending":
    case "failed":
      return false;
  }
}

/** Nothing is held any more: what was not taken was let go. */
function isOver({ status }: Payment): boolean {
  return status === "paid" || status === "canceled" || status === "expired";
}
