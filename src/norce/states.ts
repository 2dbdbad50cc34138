import type { Money, Phase } from "../contract/adapter.ts";

/**
 * Norce's `PaymentState`. The Order API 0.1 documents the first ten, newer versions add the last two
 * (docs/norce.md, 1.4). All twelve are read; which are written is a setting.
 */
export const paymentStates = [
  "intent",
  "removed",
  "processing",
  "failed",
  "confirmed",
  "pending",
  "declined",
  "reserved",
  "credited",
  "captured",
  "cancelled",
  "refunded",
] as const;

export type PaymentState = (typeof paymentStates)[number];

/** Which set of states is written. */
export type StateSet = "ten" | "twelve";

/** The ten-state word of a state. */
export function canonical(state: PaymentState): PaymentState {
  if (state === "cancelled") return "removed";
  return state === "refunded" ? "credited" : state;
}

/** The ten-state word and the twelve-state word for the same thing do not differ: a change of setting rewrites no history. */
export function sameState(one: PaymentState, other: PaymentState): boolean {
  return canonical(one) === canonical(other);
}

/** What is still authorised and neither captured nor released. */
export function openAmount({ authorized, captured, released }: Money): number {
  return authorized - captured - released;
}

/** Whether the PSP holds the shopper's money, or the merchant has it. */
export function holdsMoney(money: Money): boolean {
  return openAmount(money) > 0 || money.captured > money.refunded;
}

/**
 * The one policy that turns money into a Norce state, for all PSPs: no PSP's status alone gives it. State follows sums, not
 * event names.
 */
export function stateOf(phase: Phase, money: Money, states: StateSet): PaymentState {
  switch (phase) {
    case "created":
      return "intent";
    case "paying":
      return "processing";
    case "review":
    case "awaiting":
      return "pending";
    case "declined":
      return "declined";
    case "failed":
      return "failed";
    case "confirmed":
      return confirmedState(money, states);
  }
}

function confirmedState(money: Money, states: StateSet): PaymentState {
  const { authorized, captured, refunded } = money;
  if (authorized === 0) return "confirmed";
  if (openAmount(money) > 0) return "reserved";
  if (captured === 0) return states === "twelve" ? "cancelled" : "removed";
  if (captured > refunded) return "captured";
  return states === "twelve" ? "refunded" : "credited";
}
