import { expect, test } from "vitest";
import { createIsNew } from "./news.ts";

test("what differs by ids and numbers alone is nothing new, and the thousandth text is the last that is", () => {
  const isNew = createIsNew();
  expect(["lost job 7 of p_0123456789abcdef0123", "lost job 12 of p_fedcba98765432100123"].map(isNew)).toEqual([
    true,
    false,
  ]);
  const letters = (number: number): string =>
    String(number).replaceAll(/\d/g, (digit) => "abcdefghij"[Number(digit)] ?? "");
  const others = Array.from({ length: 1_200 }, (_, at) => letters(at));
  expect(others.filter(isNew)).toHaveLength(999);
});
