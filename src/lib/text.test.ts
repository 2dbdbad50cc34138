import fc from "fast-check";
import { expect, test } from "vitest";
import { cut, cutBytes, wellFormed, wellFormedJson } from "./text.ts";

test.each([
  ["shirt", 10, "shirt", "shirt"],
  ["shirt", 3, "shi", "shi"],
  ["åäö", 3, "åäö", "å"],
  ["a👕b", 2, "a", "a"],
  ["a👕b", 3, "a👕", "a"],
  ["a👕b", 5, "a👕b", "a👕"],
  ["👕", 1, "", ""],
  ["", 5, "", ""],
  ["shirt", 0, "", ""],
])("%j in %i is %j", (text, most, inUnits, inBytes) => {
  expect(cut(text, most)).toBe(inUnits);
  expect(cutBytes(text, most)).toBe(inBytes);
});

test("what is cut is the beginning, fits, and is well formed", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.nat(30), (text, most) => {
      for (const short of [cut(text, most), cutBytes(text, most)]) {
        expect(text.startsWith(short)).toBe(true);
        expect(short.isWellFormed()).toBe(true);
      }
      expect(cut(text, most).length).toBeLessThanOrEqual(most);
      expect(Buffer.byteLength(cutBytes(text, most))).toBeLessThanOrEqual(most);
    }),
  );
});

test("what is no text becomes one, and every other text stays", () => {
  expect(["a\u0000b", "\ud800", "x\udc00y", "👕å\n"].map(wellFormed)).toEqual([
    "a\ufffdb",
    "\ufffd",
    "x\ufffdy",
    "👕å\n",
  ]);
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(wellFormedJson(value)).toBe(JSON.stringify(value).replaceAll("\\u0000", "\ufffd"));
    }),
  );
});
