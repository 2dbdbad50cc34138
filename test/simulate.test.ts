import { execFile } from "node:child_process";
import { expect, test } from "vitest";
import { simulatedFaults } from "./graveyard/simulated-faults.ts";
import { misfitOf } from "./graveyard/bury.ts";
import { compileCache } from "./support/tree.ts";

/** Runs worlds, one after the other, in a process of their own: they have time and chance to themselves. */
async function simulate(...parameters: readonly string[]): Promise<{ status: number; printed: string }> {
  return await new Promise((resolve) => {
    const line = ["simulate/run.ts", "--jobs", "1", ...parameters];
    const env = { ...process.env, NODE_COMPILE_CACHE: compileCache };
    execFile(process.execPath, line, { maxBuffer: 2 ** 26, env }, (error, stdout, stderr) =>
      resolve({ status: error === null ? 0 : Number(error.code ?? 1), printed: stdout + stderr }),
    );
  });
}

function hashOf(printed: string, seed: number): string | undefined {
  return new RegExp(`seed ${seed}  ([0-9a-f]{16})`).exec(printed)?.[1];
}

// Which ones nobody has seen is drawn from the clock and printed; what is printed of a broken promise says how to see it again.
test("every promise holds in worlds that nobody has seen, and in those that are always the same", async () => {
  const { status, printed } = await simulate("--fresh", "3", "--seeds", "8", "--payments", "24", "--seconds", "14");
  console.log(printed);
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
