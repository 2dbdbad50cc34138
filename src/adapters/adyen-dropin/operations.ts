import { WorkerError } from "../../lib/errors.ts";
import type { Json, KeptEvent, Operation, OperationCall, Operations } from "../../contract/adapter.ts";
import { adyenFromMinor } from "./amounts.ts";
import { type Modification, modify } from "./client.ts";
import type { Config } from "./config.ts";
import { fold } from "./fold.ts";

type Does = Operation<Config, readonly KeptEvent[]>;

/** For how long Adyen knows a key at the least (docs/psp/adyen.md, g). */
const keyDays = 7;

/** Capture, cancel and refund (docs/psp/adyen.md, g): each is received at once and carried out later. */
export const operations: Operations<Config, readonly KeptEvent[]> = {
  repeat: { idempotencyKeyHours: keyDays * 24 },
  capture: doing("captures", (call) => ({ amount: amountOf(call) })),
  cancel: doing("cancels", () => ({})),
  refund: doing("refunds", (call) => ({ amount: amountOf(call) })),
};

function doing(modification: Modification, bodyOf: (call: OperationCall) => Readonly<Record<string, Json>>): Does {
  return async (call, truth, context) => {
    const payment = fold(truth, context);
    if (payment === null) throw new WorkerError("Refused", "adyen-dropin knows no authorisation of this payment");
    return await modify(modification, payment.reference, call, bodyOf(call), context);
  };
}

function amountOf({ amount, currency }: OperationCall): Json {
  const value = adyenFromMinor(amount, currency);
  if (value === undefined)
    throw new WorkerError("Refused", "the amount cannot be said in Adyen's units", { context: { currency } });
  return { value, currency };
}
