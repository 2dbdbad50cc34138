import { describe, expect, test } from "vitest";
import { type ErrorKind, WorkerError } from "../lib/errors.ts";
import type { Wait } from "../queue/queues.ts";
import { next, type Result } from "./retry.ts";

const minute = 60_000;
const hour = 60 * minute;
const now = Date.parse("2026-01-01T00:00:00Z");

const failed = (kind: ErrorKind, retryAfterMs?: number): Result => ({
  error: new WorkerError(kind, "no", { retryAfterMs }),
});
const after = (result: Result, remembered?: Wait, random = 1): ReturnType<typeof next> =>
  next(result, remembered, now, random);

/** Plays a failure that never ends; returns how long it was waited, in all and at most, and how it ended. */
function patienceWith(result: Result): {
  totalMs: number;
  longestMs: number;
  tries: number;
  end: ReturnType<typeof next>;
} {
  let remembered: Wait | undefined;
  let at = now;
  let longestMs = 0;
  for (let tries = 1; tries < 10_000; tries += 1) {
    const step = next(result, remembered, at, 1);
    if (step.do !== "wait" || at - now > 1_000 * hour) return { totalMs: at - now, longestMs, tries, end: step };
    remembered = step.wait;
    at += step.delayMs;
    longestMs = Math.max(longestMs, step.delayMs);
  }
  throw new Error("never ends");
}

describe("what a look's result means for the queue", () => {
  test("agreement rests, and looks again when the adapter asked for it", () => {
    expect(after({ outcome: { is: "unchanged", state: "reserved" } })).toEqual({ do: "rest" });
    expect(after({ outcome: { is: "written", from: "intent", to: "reserved", wrote: [], lookAgainMs: 5 } })).toEqual({
      do: "rest",
      lookAgainMs: 5,
    });
  });

  test("an order that is not there yet is waited for: seconds at first, minutes later, a day in all", () => {
    expect(after({ outcome: { is: "later", why: "not-in-norce" } })).toMatchObject({ do: "wait", delayMs: 2_000 });
    const { totalMs, longestMs, end } = patienceWith({ outcome: { is: "later", why: "not-in-norce" } });
    expect(longestMs).toBe(15 * minute);
    expect(totalMs).toBeGreaterThanOrEqual(24 * hour);
    expect(totalMs).toBeLessThan(25 * hour);
    expect(end).toMatchObject({ do: "bury", kind: "Later", reason: "not-in-norce", since: now });
  });

  test("what is unreachable is tried for 72 hours", () => {
    const { totalMs, longestMs, end } = patienceWith(failed("Unreachable"));
    expect(longestMs).toBe(hour);
    expect(totalMs).toBeGreaterThanOrEqual(72 * hour);
    expect(totalMs).toBeLessThan(74 * hour);
    expect(end).toMatchObject({ do: "bury", kind: "Unreachable" });
  });

  test("Retry-After is honoured, within reason", () => {
    expect(after(failed("Unreachable", 30_000))).toMatchObject({ do: "wait", delayMs: 30_000 });
    expect(after(failed("Unreachable", 1_000 * hour))).toMatchObject({ do: "wait", delayMs: hour });
  });

  test("jitter takes up to half of a pause away", () => {
    expect(after(failed("Unreachable"), undefined, 0)).toMatchObject({ delayMs: 500 });
    expect(after(failed("Unreachable"), undefined, 1)).toMatchObject({ delayMs: 1_000 });
  });

  test("wrong credentials never cost a payment", () => {
    const { totalMs, longestMs, end } = patienceWith(failed("Unauthorized"));
    expect(totalMs).toBeGreaterThan(1_000 * hour);
    expect(longestMs).toBe(hour);
    expect(end.do).toBe("wait");
  });

  test.each(["Refused", "Unmapped"] as const)("%s is a dead letter at once", (kind) => {
    expect(after(failed(kind))).toMatchObject({ do: "bury", kind });
  });

  test("a conflict is looked at again shortly, not for ever", () => {
    expect(after(failed("Conflict"))).toMatchObject({ do: "wait", delayMs: 1_000 });
    expect(patienceWith(failed("Conflict"))).toMatchObject({ tries: 11, end: { do: "bury" } });
  });

  test("a bug of ours gets few tries", () => {
    expect(patienceWith({ error: new TypeError("x is not a function") })).toMatchObject({
      tries: 6,
      end: { do: "bury", kind: "Bug" },
    });
  });

  test("another reason to wait starts its own clock", () => {
    const late: Wait = { since: now - 71 * hour, tries: 90, why: "unreachable" };
    expect(after({ outcome: { is: "later", why: "not-in-norce" } }, late)).toMatchObject({
      do: "wait",
      wait: { since: now, tries: 1 },
    });
    expect(after(failed("Unreachable"), late)).toMatchObject({ do: "wait", wait: { since: late.since, tries: 91 } });
  });

  test("a suspicion outlives a look that fails", () => {
    const suspect = { fingerprint: "x", at: now };
    const waiting = after({ outcome: { is: "suspect", suspect, afterMs: minute } });
    expect(waiting).toMatchObject({ do: "wait", delayMs: minute, wait: { suspect } });
    expect(after(failed("Unreachable"), { since: now, tries: 0, why: "suspect", suspect })).toMatchObject({
      wait: { suspect },
    });
  });
});
