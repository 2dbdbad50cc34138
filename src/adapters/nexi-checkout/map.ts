import type {
  DesiredPayment,
  Finding,
  KeptEvent,
  MapContext,
  Minor,
  OperationName,
  Phase,
  Recurring,
} from "../../contract/adapter.ts";
import { isFailedCharge, type Standing, standingOf } from "./money.ts";
import type { Payment, Snapshot } from "./schema.ts";
import { isTerminated, seenIn, transactionsOf } from "./transactions.ts";

const hourMs = 60 * 60_000;
const dayMs = 24 * hourMs;
/** For how long a shopper who chose how to pay may take, and a bank transfer: then the attempt is over, whatever Nexi does not say. */
const payingMs = dayMs;
const awaitingMs = 14 * dayMs;

/** What Norce should say: Nexi has no status, so that its sums say how far the purchase came and where the money is. */
export function map(snapshot: Snapshot, { kept, now }: MapContext): DesiredPayment {
  const { payment } = snapshot;
  const standing = standingOf(payment, kept, now);
  const { money, capturing, refunding } = standing;
  const phase = phaseOf(payment, standing, kept, now);
  const seen = seenIn(snapshot, standing);
  const transactions = transactionsOf(snapshot, standing);
  // The last line of what went back is the sum, unless something of it has failed since.
  const given = transactions.findLast(({ event, success }) => event === "refund" && success)?.amount ?? 0;
  return {
    phase,
    money,
    total: askedIn(payment, standing),
    currency: payment.orderDetails.currency,
    reference: payment.paymentId,
    ...recurringOf(payment, phase),
    attributes: attributesOf(payment),
    memory: seen.length === 0 ? {} : { seen },
    transactions,
    ...(given === money.refunded ? {} : { reversal: "payment.refund.failed" }),
    possible: possibleFor(payment, standing),
    underWay: { ...(capturing > 0 ? { capture: capturing } : {}), ...(refunding > 0 ? { refund: refunding } : {}) },
    echoes: echoesIn(payment),
    findings: [...failedCharges(kept, payment), ...failedRefunds(payment)],
    ...lookAgainOf(payment, standing, phase, now),
  };
}

/** What was asked of the shopper; where less than that was reserved or taken, so much. */
function askedIn({ orderDetails: { amount } }: Payment, { money: { authorized } }: Standing): Minor {
  return authorized === 0 ? amount : Math.min(amount, authorized);
}

function phaseOf(payment: Payment, { money }: Standing, kept: readonly KeptEvent[], now: number): Phase {
  const { paymentDetails, orderDetails, created } = payment;
  if (money.authorized > 0) return "confirmed";
  const ended = kept.some(({ type }) => type === "payment.reservation.failed") ? "declined" : "failed";
  if (isTerminated(payment)) return ended;
  const { paymentType } = paymentDetails ?? {};
  if (paymentType === undefined) return "created";
  // A card that is registered and not charged yet.
  if (orderDetails.amount === 0 && tokenIn(payment) !== undefined) return "confirmed";
  const transfers = paymentType.toUpperCase() === "A2A";
  const age = created === undefined ? 0 : now - Date.parse(created);
  if (age >= (transfers ? awaitingMs : payingMs)) return ended;
  return transfers ? "awaiting" : "paying";
}

/** Nexi cancels all or nothing, and nothing once something was charged (docs/psp/nexi.md, g). */
function possibleFor({ summary }: Payment, { money, capturing, refunding }: Standing): readonly OperationName[] {
  const open = money.authorized - money.captured - money.released - capturing;
  const cancellable = (summary?.reservedAmount ?? 0) > 0 && money.captured === 0 && capturing === 0;
  return [
    ...(open > 0 ? (["capture"] as const) : []),
    ...(open > 0 && cancellable ? (["cancel"] as const) : []),
    ...(money.captured - money.refunded - refunding > 0 ? (["refund"] as const) : []),
  ];
}

function attributesOf({ paymentDetails, charges, created }: Payment): NonNullable<DesiredPayment["attributes"]> {
  const { paymentMethod, paymentType } = paymentDetails ?? {};
  const chargeIds = (charges ?? []).map(({ chargeId }) => chargeId).toSorted();
  return {
    ...(paymentMethod === undefined ? {} : { paymentMethod }),
    ...(paymentType === undefined ? {} : { paymentType }),
    ...(chargeIds.length === 0 ? {} : { chargeIds: chargeIds.join(" ") }),
    ...(created === undefined ? {} : { createdAt: created }),
  };
}

