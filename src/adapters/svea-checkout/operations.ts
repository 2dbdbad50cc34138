import { isWorkerError, WorkerError } from "../../lib/errors.ts";
import type {
  LookContext,
  Minor,
  Money,
  OperationCall,
  OperationName,
  OperationResult,
  Operations,
} from "../../contract/adapter.ts";
import { askedResult, patienceSeconds } from "./asked.ts";
import { readOrder, tell, type Told } from "./client.ts";
import type { Config } from "./config.ts";
import { map } from "./map.ts";
import { moneyOf } from "./money.ts";
import { isCredited, refundRequest } from "./refunds.ts";
import type { Order, Snapshot } from "./schema.ts";

/**
 * What Payment Admin can be told. It documents no idempotency key; sums that are to be reached are refused when they
 * are repeated, and what was carried out shows in the order (docs/psp/svea.md, g).
 */
export const operations: Operations<Config, Snapshot> = {
  repeat: "look-first",
  patienceSeconds,

  /** Everything that is left: an empty list means all rows. */
  capture: async (call, truth, context) =>
    await carryOut(call, truth, context, () => ({
      method: "POST",
      path: "/deliveries",
      route: "/deliveries",
      body: { OrderRowIds: [] },
    })),

  /** All of it closes the order; a part is named by the sum that is to be cancelled in the end. */
  cancel: async (call, truth, context) =>
    await carryOut(call, truth, context, (order) => {
      const closes = call.whole && order.Actions.includes("CanCancelOrder");
      const body = closes ? { IsCancelled: true } : { CancelledAmount: order.CancelledAmount + call.amount };
      return { method: "PATCH", path: "", route: "", body };
    }),

  refund: async (call, truth, context) => {
    if (truth.order !== null && isCredited(truth.order, call.id)) return { is: "done" };
    const creditRow = { name: context.config.creditRowName, operationId: call.id };
    return await carryOut(call, truth, context, (order) => refundRequest(order, call.amount, creditRow));
  },
};

async function carryOut(
  call: OperationCall,
  { order }: Snapshot,
  context: LookContext<Config>,
  requestFor: (order: Order) => Told | undefined,
): Promise<OperationResult> {
  const request = order === null ? undefined : requestFor(order);
  if (order === null || request === undefined) return { is: "refused", reason: `${call.name}-not-possible` };
  try {
    return askedResult(call, order, moneyOf(order), await tell(order, request, context));
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return await judge(call, order, error, context);
  }
}

/**
 * Svea refuses what it has done already, and what it is doing, in the same way as what it will not do: the order tells
 * which it is.
 * @throws WorkerError `Conflict` where something is under way.
 */
async function judge(
  call: OperationCall,
  before: Order,
  error: WorkerError,
  context: LookContext<Config>,
): Promise<OperationResult> {
  const order = await readOrder(before.Id, context);
  if (order === null) return { is: "refused", reason: reasonOf(error) };
  if (reachedBy(call.name, moneyOf(order)) - reachedBy(call.name, moneyOf(before)) >= call.amount)
    return { is: "done" };
  const { possible } = map({ noted: {}, order, checkout: null }, { kept: [], now: call.now });
  if (error.kind === "Conflict" || !possible.includes(call.name))
    throw new WorkerError("Conflict", "svea-checkout is at work on this order", { context: error.context });
  return { is: "refused", reason: reasonOf(error) };
}

/**
 * The sum that the operation raises; a card that is cancelled after its delivery has given back what is captured no
 * more.
 */
function reachedBy(name: OperationName, { captured, refunded, released }: Money): Minor {
  switch (name) {
    case "capture":
      return captured;
    case "cancel":
      return released;
    case "refund":
      return refunded - captured;
  }
}

/** Svea judged the request and turned it down. 401 and 403 are about us, not about the request. */
function isRefusal(error: unknown): error is WorkerError {
  if (isWorkerError(error, "Conflict")) return true;
  return isWorkerError(error, "Refused") && error.context["status"] !== 403;
}

/** Svea's own code where it can be had, else the status. */
function reasonOf({ context }: WorkerError): string {
  return typeof context["code"] === "string" ? context["code"] : `http-${String(context["status"])}`;
}
