import { describe, expect, test } from "vitest";
import { type ErrorKind, WorkerError } from "../lib/errors.ts";
import type { Clock, Known, Note } from "../queue/note.ts";
import type { Outcome } from "./look/outcome.ts";
import { notBeforeWriting, tooEarlyUntil } from "./late-writes.ts";
import { pauses } from "./patience.ts";
import { behaviourOf, next, newsOf, operationAgain, placingAgain, type Result, suspect, waitUntil } from "./retry.ts";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const now = Date.parse("2026-01-01T00:00:00Z");

type Step = ReturnType<typeof next>;
const failed = (kind: ErrorKind, retryAfterMs?: number): { error: WorkerError } => ({
  error: new WorkerError(kind, "no", { retryAfterMs }),
});
const later: Result<Outcome> = { outcome: { is: "later", why: "not-in-norce" } };
const bug: Result<Outcome> = { error: new TypeError("x is not a function") };
const at = (time: number, result: Result<Outcome>, known?: Known, random = 1): Step =>
  next(result, { note: noteOf(known), now: time, random, horizonMs: 30 * day });
const after = (result: Result<Outcome>, known?: Known, random = 1): Step => at(now, result, known, random);
const noteOf = (known?: Known): Note => (known === undefined ? {} : { known });
const clocks = (of: Readonly<Record<string, Clock>>): Known => ({ clocks: of });
const knownOf = (step: Step): Known => {
  if (step.do !== "wait") throw new Error(`${step.do}, and no wait`);
  return step.known;
};

/** Plays failures that never end, one after the other and again; returns how long it was waited, in all and at most, and how it ended. */
function patienceWith(...results: readonly [Result<Outcome>, ...Result<Outcome>[]]) {
  let known: Known | undefined;
  let time = now;
  let longestMs = 0;
  for (let tries = 1; tries < 10_000; tries += 1) {
    const step = at(time, results[(tries - 1) % results.length] ?? results[0], known);
    if (step.do !== "wait") return { totalMs: time - now, longestMs, tries, end: step };
    longestMs = Math.max(longestMs, step.at - time);
    known = step.known;
    time = step.at;
  }
  throw new Error("never ends");
}

