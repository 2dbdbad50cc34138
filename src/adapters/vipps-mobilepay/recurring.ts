import { WorkerError } from "../../lib/errors.ts";
import type { DesiredPayment, DesiredTransaction, Finding, Money, Phase, Recurring } from "../../contract/adapter.ts";
import { failuresIn, isAhead, linesOf, type Move } from "./moves.ts";
import { possibleFor } from "./open.ts";
import { chargeReference } from "./reference.ts";
import type { Agreement, Charge, Snapshot } from "./schema.ts";

const dayMs = 24 * 60 * 60_000;
const nothing: Money = { authorized: 0, captured: 0, refunded: 0, released: 0 };
/** A charge is tried for at most 14 days after it was due. */
const longestTriesMs = 15 * dayMs;
/** A shopper has ten minutes to accept an agreement. */
const longestApprovalMs = dayMs;

/** A later charge of an agreement: a payment of its own, which a renewal's order stands for. */
export function fromCharge(
  { agreementId, charge, msn }: Snapshot & { readonly of: "charge" },
  now: number,
): DesiredPayment {
  return { ...ofCharge(charge, msn, now), reference: chargeReference(agreementId, charge.id) };
}

/** What the shopper accepted in the checkout: the agreement, and the charge that it began with, where there is one. */
export function fromAgreement(
  { agreement, charge, msn }: Snapshot & { readonly of: "agreement" },
  now: number,
): DesiredPayment {
  const phase = phaseOfAgreement(agreement, now);
  const paid = charge === null ? undefined : ofCharge(charge, msn, now);
  const holds = (paid?.money.authorized ?? 0) > 0;
  // Money speaks for itself; until there is some, the agreement has to stand.
  const counts = paid !== undefined && (holds || phase === "confirmed") ? paid : undefined;
  const { attributes, ...base } = counts ?? {
    money: nothing,
    total: charge?.amount ?? 0,
    currency: charge?.currency ?? agreement.pricing.currency,
    attributes: {},
    transactions: phase === "failed" ? [refusedLine(agreement)] : [],
    possible: [],
    phase,
    lookAgain: phase === "paying" ? waitSince(agreement.created) : undefined,
  };
  return {
    ...base,
    reference: agreement.id,
    attributes: { ...attributes, msn, agreementStatus: agreement.status },
    recurring: recurringFrom(agreement, msn),
    echoes: [agreement.externalId, charge?.externalId].filter((echo) => echo !== undefined),
  };
}

function phaseOfAgreement({ status, start, created }: Agreement, now: number): Phase {
  switch (status) {
    // Vipps ends it after ten minutes; one that stands for a day was forgotten.
    case "PENDING":
      return created !== undefined && now - Date.parse(created) > longestApprovalMs ? "failed" : "paying";
    case "ACTIVE":
      return "confirmed";
    // What the shopper did not accept is stopped as well, and never began.
    case "STOPPED":
      return wasAccepted({ start }) ? "confirmed" : "failed";
    case "EXPIRED":
      return wasAccepted({ start }) ? "confirmed" : "failed";
  }
}

function wasAccepted({ start }: Pick<Agreement, "start">): boolean {
  return typeof start === "string";
}

function refusedLine({ status }: Agreement): DesiredTransaction {
  const line = { key: `end:${status}`, event: "cancel", pspEvent: status, pspStatus: status, amount: 0 } as const;
  return { ...line, success: false, errorDetail: "the agreement was not accepted" };
}

/** The agreement's id is what later charges are made with. One that was stopped stays, and says that it is dead. */
function recurringFrom(agreement: Agreement, msn: string): Recurring | undefined {
  const { id: token, status, pricing, interval, externalId, uuid } = agreement;
  if (status === "PENDING" || !(status === "ACTIVE" || wasAccepted(agreement))) return undefined;
  const maxAmount = pricing.maxAmount ?? pricing.suggestedMaxAmount;
  return {
    token,
    description: "Vipps MobilePay agreement",
    attributes: {
      msn,
      status,
      ...(externalId === undefined ? {} : { externalId }),
      ...(uuid === undefined ? {} : { uuid }),
      ...(pricing.type === undefined ? {} : { pricingType: pricing.type }),
      ...(maxAmount === undefined ? {} : { maxAmount }),
      ...(interval?.unit === undefined ? {} : { interval: `${interval.count ?? 1} ${interval.unit}` }),
    },
  };
}

