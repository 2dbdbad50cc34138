import fc from "fast-check";
import { expect, test } from "vitest";
import { WorkerError } from "./errors.ts";
import {
  decimalFromMinor,
  majorFromMinor,
  minorFromDecimal,
  minorFromMajor,
  minorFromOwn,
  ownFromMinor,
  sum,
} from "./money.ts";

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
  const refused = new WorkerError("Unmapped", "the amount is no number of minor units", {
    context: { currency: "SEK" },
  });
  for (const major of [Number.NaN, Infinity, 1e300, -1e300, 2 ** 53])
    expect(() => minorFromMajor(major, "SEK")).toThrow(refused);
});

test.each([
  ["12.50", "EUR", 1250, "12.50"],
  ["12.5", "EUR", 1250, "12.50"],
  ["12", "eur", 1200, "12.00"],
  ["0.07", "SEK", 7, "0.07"],
  ["-0.01", "SEK", -1, "-0.01"],
  ["-0.00", "SEK", 0, "0.00"],
  ["1250", "JPY", 1250, "1250"],
  ["1250.00", "JPY", 1250, "1250"],
  ["1.234", "KWD", 1234, "1.234"],
  ["1.2340", "KWD", 1234, "1.234"],
  ["90071992547409.91", "EUR", Number.MAX_SAFE_INTEGER, "90071992547409.91"],
])("the decimal text %s %s is %i minor units, exactly, and back", (text, currency, minor, written) => {
  expect(minorFromDecimal(text, currency)).toBe(minor);
  expect(decimalFromMinor(minor, currency)).toBe(written);
});

test.each([
  ["12.505", "EUR"],
  ["0.5", "JPY"],
  ["90071992547409.92", "EUR"],
  ["99999999999999999", "JPY"],
  ["12,50", "EUR"],
  ["1e3", "EUR"],
  [".5", "EUR"],
  ["5.", "EUR"],
  ["+5", "EUR"],
  [" 5", "EUR"],
  ["5\n", "EUR"],
  ["", "EUR"],
  ["Infinity", "EUR"],
])("the text %j is no amount of %s", (text, currency) => {
  expect(minorFromDecimal(text, currency)).toBeUndefined();
});

test("every amount comes back from its decimal text", () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.constantFrom("SEK", "JPY", "KWD", "CLF"), (minor, currency) => {
      expect(minorFromDecimal(decimalFromMinor(minor, currency), currency)).toBe(minor);
    }),
  );
});

test("a PSP's own decimals bound what it can be told, and never change what an amount is", () => {
  const decimals = { HUF: 0, CLP: 2 };
  expect(decimalFromMinor(1_200, "HUF", decimals)).toBe("12");
  expect(decimalFromMinor(1_250, "HUF", decimals)).toBeUndefined();
  expect(decimalFromMinor(12, "CLP", decimals)).toBe("12.00");
  expect(decimalFromMinor(12, "SEK", decimals)).toBe("0.12");
  expect(minorFromOwn(1_000, "CLP", decimals)).toBe(10);
  expect(minorFromOwn(1_050, "CLP", decimals)).toBeUndefined();
  expect(ownFromMinor(10, "clp", decimals)).toBe(1_000);
  expect(minorFromOwn(12, "HUF", decimals)).toBe(1_200);
  expect(ownFromMinor(1_250, "HUF", decimals)).toBeUndefined();
  expect(ownFromMinor(1_250, "SEK", decimals)).toBe(1_250);
  expect(minorFromOwn(Number.MAX_SAFE_INTEGER, "HUF", decimals)).toBeUndefined();
});

test("amounts are summed, and so is what each of a list is worth", () => {
  expect(sum([])).toBe(0);
  expect(sum([1, 2, -4])).toBe(-1);
  expect(sum([{ amount: 3 }, { amount: 4 }], ({ amount }) => amount)).toBe(7);
});
