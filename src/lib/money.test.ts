import { expect, test } from "vitest";
import { majorFromMinor, minorFromMajor } from "./money.ts";

test.each([
  ["a price with öre", 1148.54, "SEK", 114_854],
  ["a double that is a little less than it looks", 1.15, "EUR", 115],
  ["a sum of doubles", 0.1 + 0.2, "EUR", 30],
  ["a currency without decimals", 1148, "JPY", 1148],
  ["a currency with three decimals", 1.234, "KWD", 1234],
  ["Norce's word for no ceiling", 2_147_483_647, "SEK", 214_748_364_700],
  ["lower case currency", 2.5, "sek", 250],
  ["nothing", 0, "SEK", 0],
])("%s is converted to minor units and back", (_, major, currency, minor) => {
  expect(minorFromMajor(major, currency)).toBe(minor);
  expect(majorFromMinor(minor, currency)).toBeCloseTo(major, 9);
});

test("an amount that is no amount is refused", () => {
  expect(() => minorFromMajor(Number.NaN, "SEK")).toThrow(RangeError);
  expect(() => minorFromMajor(1e300, "SEK")).toThrow(RangeError);
});
