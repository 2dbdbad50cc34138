import type { KeptEvent, OperationResult } from "../../contract/adapter.ts";
import type { Order } from "./schema.ts";
import { triedBy } from "./transactions.ts";

const dayMs = 24 * 60 * 60 * 1_000;
/** A reversal of a bank link takes up to three days (docs/psp/swedbank-pay.md, e); from then on nobody counts on it. */
export const reversalPatienceMs = 4 * dayMs;
/** How far two clocks may be apart. */
const clocksApartMs = 5 * 60_000;

const type = "reversal-accepted";

/** A reversal that was accepted and that nothing shows yet. */
export interface PendingReversal {
  readonly amount: number;
  /** ISO 8601. */
  readonly at: string;
}

/** The line by which an accepted reversal is remembered: until it is carried out, no question to Swedbank Pay tells of it. */
export function acceptedReversal(
  payeeReference: string,
  amount: number,
  now: number,
): NonNullable<Extract<OperationResult, { readonly is: "done" | "accepted" }>["event"]> {
  return {
    key: `${type}:${payeeReference}`,
    type,
    at: new Date(now).toISOString(),
    // It has moved nothing, so that it is no line of a refund.
    line: { event: "process", pspStatus: "pending", amount: 0, success: true, facts: { payeeReference, amount } },
  };
}

/**
 * Accepted reversals of which neither the transactions nor the failures tell. A failure names no reference: each answers the oldest that was
 * accepted before it.
 */
export function pendingReversals(order: Order, kept: readonly KeptEvent[], now: number): readonly PendingReversal[] {
  const carriedOut = new Set(order.transactions.map(({ payeeReference }) => payeeReference));
  const open = kept
    .flatMap(({ type: what, at, facts }) => {
      const { payeeReference, amount } = facts ?? {};
      if (what !== type || at === null || typeof payeeReference !== "string" || typeof amount !== "number") return [];
      return carriedOut.has(payeeReference) ? [] : [{ amount, at }];
    })
    .toSorted((one, other) => one.at.localeCompare(other.at));
  const failed = order.postPurchaseFailedAttempts.filter((failure) => triedBy(failure) === "refund");
  for (const { created } of failed.toSorted((one, other) => (one.created ?? "").localeCompare(other.created ?? ""))) {
    const place = open.findIndex(({ at }) => Date.parse(at) - clocksApartMs <= Date.parse(created ?? ""));
    if (place >= 0) open.splice(place, 1);
  }
  return open.filter(({ at }) => now - Date.parse(at) < reversalPatienceMs);
}
