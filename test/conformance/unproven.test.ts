import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import type { Cost } from "../support/unproven.ts";

const script = join(import.meta.dirname, "../support/unproven.ts");

// In a process of its own, where nothing else costs processor time.
const { stdout } = await promisify(execFile)(process.execPath, [script], { maxBuffer: 64 * 1024 * 1024 });
const costs = JSON.parse(stdout) as readonly Cost[];

test("what nobody signed costs less than 50 ms of processor time, however deep, wide or full it is", () => {
  expect(costs.filter(({ ms }) => ms >= 50)).toEqual([]);
});

test("it is parsed once at most, stores nothing, and is refused", () => {
  expect(costs.filter(({ parsed, stored }) => parsed > 1 || stored > 0)).toEqual([]);
  const outcomes = new Set(costs.map(({ outcome }) => outcome));
  expect([...outcomes].filter((outcome) => !["UntrustedWebhook", "NotTaken"].includes(outcome))).toEqual([]);
});

test("each body was as large as is taken, and some of them were read", () => {
  // Where some adapters are chosen, they may have no webhooks.
  if (process.env["ADAPTERS"] === undefined) expect(costs.length).toBeGreaterThan(50);
  expect(costs.every(({ bytes }) => bytes > 200_000)).toBe(true);
});
