import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createTellSeldom } from "./seldom.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("tells fifty of a kind in ten seconds, how many more there were, and fifty again", () => {
  const seldom = createTellSeldom(Date.now);
  const lines: unknown[] = [];
  const flood = (kind: string, times: number): void => {
    for (let time = 0; time < times; time += 1) seldom(kind, (untold) => lines.push({ kind, time, ...untold }));
  };
  flood("a", 3_000);
  flood("b", 1);
  expect(lines).toHaveLength(51);
  vi.advanceTimersByTime(9_999);
  flood("a", 1);
  expect(lines).toHaveLength(51);
  vi.advanceTimersByTime(1);
  expect(lines.slice(51)).toEqual([{ kind: "a", time: 0, untold: 2_951 }]);
  flood("a", 60);
  expect(lines).toHaveLength(102);
});

it("says nothing of what was all told", () => {
  const seldom = createTellSeldom(Date.now);
  const lines: unknown[] = [];
  seldom("a", (untold) => lines.push(untold));
  vi.advanceTimersByTime(60_000);
  expect(lines).toEqual([{}]);
});

it("goes by the clock where the timer is late", () => {
  let at = 0;
  const seldom = createTellSeldom(() => at);
  const lines: unknown[] = [];
  for (let time = 0; time < 60; time += 1) seldom("a", (untold) => lines.push(untold));
  at = 10_000;
  seldom("a", (untold) => lines.push(untold));
  expect(lines.slice(50)).toEqual([{ untold: 10 }, {}]);
  vi.advanceTimersByTime(60_000);
  expect(lines).toHaveLength(52);
});
