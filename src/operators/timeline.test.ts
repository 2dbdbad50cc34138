import { expect, test } from "vitest";
import type { JournalEntry } from "../queue/journal.ts";
import { timelineOf } from "./timeline.ts";

const key = { adapter: "any", merchant: "acme", channel: "se", orderId: "o_1", paymentId: "p_1" };
const t0 = Date.parse("2026-03-04T12:00:00.000Z");
const minute = 60_000;
const entry = (kind: string, at: number, facts: JournalEntry["facts"] = {}, more: Partial<JournalEntry> = {}) => ({
  kind,
  facts,
  count: 1,
  first: at,
  last: at,
  ...more,
});
const unknown = { known: false };
const kindsOf = (entries: readonly JournalEntry[], earlier: Parameters<typeof timelineOf>[2]) =>
  timelineOf(key, entries, earlier, t0 + minute).map(({ kind }) => kind);

test("amounts are in major units, times in words of the calendar, and alike ones are counted", () => {
  const looked = entry("looked", t0, { by: "webhook", psp: ["confirmed", "JPY", 1_000], norce: ["intent", 900, 60] });
  const written = entry("written", t0, { from: "intent", to: "reserved", amount: [900, 1_000], wrote: "state" });
  const waited = entry("waited", t0 + 1, { why: "crowded", until: t0 + minute }, { count: 3, last: t0 + 5_000 });
  const [one, two, three] = timelineOf(key, [looked, written, waited], unknown, t0).slice(1);
  expect(one?.facts).toEqual({
    by: "webhook",
    psp: { phase: "confirmed", currency: "JPY", authorized: 1_000, captured: 0, refunded: 0, released: 0 },
    norce: { state: "intent", amount: 900, since: "1970-01-01T00:01:00.000Z" },
  });
  expect(two?.facts).toEqual({ from: "intent", to: "reserved", amount: { from: 900, to: 1_000 }, wrote: "state" });
  expect(three).toMatchObject({
    at: "2026-03-04T12:00:00.001Z",
    last: "2026-03-04T12:00:05.000Z",
    count: 3,
    until: "2026-03-04T12:01:00.000Z",
  });
});

test("an operation's steps stand where they were, though they were written down at its end", () => {
  const entries = [
    entry("received", t0 + 2),
    entry("operated", t0 + 1, { name: "capture", is: "asked" }),
    entry("operated", t0 + 3, { name: "capture", is: "done" }),
  ];
  expect(kindsOf(entries, unknown)).toEqual(["operated", "received", "operated"]);
});

test("what gave way is a hole that says how much it was", () => {
  const gone = entry("gave-way", t0 - minute, {}, { count: 12, last: t0 - 1 });
  const [hole, ...more] = timelineOf(key, [gone, entry("received", t0)], { known: true, since: 0 }, t0);
  expect(hole).toMatchObject({ kind: "hole", count: 12, says: "12 lines gave way here: a journal holds 200" });
  expect(more.map(({ kind }) => kind)).toEqual(["received"]);
});

test.each([
  ["nothing is left of what a note or a letter tells of", [], { known: true, since: t0 - minute }, ["hole"]],
  ["nothing ever was", [], unknown, []],
  [
    "the note waits since before the first line",
    [entry("received", t0)],
    { known: true, since: t0 - 2 * minute },
    ["hole", "received"],
  ],
  ["clocks differ a little", [entry("received", t0)], { known: true, since: t0 - 1_000 }, ["received"]],
  [
    "the first look found what we had written",
    [entry("looked", t0, { norce: ["reserved", 1, t0 / 1_000 - 90] })],
    unknown,
    ["hole", "looked"],
  ],
  [
    "the writing is told",
    [entry("looked", t0), entry("written", t0), entry("looked", t0 + minute, { norce: ["reserved", 1, t0 / 1_000] })],
    unknown,
    ["looked", "written", "looked"],
  ],
] as const)("%s", (_, entries, earlier, kinds) => {
  expect(kindsOf(entries, earlier)).toEqual(kinds);
});
