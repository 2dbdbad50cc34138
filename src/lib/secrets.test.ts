import { expect, test } from "vitest";
import { listOf, secretSetting } from "./secrets.ts";

test.each([
  ["a secret", "s3cret", true],
  ["one with a blank in it", "s3 cret", true],
  ["several", ["new", "old"], true],
  ["nothing", "", false],
  ["none", [], false],
  ["an empty one among others", ["new", ""], false],
  ["a blank at the end", "s3cret ", false],
  ["a line break at the end", "s3cret\n", false],
  ["a blank at the beginning", "\ts3cret", false],
  ["a blank alone", " ", false],
  ["a line break at the end of the second", ["new", "old\r\n"], false],
])("%s: %j", (_, value, isFine) => {
  const { success, error } = secretSetting.safeParse(value);
  expect(success).toBe(isFine);
  expect(String(error)).not.toContain("s3cret");
});

test("one or several are a list", () => {
  expect([listOf(undefined), listOf("a"), listOf(["a", "b"])]).toEqual([[], ["a"], ["a", "b"]]);
});
