import type { Minor, Money } from "../../contract/adapter.ts";
import { type Config, keepsRest } from "./config.ts";
import type { MoneyCode } from "./codes.ts";
import type { Attempt, Word } from "./ledger.ts";
import { instantOf } from "./turns.ts";

/** What an attempt came to. */
export interface Balance {
  readonly money: Money;
  /** Why some of it moved back or was said otherwise before, by Adyen's own word. */
  readonly reversal?: MoneyCode;
}

/** When the money of an authorisation is taken: as the event says, else by its method, else as the account is set. */
export function captureModeOf({ facts }: Pick<Word, "facts">, config: Config): Config["captureMode"] {
  if (facts.capture === "immediate") return "immediate";
  // That it is captured later does not say who does it.
  if (facts.capture === "delayed") return config.captureMode === "manual" ? "manual" : "delayed";
  return facts.paymentMethod !== undefined && config.saleMethods.includes(facts.paymentMethod)
    ? "immediate"
    : config.captureMode;
}

/** True for a payment method without a capture of its own: what it authorises it takes, and nothing can be captured or cancelled. */
export function isSaleType({ facts: { sale, paymentMethod } }: Pick<Word, "facts">, { saleMethods }: Config): boolean {
  return sale === true || (paymentMethod !== undefined && saleMethods.includes(paymentMethod));
}

/** True while a person at Adyen has yet to decide: until then nothing is captured by itself. */
export function isInReview({ authorisation, done }: Attempt): boolean {
  if (authorisation?.facts.review !== true) return false;
  const decided = done("MANUAL_REVIEW_ACCEPT", "CAPTURE", "REFUND", ...cancelling, "CANCEL_OR_REFUND");
  return decided.length === 0;
}

const cancelling = ["CANCELLATION", "TECHNICAL_CANCEL", "EXPIRE"] as const;

/**
 * Where the money of an authorised attempt is: sums over its events.
 * @param givenUpAt when Adyen closed the order unpaid of which this attempt is a part, in milliseconds.
 */
export function balanceOf(attempt: Attempt, authorisation: Word, config: Config, givenUpAt?: number): Balance {
  const balance = balanceBy(attempt, authorisation, config);
  return givenUpAt === undefined ? balance : givenBack(balance, attempt, givenUpAt);
}

/**
 * An order that is closed unpaid is the last word on its parts: what was authorised is released, what was captured is refunded, and no event
 * says so (docs/psp/adyen.md, last section). Should a later one contradict that, it wins.
 */
function givenBack({ money }: Balance, attempt: Attempt, at: number): Balance {
  const later = (words: readonly Word[]): readonly Word[] => words.filter((word) => instantOf(word) > at);
  const isHeld = later(attempt.words("CANCELLATION", "TECHNICAL_CANCEL")).some(({ facts }) => !facts.success);
  const isKept =
    later(attempt.done("REFUND_FAILED", "REFUNDED_REVERSED")).length > 0 ||
    later(attempt.words("REFUND", "CANCEL_OR_REFUND")).some(({ facts }) => !facts.success);
  const { authorized, captured, refunded, released } = money;
  const takenLater = Math.min(captured, sumOf(later(attempt.done("CAPTURE"))));
  return {
    money: {
      authorized,
      captured,
      refunded: isKept ? refunded : Math.max(refunded, captured - takenLater),
      released: isHeld ? released : authorized - captured,
    },
    reversal: "ORDER_CLOSED",
  };
}

function balanceBy(attempt: Attempt, authorisation: Word, config: Config): Balance {
  const mode = captureModeOf(authorisation, config);
  const keeps = keepsRest(config, authorisation.facts.paymentMethod);
  const asked = authorisedBy(attempt, authorisation);
  const accepted = capturedBy(attempt);
  const reversals = attempt.done("CANCEL_OR_REFUND");
  const lost = attempt.done("CAPTURE_FAILED");
  const returned = attempt.done("REFUND_FAILED", "REFUNDED_REVERSED");
  const captures = standing(capturesOf(attempt, authorisation, asked, mode), attempt.words("CAPTURE"), lost);

  const seen = sumOf(captures);
  const given = reversals.filter(({ facts }) => (facts.action ?? (seen > 0 ? "refund" : "cancel")) === "refund");
  const allRefunds = [...attempt.done("REFUND"), ...given];
  const refunds = standing(allRefunds, attempt.words("REFUND", "CANCEL_OR_REFUND"), returned);
  const refunded = refundedBy(refunds, seen, asked);
  // What was refunded had been captured, also where the refund failed later: by Adyen itself, or by a capture whose event is yet to come.
  const proofs = lost.length > 0 ? refunds : allRefunds;
  const shown = Math.max(refunded, ...proofs.map((refund) => refundedBy([refund], seen, asked)));
  const captured = shown <= seen ? seen : mode === "manual" ? shown : Math.max(shown, asked);
  const authorized = Math.max(asked, captured);
  const closings = [...attempt.done(...cancelling), ...reversals.filter((word) => !given.includes(word))];
  const isClosed = closings.length > 0;
  const released = isClosed ? authorized - captured : keeps ? 0 : leftBehind(authorized, captured, captures, accepted);

  // A capture that came late takes from what was released; any word on it, and a cancellation, from what was only taken for captured;
  // an adjustment to less from either.
  const isLate = (isClosed && captured > 0) || (accepted.length > 1 && !keeps);
  const [correction] = mode === "manual" ? [] : [...attempt.words("CAPTURE"), ...closings];
  const isReduced = asked < authorisation.amount;
  const reversal =
    lost.at(-1)?.code ??
    returned.at(-1)?.code ??
    attempt.words(...overturnable).findLast(({ overturned }) => overturned)?.code ??
    (isLate ? "CAPTURE" : (correction?.code ?? (isReduced ? "AUTHORISATION_ADJUSTMENT" : undefined)));
  return {
    money: { authorized, captured, refunded, released },
    ...(reversal === undefined ? {} : { reversal }),
  };
}

