import type { DesiredPayment, Finding, MapContext, OperationName, Phase, Recurring } from "../../contract/adapter.ts";
import { mayHaveMandate } from "./client.ts";
import { isReversed, type Standing, standingOf } from "./money.ts";
import { echoesIn, happenedTo, insistOnStatus, minorOf, type Payment, type Snapshot } from "./schema.ts";
import { seenIn, transactionsOf } from "./transactions.ts";

const dayMs = 24 * 60 * 60 * 1_000;
/** For how long a mandate that is not valid yet is asked about: SEPA takes days. */
const mandatePatienceMs = 14 * dayMs;
/** A transfer or a debit that takes longer than this is no bank that is slow: Mollie does not say until when it waits. */
const stuckMs = 14 * dayMs;

/** What Norce should say: the status tells how far the purchase came, the lists where the money is. */
export function map(snapshot: Snapshot, { now }: Pick<MapContext, "now">): DesiredPayment {
  const { payment } = snapshot;
  insistOnStatus(payment);
  const standing = standingOf(payment);
  const { money, capturing, refunding } = standing;
  const seen = seenIn(snapshot);
  const phase = phaseOf(payment, standing);
  const mandate = mandateOf(snapshot);
  const transactions = transactionsOf(snapshot, standing);
  // The last line of what went back is the sum, unless something of it has failed since.
  const given = transactions.findLast(({ event, success }) => event === "refund" && success)?.amount ?? 0;
  return {
    phase,
    money,
    total: minorOf(payment.amount, payment),
    currency: payment.amount.currency,
    reference: payment.id,
    recurring: recurringFrom(snapshot, mandate),
    attributes: attributesOf(payment),
    memory: { ...(seen.length === 0 ? {} : { seen }), ...(mandate === "valid" ? { mandate } : {}) },
    transactions,
    ...(given === money.refunded ? {} : { reversal: "refund.failed" }),
    possible: possibleFor(standing),
    underWay: { ...(capturing > 0 ? { capture: capturing } : {}), ...(refunding > 0 ? { refund: refunding } : {}) },
    echoes: echoesIn(payment.metadata),
    findings: [...findingsIn(payment), ...stuckIn(payment, now), ...lapsingIn(payment, standing, now)],
    lookAgain: lookAgainOf(payment, standing, mandate, now),
  };
}

function phaseOf({ status, method, failureReason }: Payment, { money }: Standing): Phase {
  switch (status) {
    // Mollie does not say when the shopper has left for the bank: both are a payment that exists, no more.
    case "open":
      return "created";
    case "pending":
      return "awaiting";
    case "authorized":
    case "paid":
      return "confirmed";
    case "failed":
      return method === "creditcard" || failureReason !== undefined ? "declined" : "failed";
    case "canceled":
    case "expired":
      return money.authorized > 0 ? "confirmed" : "failed";
  }
}

function possibleFor({ money, capturing, refunding }: Standing): readonly OperationName[] {
  const open = money.authorized - money.captured - money.released - capturing;
  return [
    ...(open > 0 ? (["capture", "cancel"] as const) : []),
    ...(money.captured - money.refunded - refunding > 0 ? (["refund"] as const) : []),
  ];
}

function attributesOf({ status, method, mode, captureBefore, subscriptionId }: Payment) {
  return {
    status,
    mode,
    ...(method === undefined ? {} : { method }),
    ...(captureBefore === undefined ? {} : { captureBefore }),
    ...(subscriptionId === undefined ? {} : { subscriptionId }),
  };
}

/** `none`: the payment makes no mandate, or it is gone. */
function mandateOf({ payment, mandate, mandateRead }: Snapshot): "valid" | "pending" | "none" {
  if (!mayHaveMandate(payment)) return "none";
  if (mandateRead || mandate?.status === "valid") return "valid";
  return mandate?.status === "pending" ? "pending" : "none";
}

