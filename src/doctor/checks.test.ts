import { expect, it } from "vitest";
import { WorkerError } from "../lib/errors.ts";
import { type Check, runAll } from "./checks.ts";
import { linesOf, reportOf, worstOf } from "./report.ts";

it("asks nobody more than twice at a time, and tells in the order of the list", async () => {
  const busy = new Map<string, number>();
  const most = new Map<string, number>();
  let atOnce = 0;
  let mostAtOnce = 0;
  const checks = Array.from({ length: 24 }, (_, index): Check => {
    const peer = ["one", "other", "third", "fourth", "fifth"][index % 5] ?? "";
    return {
      check: `number ${index}`,
      peer,
      async run() {
        busy.set(peer, (busy.get(peer) ?? 0) + 1);
        most.set(peer, Math.max(most.get(peer) ?? 0, busy.get(peer) ?? 0));
        mostAtOnce = Math.max(mostAtOnce, (atOnce += 1));
        for (let turn = 0; turn < (index % 3) + 1; turn += 1) await new Promise(setImmediate);
        busy.set(peer, (busy.get(peer) ?? 0) - 1);
        atOnce -= 1;
        return { is: "fine", says: "yes" };
      },
    };
  });
  const findings = await runAll(checks);
  expect(findings.map(({ check }) => check)).toEqual(checks.map(({ check }) => check));
  expect([...most.values()]).toEqual([2, 2, 2, 2, 2]);
  expect(mostAtOnce).toBe(8);
});

it("gives up what hangs and tells what failed, whatever it was", async () => {
  let aborted = false;
  const hangs: Check = {
    check: "hangs",
    peer: "a",
    longestMs: 30,
    run: async (signal) => {
      signal.addEventListener("abort", () => (aborted = true));
      return await new Promise(() => undefined);
    },
  };
  const fails = (error: Error): Check => ({
    check: "fails",
    peer: "a",
    async run() {
      throw error;
    },
  });
  const findings = await runAll([hangs, fails(new WorkerError("Unreachable", "no answer")), fails(new Error("a bug"))]);
  expect(findings.map(({ is }) => is)).toEqual(["unreachable", "unreachable", "attention"]);
  expect(aborted).toBe(true);
});

it("is as bad as its worst finding, and says of each what to do", () => {
  const fine = { check: "a", is: "fine", says: "yes" } as const;
  const away = {
    check: "b",
    merchant: "acme",
    channel: "se",
    adapter: "x",
    is: "unreachable",
    says: "nobody",
  } as const;
  const bad = { check: "c", merchant: "acme", is: "attention", says: "no", todo: "do it" } as const;
  expect(reportOf([fine, { ...fine, is: "skipped" }]).is).toBe("fine");
  expect(reportOf([fine, away]).is).toBe("unreachable");
  const told = { setting: "merchants.acme.se.x.secret", value: "s" };
  const report = reportOf([fine, away, { ...bad, told }]);
  expect(report.is).toBe("attention");
  expect(linesOf(report)).toEqual([
    "✓ a: yes",
    "? acme/se x, b: nobody",
    "✗ acme, c: no",
    "    do it",
    "    merchants.acme.se.x.secret: s",
  ]);
  expect(worstOf([fine, { ...bad, says: "one" }, { ...bad, says: "other" }])).toEqual({
    is: "attention",
    says: "one; other",
    todo: "do it",
  });
});
