import { expect, test } from "vitest";
import { misfitOf, prove } from "./bury.ts";
import { faults } from "./faults.ts";

/** Quick ones, one of a law and one of the tests beside the code: `npm run prove:laws` plants them all. */
const sample = ["two payments' webhooks have the same key", "a payment that is refunded stays captured"];

test("every planted fault still applies, and no two are called the same", () => {
  const misfits = faults.flatMap((fault) => {
    const misfit = misfitOf(fault);
    return misfit === undefined ? [] : [`${fault.name}: ${misfit}`];
  });
  expect(misfits).toEqual([]);
  expect(new Set(faults.map(({ name }) => name)).size).toBe(faults.length);
});

test("a sample of them is found", async () => {
  const chosen = faults.filter(({ name }) => sample.includes(name));
  expect(chosen).toHaveLength(sample.length);
  const missed: string[] = [];
  await prove(chosen, ({ name }, isFound) => void (isFound || missed.push(name)));
  expect(missed).toEqual([]);
}, 120_000);