/** The order's reference and our own: the creator of the payment puts an id of Norce's into one of them (docs/psp/nexi.md, f). */
function echoesIn({ orderDetails, myReference }: Payment): readonly string[] {
  return [...new Set([orderDetails.reference, myReference])].filter((echo) => echo !== undefined);
}

function tokenIn({ subscription, unscheduledSubscription }: Payment): Recurring | undefined {
  const irregular = unscheduledSubscription?.unscheduledSubscriptionId;
  if (irregular !== undefined) return { token: irregular, attributes: { kind: "unscheduled" } };
  if (subscription?.id === undefined) return undefined;
  const { id, interval, endDate } = subscription;
  return {
    token: id,
    attributes: {
      kind: "scheduled",
      ...(interval === undefined ? {} : { interval }),
      ...(endDate === undefined ? {} : { endDate }),
    },
  };
}

/** The subscription's id charges once the first payment stands (docs/psp/nexi.md, f). */
function recurringOf(payment: Payment, phase: Phase): Pick<DesiredPayment, "recurring"> {
  const found = phase === "confirmed" ? tokenIn(payment) : undefined;
  if (found === undefined) return {};
  const { paymentMethod, cardDetails } = payment.paymentDetails ?? {};
  const { maskedPan, expiryDate } = cardDetails ?? {};
  const expires = expiryDate === undefined ? undefined : `${expiryDate.slice(0, 2)}/${expiryDate.slice(2)}`;
  const description = [paymentMethod, maskedPan, expires].filter((part) => part !== undefined).join(" ");
  return {
    recurring: {
      token: found.token,
      ...(description === "" ? {} : { description }),
      attributes: {
        ...found.attributes,
        ...(paymentMethod === undefined ? {} : { paymentMethod }),
        ...(maskedPan === undefined ? {} : { maskedPan }),
        ...(expiryDate === undefined ? {} : { expiryDate }),
      },
    },
  };
}

/** Only a webhook tells of these: nobody signed it, but what it says costs a person a look at Nexi's portal, no more. */
function failedCharges(kept: readonly KeptEvent[], { orderDetails: { currency } }: Payment): readonly Finding[] {
  return kept.filter(isFailedCharge).map(({ key, facts = {}, errorDetail = "unknown" }): Finding => ({
    name: "capture-failed",
    id: typeof facts["chargeId"] === "string" ? facts["chargeId"] : key,
    facts: { code: errorDetail, currency },
  }));
}

function failedRefunds({ refunds, orderDetails: { currency } }: Payment): readonly Finding[] {
  return (refunds ?? [])
    .filter(({ state }) => state === "Failed" || state === "Expired")
    .map(({ refundId, amount, state }): Finding => ({
      name: "refund-failed",
      id: refundId,
      facts: { amount, currency, code: state },
    }))
    .toSorted((one, other) => one.id.localeCompare(other.id));
}

/** No webhook tells of what expires, and any may be lost: what is under way is asked about, and a checkout that is open, for a day. */
function lookAgainOf(
  { created, refunds, charges }: Payment,
  { capturing, refunding }: Standing,
  phase: Phase,
  now: number,
): Pick<DesiredPayment, "lookAgain"> {
  const pending = (refunds ?? []).filter(({ state }) => state === "Pending").map(({ lastUpdated }) => lastUpdated);
  const charged = capturing > 0 ? (charges ?? []).map(({ created: since }) => since) : [];
  if (capturing > 0 || refunding > 0)
    return { lookAgain: growingSince(latest([...pending, ...charged]) ?? created, now) };
  if (phase === "paying" || phase === "awaiting") return { lookAgain: growingSince(created, now) };
  const age = created === undefined ? 0 : now - Date.parse(created);
  return phase === "created" && age < dayMs ? { lookAgain: { afterSeconds: 900 } } : {};
}

function latest(times: readonly (string | undefined)[]): string | undefined {
  return times
    .filter((time) => time !== undefined)
    .toSorted((one, other) => one.localeCompare(other))
    .at(-1);
}

/** In its first minutes a webhook tells more quickly. */
function growingSince(since: string | undefined, now: number): NonNullable<DesiredPayment["lookAgain"]> {
  if (since === undefined) return { afterSeconds: 3_600 };
  return now - Date.parse(since) < 4 * 60_000 ? { afterSeconds: 60 } : { growing: since };
}
