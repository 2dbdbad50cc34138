import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Happening, Happenings } from "../queue/happenings.ts";
import type { JournalEntry } from "../queue/journal.ts";
import { duration, sentenceOf } from "./sentences.ts";
import { firstMinutes } from "./advice.ts";
import { finds, needs } from "./words.ts";

function entry<Kind extends Happening>(kind: Kind, facts: Partial<Happenings[Kind]>): JournalEntry {
  return { kind, facts: JSON.parse(JSON.stringify(facts)) as JournalEntry["facts"], count: 1, first: 0, last: 0 };
}

const written = entry("written", { from: "intent", to: "reserved", wrote: "state" });
const psp = ["confirmed", "SEK", 1_148_54, 40_00] as const;
const saysReserved = "asked by a webhook: the PSP says confirmed, authorised 1148.54, captured 40.00 SEK";

const table: readonly (readonly [name: string, line: JournalEntry, says: string, next?: JournalEntry])[] = [
  [
    "a webhook and its key",
    entry("received", { webhook: "push", type: "push", by: "a1b2c3", ref: "kco_1" }),
    "webhook push received; proven by the key a1b2c3; it names kco_1",
  ],
  [
    "a webhook that was proven later",
    entry("received", { webhook: "webhook", type: "CAPTURE" }),
    "webhook received: CAPTURE; its proof had to be asked for",
  ],
  [
    "an event that was placed",
    entry("placed", { type: "CAPTURE", how: "echo" }),
    "event CAPTURE is this payment's: the PSP echoes our id",
  ],
  [
    "an event that rests",
    entry("placed", { type: "fee", how: "url", rests: true }),
    "event fee is this payment's: its URL names the payment; there is nothing to look at yet",
  ],
  [
    "a letter that a person took away",
    entry("dismissed", { why: "outcome-unknown", of: "capture" }),
    "a person took the letter of capture away: nobody knows whether the operation was carried out",
  ],
  [
    "a letter of which is known who took it away",
    entry("dismissed", { why: "underpaid", who: "tzG3_S" }),
    "whoever has the admin token tzG3_S took the letter away: less was authorised than Norce asks",
  ],
  ["an operator", entry("asked", { id: "1" }), "an operator asked for a look"],
  [
    "a look that finds a difference",
    entry("looked", { by: "webhook", psp, norce: ["reserved", 1_148_54] }),
    `${saysReserved}; Norce says reserved, 1148.54 SEK: they differ, so Norce is written`,
    written,
  ],
  [
    "a look that finds none, and is planned again",
    entry("looked", { by: "webhook", psp, norce: ["reserved", null], in: 90 }),
    `${saysReserved}; Norce says reserved: nothing to write; looks again in 1m 30s`,
  ],
  [
    "a look of the sweep's that a person has to see",
    entry("looked", { by: "sweep", psp: ["confirmed", "SEK"], norce: ["pending", 1_00], needs: "underpaid" }),
    "asked by the sweep: the PSP says confirmed, no money; Norce says pending, 1.00 SEK: a person is needed, less was authorised than Norce asks",
  ],
  [
    "bad news, and a letter that is gone",
    entry("looked", {
      by: "timer",
      psp: ["declined", "SEK"],
      norce: ["declined", 0],
      found: "dispute@2026-03-11 amount-differs",
      cleared: true,
    }),
    "asked by its timer: the PSP says declined, no money; Norce says declined, 0.00 SEK: nothing to write; to be seen: dispute until 2026-03-11, amount-differs; the letter is gone",
  ],
  [
    "a step backwards that waits for a second look",
    entry("looked", { by: "webhook", psp, norce: ["captured", 1_148_54] }),
    `${saysReserved}; Norce says captured, 1148.54 SEK: they differ`,
    entry("waited", { why: "suspect" }),
  ],
  [
    "what was written",
    entry("written", {
      from: "intent",
      to: "reserved",
      amount: [0, 1_148_54],
      wrote: "state amount record afterWrite confirm:1 capture:2",
      more: 2,
    }),
    "written to Norce: intent → reserved; amount 0.00 SEK → 1148.54 SEK; state, amount, record; the PSP was told; transactions confirm:1, capture:2; 2 more",
  ],
  [
    "what was written while the state stays",
    entry("written", { from: "reserved", to: "reserved", wrote: "record" }),
    "written to Norce: stays reserved; record",
  ],
  [
    "a PSP that answers wrongly",
    entry("waited", { by: "webhook", why: "Unreachable", peer: "mollie", status: 503, tries: 3, support: "s-1" }),
    "asked by a webhook: waits, because mollie answered 503 (support id s-1); try 3",
  ],
  [
    "Norce that does not answer",
    entry("waited", { by: "sweep", why: "Unreachable", peer: "norce", code: "timeout" }),
    "asked by the sweep: waits, because norce did not answer (timeout)",
  ],
  [
    "an order that is not there yet",
    entry("waited", { by: "webhook", why: "not-in-norce" }),
    "asked by a webhook: waits, because Norce does not have the payment yet",
  ],
  [
    "a letter by a rule",
    entry("buried", {
      by: "webhook",
      kind: "Refused",
      why: "above-upper-limit",
      upperLimit: 100_00,
      authorized: 200_00,
      currency: "EUR",
    }),
    "asked by a webhook: given up, a letter stands: more was authorised than the payment's upper limit; above-upper-limit; upperLimit 100.00 EUR, authorized 200.00 EUR",
  ],
  [
    "a letter by an answer",
    entry("buried", { by: "webhook", kind: "Refused", why: "norce answered 404", peer: "norce", status: 404 }),
    "asked by a webhook: given up, a letter stands: norce answered 404",
  ],
  [
    "a dead worker",
    entry("buried", { kind: "Stalled", why: "stalled" }),
    "given up, a letter stands: the worker died again and again while it looked at this; stalled",
  ],
  [
    "an operation that was asked for",
    entry("operated", { name: "capture", is: "asked", id: "1", amount: 40_00, currency: "SEK" }),
    "capture of 40.00 SEK was asked for",
  ],
  [
    "an operation that was sent twice",
    entry("operated", { name: "refund", is: "sent", id: "1", amount: 40_00, times: 2 }),
    "refund of 40.00 SEK was sent to the PSP, 2 times by then",
  ],
  [
    "an operation that is done",
    entry("operated", { name: "capture", is: "done", id: "1", pspId: "cap_1" }),
    "capture is done; the PSP's id cap_1",
  ],
  [
    "an operation that is refused",
    entry("operated", { name: "cancel", is: "refused", id: "1", reason: "already-captured" }),
    "cancel was refused: already-captured",
  ],
  [
    "an operation of which nobody knows",
    entry("operated", { name: "capture", is: "unknown", id: "1", reason: "outcome-unknown" }),
    "capture: nobody knows whether the operation was carried out; look in the PSP's portal",
  ],
  [
    "a dry run",
    entry("previewed", { outcome: "would-write", from: "intent", to: "reserved", wrote: "state record" }),
    "a dry run: would write intent → reserved; state, record",
  ],
  [
    "a dry run without a difference",
    entry("previewed", { outcome: "unchanged" }),
    "a dry run: nothing would be written",
  ],
  [
    "a dry run that cannot be had",
    entry("previewed", { outcome: "later", why: "not-in-norce" }),
    "a dry run: it would wait, because Norce does not have the payment yet",
  ],
  [
    "a dry run of what a rule refuses",
    entry("previewed", { outcome: "dead", why: "above-upper-limit" }),
    "a dry run: it would be given up, more was authorised than the payment's upper limit",
  ],
];
test.each(table.map(([name, line, says, next]) => ({ name, line, says, next })))("$name", ({ line, says, next }) => {
  expect(sentenceOf(line, { currency: "SEK", next })).toBe(says);
});

