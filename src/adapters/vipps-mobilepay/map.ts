import { WorkerError } from "../../lib/errors.ts";
import type { DesiredPayment, DesiredTransaction, MapContext, Money, Phase } from "../../contract/adapter.ts";
import { failuresIn, isAhead, linesOf, type Move } from "./moves.ts";
import { possibleFor, riskIn, watchGuarantee } from "./open.ts";
import { fromAgreement, fromCharge } from "./recurring.ts";
import type { Payment, PaymentEvent, Snapshot } from "./schema.ts";

const nothing: Money = { authorized: 0, captured: 0, refunded: 0, released: 0 };

/** What Norce should say of an ePayment, an agreement or a charge. */
export function map(snapshot: Snapshot, { now }: Pick<MapContext, "now">): DesiredPayment {
  switch (snapshot.of) {
    case "payment":
      return fromPayment(snapshot, now);
    case "agreement":
      return fromAgreement(snapshot, now);
    case "charge":
      return fromCharge(snapshot, now);
  }
}

/** The state tells whether the shopper approved; from then on it stays, and the sums tell everything. */
function fromPayment({ payment, events, msn }: Snapshot & { readonly of: "payment" }, now: number): DesiredPayment {
  const money = moneyOf(payment);
  const moves = movesIn(events, payment.amount.currency);
  const { currency, value: asked } = payment.amount;
  const { reference, state, captureGuaranteedUntil } = payment;
  const phase = phaseOf(payment, money);
  return {
    phase,
    money,
    // Of a part that was authorised, that part.
    total: money.authorized === 0 ? asked : Math.min(asked, money.authorized),
    currency,
    reference,
    attributes: present({
      status: state,
      msn,
      pspReference: payment.pspReference,
      paymentMethodType: payment.paymentMethod?.type,
      captureGuaranteedUntil,
    }),
    transactions: [...outcomeOf(payment, money), ...linesOf(moves, money, state)],
    possible: possibleFor(money),
    echoes: payment.echoes,
    findings: [...failuresIn(moves, currency), ...riskIn(reference, captureGuaranteedUntil, money, currency, now)],
    lookAgain: lookAgainOf(payment, money, events, phase === "confirmed" && isAhead(moves, money), now),
  };
}

function phaseOf({ state }: Payment, { authorized }: Money): Phase {
  // Money that is held or was taken speaks for itself, whatever the state says.
  if (authorized > 0) return "confirmed";
  switch (state) {
    // Vipps does not say whether the shopper has opened the app: all there is, is a payment.
    case "CREATED":
      return "created";
    // The sums follow.
    case "AUTHORIZED":
      return "confirmed";
    // The shopper said no, did nothing in time, or the merchant withdrew it: nothing was ever held. Another attempt has another reference.
    case "ABORTED":
    case "EXPIRED":
    case "TERMINATED":
      return "failed";
  }
}

/** What was withdrawn before it was approved shows as cancelled, too: it never was held, so it is not released. @throws WorkerError `Unmapped` */
function moneyOf(payment: Payment): Money {
  const { amount, aggregate } = payment;
  const { authorizedAmount, capturedAmount, refundedAmount, cancelledAmount } = aggregate;
  const sums = [authorizedAmount, capturedAmount, refundedAmount, cancelledAmount];
  if (sums.some(({ currency }) => currency !== amount.currency)) throw contradiction("two currencies", payment);
  const [authorized, captured] = [authorizedAmount.value, capturedAmount.value];
  if (captured > authorized) throw contradiction("captured is above authorized", payment);
  if (refundedAmount.value > captured) throw contradiction("refunded is above captured", payment);
  if (authorized === 0) return nothing;
  const released = cancelledAmount.value;
  if (captured + released > authorized) throw contradiction("cancelled is above what is left", payment);
  return { authorized, captured, refunded: refundedAmount.value, released };
}

function contradiction(problem: string, { state }: Payment): WorkerError {
  return new WorkerError("Unmapped", `Vipps MobilePay contradicts itself: ${problem}`, { context: { status: state } });
}

function outcomeOf({ reference, state, pspReference }: Payment, { authorized }: Money): readonly DesiredTransaction[] {
  const facts = present({ pspReference });
  if (authorized > 0) {
    const line = { key: `confirm:${reference}`, event: "confirm", pspEvent: "AUTHORIZED", pspStatus: state } as const;
    return [{ ...line, amount: authorized, success: true, facts }];
  }
  const why = endOf(state);
  if (why === undefined) return [];
  const line = { key: `end:${state}`, event: "cancel", pspEvent: state, pspStatus: state } as const;
  return [{ ...line, amount: 0, success: false, errorDetail: why, facts }];
}

function endOf(state: Payment["state"]): string | undefined {
  switch (state) {
    case "CREATED":
    case "AUTHORIZED":
      return undefined;
    case "ABORTED":
      return "the shopper said no";
    case "EXPIRED":
      return "not approved in time";
    case "TERMINATED":
      return "withdrawn before it was approved";
  }
}

/** What a name of the log moves; every other entry moves nothing. */
const moving: Readonly<Record<string, Move["kind"]>> = { CAPTURED: "capture", REFUNDED: "refund", CANCELLED: "cancel" };

function movesIn(events: readonly PaymentEvent[], currency: string): readonly Move[] {
  return events.flatMap(({ what, amount, timestamp, success, pspReference }) => {
    const kind = Object.hasOwn(moving, what) ? moving[what] : undefined;
    if (kind === undefined || amount.currency !== currency) return [];
    return [{ kind, id: pspReference ?? timestamp, word: what, at: timestamp, amount: amount.value, success }];
  });
}

/** Nobody calls when an approval has run out and its webhook was lost, nor when a guarantee ends. */
function lookAgainOf(
  { state, captureGuaranteedUntil }: Payment,
  money: Money,
  events: readonly PaymentEvent[],
  ahead: boolean,
  now: number,
): DesiredPayment["lookAgain"] {
  const [first, ...others] = events.map(({ timestamp }) => timestamp).toSorted();
  const newest = others.at(-1) ?? first;
  const awaited = money.authorized === 0 && (state === "CREATED" || state === "AUTHORIZED");
  if (awaited || ahead) {
    const since = ahead ? newest : first;
    return since === undefined ? { afterSeconds: 600 } : { growing: since };
  }
  return watchGuarantee(captureGuaranteedUntil, money, now);
}

function present(facts: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(facts).flatMap(([name, fact]) => (fact === undefined ? [] : [[name, fact]])),
  );
}
