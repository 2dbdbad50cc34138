import { expect, test } from "vitest";
import { createLimits } from "./limits.ts";

test("of what nobody vouches for sixty may lead nowhere at once, then one a second, each account by itself", () => {
  let now = 0;
  const limits = createLimits(() => now);
  const spend = (account: string): number => {
    let spent = 0;
    for (; !limits.isExhausted(account); spent += 1) limits.spend(account);
    return spent;
  };
  expect(spend("svea acme")).toBe(60);
  expect(limits.isExhausted("svea other")).toBe(false);
  now += 999;
  expect(spend("svea acme")).toBe(0);
  now += 1;
  expect(spend("svea acme")).toBe(1);
  now += 3_600_000;
  expect(spend("svea acme")).toBe(60);
});
