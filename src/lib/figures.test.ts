import { expect, test } from "vitest";
import { figuresOf } from "./figures.ts";

test("figures are made once a second, however many ask, and anew where the clock was set back", async () => {
  let [now, made] = [1_000, 0];
  const figures = figuresOf({ text: async () => String((made += 1)) }, () => now);
  expect(await Promise.all([figures(), figures(), figures()])).toEqual(["1", "1", "1"]);
  now += 999;
  expect(await figures()).toBe("1");
  now += 1;
  expect(await figures()).toBe("2");
  now -= 500;
  expect(await figures()).toBe("3");
});
