import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { linesOf } from "../src/cli/explanation.ts";
import type { PaymentKey } from "../src/contract/adapter.ts";
import { explain, type ExplainParts } from "../src/operators/explain.ts";
import type { Standing as ServiceStanding } from "../src/queue/standing.ts";
import type { Happening, Happenings } from "../src/queue/happenings.ts";
import type { DeadLetter, JournalEntry, Note, OperationState, StoredEvent } from "../src/queue/seam.ts";

/** What an operator reads, made of what is remembered: the page's example, and orders of which only a part is left. */
const key: PaymentKey = {
  adapter: "klarna-checkout",
  merchant: "acme",
  channel: "se",
  orderId: "o_1",
  paymentId: "p_1",
};
const reference = "f3392f8b-6116-4073-ab96-e330819e2c07";
const now = Date.parse("2026-03-04T02:41:30.000Z");
const minute = 60_000;
const letterId = "fV9KFS8YAGBNf2f-kZG5LOZH1vO3Q48FheFm07DYADU";

function entry<Kind extends Happening>(
  at: string,
  kind: Kind,
  facts: Happenings[Kind],
  more: { readonly count?: number; readonly last?: string } = {},
): JournalEntry {
  const timeOf = (time: string): number => Date.parse(`2026-03-${time}.000Z`);
  const said = JSON.parse(JSON.stringify(facts)) as JournalEntry["facts"];
  return { kind, facts: said, count: more.count ?? 1, first: timeOf(at), last: timeOf(more.last ?? at) };
}

interface Remembered {
  readonly journal?: readonly JournalEntry[];
  readonly indexed?: readonly PaymentKey[];
  readonly note?: Note;
  readonly letter?: DeadLetter & { readonly id: string };
  readonly letters?: readonly (DeadLetter & { readonly id: string })[];
  readonly operations?: readonly (OperationState & { readonly id: string })[];
  readonly events?: readonly StoredEvent[];
  readonly holder?: PaymentKey;
  readonly standing?: Partial<ServiceStanding>;
}

const quiet: ServiceStanding = { waiting: [], peers: [], closures: [], letters: [], sweeps: [], workers: 1 };

function partsOf(of: Remembered): ExplainParts {
  const settings = { adapterId: "acme_klarna_adapter" };
  const target = { merchant: "acme", channel: "se", adapter: { id: key.adapter, secrets: [] }, settings };
  const isOurs = ({ paymentId }: PaymentKey): boolean => paymentId === key.paymentId;
  const all = [...(of.letter === undefined ? [] : [of.letter]), ...(of.letters ?? [])];
  return {
    config: { adminTokens: [], targets: [target], find: () => target },
    queue: {
      journal: {
        read: async (one: PaymentKey) => (isOurs(one) ? (of.journal ?? []) : []),
        payments: async () => of.indexed ?? [],
      },
      looks: { read: async (one: PaymentKey) => (isOurs(one) ? (of.note ?? {}) : {}) },
      letters: {
        of: async (one: PaymentKey) => (isOurs(one) ? of.letter : undefined),
        page: async () => ({ records: all.map(({ id, ...value }) => ({ id, value, version: "", writtenAt: 0 })) }),
      },
      operations: { running: async () => of.operations ?? [] },
      events: { waiting: async () => of.events ?? [] },
      references: { get: async () => null },
      claims: { holder: async () => of.holder ?? null },
    },
    standing: async () => ({ ...quiet, ...of.standing }),
    now: () => now,
  } as unknown as ExplainParts;
}

const order = { merchant: "acme", channel: "se", order: "o_1" };
const paid: readonly JournalEntry[] = [
  entry("03T19:58:02", "received", { webhook: "push", type: "push", by: "tzG3_S", ref: reference }),
  entry("03T19:58:03", "looked", {
    by: "webhook",
    psp: ["confirmed", "SEK", 1_148_54],
    norce: ["intent", 1_148_54],
    ref: reference,
  }),
  entry("03T19:58:03", "written", {
    from: "intent",
    to: "reserved",
    wrote: "state record afterWrite confirm:ACCEPTED",
  }),
  entry("04T01:10:14", "operated", { name: "capture", is: "asked", id: "5f0c", amount: 40_00, currency: "SEK" }),
  entry("04T01:10:14", "operated", { name: "capture", is: "sent", id: "5f0c", amount: 40_00, currency: "SEK" }),
  entry("04T01:10:15", "operated", { name: "capture", is: "done", id: "5f0c", amount: 40_00, currency: "SEK" }),
];
const down = { by: "operation", why: "Unreachable", peer: "klarna-checkout", status: 503 } as const;

