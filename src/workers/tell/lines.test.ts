import { expect, test } from "vitest";
import { WorkerError } from "../../lib/errors.ts";
import { journalText } from "../../queue/journal.ts";
import type { StoredEvent } from "../../queue/seam.ts";
import type { Outcome } from "../look/outcome.ts";
import type { Next } from "../retry.ts";
import { linesOf, placedLine, receivedLine } from "./lines.ts";
import type { Looked } from "./told.ts";

const at = Date.parse("2026-03-04T12:00:00.000Z");
const rest: Next = { do: "rest" };
/** As long as the ids of PSPs are. */
const reference = "f3392f8b-6116-4073-ab96-e330819e2c07";
const psp = {
  phase: "confirmed",
  currency: "SEK",
  reference,
  authorized: 1_148_54,
  captured: 40_00,
  refunded: 0,
  released: 0,
};
const norce = { amount: 1_148_54, since: at - 60_000 };
const unchanged: Outcome = { is: "unchanged", state: "reserved", psp, norce };

function looked(came: Looked["came"], step: Next = rest, more: Partial<Looked> = {}): Looked {
  const key = { adapter: "klarna-checkout", merchant: "acme", channel: "se", orderId: "o_1", paymentId: "p_1" };
  const asked = { by: "webhook", announced: true, hadLetter: false, startedAt: at - 200 } as const;
  return { key, ...asked, now: at, came, step, ...more };
}

const saidOf = (...parameters: Parameters<typeof looked>) =>
  linesOf(looked(...parameters)).map(({ kind: line, facts }): Record<string, unknown> => ({ line, ...facts }));

test("a look tells what both sides said, and what both are by name and id", () => {
  expect(saidOf({ outcome: unchanged }, { do: "rest", at: at + 60_000 })).toEqual([
    {
      line: "looked",
      by: "webhook",
      psp: ["confirmed", "SEK", 1_148_54, 40_00],
      norce: ["reserved", 1_148_54, (at - 60_000) / 1_000],
      in: 60,
      ref: reference,
    },
  ]);
});

test("what was written says from what and to what", () => {
  const wrote = ["state", "record", "a", "b", "c", "d", "e", "f"];
  const outcome: Outcome = { ...unchanged, is: "written", from: "intent", to: "reserved", wrote, amount: 1_000_00 };
  expect(saidOf({ outcome })[1]).toEqual({
    line: "written",
    from: "intent",
    to: "reserved",
    amount: [1_148_54, 1_000_00],
    wrote: "state record a b c d",
    more: 2,
  });
});

test("a peer that does not answer is named, with the id that its support asks for", () => {
  const error = new WorkerError("Unreachable", "klarna-checkout answered 503", {
    context: { peer: "klarna-checkout", status: 503, route: "/orders/{id}", method: "GET", supportId: "c-1" },
  });
  const clock = { since: at, tries: 3, dueAt: at + 4_000 };
  const step: Next = { do: "wait", at: at + 4_000, known: { clocks: { unreachable: clock } } };
  expect(saidOf({ error }, step)).toEqual([
    {
      line: "waited",
      by: "webhook",
      why: "Unreachable",
      until: at + 4_000,
      tries: 3,
      peer: "klarna-checkout",
      status: 503,
      support: "c-1",
    },
  ]);
});

test("a letter says why, with the values that differ, and is not told again while it stands", () => {
  const context = { reason: "currency-differs", norceCurrency: "SEK", pspCurrency: "EUR", orderId: "o_1" };
  const error = new WorkerError("Refused", "the PSP's payment has another currency", { context });
  const grave = { kind: "Refused", reason: error.message, since: at, context };
  expect(saidOf({ error }, { do: "bury", grave })).toEqual([
    {
      line: "buried",
      by: "webhook",
      kind: "Refused",
      why: "currency-differs",
      norceCurrency: "SEK",
      pspCurrency: "EUR",
    },
  ]);
  const attention = { reason: "underpaid", message: "less was asked", context: { total: 1 } };
  const held: Outcome = { ...unchanged, attention };
  const bury: Next = { do: "bury", grave: { ...grave, kind: "Attention", context: { reason: "underpaid", total: 1 } } };
  expect(linesOf(looked({ outcome: held }, bury)).map(({ kind }) => kind)).toEqual(["looked", "buried"]);
  const [again, ...more] = saidOf({ outcome: held }, bury, { hadLetter: true });
  expect([again?.["needs"], more]).toEqual(["underpaid", []]);
  const [resolved] = saidOf({ outcome: unchanged }, rest, { hadLetter: true });
  expect(resolved).toMatchObject({ cleared: true });
});

test("bad news has its name and the day by which somebody has to act", () => {
  const found = [{ name: "dispute", id: "d1", deadline: "2026-03-11T00:00:00Z" }, { name: "amount-differs" }];
  expect(saidOf({ outcome: { ...unchanged, found } })[0]).toMatchObject({ found: "dispute@2026-03-11 amount-differs" });
});

test("looks that say the same are one entry, whenever the next one is planned and whenever they began", () => {
  const textOf = (one: Looked) => journalText(linesOf(one)[0] ?? { at, kind: "none" });
  const first = textOf(looked({ outcome: unchanged }, { do: "rest", at: at + 60_000 }, { by: "operator" }));
  const second = textOf(
    looked({ outcome: unchanged }, { do: "rest", at: at + 90_000 }, { by: "operator", startedAt: at }),
  );
  expect(first.like).toBe(second.like);
  expect(first.text).not.toBe(second.text);
  const moved = { ...unchanged, psp: { ...psp, captured: 41_00 } };
  expect(textOf(looked({ outcome: moved }, rest, { by: "operator" })).like).not.toBe(first.like);
});

test("an entry of usual length keeps all of its facts within 200 bytes", () => {
  const lines = linesOf(looked({ outcome: unchanged }, { do: "rest", at: at + 60_000 }));
  const [{ at: _at, kind, facts } = { at, kind: "", facts: {} }] = lines;
  const { text, like } = journalText(lines[0] ?? { at, kind: "none" });
  expect(JSON.parse(text)).toEqual([kind, facts]);
  expect(Buffer.byteLength(`1;${at};${at};${like};${text}`)).toBeLessThanOrEqual(200);
});

test("a webhook's line names what proved it and what it named; a placed event's how it was found", () => {
  const event = { key: "k", type: "payment.created", at: null, reference };
  const target = { adapter: "mollie", merchant: "acme", channel: "se" };
  const stored: StoredEvent = { target, webhook: "event", receivedAt: at, event, by: "a1b2c3" };
  expect(receivedLine(stored)).toEqual({
    at,
    kind: "received",
    facts: { webhook: "event", type: "payment.created", by: "a1b2c3", ref: reference },
  });
  expect(placedLine(at, "capture", "echo", true, reference).facts).toEqual({
    type: "capture",
    how: "echo",
    ref: reference,
  });
  expect(placedLine(at, "capture", "url", false).facts).toEqual({ type: "capture", how: "url", rests: true });
});
