import { expect, test } from "vitest";
import { isWorkerError } from "./errors.ts";
import { isObject, jsonFrom, notJson, parseJson, withoutUndefined } from "./json.ts";

const nested = (depth: number): string => "[".repeat(depth) + '"' + "x".repeat(3_000) + '"' + "]".repeat(depth);

test.each([
  ["an object", '{"a":[1,null]}', { a: [1, null] }],
  ["a text with brackets and quotes in it", JSON.stringify(`"[{\\`.repeat(2_000)), `"[{\\`.repeat(2_000)],
  ["null", "null", null],
  ["nothing", "", notJson],
  ["half an object", '{"a":', notJson],
  ["a page", "<html>", notJson],
  ["what nests as deep as anybody needs", nested(100), expect.any(Array)],
  ["what nests deeper", nested(101), notJson],
  ["what only opens", "[".repeat(500_000), notJson],
])("%s", (_, text, value) => {
  expect(parseJson(text)).toEqual(value);
});

test("a webhook's body is JSON, or malformed, and its words are not repeated", () => {
  expect(jsonFrom(Buffer.from('{"a":"å"}'))).toEqual({ a: "å" });
  expect(() => jsonFrom("canary")).toThrow("the webhook is not JSON");
  try {
    jsonFrom("canary");
  } catch (error) {
    expect(isWorkerError(error, "MalformedWebhook")).toBe(true);
  }
});

test("undefined is left out wherever it stands, and only objects are objects", () => {
  expect(withoutUndefined({ a: undefined, b: { c: undefined, d: null }, e: [{ f: undefined }] })).toEqual({
    b: { d: null },
    e: [{}],
  });
  expect([{}, [], null, "a", undefined].map(isObject)).toEqual([true, false, false, false, false]);
});
