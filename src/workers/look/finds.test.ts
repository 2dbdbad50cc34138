import { expect, test } from "vitest";
import type { Found } from "../found.ts";
import type { Next } from "../retry.ts";
import { findOf, findsOf } from "./finds.ts";

const rest: Next = { do: "rest" };
const bury = (reason: string): Next => ({
  do: "bury",
  grave: { kind: "Refused", reason: "no", since: 1, context: { reason } },
});
const looked = (...found: readonly Found[]) => ({ outcome: { is: "unchanged", state: "reserved", found } }) as const;

test("what a look does not find any more is resolved, by name and id", () => {
  const before = ["dispute dp 1", "dispute dp_2", "underpaid"];
  expect(findsOf(looked({ name: "dispute", id: "dp_2" }), rest, before)).toEqual({
    found: ["dispute dp_2"],
    resolved: ["dispute dp 1", "underpaid"],
  });
  expect(findOf("dispute dp 1")).toEqual({ name: "dispute", id: "dp 1" });
  expect(findOf("underpaid")).toEqual({ name: "underpaid" });
});

test("a look that came to no end finds nothing gone; what it buries for is added", () => {
  expect(findsOf({ error: new Error("away") }, rest, ["dispute"])).toEqual({ found: ["dispute"], resolved: [] });
  expect(findsOf({ error: new Error("no") }, bury("other-order"), ["dispute"])).toEqual({
    found: ["dispute", "other-order"],
    resolved: [],
  });
  expect(findsOf(looked(), bury("underpaid"), ["other-order"])).toEqual({
    found: ["underpaid"],
    resolved: ["other-order"],
  });
});

test("what needs nobody is not followed, and no payment's note grows without end", () => {
  expect(findsOf(looked({ name: "amount-differs" }), rest).found).toEqual([]);
  const many = Array.from({ length: 30 }, (_, at) => ({ name: "dispute", id: String(at) }));
  expect(findsOf(looked(...many), rest).found).toHaveLength(10);
});