test("the example on the page is what the command prints", async () => {
  const waited = { ...down, until: now + 26 * minute, tries: 9 };
  const journal = [...paid, entry("04T01:10:15", "waited", waited, { count: 9, last: "04T02:31:02" })];
  const clock = { since: Date.parse("2026-03-04T01:10:15.000Z"), tries: 9, dueAt: now + 26 * minute };
  const note: Note = { known: { clocks: { unreachable: clock }, timerAt: clock.dueAt } };
  const explanation = await explain(order, partsOf({ journal, note, indexed: [key] }));
  const printed = ["$ npm run --silent explain -- acme se o_1", ...linesOf("acme/se  order o_1", explanation, "UTC")];
  const page = readFileSync("docs/operate.md", "utf8");
  const [, example] = /<!-- explain:begin -->\n```console\n(.*?)\n```\n<!-- explain:end -->/s.exec(page) ?? [];
  expect(example).toBe(printed.join("\n"));
});

describe("where only a part is left", () => {
  const letter = {
    id: letterId,
    key,
    kind: "Refused",
    reason: "the PSP's payment has another currency",
    since: now - 60 * minute,
    at: now - 50 * minute,
    context: { reason: "currency-differs", norceCurrency: "SEK", pspCurrency: "EUR" },
  };

  test("a letter alone leads to its payment; what happened is a hole; retry and dismiss are what can be done", async () => {
    const { payments, timeline, next, needsAttention } = await explain(order, partsOf({ letter }));
    expect(needsAttention).toBe(true);
    expect(payments).toMatchObject([
      { paymentId: "p_1", letter: { reason: "currency-differs", says: expect.stringContaining("pspCurrency EUR") } },
    ]);
    expect(timeline).toMatchObject([{ kind: "hole", at: new Date(letter.since).toISOString() }]);
    expect(next.slice(0, 3).map(({ command }) => command)).toEqual([
      undefined,
      `npm run letters -- retry ${letterId}`,
      `npm run letters -- dismiss ${letterId}`,
    ]);
  });

  test("a payment that is named is read although its order's index is lost", async () => {
    const asked = { ...order, payment: "p_1" };
    expect((await explain(asked, partsOf({ journal: paid }))).payments).toHaveLength(1);
    expect((await explain({ ...order, payment: "p_2" }, partsOf({ journal: paid }))).known).toBe(false);
  });

  test("nothing at all says so, and how to look all the same", async () => {
    const explanation = await explain(order, partsOf({}));
    expect(explanation).toMatchObject({ known: false, needsAttention: false });
    const printed = linesOf("acme/se  order o_1", explanation, "UTC");
    expect(printed.join("\n")).toContain("no operation since 2025-12-04 02:41:30, where what is remembered begins");
    // An engine that came back empty says so.
    const emptied = await explain(order, partsOf({ standing: { firstAt: now - 60 * minute } }));
    expect(linesOf("", emptied, "UTC")[1]).toContain("since 2026-03-04 01:41:30, where what is remembered begins");
    expect(printed.join("\n")).toContain("npm run reconcile -- acme se o_1");
  });
});

