import { expect, test } from "vitest";
import { WorkerError } from "../../lib/errors.ts";
import { againLines, endedLines, previewedLine } from "./operation-lines.ts";

const asked = Date.parse("2026-03-04T12:00:00.000Z");
const now = asked + 5_000;
const sent = {
  at: asked + 2_000,
  first: asked + 1_000,
  times: 2,
  before: { authorized: 100_00, captured: 0, refunded: 0, released: 0 },
  amount: 40_00,
  whole: false,
};
const order = { name: "capture", at: asked, tries: 0 } as const;

test("an operation's end tells its steps at the times at which they were", () => {
  const steps = { id: "op", order: { ...order, sent }, amount: 40_00, currency: "SEK" };
  const lines = endedLines(now, steps, { is: "done", pspId: "cap_1" });
  const facts = { name: "capture", id: "op", amount: 40_00, currency: "SEK" };
  expect(lines).toEqual([
    { at: asked, kind: "operated", facts: { ...facts, is: "asked" } },
    { at: sent.at, kind: "operated", facts: { ...facts, is: "sent", times: 2 } },
    { at: now, kind: "operated", facts: { ...facts, is: "done", pspId: "cap_1" } },
  ]);
});

test("what was refused before it was sent tells of no sending", () => {
  const lines = endedLines(now, { id: "op", order }, { is: "refused", reason: "nothing-to-capture" });
  expect(lines.map(({ facts }) => facts?.["is"])).toEqual(["asked", "refused"]);
  expect(lines.at(-1)?.facts).toMatchObject({ reason: "nothing-to-capture" });
});

test("an attempt that failed names who did not answer, and that it was asked for is told once", () => {
  const error = new WorkerError("Unreachable", "answered 503", { context: { peer: "klarna-checkout", status: 503 } });
  const first = againLines(now, { id: "op", order }, now + 1_000, error);
  expect(first.map(({ facts }) => facts?.["is"])).toEqual(["asked", "later"]);
  expect(first.at(-1)?.facts).toMatchObject({ until: now + 1_000, peer: "klarna-checkout", status: 503 });
  const tried = { ...order, tries: 1 };
  expect(againLines(now, { id: "op", order: tried }, now + 1_000, error)).toHaveLength(1);
  expect(endedLines(now, { id: "op", order: tried }, { is: "done" }).map(({ facts }) => facts?.["is"])).toEqual([
    "done",
  ]);
});

test("a dry run tells what would be written", () => {
  const would = { outcome: "would-write", from: "intent", to: "reserved", wrote: ["state", "record"] };
  expect(previewedLine(now, { status: "done", would }).facts).toEqual({
    outcome: "would-write",
    from: "intent",
    to: "reserved",
    wrote: "state record",
  });
  const failed = previewedLine(now, { status: "done", would: { outcome: "dead", reason: "underpaid" } });
  expect(failed.facts).toEqual({ outcome: "dead", why: "underpaid" });
});
