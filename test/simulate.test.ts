import { execFile } from "node:child_process";
import { expect, test } from "vitest";
import { simulatedFaults } from "./graveyard/simulated-faults.ts";
import { misfitOf } from "./graveyard/bury.ts";

/** Runs worlds in a process of their own: they have time and chance to themselves. */
async function simulate(...parameters: readonly string[]): Promise<{ status: number; printed: string }> {
  return await new Promise((resolve) => {
    execFile(process.execPath, ["simulate/run.ts", ...parameters], { maxBuffer: 2 ** 26 }, (error, stdout, stderr) =>
      resolve({ status: error === null ? 0 : Number(error.code ?? 1), printed: stdout + stderr }),
    );
  });
}

function hashOf(printed: string, seed: number): string | undefined {
  return new RegExp(`seed ${seed}  ([0-9a-f]{16})`).exec(printed)?.[1];
}

// Worlds that nobody has seen are for `npm run simulate -- --fresh 30`: what they find is no fault of the change that is tested.
test("every promise holds in the worlds that are always the same", async () => {
  const { status, printed } = await simulate("--seeds", "12", "--seconds", "14");
  expect(status, printed).toBe(0);
}, 300_000);

test("a seed tells the same story alone and after others", async () => {
  const [alone, after] = await Promise.all([
    simulate("--seed", "3", "--hours", "1"),
    simulate("--seed", "1", "--seeds", "3", "--hours", "1"),
  ]);
  expect(hashOf(alone.printed, 3)).toMatch(/./);
  expect(hashOf(after.printed, 3)).toBe(hashOf(alone.printed, 3));
  expect(hashOf(after.printed, 2)).not.toBe(hashOf(alone.printed, 3));
}, 300_000);

test("every planted fault of the core still applies, and no two are called the same", () => {
  expect(simulatedFaults.flatMap((fault) => misfitOf(fault) ?? [])).toEqual([]);
  expect(new Set(simulatedFaults.map(({ name }) => name)).size).toBe(simulatedFaults.length);
});
