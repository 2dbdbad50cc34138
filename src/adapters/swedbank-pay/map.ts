import { sum } from "../../lib/money.ts";
import type {
  DesiredPayment,
  Finding,
  MapContext,
  Minor,
  Money,
  OperationName,
  Phase,
  Recurring,
} from "../../contract/adapter.ts";
import { endOf, type Standing, standingOf } from "./money.ts";
import { pendingReversals, type PendingReversal } from "./reversals.ts";
import { insistOnKnown, type Order, type Snapshot, type Token } from "./schema.ts";
import { failureId, seenIn, transactionsOf, triedBy } from "./transactions.ts";

const dayMs = 24 * 60 * 60 * 1_000;
/** For how long an attempt that failed may be repeated, as far as anybody waits for it. */
const abandonedMs = 7 * dayMs;
/** For how long a token is looked for that was asked for. */
const tokenPatienceMs = dayMs;
/** How long before its end an authorisation is told to be at risk. */
const warnedMs = 14 * dayMs;
/** Five failed captures or reversals in a row lock the payment order: the fifth is left to a person (docs/psp/swedbank-pay.md, g). */
export const mostFailures = 4;

/** What Norce should say: the status tells how far the purchase came, the transactions where the money is. */
export function map(snapshot: Snapshot, { kept, now }: MapContext): DesiredPayment {
  const { order } = snapshot;
  insistOnKnown(order);
  const standing = standingOf(snapshot, now);
  const { money } = standing;
  const pending = pendingReversals(order, kept, now);
  const refunding = Math.min(
    sum(pending, ({ amount }) => amount),
    money.captured - money.refunded,
  );
  const seen = seenIn(snapshot);
  return {
    phase: phaseOf(snapshot, standing, now),
    money,
    total: totalOf(order),
    currency: order.currency,
    reference: order.id,
    recurring: recurringFrom(order),
    attributes: attributesOf(order),
    memory: seen.length === 0 ? {} : { seen },
    transactions: transactionsOf(snapshot, standing),
    possible: possibleFor(snapshot, standing, refunding),
    ...(isInvoiced(order) ? { wholeOnly: ["capture", "refund"] as const } : {}),
    underWay: refunding > 0 ? { refund: refunding } : {},
    echoes: order.echoes,
    findings: findingsIn(order, standing, now),
    lookAgain: lookAgainOf(snapshot, standing, pending, now),
  };
}

/** What is held and neither taken nor let go. */
function openAmount({ authorized, captured, released }: Money): Minor {
  return authorized - captured - released;
}

/** An instrument's own fee or discount is not what was asked for. */
function totalOf({ paid, amount }: Order): Minor {
  const submitted = paid?.submittedAmount ?? 0;
  return submitted > 0 ? submitted : amount;
}

function phaseOf({ order }: Snapshot, { money }: Standing, now: number): Phase {
  if (money.authorized > 0) return "confirmed";
  switch (order.status) {
    case "Initialized":
      // Whether a shopper is at a bank just now, nothing says: an attempt that failed says that somebody tried.
      if (order.failedAttempts.length === 0) return "created";
      return isAbandoned(order, now) ? "failed" : "paying";
    // Nothing was to be paid (a card was verified), or the details cannot be read yet.
    case "Paid":
    case "Reversed":
      return "confirmed";
    case "Failed":
      return isRefusal(order.failed) ? "declined" : "failed";
    case "Cancelled":
    case "Aborted":
      return "failed";
  }
}

/** The last time that anything is known to have happened, in Unix milliseconds. */
function lastTried({ failedAttempts, created }: Order): number | undefined {
  const times = [created, ...failedAttempts.map((attempt) => attempt.created)].flatMap((time) =>
    time === undefined ? [] : [Date.parse(time)],
  );
  return times.length === 0 ? undefined : Math.max(...times);
}

/** No status says that a shopper has given up. */
function isAbandoned(order: Order, now: number): boolean {
  return now - (lastTried(order) ?? now) >= abandonedMs;
}

/** A bank or issuer said no; everything else is nobody's decision (docs/psp/swedbank-pay.md, e and j). */
export function isRefusal(code = ""): boolean {
  const technical = /gateway|time(d)?out|system|internal|unavailable|cancel|configuration|input/;
  return refused.test(code) && !technical.test(code);
}

const refused =
  /^acquirer|^3dsecure|fraud|declined|rejected|limitexceeded|insufficientfunds|tokeninactive|velocitycheck/;

function possibleFor(snapshot: Snapshot, { money, sold }: Standing, refunding: number): readonly OperationName[] {
  const { order, operations } = snapshot;
  // A link that leads to another host is not followed, so that what it offers is not possible.
  const offers = (name: string): boolean => operations.some(({ rel, path }) => rel === name && path !== undefined);
  const open = openAmount(money);
  const [captured, refunded] = [money.captured - sold, money.refunded];
  const invoiced = isInvoiced(order);
  return [
    ...(open > 0 && offers("capture") && !isNearlyLocked(order, "capture") && !(invoiced && captured > 0)
      ? (["capture"] as const)
      : []),
    ...(open > 0 && offers("cancel") ? (["cancel"] as const) : []),
    ...(money.captured - refunded - refunding > 0 &&
    offers("reversal") &&
    !isNearlyLocked(order, "refund") &&
    !(invoiced && (refunded > 0 || money.captured < order.amount))
      ? (["refund"] as const)
      : []),
  ];
}

