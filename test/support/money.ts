import type { DesiredPayment, DesiredTransaction, Money, PaymentKey } from "../../src/contract/adapter.ts";
import { isWorkerError } from "../../src/lib/errors.ts";
import type { CurrentPayment } from "../../src/norce/payment.ts";
import { type Comparison, diff } from "../../src/workers/look/diff.ts";

/** When a look of these tests happens, in milliseconds since the epoch. */
export const readAt = Date.parse("2026-02-03T10:00:00.000Z");

export const key: PaymentKey = { adapter: "any", merchant: "acme", channel: "se", orderId: "o_1", paymentId: "p_1" };

export const confirm: DesiredTransaction = {
  key: "confirm",
  event: "confirm",
  pspEvent: "authorized",
  pspStatus: "AUTHORIZED",
  amount: 10_000,
  success: true,
};

/** 100.00, authorised unless said otherwise. */
export const money = (sums: Partial<Money> = {}): Money => ({
  authorized: 10_000,
  captured: 0,
  refunded: 0,
  released: 0,
  ...sums,
});

export const nothing: Money = money({ authorized: 0 });

/** What the PSP says: 100.00 SEK reserved. */
export function desired(over: Partial<DesiredPayment> = {}): DesiredPayment {
  return {
    phase: "confirmed",
    money: money(),
    total: 10_000,
    currency: "SEK",
    reference: "ref-1",
    transactions: [confirm],
    possible: [],
    echoes: ["p_1"],
    marker: "confirm",
    ...over,
  };
}

/** What Norce says: an intent over 100.00 SEK. */
export function current(over: Partial<CurrentPayment> = {}): CurrentPayment {
  return {
    adapterId: "acme_adapter",
    currency: "SEK",
    amount: 10_000,
    upperLimit: null,
    state: "intent",
    reference: "ref-1",
    recurring: null,
    upsell: null,
    record: null,
    raw: {},
    ...over,
  };
}

export function compare(over: Partial<Comparison> = {}): ReturnType<typeof diff> {
  return diff({
    current: current(),
    logged: new Set(),
    desired: desired(),
    states: "ten",
    version: "v0",
    rounding: 0,
    folds: false,
    now: readAt,
    ...over,
  });
}

/** The payment as it stands after these changes were written. */
export function written(before: CurrentPayment, verdict: ReturnType<typeof diff>): CurrentPayment {
  if (verdict.is === "agreed") return before;
  const { record, recurring, upsell, ...fields } = verdict.changes.payment ?? {};
  return {
    ...before,
    ...fields,
    record: record ?? before.record,
    recurring: recurring === undefined ? before.recurring : { ...recurring },
    upsell: upsell ?? before.upsell,
  };
}

/** The payment after a look that found this. */
export const lookedAt = (
  before: CurrentPayment,
  found: DesiredPayment,
  over: Partial<Comparison> = {},
): CurrentPayment => written(before, compare({ current: before, desired: found, ...over }));

/** Why it was refused. */
export function reasonOf(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return isWorkerError(error, "Refused") ? error.context["reason"] : error;
  }
  return "nothing was refused";
}
