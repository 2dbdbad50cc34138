import type { Minor, Money } from "../adapter.ts";
import type { Config } from "./config.ts";
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

/** True while a person at Adyen has yet to decide: until then nothing is captured by itself. */
export function isInReview({ authorisation, done }: Attempt): boolean {
  if (authorisation?.facts.review !== true) return false;
  const decided = done("MANUAL_REVIEW_ACCEPT", "CAPTURE", "REFUND", ...cancelling, "CANCEL_OR_REFUND");
  return decided.length === 0;
}

const cancelling = ["CANCELLATION", "TECHNICAL_CANCEL", "EXPIRE"] as const;

/** Where the money of an authorised attempt is: sums over its events. */
export function balanceOf(attempt: Attempt, authorisation: Word, config: Config): Balance {
  const mode = captureModeOf(authorisation, config);
  const asked = authorisedBy(attempt, authorisation);
  const accepted = attempt.done("CAPTURE");
  const reversals = attempt.done("CANCEL_OR_REFUND");
  const lost = attempt.done("CAPTURE_FAILED");
  const returned = attempt.done("REFUND_FAILED", "REFUNDED_REVERSED");
  const captures = standing(capturesOf(attempt, authorisation, asked, mode), lost);
  const refunds = standing(attempt.done("REFUND"), returned);

  const seen = sumOf(captures);
  const given = reversals.filter(({ facts }) => (facts.action ?? (seen > 0 ? "refund" : "cancel")) === "refund");
  const refunded = Math.max(sumOf(refunds), given.length === 0 ? 0 : reversed(given, seen, asked));
  // What was refunded had been captured: by Adyen itself, or by a capture whose event is yet to come.
  const captured = refunded <= seen ? seen : mode === "manual" ? refunded : Math.max(refunded, asked);
  const authorized = Math.max(asked, captured);
  const isClosed = attempt.done(...cancelling).length > 0 || given.length < reversals.length;
  const released = isClosed
    ? authorized - captured
    : leftBehind(authorized, captures, accepted, config.multiplePartialCaptures);

  const reversal =
    lost.at(-1)?.code ??
    returned.at(-1)?.code ??
    attempt.words(...overturnable).findLast(({ overturned }) => overturned)?.code ??
    // A capture that came late takes from what was released, and a first one from what was taken for captured.
    ((isClosed && captured > 0) ||
    (accepted.length > 1 && !config.multiplePartialCaptures) ||
    (mode !== "manual" && accepted.length > 0)
      ? "CAPTURE"
      : undefined);
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

/** The captures that were accepted. Where the account captures at once, no event may ever come. */
function capturesOf(
  attempt: Attempt,
  authorisation: Word,
  amount: Minor,
  mode: Config["captureMode"],
): readonly Word[] {
  const told = attempt.words("CAPTURE").length > 0;
  const cancelled = attempt.done(...cancelling).length > 0;
  if (mode !== "immediate" || told || cancelled || isInReview(attempt)) return attempt.done("CAPTURE");
  return [{ ...authorisation, code: "CAPTURE", amount }];
}

/**
 * What was accepted and has not failed since. A failure names the capture or refund that it undoes by its reference; where it
 * names none that is known, it undoes one of its amount. What is accepted anew after its failure stands again.
 */
function standing(accepted: readonly Word[], failures: readonly Word[]): readonly Word[] {
  const lost = new Set<Word>();
  for (const failure of failures) {
    const named = accepted.find(({ facts }) => facts.pspReference === failure.facts.pspReference);
    const undone = named ?? accepted.find((word) => !lost.has(word) && word.amount === failure.amount);
    if (undone !== undefined && (named === undefined || instantOf(undone) <= instantOf(failure))) lost.add(undone);
  }
  return accepted.filter((word) => !lost.has(word));
}

/** A reversal gives back everything that was captured; where that is not known, what it says, or all. */
function reversed(given: readonly Word[], captured: Minor, asked: Minor): Minor {
  if (captured > 0) return captured;
  const said = Math.max(...given.map(({ amount }) => amount));
  return said > 0 ? said : asked;
}

/**
 * What Adyen cancelled by itself after a capture of less than all (https://docs.adyen.com/online-payments/capture). It stays cancelled when
 * that capture fails later: only the part that failed is open again.
 */
function leftBehind(authorized: Minor, captures: readonly Word[], accepted: readonly Word[], multiple: boolean): Minor {
  if (multiple || accepted.length === 0) return 0;
  const taken = captures.length > 0 ? sumOf(captures) : Math.max(...accepted.map(({ amount }) => amount));
  return Math.max(0, authorized - taken);
}

function sumOf(words: readonly Word[]): Minor {
  return words.reduce((sum, { amount }) => sum + amount, 0);
}
