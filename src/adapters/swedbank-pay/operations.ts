import { isWorkerError, WorkerError } from "../../lib/errors.ts";
import { sum } from "../../lib/money.ts";
import type { LookContext, Minor, OperationCall, OperationResult, Operations } from "../../contract/adapter.ts";
import { ask, contentType, type Item, orderRoute, readItems } from "./client.ts";
import type { Config } from "./config.ts";
import { isInvoiced, mostFailures } from "./map.ts";
import { payeeReferenceOf } from "./reference.ts";
import { acceptedReversal, reversalPatienceMs } from "./reversals.ts";
import type { Order, Snapshot, Transaction } from "./schema.ts";

/**
 * What Swedbank Pay can be told. It takes each `payeeReference` once and has no idempotency key: a repeat is refused, so that a look comes first.
 * Five refused captures or reversals lock the payment order (docs/psp/swedbank-pay.md, g).
 */
export const operations: Operations<Config, Snapshot> = {
  repeat: "look-first",
  patienceSeconds: reversalPatienceMs / 1_000,
  mostTries: mostFailures,
  capture: async (call, snapshot, context) =>
    await tellAmount(call, "capture", "Capture", ["Sale", "Capture"], snapshot, context),
  // No amount: all that was not captured is let go.
  cancel: async (call, snapshot, context) => await tell(call, "cancel", snapshot, context, { description: "Cancel" }),
  refund: async (call, snapshot, context) =>
    await tellAmount(call, "reversal", "Refund", ["Reversal"], snapshot, context),
};

/** What is said of an operation, apart from its reference. */
interface Said {
  /** At most 40 characters. */
  readonly description: string;
  readonly amount?: Minor;
  readonly vatAmount?: Minor;
  readonly orderItems?: readonly Item[];
}

/** @param before kinds of transactions that say how much of it there was already */
async function tellAmount(
  call: OperationCall,
  rel: string,
  description: string,
  before: readonly Transaction["kind"][],
  snapshot: Snapshot,
  context: LookContext<Config>,
): Promise<OperationResult> {
  const { order } = snapshot;
  const said = { description, amount: call.amount, vatAmount: vatOf(call.amount, order, before) };
  if (!isInvoiced(order)) return await tell(call, rel, snapshot, context, said);
  const orderItems = await readItems(order.id, context);
  // Lines that are sent are all of them, or none.
  if (orderItems === null || sum(orderItems, ({ amount }) => amount) !== call.amount)
    return { is: "refused", reason: "order-items-incomplete" };
  return await tell(call, rel, snapshot, context, { ...said, orderItems });
}

/** The part of the VAT that falls to an amount: in the end, all parts are the whole. */
export function vatOf(amount: Minor, order: Order, before: readonly Transaction["kind"][]): Minor {
  const { vatAmount = 0, amount: whole, transactions } = order;
  if (whole === 0) return 0;
  const done = sum(
    transactions.filter(({ kind }) => before.includes(kind)),
    (transaction) => transaction.amount,
  );
  const upTo = (total: Minor): Minor => Math.round((vatAmount * total) / whole);
  return Math.min(amount, Math.max(0, upTo(done + amount) - upTo(done)));
}

/** @throws WorkerError where the outcome is unknown, or nothing was said about the operation */
async function tell(
  call: OperationCall,
  rel: string,
  { operations: offered }: Snapshot,
  context: LookContext<Config>,
  said: Said,
): Promise<OperationResult> {
  const path = offered.find((offer) => offer.rel === rel)?.path;
  // While a reversal is under way nothing is offered: what was sent before may be just that.
  if (path === undefined)
    throw new WorkerError("Conflict", "swedbank pay does not offer the operation now", {
      context: { reason: "not-offered", rel },
    });
  const payeeReference = payeeReferenceOf(call, context.config);
  try {
    const { status } = await ask(context)({
      method: "POST",
      path,
      route: `${orderRoute}/${path.replace(/^.*\//, "")}`,
      raw: { type: contentType, text: JSON.stringify({ transaction: { ...said, payeeReference } }) },
      signal: context.signal,
    });
    if (status !== 202) return { is: "done" };
    const event = call.name === "refund" ? { event: acceptedReversal(payeeReference, call.amount, call.now) } : {};
    return { is: "accepted", ...event };
  } catch (error) {
    if (!isWorkerError(error, "Refused")) throw error;
    const { code, status } = error.context;
    return { is: "refused", reason: typeof code === "string" ? code : `HTTP_${String(status)}` };
  }
}