describe("what a tired person would misread", () => {
  const buried = entry("04T02:30:00", "buried", { by: "webhook", kind: "Refused", why: "above-upper-limit" });
  const letter = {
    id: letterId,
    key,
    kind: "Refused",
    reason: "the PSP authorised more than the payment's upper limit",
    since: now - 11 * minute,
    at: now - 11 * minute,
    context: { reason: "above-upper-limit", upperLimit: 500_00, authorized: 1_148_54, currency: "SEK", reference },
  };
  const announced = (at: number): Note => ({
    asked: { hints: {}, version: "v", askedBy: "webhook", announcedAt: at },
    known: { clocks: {}, letter: true },
  });
  const saysOf = async (of: Remembered): Promise<string | undefined> =>
    (await explain(order, partsOf({ indexed: [key], ...of }))).payments[0]?.says;

  test("a payment that was given up is not said to be unread, nor that a look is on its way", async () => {
    expect(await saysOf({ journal: [buried], note: announced(buried.first - minute), letter })).toBe(
      "a person is needed since 11m ago: more was authorised than the payment's upper limit (upperLimit 500.00 SEK, authorized 1148.54 SEK)",
    );
    expect(await saysOf({ journal: [buried], note: announced(buried.last + 1), letter })).toMatch(
      /; a look is asked for$/,
    );
    const { next } = await explain(order, partsOf({ journal: [buried], letter }));
    expect(next[0]).toEqual({ says: "first: decide in the PSP's portal: reduce, cancel, or raise the limit in Norce" });
  });

  test("a payment whose looks meet a closed gate says what it waits for", async () => {
    const turnedAway = entry("04T02:31:00", "waited", { by: "webhook", why: "psp-down", until: now + minute });
    const note: Note = { known: { clocks: {}, timerAt: now + minute } };
    expect(await saysOf({ journal: [...paid, turnedAway], note })).toBe(
      "reserved, 1148.54 SEK; waits for 10m because the PSP is down, and nobody asks it now; next look in 1m",
    );
  });

  test("where no worker is there, or whom it needs refuses us, it is said first, and what to do", async () => {
    const peer = { merchant: "acme", channel: "se", since: 0, keys: {}, rhythm: { day: 0, today: [] }, missed: 0 };
    const refused = { since: now - 60 * minute, last: now, facts: { peer: "klarna-checkout", status: 401 } };
    const standing = {
      workers: 0,
      workerAt: now - 5 * minute,
      peers: [
        { ...peer, peer: "klarna-checkout", refused },
        { ...peer, peer: "stripe", refused },
      ],
    };
    const told = await explain(order, partsOf({ journal: paid, indexed: [key], standing }));
    expect(told.needsAttention).toBe(true);
    expect(linesOf("acme/se  order o_1", told, "UTC").slice(4, 12)).toEqual([
      "",
      "it is not this payment alone",
      "  since 2026-03-04 02:36:30  no worker process is there: webhooks are stored, and nobody looks at payments",
      "    start a worker process, and see in its log why the last one ended; nothing is lost until then",
      "  since 2026-03-04 01:41:30  klarna-checkout acme/se refuses our credentials (status 401)",
      "    put the right ones in place, which is read without a restart; each payment is tried again until then",
      "    npm run doctor -- --adapter klarna-checkout --merchant acme --channel se",
      "",
    ]);
  });
});

test("an operation that is under way, and one whose letter stands, are told with what can be done", async () => {
  const running = { key, name: "capture", at: now - minute, tries: 0, id: "op-1" } as const;
  const sent = { ...running, id: "op-2", sent: sentAt(now - 30_000) };
  const event = { key: "operation:op-3", type: "refund" };
  const unknown = {
    id: letterId,
    key,
    event,
    kind: "Operation",
    reason: "nobody knows",
    since: now,
    at: now,
    context: { reason: "outcome-unknown", operationId: "op-3" },
  };
  const parts = partsOf({ journal: paid, indexed: [key], operations: [running, sent], letters: [unknown] });
  const { payments, letters, next, needsAttention } = await explain(order, parts);
  expect(payments[0]?.operations.map(({ status }) => status)).toEqual(["queued", "sent"]);
  expect(letters).toMatchObject([{ of: "refund of p_1", reason: "outcome-unknown" }]);
  expect(next.map(({ command }) => command)).not.toContain(`npm run letters -- retry ${letterId}`);
  expect(next.map(({ command }) => command)).toContain(`npm run letters -- dismiss ${letterId}`);
  expect(needsAttention).toBe(true);
});

test("a reference that another payment has is told of", async () => {
  const holder = { ...key, orderId: "o_2", paymentId: "p_2" };
  const { payments } = await explain(order, partsOf({ journal: paid, indexed: [key], holder }));
  expect(payments).toMatchObject([{ reference, referenceOf: holder }]);
  expect(payments[0]?.says).toContain("its reference belongs to payment p_2 of order o_2");
});

test("several payments of an order stand in one timeline, each line with its payment", async () => {
  const other = { ...key, paymentId: "p_22" };
  const parts = partsOf({ journal: paid, indexed: [key, other] });
  const both = { ...parts, queue: { ...parts.queue, journal: { ...parts.queue.journal, read: async () => paid } } };
  const explanation = await explain(order, both);
  expect(explanation.timeline.map(({ paymentId }) => paymentId).slice(0, 2)).toEqual(["p_1", "p_22"]);
  const printed = linesOf("acme/se  order o_1", explanation, "Europe/Stockholm");
  expect(printed[0]).toBe("acme/se  order o_1  at 2026-03-04 03:41:30 GMT+1");
  expect(printed.find((line) => line.includes("p_22  received"))).toMatch(/^ {20}p_22 {2}received/);
});

function sentAt(at: number) {
  const before = { authorized: 1, captured: 0, refunded: 0, released: 0 };
  return { at, first: at, times: 1, before, amount: 1, whole: true };
}
