import type { DesiredPayment, Money, OperationCall, OperationName } from "../../contract/adapter.ts";
import type { WorkerError } from "../../lib/errors.ts";
import { exponentOf, majorFromMinor, type Minor, minorFromMajor } from "../../lib/money.ts";
import { openAmount } from "../../norce/states.ts";
import { type Facts, refusal as refuseWith } from "../found.ts";
import type { AmountRecord } from "../look/record.ts";

/** How much can still be captured, cancelled or refunded: what the PSP has under way is spoken for. */
export function availableFor(name: OperationName, { money, underWay, available }: DesiredPayment): Minor {
  const said = available?.[name];
  if (said !== undefined) return said;
  if (name === "refund") return money.captured - money.refunded - (underWay?.refund ?? 0);
  return openAmount(money) - (underWay?.capture ?? 0) - (underWay?.cancel ?? 0);
}

/**
 * The amount of an operation in minor units; all that is left where none is asked for.
 * @param asked in major units.
 * @throws WorkerError `Refused` for an amount that the currency does not have.
 */
export function amountOf(name: OperationName, asked: number | undefined, desired: DesiredPayment): Minor {
  if (asked === undefined) return availableFor(name, desired);
  if (!Number.isSafeInteger(Math.round(asked * 10 ** exponentOf(desired.currency))))
    throw refusal("amount-out-of-range", { asked });
  const minor = minorFromMajor(asked, desired.currency);
  if (Math.abs(majorFromMinor(minor, desired.currency) - asked) > 1e-9) throw refusal("too-many-decimals", { asked });
  return minor;
}

/** Insists that the PSP's truth allows the operation. @throws WorkerError `Refused` with a `reason`. */
export function insistPossible({ name, amount, whole }: OperationCall, desired: DesiredPayment): void {
  const { possible, wholeOnly = [], money } = desired;
  const offered = possible.includes(name);
  if (name === "cancel" && money.captured > 0 && !offered) throw refusal("already-captured");
  if (amount <= 0) throw refusal(`nothing-to-${name}`);
  const available = availableFor(name, desired);
  if (amount > available)
    throw refusal(name === "refund" ? "above-captured" : "above-authorized", {
      amount,
      available,
      currency: desired.currency,
    });
  if (!offered) throw refusal("not-possible-now");
  if (!whole && (name === "cancel" || wholeOnly.includes(name))) throw refusal("whole-amount-only");
}

/** Insists that what is delivered is paid for. @throws WorkerError `Refused` `underpaid` with the sums. */
export function insistCovered(name: OperationName, { underpaid, partial }: AmountRecord): void {
  if (name !== "capture" || (underpaid === undefined && partial === undefined)) return;
  const { total, asked } = underpaid ?? {};
  throw refusal("underpaid", { ...(total === undefined ? {} : { total }), ...(asked === undefined ? {} : { asked }) });
}

/** The sums as they will be once what is under way has been carried out. */
export function sumsToBe({ money, underWay = {} }: DesiredPayment): Money {
  return {
    authorized: money.authorized,
    captured: money.captured + (underWay.capture ?? 0),
    refunded: money.refunded + (underWay.refund ?? 0),
    released: money.released + (underWay.cancel ?? 0),
  };
}

/** The sum that an operation moves. */
export function sumMovedBy(name: OperationName, { captured, refunded, released }: Money): Minor {
  switch (name) {
    case "capture":
      return captured;
    case "cancel":
      return released;
    case "refund":
      return refunded;
  }
}

/** An operation that is not possible, by its reason and the values that matter. */
export function refusal(reason: string, facts: Facts = {}): WorkerError {
  return refuseWith(reason, "the operation is not possible", facts);
}
