import { describe, expect, test } from "vitest";
import { type ErrorKind, WorkerError } from "../lib/errors.ts";
import type { Wait } from "../queue/queues.ts";
import { next, operationAgain, placingAgain, type Result, turnedAway } from "./retry.ts";

const minute = 60_000;
const hour = 60 * minute;
const now = Date.parse("2026-01-01T00:00:00Z");

const failed = (kind: ErrorKind, retryAfterMs?: number): { error: WorkerError } => ({
  error: new WorkerError(kind, "no", { retryAfterMs }),
});
const at = (time: number, result: Result, remembered?: Wait, random = 1): ReturnType<typeof next> =>
  next(result, { remembered, due: true, now: time, random });
const after = (result: Result, remembered?: Wait, random = 1): ReturnType<typeof next> =>
  at(now, result, remembered, random);

/** Plays failures that never end, one after the other and again; returns how long it was waited, in all and at most, and how it ended. */
function patienceWith(...results: readonly [Result, ...Result[]]): {
  totalMs: number;
  longestMs: number;
  tries: number;
  end: ReturnType<typeof next>;
} {
  let remembered: Wait | undefined;
  let time = now;
  let longestMs = 0;
  for (let tries = 1; tries < 10_000; tries += 1) {
    const step = at(time, results[(tries - 1) % results.length] ?? results[0], remembered);
    if (step.do !== "wait" || time - now > 1_000 * hour) return { totalMs: time - now, longestMs, tries, end: step };
    remembered = step.wait;
    time += step.delayMs;
    longestMs = Math.max(longestMs, step.delayMs);
  }
  throw new Error("never ends");
}

describe("what a look's result means for the queue", () => {
  test("what webhooks ask for in the meantime uses up no patience", () => {
    for (const kind of ["Conflict", "Unreachable"] as const) {
      let remembered: Wait | undefined;
      for (let burst = 0; burst < 100; burst += 1) {
        const step = next(failed(kind), { remembered, due: false, now: now + burst, random: 1 });
        expect(step).toMatchObject({ do: "wait", delayMs: 1_000, wait: { since: now, tries: 1 } });
        remembered = step.do === "wait" ? step.wait : undefined;
      }
      expect(at(now + 1_000, failed(kind), remembered)).toMatchObject({ delayMs: 2_000, wait: { tries: 2 } });
    }
  });

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

  const later: Result = { outcome: { is: "later", why: "not-in-norce" } };
  const bug: Result = { error: new TypeError("x is not a function") };
  test.each<readonly [string, readonly [Result, ...Result[]], number, number, string]>([
    ["network and conflict", [failed("Unreachable"), failed("Conflict")], 22, hour, "Conflict"],
    ["conflict and a bug of ours", [failed("Conflict"), bug], 12, hour, "Bug"],
    ["network and a bug of ours", [failed("Unreachable"), bug], 12, hour, "Bug"],
    ["network, conflict and a bug of ours", [failed("Unreachable"), failed("Conflict"), bug], 18, hour, "Bug"],
    ["network and an order that is not there", [failed("Unreachable"), later], 80, 26 * hour, "Later"],
  ])("%s by turns come to an end, as soon as one of them has had its time", (_, results, tries, withinMs, kind) => {
    const played = patienceWith(...results);
    expect(played.end).toMatchObject({ do: "bury", kind });
    expect(played.tries).toBeLessThanOrEqual(tries);
    expect(played.totalMs).toBeLessThan(withinMs);
  });

  test("what comes back goes on with its own clock, also after a look that was turned away or saw something doubtful", () => {
    const unreachable = waitOf(after(failed("Unreachable")));
    const conflict = waitOf(at(now + minute, failed("Conflict"), unreachable));
    expect(conflict).toMatchObject({ since: now + minute, tries: 1 });
    const away = waitOf(turnedAway(conflict, { afterMs: 1, why: "psp-down" }, now + 2 * minute));
    const suspect = { fingerprint: "x", at: now + 3 * minute };
    const doubtful = waitOf(at(now + 3 * minute, { outcome: { is: "suspect", suspect, afterMs: minute } }, away));
    expect(at(now + 4 * minute, failed("Conflict"), doubtful)).toMatchObject({
      wait: { since: now + minute, tries: 2 },
    });
    expect(at(now + 4 * minute, failed("Unreachable"), doubtful)).toMatchObject({
      wait: { since: now, tries: 2 },
    });
  });

  test("while credentials are refused, nothing else uses up its time", () => {
    expect(patienceWith(failed("Unauthorized"), failed("Unreachable")).end.do).toBe("wait");
    const unreachable = waitOf(after(failed("Unreachable")));
    const refused = waitOf(at(now + minute, failed("Unauthorized"), unreachable));
    const mended = at(now + 100 * hour, failed("Unreachable"), refused);
    expect(mended).toMatchObject({ do: "wait", wait: { since: now + 100 * hour, tries: 1 } });
    // Its own pauses go on growing all the same.
    expect(at(now + 101 * hour, failed("Unauthorized"), waitOf(mended))).toMatchObject({ wait: { tries: 2 } });
  });

  test("a clock that was set back keeps nothing waiting for as long as it jumped", () => {
    const ahead = now + 24 * hour;
    const suspect = { fingerprint: "x", at: ahead };
    expect(after({ outcome: { is: "suspect", suspect, afterMs: 24 * hour + minute } })).toEqual({
      do: "wait",
      delayMs: minute,
      wait: { since: now, tries: 0, why: "suspect", suspect: { fingerprint: "x", at: now } },
    });
    const waiting: Wait = { since: ahead, tries: 3, why: "unreachable" };
    expect(after(failed("Unreachable"), waiting)).toMatchObject({ wait: { since: now, tries: 4 } });
  });
});

describe("an event whose payment is looked for", () => {
  test.each([
    ["just came", 0, 1_000],
    ["came two minutes ago", 2 * minute, 30_000],
    ["came a day ago", 24 * hour, 15 * minute],
    ["came a week ago", 7 * 24 * hour, hour],
    ["comes from a clock that is a little ahead", -2_000, 1_000],
    ["comes from before the clock was set back by a day", -24 * hour, 15 * minute],
  ])("and that %s is tried again after a while", (_, ageMs, delayMs) => {
    expect(placingAgain(now - ageMs, now, Infinity)).toEqual({ do: "wait", delayMs });
  });

  test("is given up when it is older than the limit, and not before", () => {
    expect(placingAgain(now - hour, now, hour)).toEqual({ do: "done" });
    expect(placingAgain(now + 24 * hour, now, hour)).toMatchObject({ do: "wait" });
  });
});

function waitOf(step: ReturnType<typeof next>): Wait {
  if (step.do !== "wait") throw new Error(`${step.do}, and no wait`);
  return step.wait;
}

test.each([
  ["a PSP that stumbles", failed("Unreachable").error, 90],
  ["a bug of ours", new Error("no"), 5],
])("an operation that meets %s is given up after its tries", (_, error, tries) => {
  expect(operationAgain(error, tries - 1, 1)).toBeGreaterThan(0);
  expect(operationAgain(error, tries, 1)).toBeUndefined();
});

test("an operation waits for credentials as long as it takes", () => {
  expect(operationAgain(failed("Unauthorized").error, 1_000, 1)).toBe(hour);
});
