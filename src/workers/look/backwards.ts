import { z } from "zod";
import type { DesiredPayment, Money, Phase } from "../../contract/adapter.ts";
import type { CurrentPayment, PaymentRecord } from "../../norce/payment.ts";
import { type PaymentState, sameState, stateOf } from "../../norce/states.ts";

/** That a session exists is no objection to a storefront that has seen the shopper leave to pay. */
export function onlyStarted(current: PaymentState, { phase }: DesiredPayment): boolean {
  return phase === "created" && current === "processing";
}

/** How far a phase is; `undefined` where no other phase is behind it. Confirmed without any money seen may yet go to review. */
export function rankOf(phase: Phase, authorized: number): number | undefined {
  switch (phase) {
    case "created":
      return 0;
    case "paying":
      return 1;
    case "review":
    case "awaiting":
      return 3;
    case "confirmed":
      return authorized === 0 ? 2 : 4;
    case "declined":
    case "failed":
      return undefined;
  }
}

/** C, R or V falls, or the phase does. A lower A alone is not backwards; from declined or failed every way is forward. */
export function movesBackwards(current: CurrentPayment, desired: DesiredPayment): boolean {
  const { phase, money } = desired;
  if (onlyStarted(current.state, desired)) return false;
  const before = lastTruth(current);
  const rankBefore = rankOf(before.phase, before.authorized);
  const rankNow = rankOf(phase, money.authorized);
  if (rankBefore !== undefined && rankNow !== undefined && rankNow < rankBefore) return true;
  return money.captured < before.captured || money.refunded < before.refunded || money.released < before.released;
}

/** What was true of a payment. */
export interface Truth extends Money {
  readonly phase: Phase;
}

/** What was true at the last look; where there was none, or somebody moved the state since, at least what the state implies. */
export function lastTruth(current: CurrentPayment): Truth {
  const noted = notedIn(current.record);
  if (noted === undefined) return impliedBy(current);
  if (sameState(current.state, stateOf(noted.phase, noted, "twelve"))) return noted;
  const implied = impliedBy(current);
  return {
    phase: implied.phase,
    authorized: Math.max(noted.authorized, implied.authorized),
    captured: Math.max(noted.captured, implied.captured),
    refunded: Math.max(noted.refunded, implied.refunded),
    released: noted.released,
  };
}

function notedIn(record: PaymentRecord | null): Truth | undefined {
  const phase = phaseSchema.safeParse(record?.["phase"]);
  if (record === null || !phase.success) return undefined;
  const sum = (name: keyof Money): number => (typeof record[name] === "number" ? record[name] : 0);
  return {
    phase: phase.data,
    authorized: sum("authorized"),
    captured: sum("captured"),
    refunded: sum("refunded"),
    released: sum("released"),
  };
}

const phaseSchema = z.enum(["created", "paying", "review", "awaiting", "confirmed", "declined", "failed"]);

function impliedBy({ state, amount }: CurrentPayment): Truth {
  const nothing = { authorized: 0, captured: 0, refunded: 0, released: 0 };
  switch (state) {
    case "intent":
      return { ...nothing, phase: "created" };
    case "processing":
      return { ...nothing, phase: "paying" };
    case "pending":
      return { ...nothing, phase: "review" };
    case "declined":
      return { ...nothing, phase: "declined" };
    case "failed":
      return { ...nothing, phase: "failed" };
    case "confirmed":
      return { ...nothing, phase: "confirmed" };
    case "reserved":
    case "removed":
    case "cancelled":
      return { ...nothing, phase: "confirmed", authorized: amount };
    case "captured":
      return { ...nothing, phase: "confirmed", authorized: amount, captured: amount };
    case "credited":
    case "refunded":
      return { ...nothing, phase: "confirmed", authorized: amount, captured: amount, refunded: amount };
  }
}