const overturnable = ["AUTHORISATION_ADJUSTMENT", ...cancelling, "CANCEL_OR_REFUND", "CAPTURE", "REFUND"] as const;

/** The newest total; an adjustment of the same second comes after what it adjusts. */
function authorisedBy(attempt: Attempt, authorisation: Word): Minor {
  const adjusted = attempt.done("AUTHORISATION_ADJUSTMENT").at(-1);
  return adjusted !== undefined && instantOf(adjusted) >= instantOf(authorisation)
    ? adjusted.amount
    : authorisation.amount;
}

/** A capture over nothing takes nothing, and leaves the rest where it is. */
function capturedBy(attempt: Attempt): readonly Word[] {
  return attempt.done("CAPTURE").filter(({ amount }) => amount > 0);
}

/** The captures that were accepted. Where the account captures at once, no event may ever come; what was cancelled was not captured. */
function capturesOf(
  attempt: Attempt,
  authorisation: Word,
  amount: Minor,
  mode: Config["captureMode"],
): readonly Word[] {
  const told = attempt.words("CAPTURE").some(({ facts, amount: of }) => !facts.success || of > 0);
  const cancelled =
    attempt.done(...cancelling).length > 0 ||
    attempt.done("CANCEL_OR_REFUND").some(({ facts }) => facts.action === "cancel");
  if (mode !== "immediate" || told || cancelled || isInReview(attempt)) return capturedBy(attempt);
  return [{ ...authorisation, code: "CAPTURE", amount }];
}

/**
 * What was accepted and has not failed since. A failure names the capture or refund that it undoes by its reference; where none of all
 * that was asked for has it, it undoes one of its amount. What is accepted anew after its failure stands again.
 */
function standing(accepted: readonly Word[], asked: readonly Word[], failures: readonly Word[]): readonly Word[] {
  const lost = new Set<Word>();
  // REFUND_FAILED and REFUNDED_REVERSED may tell of the same one: the newest counts.
  const newest = new Map(failures.map((failure) => [failure.facts.pspReference ?? failure.key, failure]));
  for (const failure of newest.values()) {
    const isNamed = ({ facts }: Word): boolean => facts.pspReference === failure.facts.pspReference;
    const isLike = (word: Word): boolean => !lost.has(word) && word.amount === failure.amount;
    const isUndone = asked.some(isNamed) ? isNamed : isLike;
    const undone = accepted.find((word) => isUndone(word) && instantOf(word) <= instantOf(failure));
    if (undone !== undefined) lost.add(undone);
  }
  return accepted.filter((word) => !lost.has(word));
}

/** What refunds gave back. A reversal gives back everything that was captured; where that is not known, what it says, or all. */
function refundedBy(refunds: readonly Word[], captured: Minor, asked: Minor): Minor {
  const reversals = refunds.filter(({ code }) => code === "CANCEL_OR_REFUND");
  const given = sumOf(refunds.filter((word) => !reversals.includes(word)));
  if (reversals.length === 0) return given;
  const said = captured > 0 ? captured : Math.max(...reversals.map(({ amount }) => amount));
  return Math.max(given, said > 0 ? said : asked);
}

/**
 * What Adyen cancelled by itself after a capture of less than all (https://docs.adyen.com/online-payments/capture). It stays cancelled when
 * that capture fails later: only the part that failed is open again.
 */
function leftBehind(authorized: Minor, captured: Minor, captures: readonly Word[], accepted: readonly Word[]): Minor {
  if (accepted.length === 0) return 0;
  const taken = captures.length > 0 ? sumOf(captures) : Math.max(...accepted.map(({ amount }) => amount));
  // Refunds may show that more was captured than any event has said.
  return Math.max(0, authorized - Math.max(taken, captured));
}

function sumOf(words: readonly Word[]): Minor {
  return words.reduce((sum, { amount }) => sum + amount, 0);
}
