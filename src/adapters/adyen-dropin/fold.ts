import { WorkerError } from "../../lib/errors.ts";
import type {
  DesiredPayment,
  DesiredTransaction,
  KeptEvent,
  LookContext,
  Minor,
  Money,
  OperationName,
  Phase,
  Upsell,
} from "../../contract/adapter.ts";
import { isDispute } from "./codes.ts";
import { type Config, keepsRest } from "./config.ts";
import { findingsOf, reviewMs } from "./findings.ts";
import { type Attempt, attemptsIn, entriesIn, type Word } from "./ledger.ts";
import { captureModeOf, isInReview, isSaleType } from "./money.ts";
import { holds, type Paid, paidIn, partsOf, type Purchase } from "./parts.ts";
import { newestToken } from "./recurring.ts";
import { underWayOf } from "./requests.ts";
import { instantOf, inTurn } from "./turns.ts";

/** What `fold` knows besides the events. */
export type FoldContext = Pick<LookContext<Config>, "config" | "memory" | "payment" | "now">;

const nothing: Money = { authorized: 0, captured: 0, refunded: 0, released: 0 };

/** For how long money may be on its way; then it counts as not coming, until it comes. */
const awaitingMs = 30 * 24 * 3_600_000;

/**
 * What the kept events come to; `null` while none of them says how far the purchase is: a capture or a token may come before the
 * authorisation it belongs to. Of a repeat the first copy counts.
 */
export function fold(kept: readonly KeptEvent[], context: FoldContext): DesiredPayment | null {
  const events = [...new Map(kept.toReversed().map((event) => [event.key, event])).values()];
  const attempts = attemptsIn(events, context.now);
  const found = { attempts, events, context };
  const purchase = partsOf(paidIn(attempts, context.config), attempts, askedIn(context), context.now);
  return purchase === undefined ? unpaid(found) : fromPaid(purchase, found);
}

interface Found {
  readonly attempts: readonly Attempt[];
  readonly events: readonly KeptEvent[];
  readonly context: FoldContext;
}

/** What the payment asked when the first of it was authorised: Norce's amount follows what is true from then on. */
function askedIn({ memory, payment }: FoldContext): Minor {
  return typeof memory["asked"] === "number" ? memory["asked"] : payment.amount;
}

function fromPaid({ parts, left, isShort, until }: Purchase, { attempts, events, context }: Found): DesiredPayment {
  const [main, ...others] = parts;
  const { attempt, authorisation } = main;
  const { config, now } = context;
  const currency = insistOnCurrency(parts);
  const money = parts.map((part) => part.money).reduce(added);
  const inReview = parts.filter((part) => isInReview(part.attempt));
  const phase: Phase = isShort ? "paying" : inReview.length > 0 ? "review" : "confirmed";
  const aliases = attempts.map(({ reference }) => reference).filter((reference) => reference !== attempt.reference);
  // Which part of an order an operation is for is for its merchant to say.
  const can =
    others.length > 0 || isShort ? { possible: [] } : operationsOf(main, phase, underWayOf(attempt, events), config);
  const decided = Math.min(...inReview.map((part) => instantOf(part.authorisation))) + reviewMs;
  return {
    ...can,
    phase,
    partial: isShort ? true : undefined,
    money,
    total: parts.reduce((sum, part) => sum + part.authorisation.amount, 0),
    currency,
    reference: attempt.reference,
    aliases: aliases.length === 0 ? undefined : aliases,
    recurring: newestToken(events, new Set(parts.map((part) => part.attempt.reference))),
    upsell: upsellOf(attempt, context.payment.upsell),
    attributes: {
      paymentMethod: authorisation.facts.paymentMethod ?? "unknown",
      // Somebody paid more than once, and only one of these payments is what Norce asked for.
      otherPayments: left.filter((other) => holds(other.money)).length,
      ...disputeIn(events),
    },
    memory: { asked: askedIn(context) },
    transactions: unsaidCaptures(events, attempts, config),
    echoes: echoesOf(authorisation),
    reversal:
      parts.find((part) => part.reversal !== undefined)?.reversal ??
      // That a payment is only a part may be told after it.
      (isShort ? "ORDER_OPENED" : left.length > 0 ? "AUTHORISATION" : undefined),
    findings: findingsOf(attempts, events, now),
    lookAgain: timeAfter(isShort ? until : decided, now),
  };
}

/** A minute after a time that is still to come. */
function timeAfter(at: number, now: number): DesiredPayment["lookAgain"] {
  return Number.isFinite(at) && at > now ? { at: new Date(at + 60_000).toISOString() } : undefined;
}

/** The newest of what was tried decides: refused, still going on, or given up. */
function unpaid({ attempts, events, context: { payment, now } }: Found): DesiredPayment | null {
  const ends = attempts.flatMap((attempt) => {
    const { authorisation } = attempt;
    // A refused attempt is neither pending nor merely lapsed.
    const [end] = authorisation === undefined ? attempt.done("OFFER_CLOSED", "PENDING").toReversed() : [authorisation];
    return end === undefined ? [] : [{ ...end, reference: attempt.reference }];
  });
  const end = inTurn(ends).at(-1);
  if (end === undefined) return null;
  const lapses = instantOf(end) + awaitingMs;
  const phase = phaseOf(end.code);
  return {
    phase: phase === "awaiting" && now > lapses ? "failed" : phase,
    money: nothing,
    total: end.currency === undefined ? payment.amount : (end.facts.amount ?? 0),
    currency: end.currency ?? payment.currency,
    reference: end.reference,
    attributes: {
      paymentMethod: end.facts.paymentMethod ?? "unknown",
      otherPayments: 0,
      ...disputeIn(events),
    },
    transactions: [],
    possible: [],
    echoes: echoesOf(end),
    reversal: end.overturned ? end.code : undefined,
    findings: findingsOf(attempts, events, now),
    lookAgain: phase === "awaiting" ? timeAfter(lapses, now) : undefined,
  };
}