test("what another version wrote is told as it is, and no sentence needs all of its facts", () => {
  const strange = { kind: "befallen", facts: { by: "fate" }, count: 1, first: 0, last: 0 };
  expect(sentenceOf(strange, {})).toBe('befallen {"by":"fate"}');
  const kinds = [
    "received",
    "placed",
    "asked",
    "looked",
    "written",
    "waited",
    "buried",
    "dismissed",
    "operated",
    "previewed",
  ] as const;
  for (const kind of kinds) expect(sentenceOf(entry(kind, {}), {}), kind).not.toContain("undefined");
});

test("every reason that a person is called for has its words", () => {
  const page = readFileSync("docs/operate.md", "utf8");
  const reasonTable = /<!-- reasons:begin -->(.*?)<!-- reasons:end -->/s.exec(page)?.[1] ?? "";
  const reasons = [...reasonTable.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, reason = ""]) => reason).slice(1);
  expect(reasons.length).toBeGreaterThan(10);
  expect(reasons.filter((reason) => needs[reason] === undefined)).toEqual([]);
});

test("what is to be done first is said in the words of the page, and for everything that a person is called for", () => {
  const page = readFileSync("docs/operate.md", "utf8");
  const rows = ["reasons", "bad-news"].flatMap((place) => {
    const cells = new RegExp(`<!-- ${place}:begin -->(.*?)<!-- ${place}:end -->`, "s").exec(page)?.[1] ?? "";
    return [...cells.matchAll(/^\| `([a-z-]+)` \|.*\| (.+) \|$/gm)].map(
      ([, name = "", todo = ""]) =>
        [name, todo.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").replaceAll("`", "")] as const,
    );
  });
  const told = rows.filter(([name]) => name !== "reason" && name !== "name");
  expect(told.length).toBeGreaterThan(25);
  expect(told.filter(([name, todo]) => firstMinutes[name] !== todo)).toEqual([]);
  const called = [...Object.keys(needs), ...Object.keys(finds)].filter((name) => name !== "an error of ours");
  expect(called.filter((name) => firstMinutes[name] === undefined)).toEqual([]);
});

test.each([
  [0, "0s"],
  [59_400, "59s"],
  [61_000, "1m 1s"],
  [11 * 60_000 + 5_000, "11m"],
  [90 * 60_000, "1h 30m"],
  [47 * 3_600_000, "47h"],
  [28 * 24 * 3_600_000, "28d"],
])("%i ms are %s", (ms, told) => {
  expect(duration(ms)).toBe(told);
});
