import { expect } from "vitest";
import type { DesiredPayment } from "../../src/contract/adapter.ts";
import { paymentStates, stateOf } from "../../src/norce/states.ts";

/** Names of our note on a payment that `diff.ts` writes itself. */
const reserved = ["phase", "authorized", "captured", "refunded", "released", "removed", "amountAsked", "since"];

/** Insists on everything that holds for whatever any adapter's `map` gives. */
export function expectLegal(desired: DesiredPayment): void {
  const { phase, money, total, transactions, marker, attributes = {}, lookAgain } = desired;
  const { authorized, captured, refunded, released } = money;
  for (const [name, amount] of Object.entries({ ...money, total, ...amountsOf(desired) })) {
    expect(amount, `${name} is an amount in minor units`).toSatisfy(Number.isSafeInteger);
    expect(amount, `${name} is not negative`).toBeGreaterThanOrEqual(0);
  }
  expect(captured + released, "no more is captured and released than was authorised").toBeLessThanOrEqual(authorized);
  expect(refunded, "no more is refunded than was captured").toBeLessThanOrEqual(captured);
  expect(desired.currency, "an ISO 4217 code, upper case").toMatch(/^[A-Z]{3}$/);
  expect(desired.reference).not.toBe("");
  expect(desired.recurring?.token, "a token is never blank").not.toBe("");

  const keys = transactions.map(({ key }) => key);
  expect(new Set(keys).size, "the keys of transactions are unique").toBe(keys.length);
  if (marker !== undefined) expect(keys, "the marker is one of the transactions").toContain(marker);
  for (const name of reserved) expect(attributes, "a name that our own note uses").not.toHaveProperty(name);

  expect(paymentStates.slice(0, 10)).toContain(stateOf(phase, money, "ten"));
  expect(paymentStates).toContain(stateOf(phase, money, "twelve"));
  if (lookAgain !== undefined && "at" in lookAgain)
    expect(new Date(lookAgain.at).toISOString(), "a time in ISO 8601").toBe(lookAgain.at);
  if (lookAgain !== undefined && "afterSeconds" in lookAgain) expect(lookAgain.afterSeconds).toBeGreaterThan(0);
  expect(JSON.parse(JSON.stringify(desired)), "survives JSON").toEqual(desired);
}

function amountsOf({ transactions }: DesiredPayment): Record<string, number> {
  return Object.fromEntries(transactions.map(({ key, amount }) => [`the amount of ${key}`, amount]));
}