/** Both ids are needed to charge by a mandate (docs/psp/mollie.md, f). One that is not valid (yet) charges nothing. */
function recurringFrom({ payment, mandate }: Snapshot, state: "valid" | "pending" | "none"): Recurring | undefined {
  const { mandateId, mandateOwner, method, mode } = payment;
  if (state !== "valid" || mandateId === undefined || mandateOwner === undefined) return undefined;
  const label = mandate?.brand ?? payment.brand;
  const expires = mandate?.ends;
  return {
    token: mandateId,
    description: label,
    attributes: {
      customerId: mandateOwner,
      mode,
      ...(method === undefined ? {} : { method }),
      ...(label === undefined ? {} : { cardLabel: label }),
      ...(expires === undefined ? {} : { cardExpiryDate: expires }),
    },
  };
}

function findingsIn(payment: Payment): readonly Finding[] {
  const { captures, refunds, chargebacks } = happenedTo(payment);
  const facts = (item: { readonly amount: Payment["amount"] }) => ({
    amount: minorOf(item.amount, payment),
    currency: item.amount.currency,
  });
  return [
    ...captures
      .filter(({ status }) => status === "failed")
      .map((item): Finding => ({ name: "capture-failed", id: item.id, facts: facts(item) })),
    ...refunds
      .filter(({ status }) => status === "failed" || status === "canceled")
      .map((item): Finding => ({ name: "refund-failed", id: item.id, facts: facts(item) })),
    ...chargebacks
      .filter(({ reversedAt }) => !isReversed(reversedAt))
      .map((item): Finding => ({ name: "chargeback", id: item.id, facts: facts(item) })),
  ];
}

/** A payment that should have come to its end. */
function stuckIn(payment: Payment, now: number): readonly Finding[] {
  const { id, status, createdAt, amount } = payment;
  if (status !== "pending" || createdAt === undefined || now < Date.parse(createdAt) + stuckMs) return [];
  const facts = { status, amount: minorOf(amount, payment), currency: amount.currency };
  return [{ name: "authorization-at-risk", id, facts }];
}

/** From `captureBefore` on Mollie vouches for no capture any more (https://docs.mollie.com/reference/get-payment). */
function lapsingIn({ id, captureBefore, amount }: Payment, { money }: Standing, now: number): readonly Finding[] {
  const open = money.authorized - money.captured - money.released;
  if (open === 0 || captureBefore === undefined || now < Date.parse(captureBefore)) return [];
  const deadline = new Date(captureBefore).toISOString();
  return [{ name: "authorization-at-risk", id, deadline, facts: { amount: open, currency: amount.currency } }];
}

/** Nobody calls for a payment that becomes `pending`, nor for every cancellation; refunds take hours, mandates days. */
function lookAgainOf(
  { status, createdAt, paidAt, expiresAt, captureBefore }: Payment,
  { capturing, refunding }: Standing,
  mandate: "valid" | "pending" | "none",
  now: number,
): DesiredPayment["lookAgain"] {
  const since = paidAt ?? createdAt;
  const awaited = capturing > 0 || refunding > 0;
  const mandateAwaited = mandate === "pending" && now - Date.parse(since ?? "") < mandatePatienceMs;
  if (awaited || mandateAwaited || status === "pending")
    return since === undefined ? { afterSeconds: 3_600 } : { growing: since };
  if (status === "open") return expiresAt === undefined ? { afterSeconds: 3_600 } : soonAfter(expiresAt, now);
  return status === "authorized" && captureBefore !== undefined ? soonAfter(captureBefore, now) : undefined;
}

/** A minute after a deadline; where that has passed and nothing has changed, Mollie is late: hours later. */
function soonAfter(deadline: string, now: number): DesiredPayment["lookAgain"] {
  const at = Date.parse(deadline) + 60_000;
  return at > now ? { at: new Date(at).toISOString() } : { growing: deadline };
}