describe("what a look's result means for the queue", () => {
  test("what webhooks ask for in the meantime uses up no patience, and moves no clock", () => {
    for (const kind of ["Conflict", "Unreachable"] as const) {
      const why = kind.toLowerCase();
      let known: Known | undefined;
      for (let burst = 0; burst < 100; burst += 1) {
        const step = at(now + burst, failed(kind), known);
        expect(step).toMatchObject({ do: "wait", at: now + 1_000 });
        known = knownOf(step);
        expect(known.clocks[why]).toEqual({ since: now, tries: 1, dueAt: now + 1_000 });
      }
      const due = at(now + 1_000, failed(kind), known);
      expect(due).toMatchObject({ at: now + 3_000, known: { clocks: { [why]: { tries: 2 } } } });
    }
  });

  test("that a write may still be carried out is known until a look comes to rest, whatever comes between", () => {
    const timedOut = { peer: "norce", code: "timeout", maybeCarriedOut: true };
    const known = knownOf(after({ error: new WorkerError("Unreachable", "no answer", { context: timedOut }) }));
    const notBefore = now + pauses.lateWriteMs;
    expect(known).toMatchObject({ notBefore });
    let between: Known = known;
    const suspicion: Result<Outcome> = {
      outcome: { is: "suspect", state: "captured", suspect: { fingerprint: "f", at: notBefore } },
    };
    for (const result of [failed("Unreachable"), later, failed("Conflict"), suspicion]) {
      between = knownOf(at(notBefore + 1, result, between));
      expect(between).toMatchObject({ notBefore });
    }
    const rest = at(notBefore + hour, { outcome: { is: "unchanged", state: "captured" } }, between);
    expect(rest).toEqual({ do: "rest", at: notBefore + hour + pauses.afterLateMs });
  });

  test("agreement rests, and looks again when the adapter asked for it", () => {
    expect(after({ outcome: { is: "unchanged", state: "reserved" } })).toEqual({ do: "rest" });
    const written = { is: "written", from: "intent", to: "reserved", wrote: [], lookAgainMs: 5 } as const;
    expect(after({ outcome: written })).toEqual({ do: "rest", at: now + 5 });
  });

  test("what needs a person although it was written leaves a letter, and is looked at again all the same", () => {
    const attention = { reason: "underpaid", message: "less than was asked", context: { total: 1, amount: 2 } };
    const step = after({ outcome: { is: "unchanged", state: "pending", attention, lookAgainMs: minute } });
    const context = { reason: "underpaid", total: 1, amount: 2 };
    expect(step).toMatchObject({ do: "bury", at: now + minute, grave: { kind: "Attention", context } });
  });

  test("an order that is not there yet is waited for: seconds at first, minutes later, a day in all", () => {
    expect(after(later)).toMatchObject({ do: "wait", at: now + 2_000 });
    const { totalMs, longestMs, end } = patienceWith(later);
    expect(longestMs).toBe(15 * minute);
    expect(totalMs).toBeGreaterThanOrEqual(day);
    expect(totalMs).toBeLessThan(25 * hour);
    expect(end).toMatchObject({ do: "bury", grave: { kind: "Later", reason: "not-in-norce", since: now } });
  });

  test.each([
    ["Unreachable", "72 hours have passed", 72 * hour],
    ["Unauthorized", "the payment's horizon has", 30 * day],
  ] as const)("%s is tried until %s", (kind, _, limitMs) => {
    const { totalMs, longestMs, end } = patienceWith(failed(kind));
    expect(longestMs).toBe(hour);
    expect(totalMs).toBeGreaterThanOrEqual(limitMs);
    expect(totalMs).toBeLessThan(limitMs + 2 * hour);
    expect(end).toMatchObject({ do: "bury", grave: { kind } });
  });

  test("Retry-After is honoured, within reason", () => {
    expect(after(failed("Unreachable", 30_000))).toMatchObject({ do: "wait", at: now + 30_000 });
    expect(after(failed("Unreachable", 1_000 * hour))).toMatchObject({ do: "wait", at: now + hour });
  });

  test("jitter takes up to half of a pause away", () => {
    expect(after(failed("Unreachable"), undefined, 0)).toMatchObject({ at: now + 500 });
    expect(after(failed("Unreachable"), undefined, 1)).toMatchObject({ at: now + 1_000 });
  });

  test("what is refused is a dead letter at once; what cannot be read is asked for once more", () => {
    expect(after(failed("Refused"))).toMatchObject({ do: "bury", grave: { kind: "Refused" } });
    expect(patienceWith(failed("Unmapped"))).toMatchObject({ tries: 2, end: { grave: { kind: "Unmapped" } } });
  });

  test.each([
    ["a conflict", failed("Conflict"), 11, "Conflict"],
    ["a bug of ours", bug, 6, "Bug"],
  ] as const)("%s is looked at again shortly, not for ever", (_, result, tries, kind) => {
    expect(patienceWith(result)).toMatchObject({ tries, end: { do: "bury", grave: { kind } } });
  });

  test("another reason to wait starts its own clock", () => {
    const late = clocks({ unreachable: { since: now - 71 * hour, tries: 90, dueAt: now } });
    const ours = { since: now, tries: 1 };
    expect(after(later, late)).toMatchObject({ do: "wait", known: { clocks: { "not-in-norce": ours } } });
    const theirs = { since: now - 71 * hour, tries: 91 };
    expect(after(failed("Unreachable"), late)).toMatchObject({ known: { clocks: { unreachable: theirs } } });
  });

  test.each<readonly [string, readonly [Result<Outcome>, ...Result<Outcome>[]], number, number, string]>([
    ["network and conflict", [failed("Unreachable"), failed("Conflict")], 40, 2 * hour, "Conflict"],
    ["conflict and a bug of ours", [failed("Conflict"), bug], 40, hour, "Bug"],
    ["network and an order that is not there", [failed("Unreachable"), later], 400, 26 * hour, "Later"],
  ])("%s by turns come to an end, as soon as one of them has had its time", (_, results, tries, withinMs, kind) => {
    const played = patienceWith(...results);
    expect(played.end).toMatchObject({ do: "bury", grave: { kind } });
    expect(played.tries).toBeLessThanOrEqual(tries);
    expect(played.totalMs).toBeLessThan(withinMs);
  });

  test("what comes back goes on with its own clock, also after a look that was turned away or saw something doubtful", () => {
    const unreachable = knownOf(after(failed("Unreachable")));
    const conflict = knownOf(at(now + minute, failed("Conflict"), unreachable));
    const away = knownOf(waitUntil(now + 2 * minute, noteOf(conflict)));
    const seen = { fingerprint: "x", at: now + 3 * minute };
    const doubtful = knownOf(
      at(now + 3 * minute, { outcome: { is: "suspect", state: "captured", suspect: seen } }, away),
    );
    expect(doubtful).toMatchObject({ suspect: seen });
    expect(at(now + 4 * minute, failed("Conflict"), doubtful)).toMatchObject({
      known: { clocks: { conflict: { since: now + minute, tries: 2 } }, suspect: seen },
    });
  });

  test("while credentials are refused, nothing else uses up its time", () => {
    const unreachable = knownOf(after(failed("Unreachable")));
    const refused = knownOf(at(now + minute, failed("Unauthorized"), unreachable));
    const mended = at(now + 100 * hour, failed("Unreachable"), refused);
    expect(mended).toMatchObject({ known: { clocks: { unreachable: { since: now + 100 * hour, tries: 1 } } } });
    // Its own pauses go on growing all the same.
    expect(at(now + 101 * hour, failed("Unauthorized"), knownOf(mended))).toMatchObject({
      known: { clocks: { unauthorized: { tries: 2 } } },
    });
  });

  test("a clock that was set back keeps nothing waiting for as long as it jumped", () => {
    const ahead = now + day;
    const seen = { fingerprint: "x", at: ahead };
    expect(after({ outcome: { is: "suspect", state: "captured", suspect: seen } })).toMatchObject({
      at: now + minute,
      known: { suspect: { fingerprint: "x", at: now } },
    });
    const waiting = clocks({ unreachable: { since: ahead, tries: 3, dueAt: ahead } });
    expect(after(failed("Unreachable"), waiting)).toMatchObject({
      known: { clocks: { unreachable: { since: now, tries: 4 } } },
    });
    expect(tooEarlyUntil({ notBefore: ahead }, now)).toBeUndefined();
  });

  test("a last look that finds the payment where it was calls a person", () => {
    const note: Note = { asked: { hints: {}, version: "", lastFrom: now } };
    const looked = (outcome: Outcome): Step => next({ outcome }, { note, now, random: 1, horizonMs: day });
    expect(looked({ is: "unchanged", state: "pending" })).toMatchObject({ grave: { kind: "Unresolved" } });
    expect(looked({ is: "later", why: "not-at-psp" })).toMatchObject({ grave: { kind: "Unresolved" } });
    expect(looked({ is: "unchanged", state: "reserved" })).toEqual({ do: "rest" });
    const withdrawn = { is: "written", from: "pending", to: "pending", wrote: ["actions"] } as const;
    expect(looked(withdrawn)).toMatchObject({ grave: { kind: "Unresolved" } });
    expect(looked({ ...withdrawn, from: "reserved", to: "reserved" })).toEqual({ do: "rest" });
    expect(looked({ ...withdrawn, wrote: ["actions", "record"] })).toEqual({ do: "rest" });
  });
});

