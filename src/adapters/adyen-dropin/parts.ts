import type { Minor, Money } from "../../contract/adapter.ts";
import type { Config } from "./config.ts";
import type { Attempt, Word } from "./ledger.ts";
import { type Balance, balanceOf } from "./money.ts";
import { instantOf, inTurn } from "./turns.ts";

/** An attempt that was authorised, and where its money is. */
export interface Paid extends Balance {
  readonly attempt: Attempt;
  readonly authorisation: Word;
  /** A part of an order that Adyen closed unpaid. */
  readonly isGivenUp: boolean;
}

/** The authorised attempts that the payment consists of. */
export interface Purchase {
  /** The one it is known by first. */
  readonly parts: readonly [Paid, ...Paid[]];
  /** What was paid besides. */
  readonly left: readonly Paid[];
  /** Its parts do not make up what was asked, and may yet: the shopper is not done. */
  readonly isShort: boolean;
  /** When they are given up waiting for, in milliseconds. */
  readonly until: number;
}

/** For how long the next part of a payment is waited for. */
const partMs = 3_600_000;

/** Every attempt that was authorised. */
export function paidIn(attempts: readonly Attempt[], config: Config): readonly Paid[] {
  const givenUp = ordersIn(attempts).flatMap(({ givenUpAt }) => givenUpAt ?? []);
  return attempts.flatMap((attempt): Paid[] => {
    const { authorisation } = attempt;
    if (authorisation?.facts.success !== true) return [];
    const at = givenUp.find((closedAt) => instantOf(authorisation) <= closedAt);
    return [{ attempt, authorisation, isGivenUp: at !== undefined, ...balanceOf(attempt, authorisation, config, at) }];
  });
}

/**
 * What the payment consists of; `undefined` where nothing was authorised. All parts of an order that is paid in several; the same where no event
 * tells of an order and the first of them is less than what was asked (docs/psp/adyen.md, last section); else one: what holds money before
 * what does not, then the one that was there first.
 * @param asked what the payment asks of the shopper.
 */
export function partsOf(
  paid: readonly Paid[],
  attempts: readonly Attempt[],
  asked: Minor,
  now: number,
): Purchase | undefined {
  const orders = ordersIn(attempts);
  const [main, ...others] = paid.toSorted(byWorth);
  if (main === undefined) return undefined;
  const more = orders.length > 0 ? others : grantedTo(main) < asked ? missingParts(main, others, asked) : [];
  const parts = [main, ...more] as const;
  const wanted = Math.max(...orders.flatMap(({ amount }) => amount ?? []), 0) || asked;
  const money = parts.reduce((sum, part) => sum + grantedTo(part), 0);
  const until = Math.max(...parts.map(({ authorisation }) => instantOf(authorisation))) + partMs;
  const isOpen =
    parts.some((part) => holds(part.money) && !part.isGivenUp) && !orders.some(({ isComplete }) => isComplete);
  return {
    parts,
    left: paid.filter((one) => !parts.includes(one)),
    isShort: isOpen && money < wanted && now < until,
    until,
  };
}

/** True where money is held, or was taken and not given back. */
export function holds({ authorized, captured, refunded, released }: Money): boolean {
  return authorized - captured - released > 0 || captured > refunded;
}

/** What was authorised at first, or more since: an authorisation that was adjusted to less leaves nothing to be paid by another part. */
function grantedTo({ authorisation, money }: Paid): Minor {
  return Math.max(authorisation.amount, money.authorized);
}

/** Those of the others, the first first, that make up what the first one leaves; one that is worth the whole is no part. */
function missingParts(main: Paid, others: readonly Paid[], asked: Minor): readonly Paid[] {
  const parts: Paid[] = [];
  let sum = grantedTo(main);
  for (const other of others.toSorted((left, right) => byTime(left, right))) {
    if (sum >= asked) break;
    if (grantedTo(other) >= asked) continue;
    parts.push(other);
    sum += grantedTo(other);
  }
  return parts;
}

/** An order that is paid in parts, by what Adyen told of it, in any order. */
interface Order {
  /** What it comes to, where it was told. */
  readonly amount?: Minor | undefined;
  readonly isComplete: boolean;
  /** When it was closed unpaid, in milliseconds. */
  readonly givenUpAt?: number | undefined;
}

function ordersIn(attempts: readonly Attempt[]): readonly Order[] {
  return attempts.flatMap(({ words }): Order[] => {
    const opened = words("ORDER_OPENED").at(-1);
    const closed = inTurn(words("ORDER_CLOSED")).at(-1);
    if (opened === undefined && closed === undefined) return [];
    const isGivenUp = closed?.facts.success === false;
    return [
      {
        amount: isGivenUp ? undefined : opened?.facts.amount,
        isComplete: closed?.facts.success === true,
        // Of one that came without a time nothing can be later.
        givenUpAt: isGivenUp ? instantOf(closed) || Infinity : undefined,
      },
    ];
  });
}

function byWorth(left: Paid, right: Paid): number {
  return worthOf(right.money) - worthOf(left.money) || byTime(left, right);
}

function byTime(left: Paid, right: Paid): number {
  return (
    instantOf(left.authorisation) - instantOf(right.authorisation) ||
    (left.attempt.reference < right.attempt.reference ? -1 : 1)
  );
}

function worthOf(money: Money): number {
  if (holds(money)) return 2;
  return money.captured > 0 ? 1 : 0;
}
