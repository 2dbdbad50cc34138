import { expect, test } from "vitest";
import { isSecret } from "./secret-shape.ts";
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

test.each([
  ["-----BEGIN PRIVATE KEY-----\nAb+/=\n-----END PRIVATE KEY-----", true],
  ["-----BEGIN PRIVATE KEY-----\r\nAb+/=\r\n-----END PRIVATE KEY-----\r\n", true],
  ["-----BEGIN PRIVATE KEY-----\nA\u0000b\n-----END PRIVATE KEY-----", false],
  [" -----BEGIN PRIVATE KEY-----\nAb\n-----END PRIVATE KEY-----", false],
  ["s3\ncret", false],
])("lines are a secret's in PEM alone: %j", (text, isFine) => {
  expect(isSecret(text)).toBe(isFine);
});