function ofCharge(charge: Charge, msn: string, now: number): Omit<DesiredPayment, "reference"> {
  const phase = phaseOfCharge(charge);
  const money = moneyOf(charge, phase);
  const moves = movesIn(charge);
  const { status, currency, amount, type, due, failureReason, externalId } = charge;
  return {
    phase,
    money,
    total: amount,
    currency,
    attributes: {
      status,
      msn,
      ...(type === undefined ? {} : { chargeType: type }),
      ...(due === undefined ? {} : { due }),
      ...(failureReason === undefined ? {} : { failureReason }),
    },
    transactions: [...outcomeOf(charge, phase, money), ...linesOf(moves, money, status)],
    possible: possibleFor(money),
    echoes: externalId === undefined ? [] : [externalId],
    findings: [...failuresIn(moves, currency), ...overdueIn(charge, phase, now)],
    lookAgain: lookAgainOf(charge, phase, phase === "confirmed" && isAhead(moves, money), now),
  };
}

function phaseOfCharge(charge: Charge): Phase {
  switch (charge.status) {
    // The agreement stands, and the money is on its way until the day it is due, and for the days on which it is tried again.
    case "PENDING":
    case "DUE":
    case "PROCESSING":
    case "UNKNOWN":
      return "awaiting";
    case "RESERVED":
    case "PARTIALLY_CAPTURED":
    case "CHARGED":
    case "PARTIALLY_REFUNDED":
    case "REFUNDED":
      return "confirmed";
    case "FAILED":
      return charge.failureReason === "technical_error" ? "failed" : "declined";
    case "CANCELLED":
      return wasReserved(charge) ? "confirmed" : "failed";
  }
}

function wasReserved({ history, summary }: Charge): boolean {
  return summary.captured > 0 || history.some(({ event, success }) => event === "RESERVE" && success);
}

/** @throws WorkerError `Unmapped` */
function moneyOf({ status, amount, summary }: Charge, phase: Phase): Money {
  if (phase !== "confirmed") {
    if (summary.captured > 0) throw contradiction("captured, and not confirmed", status);
    return nothing;
  }
  const { captured, refunded } = summary;
  const released = status === "CANCELLED" ? amount - captured : summary.cancelled;
  if (captured + released > amount) throw contradiction("captured is above the amount", status);
  if (refunded > captured) throw contradiction("refunded is above captured", status);
  if (status === "CHARGED" && captured === 0) throw contradiction("nothing is captured", status);
  return { authorized: amount, captured, refunded, released };
}

function contradiction(problem: string, status: string): WorkerError {
  return new WorkerError("Unmapped", `Vipps MobilePay contradicts itself: ${problem}`, { context: { status } });
}

function outcomeOf(
  { id, status, failureReason }: Charge,
  phase: Phase,
  { authorized }: Money,
): readonly DesiredTransaction[] {
  const about = { pspStatus: status, facts: { chargeId: id } } as const;
  if (authorized > 0)
    return [
      { key: `confirm:${id}`, event: "confirm", pspEvent: "RESERVE", ...about, amount: authorized, success: true },
    ];
  if (phase === "awaiting") return [];
  const failed = status === "FAILED";
  return [
    {
      key: `end:${status}`,
      event: failed ? "capture" : "cancel",
      pspEvent: failed ? "FAIL" : "CANCEL",
      ...about,
      amount: 0,
      success: false,
      errorDetail: failureReason ?? (failed ? "failed" : "cancelled before it was charged"),
    },
  ];
}

const moving: Readonly<Record<string, Move["kind"]>> = { CAPTURE: "capture", REFUND: "refund", CANCEL: "cancel" };

function movesIn({ history }: Charge): readonly Move[] {
  return history.flatMap(({ event, success, amount, occurred, idempotencyKey }) => {
    const kind = Object.hasOwn(moving, event) ? moving[event] : undefined;
    if (kind === undefined) return [];
    const id = idempotencyKey === undefined ? occurred : `${occurred}/${idempotencyKey}`;
    return [{ kind, id, word: event, at: occurred, amount: amount ?? 0, success }];
  });
}

/** A charge that should have come to its end. */
function overdueIn({ id, status, due, amount, currency }: Charge, phase: Phase, now: number): readonly Finding[] {
  if (phase !== "awaiting" || due === undefined || now < Date.parse(due) + longestTriesMs) return [];
  return [{ name: "authorization-at-risk", id, facts: { status, due, amount, currency } }];
}

/** Charges are made in the morning and in the afternoon of the day they are due; webhooks of that may be lost. */
function lookAgainOf({ due, history }: Charge, phase: Phase, ahead: boolean, now: number): DesiredPayment["lookAgain"] {
  const newest = history
    .map(({ occurred }) => occurred)
    .toSorted()
    .at(-1);
  if (ahead) return waitSince(newest);
  if (phase !== "awaiting") return undefined;
  const begins = due === undefined ? Number.NaN : Date.parse(due) + dayMs / 2;
  return begins > now
    ? { at: new Date(begins).toISOString() }
    : waitSince(due === undefined ? newest : new Date(begins).toISOString());
}

function waitSince(time: string | undefined): DesiredPayment["lookAgain"] {
  return time === undefined ? { afterSeconds: 600 } : { growing: time };
}
