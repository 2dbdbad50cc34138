import { isWorkerError, WorkerError } from "../../lib/errors.ts";
import { majorFromMinor, minorFromMajor } from "../../lib/money.ts";
import { pathOf } from "../../lib/http.ts";
import type {
  Json,
  LogLine,
  LookContext,
  Money,
  Operation,
  OperationCall,
  OperationResult,
  Operations,
  PspEvent,
} from "../../contract/adapter.ts";
import { isStatus } from "../../lib/read.ts";
import { manageHttp, readOrder } from "./client.ts";
import type { Config } from "./config.ts";
import { acceptedLine, acceptedType, patienceSeconds } from "./kept.ts";
import { moneyOf } from "./money.ts";
import type { Order, Snapshot } from "./schema.ts";

/**
 * Walley accepts (202) and carries out within seconds; reads lag behind by up to a minute. A key is known for a day, and its answer is
 * repeated for an hour. https://dev.walleypay.com/docs/paymentsApi/getting-started/idempotent-requests
 */
export const operations: Operations<Config, Snapshot> = {
  repeat: { idempotencyKeyHours: 24 },
  patienceSeconds,
  // By amount and without items: https://dev.walleypay.com/docs/manage/orders/capture
  capture: tell((call) => amountOf(call)),
  cancel: tell(() => undefined),
  // By amount: lines fail where a rounding fee differs (docs/psp/walley.md, i).
  refund: tell((call) => amountOf(call)),
};

function tell(bodyOf: (call: OperationCall) => Json | undefined): Operation<Config, Snapshot> {
  return async (call, { order }, context) => {
    // Without an order there is nothing that `map` would have called possible.
    if (order === null) return { is: "refused", reason: "no-order" };
    const before = moneyOf(order, minorFromMajor(order.totalAmount, order.currency));
    const body = bodyOf(call);
    try {
      await manageHttp(context)({
        method: "POST",
        path: pathOf`/manage/orders/${order.id}/${call.name}`,
        route: `/manage/orders/{orderId}/${call.name}`,
        headers: { "X-idempotency": call.id },
        ...(body === undefined ? {} : { body }),
        signal: context.signal,
      });
    } catch (error) {
      return await judge(error, call, order, before, context);
    }
    return { is: "accepted", pspId: call.id, event: eventOf(call, before) };
  };
}

/** The amount, and our own id of the operation, which Walley shows as its reference. */
function amountOf({ id, amount, currency }: OperationCall): Json {
  return { amount: majorFromMinor(amount, currency), actionReference: id };
}

/** @throws WorkerError where the outcome is unknown or the operation is to be tried again. */
async function judge(
  error: unknown,
  call: OperationCall,
  order: Order,
  before: Money,
  context: LookContext<Config>,
): Promise<OperationResult> {
  // Walley knows the key and has carried it out: what it came to is for the next look.
  if (isWorkerError(error, "Conflict") && error.context["status"] !== 409) return { is: "done" };
  if (!isWorkerError(error, "Refused")) throw error;
  // The order has just been read: the half that is told lags behind the one that is asked.
  if (isStatus(error, 404))
    throw new WorkerError("Conflict", "walley-checkout does not know the order here yet", { context: error.context });
  if (await isReached(call, order, before, context)) return { is: "done" };
  const { code, status } = error.context;
  return { is: "refused", reason: typeof code === "string" ? code : `http-${String(status)}` };
}

/** What has been done already is refused as well: the order tells. */
async function isReached(
  { name, amount }: OperationCall,
  { id }: Order,
  before: Money,
  context: LookContext<Config>,
): Promise<boolean> {
  const order = await readOrder(id, context, false);
  if (order === null) return false;
  const now = moneyOf(order, before.authorized);
  const sum = ({ capture: "captured", cancel: "released", refund: "refunded" } as const)[name];
  return now[sum] >= before[sum] + amount;
}

function eventOf(call: OperationCall, before: Money): PspEvent & { readonly line: LogLine } {
  return {
    key: `accepted:${call.id}`,
    type: acceptedType,
    at: new Date(call.now).toISOString(),
    line: acceptedLine(call.name, call.amount, call.currency, before),
  };
}