describe("a write to Norce that timed out", () => {
  const error = (code: string) => {
    const context = { peer: "norce", code, maybeCarriedOut: true };
    return { error: new WorkerError("Unreachable", "no", { context }) };
  };

  test("its sender may not live to hear of it: noted before it leaves, once for what follows at once", () => {
    const notBefore = notBeforeWriting(undefined, now);
    expect(notBefore).toBe(now + 30_000);
    expect(notBeforeWriting({ notBefore }, now + 999)).toBeUndefined();
    expect(notBeforeWriting({ notBefore }, now + 1_000)).toBe(now + 31_000);
    expect(notBeforeWriting({ notBefore: now + day }, now), "noted by a clock that was ahead").toBe(now + 30_000);
  });

  test("may still be carried out: nothing is written for half a minute, and one more look follows", () => {
    const step = after(error("timeout"));
    expect(step).toMatchObject({ do: "wait", at: now + pauses.lateWriteMs });
    const known = knownOf(step);
    expect(tooEarlyUntil(known, now + 29_000)).toBe(now + 30_000);
    expect(tooEarlyUntil(known, now + 30_000)).toBeUndefined();
    expect(at(now + 30_000, { outcome: { is: "unchanged", state: "captured" } }, known)).toEqual({
      do: "rest",
      at: now + 30_000 + pauses.afterLateMs,
    });
    expect(operationAgain(error("timeout").error, 0, 1)).toBe(pauses.lateWriteMs);
    expect(placingAgain(now, now, hour, error("timeout").error)).toBe(now + pauses.lateWriteMs);
  });

  test("and one whose connection was reset waits for nothing", () => {
    expect(after(error("ECONNRESET"))).toMatchObject({ at: now + 1_000 });
  });
});

