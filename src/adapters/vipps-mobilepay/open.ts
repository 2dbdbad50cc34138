import type { DesiredPayment, Finding, Minor, Money, OperationName } from "../../contract/adapter.ts";

const minute = 60_000;
/** How long before a guarantee ends somebody should hear of it. */
const warnMs = 24 * 60 * minute;

/** What is authorised and neither captured nor released. */
function openIn({ authorized, captured, released }: Money): Minor {
  return authorized - captured - released;
}

/** What Vipps takes now. What is held can also be captured once it is not guaranteed any more. */
export function possibleFor(money: Money): readonly OperationName[] {
  return [
    ...(openIn(money) > 0 ? (["capture", "cancel"] as const) : []),
    ...(money.captured > money.refunded ? (["refund"] as const) : []),
  ];
}

/** When the guarantee of what is held comes near, and when it is over. @param until ISO 8601 */
export function watchGuarantee(until: string | undefined, money: Money, now: number): DesiredPayment["lookAgain"] {
  if (until === undefined || openIn(money) === 0) return undefined;
  const end = Date.parse(until);
  const next = [end - warnMs, end + minute].find((at) => at > now);
  return next === undefined ? undefined : { at: new Date(next).toISOString() };
}

/** What is held will soon not be guaranteed any more, or is not by now. @param until ISO 8601 */
export function riskIn(
  reference: string,
  until: string | undefined,
  money: Money,
  currency: string,
  now: number,
): readonly Finding[] {
  const amount = openIn(money);
  if (until === undefined || amount === 0 || now < Date.parse(until) - warnMs) return [];
  return [{ name: "authorization-at-risk", id: reference, deadline: until, facts: { amount, currency } }];
}
