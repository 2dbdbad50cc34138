import { isWorkerError, type WorkerError } from "../../lib/errors.ts";
import { majorFromMinor, type Minor, minorFromMajor } from "../../lib/money.ts";
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
import { type Deed, ledgerNoted, lineKey, lineType } from "./ledger.ts";
import type { Purchase, Snapshot } from "./schema.ts";

type Lines = readonly Readonly<Record<string, Json>>[];

/** How long a line's text may be (docs/psp/avarda.md, g). */
const textLength = 35;

/**
 * What Avarda can be told after the purchase. It answers at once, promises nothing about a repeated `tranId` and cannot be asked
 * afterwards: an operation whose answer was lost is never sent again by itself.
 * https://docs.avarda.com/checkout-3/order-management/
 */
export const operations: Operations<Config, Snapshot> = {
  repeat: "never",

  /** What is delivered is what Avarda pays for and what stands on the invoice. */
  capture: async (call, { purchase }, context) => {
    const items = linesOf(purchase, call, "Delivery");
    return await done("delivered", call, purchase, context, "order", { items });
  },

  /** Avarda cancels a purchase of which nothing was delivered or given back; of any other it lets go of the rest. */
  cancel: async (call, { purchase }, context) => {
    const { delivered, givenBack } = ledgerNoted(context.memory);
    return delivered + givenBack === 0
      ? await done("cancelled", call, purchase, context, "cancel", { reason: "Cancelled by the merchant" })
      : await done("cancelled", call, purchase, context, "refundRemaining", {});
  },

  /** What was delivered is returned; what never was goes back from the purchase itself. */
  refund: async (call, { purchase }, context) => {
    const { delivered, returned } = ledgerNoted(context.memory);
    if (delivered > returned) {
      if (call.amount > delivered - returned) return { is: "refused", reason: "more-than-delivered" };
      const items = linesOf(purchase, call, "Return");
      return await done("returned", call, purchase, context, "return", { items });
    }
    // `/refund` without an amount would give back everything: the two are never told apart by leaving it out.
    const amount = majorFromMinor(call.amount, call.currency);
    return call.whole
      ? await done("givenBack", call, purchase, context, "refundRemaining", {})
      : await done("givenBack", call, purchase, context, "refund", { amount });
  },
};

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
    orderReference: orderReference === "" ? context.payment.paymentId.slice(0, referenceLength) : orderReference,
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

/**
 * What stands on the invoice: the purchase's own lines where all of it moves at once, else one line with its share of the tax.
 * Nobody tells us which goods a part of the amount is for.
 */
function linesOf({ items, totalPrice }: Purchase, { amount, currency }: OperationCall, text: string): Lines {
  const minor = (major: number): Minor => minorFromMajor(major, currency);
  const bought = items ?? [];
  const worth = bought.reduce((sum, item) => sum + minor(item.amount), 0);
  if (bought.length > 0 && worth === amount && amount === minor(totalPrice))
    return bought.map(({ description, taxCode, taxAmount, quantity, ...item }) => ({
      description: description.slice(0, textLength),
      amount: item.amount,
      ...present({ taxCode, taxAmount, quantity }),
    }));
  const tax = bought.reduce((sum, { taxAmount }) => sum + minor(taxAmount ?? 0), 0);
  const codes = new Set(bought.map(({ taxCode }) => taxCode ?? ""));
  const [code = ""] = codes;
  const share = worth === 0 ? 0 : Math.round((tax * amount) / worth);
  return [
    {
      description: text,
      amount: majorFromMinor(amount, currency),
      // A code that is not every line's would be wrong for some of it.
      ...(codes.size === 1 && code !== "" ? { taxCode: code } : {}),
      taxAmount: majorFromMinor(share, currency),
      quantity: 1,
    },
  ];
}

/** Without what the purchase leaves out. */
function present(facts: Readonly<Record<string, Json | undefined>>): Record<string, Json> {
  return Object.fromEntries(
    Object.entries(facts).filter((entry): entry is [string, Json] => entry[1] !== undefined && entry[1] !== null),
  );
}