test("two looks agree when they saw the same and are a minute apart", () => {
  const first = suspect("x", {}, now);
  expect(first).toEqual({ is: { fingerprint: "x", at: now }, agrees: false });
  const note = noteOf({ clocks: {}, suspect: first.is });
  expect(suspect("x", note, now + 59_000).agrees).toBe(false);
  expect(suspect("x", note, now + minute).agrees).toBe(true);
  expect(suspect("y", note, now + minute)).toEqual({ is: { fingerprint: "y", at: now + minute }, agrees: false });
});

describe("an event whose payment is looked for", () => {
  test.each([
    ["just came", 0, 1_000],
    ["came two minutes ago", 2 * minute, 30_000],
    ["came a day ago", day, 15 * minute],
    ["came a week ago", 7 * day, hour],
    ["comes from a clock that is a little ahead", -2_000, 1_000],
    ["comes from before the clock was set back by a day", -day, 15 * minute],
  ])("and that %s is tried again after a while", (_, ageMs, delayMs) => {
    expect(placingAgain(now - ageMs, now, Infinity)).toBe(now + delayMs);
  });

  test("is given up when it is older than the limit, and not before, nor while somebody is away", () => {
    expect(placingAgain(now - hour, now, hour)).toBeUndefined();
    expect(placingAgain(now - hour, now, hour, failed("Refused").error)).toBeUndefined();
    expect(placingAgain(now - hour, now, hour, failed("Unreachable").error)).toBeGreaterThan(now);
    expect(placingAgain(now + day, now, hour)).toBeGreaterThan(now);
  });
});

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

test.each([
  ["a PSP that is down", "Unreachable", { peer: "psp" }, { failed: true, own: true }, "down"],
  ["a maintenance page", "Unreachable", { peer: "psp", notItsOwn: true }, { failed: true, own: false }, "down"],
  ["what was never sent", "Unreachable", { peer: "psp", code: "given-up" }, { failed: false }, undefined],
  ["Norce that is down", "Unreachable", { peer: "norce" }, { failed: false }, "down"],
  ["wrong credentials", "Unauthorized", { peer: "psp" }, { failed: false }, "refused"],
  ["a refusal", "Refused", { peer: "psp" }, { failed: false }, undefined],
] as const)("%s says of the PSP what it says", (_, kind, context, behaviour, news) => {
  const error = new WorkerError(kind, "no", { context });
  expect(behaviourOf("psp", error)).toMatchObject(behaviour);
  expect(newsOf(error)?.is).toBe(news);
});