/** As many failed one after the other as may: those since the last one that went through. */
function isNearlyLocked({ transactions, postPurchaseFailedAttempts }: Order, name: "capture" | "refund"): boolean {
  const kind = name === "capture" ? "Capture" : "Reversal";
  const last = transactions
    .filter((transaction) => transaction.kind === kind)
    .map(({ created = "" }) => created)
    .toSorted()
    .at(-1);
  const failed = postPurchaseFailedAttempts.filter(
    (failure) => triedBy(failure) === name && (last === undefined || (failure.created ?? "") > last),
  );
  return failed.length >= mostFailures;
}

/** An invoice is captured and given back line by line: here all lines at once (docs/psp/swedbank-pay.md, g). */
export function isInvoiced({ paid }: Order): boolean {
  return /^invoice/i.test(paid?.instrument ?? "");
}

function attributesOf({ status, operation, paid }: Order) {
  return {
    status,
    ...(operation === undefined ? {} : { operation }),
    ...(paid?.instrument === undefined ? {} : { instrument: paid.instrument }),
  };
}

/** What a merchant may charge without the shopper: at any time, else by a schedule (docs/psp/swedbank-pay.md, f). Others charge nothing here. */
function recurringFrom({ paid }: Order): Recurring | undefined {
  const tokens = paid?.tokens ?? [];
  const of = (wanted: string): Token | undefined =>
    tokens.find(({ type = "", token }) => type.toLowerCase() === wanted && token !== undefined);
  const found = of("unscheduled") ?? of("recurrence");
  if (found?.token === undefined || found.type === undefined) return undefined;
  const brand = paid?.brand;
  const { masked, ends } = found;
  const description = [brand, masked].filter((text) => text !== undefined).join(" ");
  return {
    token: found.token,
    description: description === "" ? undefined : description,
    attributes: {
      tokenType: found.type,
      ...(masked === undefined ? {} : { maskedPan: masked }),
      ...(brand === undefined ? {} : { cardBrand: brand }),
      ...(ends === undefined ? {} : { expiryDate: ends }),
    },
  };
}

function findingsIn(order: Order, { money }: Standing, now: number): readonly Finding[] {
  const failures = order.postPurchaseFailedAttempts.flatMap((failure): readonly Finding[] => {
    const name = triedBy(failure);
    if (name === undefined || name === "cancel") return [];
    const facts = failure.problem === undefined ? {} : { facts: { code: failure.problem } };
    return [{ name: `${name}-failed`, id: failureId(failure), ...facts }];
  });
  const end = endOf(order);
  if (openAmount(money) === 0 || end === undefined || end - now > warnedMs) return failures;
  const deadline = new Date(end).toISOString();
  const facts = { open: openAmount(money), currency: order.currency };
  return [...failures, { name: "authorization-at-risk", id: "authorization", deadline, facts }];
}

/** Callbacks are off for new merchants, and nobody calls for most of what happens: early looks, then fewer. */
function lookAgainOf(
  snapshot: Snapshot,
  { money }: Standing,
  pending: readonly PendingReversal[],
  now: number,
): DesiredPayment["lookAgain"] {
  const { order } = snapshot;
  const since = order.created ?? undefined;
  const [oldest] = pending;
  if (oldest !== undefined) return { growing: oldest.at };
  if (order.status === "Initialized") {
    if (isAbandoned(order, now)) return undefined;
    return since === undefined ? { afterSeconds: 600 } : { growing: since };
  }
  if (isUnreadable(order, money.authorized) || isTokenAwaited(order, now))
    return since === undefined ? { afterSeconds: 600 } : { growing: since };
  return openAmount(money) > 0 ? beforeTheEnd(order, now) : undefined;
}

/** It was paid, and nothing says yet how. */
function isUnreadable({ status, amount }: Order, authorized: number): boolean {
  return status === "Paid" && amount > 0 && authorized === 0;
}

function isTokenAwaited(order: Order, now: number): boolean {
  if (order.status !== "Paid" || !order.generatesToken || recurringFrom(order) !== undefined) return false;
  return order.created !== undefined && now - Date.parse(order.created) < tokenPatienceMs;
}

/** When its end comes near, and a minute after it. */
function beforeTheEnd(order: Order, now: number): DesiredPayment["lookAgain"] {
  const end = endOf(order);
  if (end === undefined) return undefined;
  const next = [end - warnedMs, end + 60_000].find((time) => time > now);
  return next === undefined ? { afterSeconds: dayMs / 1_000 } : { at: new Date(next).toISOString() };
}