function phaseOf(code: Word["code"]): Phase {
  if (code === "PENDING") return "awaiting";
  return code === "AUTHORISATION" ? "declined" : "failed";
}

function added(left: Money, right: Money): Money {
  return {
    authorized: left.authorized + right.authorized,
    captured: left.captured + right.captured,
    refunded: left.refunded + right.refunded,
    released: left.released + right.released,
  };
}

/** The one currency of it all: money of two is no sum. @throws WorkerError `Unmapped` */
function insistOnCurrency(paid: readonly Paid[]): string {
  const currencies = paid.flatMap(({ attempt, authorisation }) => [
    authorisation.currency,
    ...attempt.done("CAPTURE", "REFUND", "AUTHORISATION_ADJUSTMENT").map(({ currency }) => currency),
  ]);
  const [currency, another] = new Set(currencies);
  if (currency === undefined || another !== undefined)
    throw new WorkerError("Unmapped", "adyen-dropin was paid in more than one currency");
  return currency;
}

/**
 * What Adyen allows now (docs/psp/adyen.md, e and g): a cancellation is of everything, and no capture may have been made or be under way; a second
 * capture only where the first leaves the rest open. A method without a capture of its own can only give back.
 */
function operationsOf(
  { money, authorisation }: Paid,
  phase: Phase,
  underWay: DesiredPayment["underWay"],
  config: Config,
): Pick<DesiredPayment, "possible" | "wholeOnly" | "underWay"> {
  const { authorized, captured, refunded, released } = money;
  const isOpen = authorized - captured - released > 0 && !isSaleType(authorisation, config);
  const isCapturing = underWay?.capture !== undefined;
  const several = keepsRest(config, authorisation.facts.paymentMethod);
  const possible: OperationName[] = [
    ...(isOpen && phase === "confirmed" && (several || !isCapturing) ? (["capture"] as const) : []),
    ...(isOpen && captured === 0 && !isCapturing ? (["cancel"] as const) : []),
    ...(captured > refunded ? (["refund"] as const) : []),
  ];
  return { possible, wholeOnly: ["cancel"], underWay };
}

/**
 * The captures that no event says: an account that captures at once, or a method that does. One per authorisation, whatever became of it
 * later, so that the log does not depend on what arrived first.
 */
function unsaidCaptures(
  events: readonly KeptEvent[],
  attempts: readonly Attempt[],
  config: Config,
): readonly DesiredTransaction[] {
  const accepted = new Set(
    attempts.flatMap(({ reference, done }) => (done("MANUAL_REVIEW_ACCEPT").length > 0 ? [reference] : [])),
  );
  return inTurn(entriesIn(events)).flatMap((entry): DesiredTransaction[] => {
    const { code, key, amount, facts } = entry;
    if (code !== "AUTHORISATION" || !facts.success || amount === 0) return [];
    if (captureModeOf(entry, config) !== "immediate") return [];
    if (facts.review === true && !accepted.has(facts.payment ?? "")) return [];
    return [
      {
        key: `capture:${key}`,
        event: "capture",
        pspEvent: code,
        pspStatus: "captured at once",
        amount,
        success: true,
        facts: { pspReference: facts.pspReference ?? "" },
      },
    ];
  });
}

/**
 * What became of the adjustments that a storefront noted as upsell under their references. Others are none of upsell's business: an
 * authorisation is adjusted to extend it, too.
 */
function upsellOf(attempt: Attempt, noted: unknown): Upsell | undefined {
  if (typeof noted !== "object" || noted === null || !("transactions" in noted)) return undefined;
  const known = Array.isArray(noted.transactions) ? (noted.transactions as readonly unknown[]) : [];
  const ids = new Set(
    known.map((one) => (typeof one === "object" && one !== null && "id" in one ? one.id : undefined)),
  );
  const transactions = attempt.words("AUTHORISATION_ADJUSTMENT").flatMap(({ facts }) => {
    const { pspReference: id } = facts;
    if (id === undefined || !ids.has(id)) return [];
    return [{ id, state: facts.success ? ("completed" as const) : ("failed" as const) }];
  });
  if (transactions.length === 0) return undefined;
  return { eligible: "eligible" in noted && noted.eligible === true, transactions };
}

function disputeIn(events: readonly KeptEvent[]): { dispute?: string } {
  const newest = inTurn(events.filter(({ type }) => isDispute(type))).at(-1);
  return newest === undefined ? {} : { dispute: newest.type };
}

function echoesOf({ facts }: Pick<Word, "facts">): readonly string[] {
  return facts.merchantReference === undefined ? [] : [facts.merchantReference];
}
