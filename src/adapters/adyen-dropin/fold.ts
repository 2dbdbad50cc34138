import { WorkerError } from "../../lib/errors.ts";
import type {
  DesiredPayment,
  DesiredTransaction,
  KeptEvent,
  LookContext,
  Money,
  OperationName,
  Phase,
  Upsell,
} from "../../contract/adapter.ts";
import { isDispute } from "./codes.ts";
import type { Config } from "./config.ts";
import { type Attempt, attemptsIn, entriesIn, type Word } from "./ledger.ts";
import { noCurrency } from "./lines.ts";
import { type Balance, balanceOf, captureModeOf, isInReview } from "./money.ts";
import { newestToken } from "./recurring.ts";
import { underWayOf } from "./requests.ts";
import { instantOf, inTurn } from "./turns.ts";

/** What `fold` knows besides the events. */
export type FoldContext = Pick<LookContext<Config>, "config" | "memory" | "payment">;

/** An attempt that was authorised, and where its money is. */
interface Paid extends Balance {
  readonly attempt: Attempt;
  readonly authorisation: Word;
}

const nothing: Money = { authorized: 0, captured: 0, refunded: 0, released: 0 };

/**
 * What the kept events come to; `null` while none of them says how far the purchase is: a capture or a token may come before the
 * authorisation it belongs to.
 */
export function fold(kept: readonly KeptEvent[], context: FoldContext): DesiredPayment | null {
  const events = [...new Map(kept.map((event) => [event.key, event])).values()];
  const attempts = attemptsIn(events);
  const paid = attempts.flatMap((attempt) => paidFrom(attempt, context.config));
  const recurring = newestToken(events);
  const more = {
    ...(recurring === undefined ? {} : { recurring }),
    transactions: unsaidCaptures(events, attempts, context.config),
  };
  const [main, ...others] = counted(paid, events);
  return main === undefined
    ? unpaid(attempts, events, context, more)
    : fromPaid(main, others, { paid, attempts, events, context, more });
}

interface Found {
  readonly paid: readonly Paid[];
  readonly attempts: readonly Attempt[];
  readonly events: readonly KeptEvent[];
  readonly context: FoldContext;
  readonly more: Pick<DesiredPayment, "recurring" | "transactions">;
}

function fromPaid(
  main: Paid,
  parts: readonly Paid[],
  { paid, attempts, events, context, more }: Found,
): DesiredPayment {
  const { attempt, authorisation } = main;
  const all = [main, ...parts];
  insistOnCurrency(all);
  const money = all.map((part) => part.money).reduce(added);
  const left = paid.filter((other) => !all.includes(other));
  const paying = isPaidInPart(money, events);
  const phase: Phase = paying ? "paying" : all.some((part) => isInReview(part.attempt)) ? "review" : "confirmed";
  const reversal =
    all.find((part) => part.reversal !== undefined)?.reversal ??
    // That a payment is only a part may be told after it.
    (paying ? "ORDER_OPENED" : left.length > 0 ? "AUTHORISATION" : undefined);
  const aliases = attempts.map(({ reference }) => reference).filter((reference) => reference !== attempt.reference);
  const upsell = upsellOf(attempt, context.payment.upsell);
  return {
    ...more,
    phase,
    money,
    total: all.reduce((sum, part) => sum + part.authorisation.amount, 0),
    currency: authorisation.currency,
    reference: attempt.reference,
    ...(aliases.length === 0 ? {} : { aliases }),
    ...(upsell === undefined ? {} : { upsell }),
    attributes: {
      paymentMethod: authorisation.facts.paymentMethod ?? "unknown",
      // Somebody paid more than once, and only one of these payments is what Norce asked for.
      otherPayments: left.filter((other) => holds(other.money)).length,
      ...disputeIn(events),
    },
    // Which part of an order an operation is for is for its merchant to say.
    ...(parts.length > 0 || paying
      ? { possible: [] }
      : operationsOf(money, phase, underWayOf(attempt, events), context.config)),
    echoes: echoesOf(authorisation),
    ...(reversal === undefined ? {} : { reversal }),
  };
}

