import { expect, test } from "vitest";
import { adyenFromMinor, minorFromAdyen } from "./amounts.ts";

test.each([
  [24950, "SEK", 24950],
  [279000, "ISK", 2790],
  [100, "CLP", 1],
  [5, "CVE", 500],
  [150000, "IDR", 15000000],
  [1500, "JPY", 1500],
  [1234, "KWD", 1234],
  [0, "ISK", 0],
])("%i of Adyen's %s are %i", (value, currency, minor) => {
  expect(minorFromAdyen(value, currency)).toBe(minor);
  expect(adyenFromMinor(minor, currency)).toBe(value);
});

test("what cannot be said exactly is not said", () => {
  expect(minorFromAdyen(150, "ISK")).toBeUndefined();
  expect(minorFromAdyen(-1, "SEK")).toBeUndefined();
  expect(minorFromAdyen(Number.MAX_SAFE_INTEGER, "IDR")).toBeUndefined();
  expect(adyenFromMinor(150, "CVE")).toBeUndefined();
});
