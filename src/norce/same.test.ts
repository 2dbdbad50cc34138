import { describe, expect, test } from "vitest";
import { contains, same } from "./same.ts";

const at = "2026-01-01T10:00:00.000Z";

describe("the same thing, written", () => {
  test.each<readonly [string, unknown, unknown]>([
    ["with an offset", at, "2026-01-01T10:00:00+00:00"],
    ["with more digits", at, "2026-01-01T10:00:00.0000000Z"],
    ["in another zone", at, "2026-01-01T11:00:00+01:00"],
    ["with null for what is missing", { token: "t" }, { token: "t", description: null }],
    ["with null deep within", { a: [{ b: { c: 1 } }] }, { a: [{ b: { c: 1, d: null }, e: null }], f: null }],
    ["without what was null", { a: null, b: 1 }, { b: 1 }],
    [
      "with its members in another order",
      { a: 1, b: { c: at, d: 2 } },
      { b: { d: 2, c: "2026-01-01T10:00:00Z" }, a: 1 },
    ],
    ["as nothing", undefined, null],
  ])("%s, is the same", (_, one, other) => {
    expect(same(one, other)).toBe(true);
    expect(same(other, one)).toBe(true);
  });
});

describe("something else", () => {
  test.each<readonly [string, unknown, unknown]>([
    ["another instant", at, "2026-01-01T10:00:01+00:00"],
    ["a time without a zone: it may be any instant", at, "2026-01-01T10:00:00"],
    ["a day, which is no instant", "2026-01-01", "2026-01-01T00:00:00Z"],
    ["text in another casing", "Token", "token"],
    ["a number as text", 1, "1"],
    ["another value deep within", { a: [{ b: 1 }] }, { a: [{ b: 2 }] }],
    ["a member more", { a: 1 }, { a: 1, b: false }],
    ["a value that became null", { a: 1 }, { a: null }],
    ["a list that is shorter", [1, 2], [1]],
    ["a list in another order", [1, 2], [2, 1]],
    ["a list and an object", [1], { 0: 1 }],
    ["an object where there was nothing", null, {}],
    ["a token that only looks like a time", "2026-13-45T99:99:99Z", "2026-13-45T99:99:98Z"],
  ])("%s, differs", (_, one, other) => {
    expect(same(one, other)).toBe(false);
    expect(same(other, one)).toBe(false);
  });
});

test("what contains something may say more", () => {
  expect(contains({ token: "t", note: "theirs", at: "2026-01-01T10:00:00+00:00" }, { token: "t", at })).toBe(true);
  expect(contains({ token: "t", description: null }, { token: "t", description: undefined })).toBe(true);
  expect(contains({ list: [1, 2] }, { list: [1] })).toBe(false);
  expect(contains({ description: "x" }, { description: null })).toBe(false);
  expect(contains(null, { token: "t" })).toBe(false);
});