/** The newest of what was tried decides: refused, still going on, or given up. */
function unpaid(
  attempts: readonly Attempt[],
  events: readonly KeptEvent[],
  { payment }: FoldContext,
  more: Found["more"],
): DesiredPayment | null {
  const ends = attempts.flatMap((attempt) => {
    const { authorisation } = attempt;
    // A refused attempt is neither pending nor merely lapsed.
    const [end] = authorisation === undefined ? attempt.done("OFFER_CLOSED", "PENDING").toReversed() : [authorisation];
    return end === undefined ? [] : [{ ...end, reference: attempt.reference }];
  });
  const end = inTurn(ends).at(-1);
  if (end === undefined) return null;
  const isSaid = end.currency !== noCurrency;
  return {
    ...more,
    phase: phaseOf(end.code),
    money: nothing,
    total: isSaid ? (end.facts.amount ?? 0) : payment.amount,
    currency: isSaid ? end.currency : payment.currency,
    reference: end.reference,
    attributes: {
      paymentMethod: end.facts.paymentMethod ?? "unknown",
      otherPayments: 0,
      ...disputeIn(events),
    },
    possible: [],
    echoes: echoesOf(end),
    ...(end.overturned ? { reversal: end.code } : {}),
  };
}

function phaseOf(code: Word["code"]): Phase {
  if (code === "PENDING") return "review";
  return code === "AUTHORISATION" ? "declined" : "failed";
}

function paidFrom(attempt: Attempt, config: Config): Paid[] {
  const { authorisation } = attempt;
  if (authorisation?.facts.success !== true) return [];
  return [{ attempt, authorisation, ...balanceOf(attempt, authorisation, config) }];
}

/**
 * Which authorised attempts the payment consists of, the one it is known by first. All parts of an order that was paid in several; else
 * one: what holds money before what does not, then the one that was there first.
 */
function counted(paid: readonly Paid[], events: readonly KeptEvent[]): readonly Paid[] {
  const first = paid.toSorted(
    (left, right) =>
      worthOf(right.money) - worthOf(left.money) ||
      instantOf(left.authorisation) - instantOf(right.authorisation) ||
      (left.attempt.reference < right.attempt.reference ? -1 : 1),
  );
  const isOrder = entriesIn(events).some(({ code }) => code === "ORDER_OPENED" || code === "ORDER_CLOSED");
  return isOrder ? first : first.slice(0, 1);
}

/** An order of which something is still to be paid: the shopper is not done, or gives up and gets back what was paid. */
function isPaidInPart(money: Money, events: readonly KeptEvent[]): boolean {
  const told = entriesIn(events).filter(({ facts }) => facts.success);
  if (!holds(money) || told.some(({ code }) => code === "ORDER_CLOSED")) return false;
  const orders = told.flatMap(({ code, facts }) => (code === "ORDER_OPENED" ? [facts.amount ?? 0] : []));
  return money.authorized < Math.max(0, ...orders);
}

function worthOf(money: Money): number {
  if (holds(money)) return 2;
  return money.captured > 0 ? 1 : 0;
}

function holds({ authorized, captured, refunded, released }: Money): boolean {
  return authorized - captured - released > 0 || captured > refunded;
}

function added(left: Money, right: Money): Money {
  return {
    authorized: left.authorized + right.authorized,
    captured: left.captured + right.captured,
    refunded: left.refunded + right.refunded,
    released: left.released + right.released,
  };
}

/** Money of two currencies is no sum. @throws WorkerError `Unmapped` */
function insistOnCurrency(paid: readonly Paid[]): void {
  const currencies = paid.flatMap(({ attempt, authorisation }) => [
    authorisation.currency,
    ...attempt.done("CAPTURE", "REFUND", "AUTHORISATION_ADJUSTMENT").map(({ currency }) => currency),
  ]);
  if (new Set(currencies).size > 1)
    throw new WorkerError("Unmapped", "adyen-dropin was paid in more than one currency");
}

/**
 * What Adyen allows now (docs/psp/adyen.md, e and g): a cancellation is of everything, and no capture may have been made or be under way; a second
 * capture only where the first leaves the rest open.
 */
function operationsOf(
  { authorized, captured, refunded, released }: Money,
  phase: Phase,
  underWay: DesiredPayment["underWay"],
  { multiplePartialCaptures }: Config,
): Pick<DesiredPayment, "possible" | "wholeOnly" | "underWay"> {
  const open = authorized - captured - released;
  const isCapturing = underWay?.capture !== undefined;
  const possible: OperationName[] = [
    ...(open > 0 && phase === "confirmed" && (multiplePartialCaptures || !isCapturing) ? (["capture"] as const) : []),
    ...(open > 0 && captured === 0 && !isCapturing ? (["cancel"] as const) : []),
    ...(captured > refunded ? (["refund"] as const) : []),
  ];
  return { possible, wholeOnly: ["cancel"], ...(underWay === undefined ? {} : { underWay }) };
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
