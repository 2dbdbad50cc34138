import { isWorkerError, type WorkerError } from "../../lib/errors.ts";
import { majorFromMinor } from "../../lib/money.ts";
import { cut } from "../../lib/text.ts";
import type {
  Json,
  LogLine,
  LookContext,
  OperationCall,
  OperationResult,
  Operations,
  PspEvent,
  TransactionEvent,
} from "../../contract/adapter.ts";
import { type Call, referenceLength, tell } from "./client.ts";
import type { Config } from "./config.ts";
import { type Deed, ledgerFrom, lineKey, lineType } from "./ledger.ts";
import { rowsFor } from "./rows.ts";
import type { Purchase, Snapshot } from "./schema.ts";

/**
 * What Avarda can be told after the purchase. It answers at once, promises nothing about a repeated `tranId` and cannot be asked
 * afterwards: an operation whose answer was lost is never sent again by itself.
 * https://docs.avarda.com/checkout-3/order-management/
 */
export const operations: Operations<Config, Snapshot> = {
  repeat: "never",

  /** What is delivered is what Avarda pays for and what stands on the invoice. */
  capture: async (call, { purchase }, context) => {
    const items = rowsFor(purchase, call, "Delivery");
    return items === undefined ? noRows : await done("delivered", call, purchase, context, "order", { items });
  },

  /** Avarda cancels a purchase of which nothing was delivered or given back; of any other it lets go of the rest. */
  cancel: async (call, { purchase }, context) => {
    const { delivered, givenBack } = ledgerFrom(await context.kept());
    return delivered + givenBack === 0
      ? await done("cancelled", call, purchase, context, "cancel", { reason: cancelled })
      : await done("cancelled", call, purchase, context, "refundRemaining", { note: cancelled });
  },

  /** What was delivered is returned; what never was goes back from the purchase itself. */
  refund: async (call, { purchase }, context) => {
    const { delivered, returned } = ledgerFrom(await context.kept());
    if (delivered > returned) {
      if (call.amount > delivered - returned) return { is: "refused", reason: "more-than-delivered" };
      const items = rowsFor(purchase, call, "Return");
      return items === undefined ? noRows : await done("returned", call, purchase, context, "return", { items });
    }
    // `/refund` without an amount would give back everything: the two are never told apart by leaving it out.
    const amount = majorFromMinor(call.amount, call.currency);
    return call.whole
      ? await done("givenBack", call, purchase, context, "refundRemaining", {})
      : await done("givenBack", call, purchase, context, "refund", { amount });
  },
};

/** What people read in Avarda's back office. */
const cancelled = "Cancelled by the merchant";

const noRows: OperationResult = { is: "refused", reason: "rows-unreadable" };

const events: Readonly<Record<Deed, TransactionEvent>> = {
  delivered: "capture",
  returned: "refund",
  givenBack: "refund",
  cancelled: "cancel",
};

async function done(
  deed: Deed,
  call: OperationCall,
  purchase: Purchase,
  context: LookContext<Config>,
  path: Call,
  body: Readonly<Record<string, Json>>,
): Promise<OperationResult> {
  const orderReference = purchase.extraIdentifiers?.orderReference ?? "";
  const identified = {
    orderReference: orderReference === "" ? cut(context.payment.paymentId, referenceLength) : orderReference,
    tranId: call.id,
    ...body,
  };
  try {
    await tell(context, purchase, path, path === "cancel" ? body : identified);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    // Avarda's refusals are sentences in several shapes; the status is all that is a code.
    return { is: "refused", reason: `${path}-${String(error.context["status"])}` };
  }
  return { is: "done", event: eventOf(deed, call, path, purchase) };
}

/** Avarda judged the call and turned it down. 403 and 401 are about us, not about the call. */
function isRefusal(error: unknown): error is WorkerError {
  return isWorkerError(error, "Refused") && error.context["status"] !== 403;
}

/** The only trace of what was done: `map` adds these lines up. */
function eventOf(
  deed: Deed,
  call: OperationCall,
  path: Call,
  { purchaseId }: Purchase,
): PspEvent & { readonly line: LogLine } {
  return {
    key: lineKey(call.id),
    type: lineType(deed),
    at: null,
    reference: purchaseId,
    line: {
      event: events[deed],
      pspStatus: "204",
      amount: call.amount,
      currency: call.currency,
      success: true,
      facts: { call: path, ...(path === "cancel" ? {} : { tranId: call.id }) },
    },
  };
}
