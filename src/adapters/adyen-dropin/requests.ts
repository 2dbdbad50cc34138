import type { KeptEvent, Minor, OperationCall, OperationName, PspEvent, LogLine } from "../../contract/adapter.ts";
import { type Attempt, factsOf } from "./ledger.ts";
import type { MoneyCode } from "./codes.ts";

/** The lines that our own operations leave: Adyen has received them, and says later what became of them. */
const requestTypes: Readonly<Record<string, OperationName>> = {
  "capture-received": "capture",
  "cancel-received": "cancel",
  "refund-received": "refund",
};

/** What answers a request: what cannot be cancelled any more may be reversed instead, and a failure may come before its success. */
const answers: readonly MoneyCode[] = [
  "CAPTURE",
  "CAPTURE_FAILED",
  "CANCELLATION",
  "TECHNICAL_CANCEL",
  "CANCEL_OR_REFUND",
  "REFUND",
  "REFUND_FAILED",
];

/** The line that says that Adyen has received an operation. */
export function receivedEvent(
  { name, amount, currency, now }: OperationCall,
  payment: string,
  pspReference: string,
): PspEvent & { readonly line: LogLine } {
  const type = `${name}-received`;
  return {
    key: JSON.stringify([type, pspReference]),
    type,
    at: new Date(now).toISOString(),
    reference: payment,
    line: {
      event: name,
      pspStatus: "received",
      amount: 0,
      currency,
      success: true,
      facts: { payment, pspReference, success: true, amount },
    },
  };
}

/** What Adyen has received and not yet answered, by operation. */
export function underWayOf(
  attempt: Attempt,
  events: readonly KeptEvent[],
): Readonly<Partial<Record<OperationName, Minor>>> | undefined {
  const answered = new Set(attempt.words(...answers).map(({ facts }) => facts.pspReference));
  const waiting: Partial<Record<OperationName, Minor>> = {};
  for (const { type, facts: kept } of events) {
    const operation = requestTypes[type];
    if (operation === undefined) continue;
    const { payment, pspReference, amount = 0 } = factsOf(kept);
    if (payment !== attempt.reference || answered.has(pspReference)) continue;
    waiting[operation] = (waiting[operation] ?? 0) + amount;
  }
  return Object.keys(waiting).length === 0 ? undefined : waiting;
}
