import express, { type ErrorRequestHandler } from "express";
import { afterEach, describe, expect, test } from "vitest";
import { WorkerError } from "../lib/errors.ts";
import { fingerprintOf } from "../signatures/fingerprint.ts";
import { createSigningKeys } from "../signatures/signing-keys.ts";
import type { JournalLine } from "../queue/journal.ts";
import type { Drift } from "../queue/ledger.ts";
import type { OperationState } from "../queue/operations.ts";
import type { PeerRecord } from "../queue/peers.ts";
import type { Standing } from "../queue/standing.ts";
import type { PaymentKey } from "../contract/adapter.ts";
import type { DeadLetter, StoredEvent } from "../queue/jobs.ts";
import { listenOnLoopback, type Loopback } from "../../sandbox/loopback.ts";
import { answerLetter, answerReport, type ReportParts } from "./report.ts";

const adminToken = "an-admin-token-of-ours";
const now = Date.parse("2026-03-04T12:00:00.000Z");
const hour = 3_600_000;
let server: Loopback | undefined;

afterEach(async () => await server?.close());

/** As long as ids of letters are. */
const letterIdOf = (index: number): string => `letter-${index}`.padEnd(43, "_");

const found = (name: string, at: number, more: Partial<Drift> = {}): Drift => ({
  name,
  at,
  adapter: "any",
  merchant: "acme",
  channel: "se",
  orderId: "o_1",
  paymentId: "p_1",
  ...more,
});

/** As long as random ids of entries are. */
const entryIdOf = (index: number): string => `entry-${index}`.padEnd(36, "_");

const nothing: Standing = { waiting: [], peers: [], closures: [], letters: [], sweeps: [], workers: 1 };
const targets = [
  {
    adapter: { id: "any", secrets: ["webhookSecret", "apiKey"] },
    merchant: "acme",
    channel: "se",
    settings: { webhookSecret: ["new", "old"], apiKey: ["a", "b"] },
  },
  { adapter: { id: "any", secrets: [] }, merchant: "other", channel: "no", settings: {} },
] as unknown as ReportParts["config"]["targets"];

/** How things stand, and what waits as itself. */
type Stands = Partial<Standing> & {
  readonly events?: readonly StoredEvent[];
  readonly operations?: readonly (OperationState & { readonly id: string })[];
};

/** A service with this ledger and these letters, whose ids are what `letterIdOf` says. */
async function open(drift: readonly Drift[], letters: readonly DeadLetter[], stands: Stands = {}) {
  const dismissed: string[] = [];
  const told: { readonly key: PaymentKey; readonly lines: readonly JournalLine[] }[] = [];
  const kept = new Map(letters.map((letter, index) => [letterIdOf(index), letter]));
  const looks: PaymentKey[] = [];
  const stored: StoredEvent[] = [];
  const parts: ReportParts = {
    config: { adminTokens: [adminToken], targets, signingKeys: createSigningKeys(["newest-master", "older-master"]) },
    ledger: {
      read: async () => ({ drift: drift.map((one, index) => ({ ...one, id: entryIdOf(index) })), tallies: [] }),
      async dismiss(id) {
        dismissed.push(id);
        return drift.some((_, index) => entryIdOf(index) === id);
      },
    },
    standing: async () => ({ ...nothing, ...stands }),
    dead: {
      list: async () => [...kept].map(([id, letter]) => ({ ...letter, id })),
      async stored(id) {
        const value = kept.get(id);
        return value === undefined ? undefined : { id, value, version: "1", writtenAt: value.at };
      },
      remove: async (id) => kept.delete(id),
    },
    journal: { append: async (key, lines) => void told.push({ key, lines }) },
    held: {
      events: async () => stands.events ?? [],
      operations: async () => stands.operations ?? [],
    },
    inbox: { add: async (events) => void stored.push(...events) },
    looks: {
      async ask(key) {
        looks.push(key);
        return "look";
      },
    },
    now: () => now,
  };
  const app = express().get("/report", answerReport(parts)).post("/report", answerLetter(parts));
  app.use(((error: unknown, _request, response, _next) => {
    response.status(400).end(error instanceof WorkerError ? `${error.kind}: ${error.message}` : "a bug");
  }) satisfies ErrorRequestHandler);
  server = await listenOnLoopback(app);
  return { url: server.url, kept, looks, stored, dismissed, told };
}

async function deal(url: string, query: string, token = adminToken): Promise<string> {
  const headers = { authorization: `Bearer ${token}` };
  const answer = await fetch(`${url}/report?${query}`, { method: "POST", headers });
  return answer.ok ? "done" : ((await answer.text()).split(":")[0] ?? "");
}

const letter: DeadLetter = {
  key: { adapter: "any", merchant: "acme", channel: "se", orderId: "o_1", paymentId: "p_1" },
  kind: "Refused",
  reason: "other-order",
  since: 1,
  at: 2,
};

test("a payment's letter that is tried again asks for a look, and goes when that ends well", async () => {
  const { url, kept, looks } = await open([], [letter]);
  expect(await deal(url, `retry=${letterIdOf(0)}`)).toBe("done");
  expect(looks).toEqual([letter.key]);
  expect([...kept.keys()]).toEqual([letterIdOf(0)]);
});

test("an event's letter that is tried again is an event that comes now", async () => {
  const target = { adapter: "any", merchant: "acme", channel: "se" };
  const event = { key: "e", type: "paid", at: null, clues: [{ reference: "r" }] };
  const stored = { target, webhook: "webhook", receivedAt: 1, event };
  const given = await open([], [{ ...letter, key: target, event: { key: "e", type: "paid" }, stored }]);
  expect(await deal(given.url, `retry=${letterIdOf(0)}`)).toBe("done");
  expect(given.stored).toEqual([{ ...stored, receivedAt: now }]);
  expect(given.kept.size).toBe(0);
});

test("a letter that a person has dealt with is taken away, once, by operators only", async () => {
  const { url, kept, looks, told } = await open([], [letter]);
  for (const [query, token, why] of [
    [`dismiss=${letterIdOf(0)}`, "somebody-else's-token", "UntrustedWebhook"],
    [`dismiss=${letterIdOf(1)}`, adminToken, "UnknownTarget"],
    ["dismiss=meta", adminToken, "MalformedWebhook"],
    ["dismiss=..%2Fx", adminToken, "MalformedWebhook"],
    [`dismiss=${letterIdOf(0)}&retry=${letterIdOf(0)}`, adminToken, "MalformedWebhook"],
    ["", adminToken, "MalformedWebhook"],
  ] as const)
    expect(await deal(url, query, token), query).toBe(why);
  expect(kept.size).toBe(1);
  expect(await deal(url, `dismiss=${letterIdOf(0)}`)).toBe("done");
  expect([kept.size, looks.length]).toEqual([0, 0]);
  // Whoever asks later what happened is told that a person did that, and with which token.
  const facts = { why: "Refused", who: fingerprintOf(adminToken) };
  expect(told).toEqual([{ key: letter.key, lines: [{ at: now, kind: "dismissed", facts }] }]);
  expect(await deal(url, `dismiss=${letterIdOf(0)}`)).toBe("UnknownTarget");
});

async function reportOn(
  drift: readonly Drift[],
  letters: readonly DeadLetter[] = [],
  stands: Stands = {},
  query = "",
): Promise<Record<string, unknown>> {
  await open(drift, letters, stands);
  if (server === undefined) throw new Error("not open");
  const answer = await fetch(`${server.url}/report?${query}`, { headers: { authorization: `Bearer ${adminToken}` } });
  return (await answer.json()) as Record<string, unknown>;
}

test("what goes on being true is shown once, with its first time and its last, and needs a person", async () => {
  const standing = found("two-live-payments", now - 48 * hour, { last: now - hour });
  expect(await reportOn([standing])).toMatchObject({
    drift: [
      { name: "two-live-payments", at: "2026-03-02T12:00:00.000Z", last: "2026-03-04T11:00:00.000Z", attention: true },
    ],
    needsAttention: true,
  });
});

test("what is found of an account every day is shown once, as its first and its last time; repairs are shown each", async () => {
  const account = { orderId: undefined, paymentId: undefined };
  const { orderId: _o, paymentId: _p, ...refused } = found("credentials-refused", now - 48 * hour, account as object);
  const repair = found("missed-event", now - 5 * hour, { from: "intent", to: "reserved" });
  const report = await reportOn([
    refused,
    { ...refused, at: now - 24 * hour },
    { ...refused, at: now - 24 * hour, merchant: "other" },
    repair,
    { ...repair, at: now - 4 * hour, from: "reserved", to: "captured" },
    { ...repair, at: now - 3 * hour, from: "reserved", to: "captured" },
  ]);
  expect(report["drift"]).toMatchObject([
    { name: "credentials-refused", merchant: "acme", at: "2026-03-02T12:00:00.000Z", last: "2026-03-03T12:00:00.000Z" },
    { name: "credentials-refused", merchant: "other", at: "2026-03-03T12:00:00.000Z" },
    { name: "missed-event", to: "reserved" },
    { name: "missed-event", to: "captured" },
    { name: "missed-event", to: "captured" },
  ]);
});

test("each cause is called out once, with what to do first; what keeps the rest waiting stands first", async () => {
  const peer = { merchant: "", channel: "", since: 0, keys: {}, rhythm: { day: 0, today: [] }, missed: 0 };
  const refused = { since: now - hour, last: now, facts: { peer: "norce", status: 401 } };
  const letters = [1, 2, 3].map((index) => ({
    ...letter,
    key: { ...letter.key, orderId: `o_${index}`, adapter: index === 3 ? "other" : "any" },
    since: now - index * hour,
    context: { reason: "above-upper-limit" },
  }));
  const entries = [
    { ...found("credentials-refused", now), adapter: "norce", merchant: "", channel: "", facts: { peer: "norce" } },
    found("dispute", now - 2 * hour, { facts: { id: "dp_1", deadline: "2026-03-20T00:00:00.000Z" } }),
    found("dispute", now - hour, { facts: { id: "dp_2", deadline: "2026-03-11T00:00:00.000Z" } }),
    found("missed-event", now, { from: "intent", to: "reserved" }),
  ];
  const report = await reportOn(entries, letters, { workers: 0, peers: [{ ...peer, peer: "norce", refused }] });
  expect(report["calls"]).toMatchObject([
    { name: "no-worker", says: expect.stringContaining("there never was one") },
    { name: "credentials-refused", says: "Norce refuses our credentials (status 401)", command: "npm run doctor" },
    {
      name: "above-upper-limit",
      says: "3 letters of any, other: more was authorised than the payment's upper limit",
      since: "2026-03-04T09:00:00.000Z",
      todo: "decide in the PSP's portal: reduce, cancel, or raise the limit in Norce",
      command: "npm run letters -- list --reason above-upper-limit",
    },
    { name: "dispute", says: "2 times: a shopper disputes a payment; due by 2026-03-11T00:00:00.000Z" },
  ]);
});

test("what all accounts of a PSP are in is one cause", async () => {
  const peer = { merchant: "acme", channel: "se", since: 0, keys: {}, rhythm: { day: 0, today: [] }, missed: 0 };
  const down = { since: now - hour, last: now, facts: { peer: "any", status: 503 } };
  const peers = [
    { ...peer, peer: "any", down },
    { ...peer, peer: "any", merchant: "other", channel: "no", down: { ...down, since: now - 2 * hour } },
  ];
  expect((await reportOn([], [], { peers }))["calls"]).toMatchObject([
    {
      name: "psp-down",
      says: "any acme/se, other/no does not answer as it should (status 503)",
      since: "2026-03-04T10:00:00.000Z",
      command: "npm run doctor -- --adapter any",
    },
  ]);
});

test("events and operations that wait are told, by what they wait for", async () => {
  const target = { adapter: "any", merchant: "acme", channel: "se" };
  const event = { target, webhook: "webhook", receivedAt: now - hour, event: { key: "e", type: "paid", at: null } };
  const key = { ...target, orderId: "o_1", paymentId: "p_1" };
  const operation = { key, name: "capture", at: now - 2 * hour, tries: 1, id: "op" } as const;
  const stands: Stands = {
    events: [event, { ...event, receivedAt: now }],
    operations: [operation, { ...operation, name: "preview" }, { ...operation, outcome: { status: "accepted" } }],
  };
  const accounts = [{ adapter: "any", merchant: "acme", channel: "se" }];
  const { held } = await reportOn([], [], stands);
  expect(held).toMatchObject([
    { what: "events", count: 2, since: "2026-03-04T11:00:00.000Z", accounts: [{ ...accounts[0], count: 2 }] },
    { what: "operations", says: "not sent yet", count: 1, since: "2026-03-04T10:00:00.000Z", accounts },
  ]);
  expect((await reportOn([], [], stands, "merchant=other"))["held"]).toEqual([]);
});

test("however many repairs there are, what needs a person is listed and told", async () => {
  const repairs = Array.from({ length: 6_000 }, (_, index) =>
    found("missed-event", now - hour + index, { orderId: `o_${index}`, from: "intent", to: "reserved" }),
  );
  const report = await reportOn([found("two-live-payments", now - 48 * hour), ...repairs]);
  expect(report).toMatchObject({ needsAttention: true, truncated: true });
  expect(report["drift"]).toHaveLength(5_000);
  expect(report["drift"]).toContainEqual(expect.objectContaining({ name: "two-live-payments" }));
});

test("repairs alone need nobody", async () => {
  expect(await reportOn([found("missed-event", now - hour)])).toMatchObject({
    needsAttention: false,
    truncated: false,
  });
});

test("what is asked wrongly is told in a sentence", async () => {
  const { url } = await open([], []);
  const said = async (query: string): Promise<string> =>
    await (await fetch(`${url}/report?${query}`, { headers: { authorization: `Bearer ${adminToken}` } })).text();
  expect(await said("merchant=acne")).toBe("MalformedWebhook: no such merchant is configured");
  expect(await said("merchant=acme&channel=no")).toBe("MalformedWebhook: the merchant has no such channel");
  expect(await said("channel=dk")).toBe("MalformedWebhook: no merchant has such a channel");
  expect(await said("from=2026-03-02&to=2026-03-01")).toBe("MalformedWebhook: from has to be no later than to");
  expect(await said("from=yesterday")).toBe("MalformedWebhook: from and to have to be days, such as 2026-01-31");
  expect(await said("mechant=acme")).toBe("MalformedWebhook: from, to, merchant and channel can be asked for");
  expect(JSON.parse(await said("merchant=other&channel=no&from=2026-03-01&to=2026-03-01"))).toMatchObject({
    to: "2026-03-01",
  });
});

test("an entry is taken away like a letter, and cannot be tried again", async () => {
  const { url, dismissed } = await open([found("dispute", now)], []);
  expect(await deal(url, `dismiss=${entryIdOf(0)}`)).toBe("done");
  expect(dismissed).toEqual([entryIdOf(0)]);
  expect(await deal(url, `dismiss=${entryIdOf(7)}`)).toBe("UnknownTarget");
  expect(await deal(url, `retry=${entryIdOf(0)}`)).toBe("UnknownTarget");
  expect(dismissed).not.toContain("retry");
});

describe("an entry needs nobody any more", () => {
  const norce: PeerRecord = {
    peer: "norce",
    merchant: "",
    channel: "",
    since: 0,
    keys: {},
    rhythm: { day: 0, today: [] },
    missed: 0,
  };
  const refused = { ...found("credentials-refused", now - 3 * hour), facts: { peer: "norce" } };
  const trouble = { since: now - 3 * hour, last: now, facts: { status: 401 } };
  test.each<[string, Drift, Partial<Standing>, object]>([
    [
      "where a look found it gone",
      found("dispute", now - hour, { resolvedAt: now }),
      {},
      { resolved: "2026-03-04T12:00:00.000Z" },
    ],
    [
      "where a person said so",
      found("dispute", now - hour, { dismissedAt: now }),
      {},
      { dismissed: "2026-03-04T12:00:00.000Z" },
    ],
    ["where its letter is gone", found("underpaid", now - hour, { letter: letterIdOf(9) }), {}, { resolved: true }],
    [
      "where what goes on was not seen for two days",
      found("two-live-payments", now - 99 * hour, { last: now - 51 * hour }),
      {},
      { resolved: "2026-03-02T09:00:00.000Z" },
    ],
    [
      "where the peer takes our credentials again",
      refused,
      { peers: [{ ...norce, overAt: now - hour }] },
      { resolved: "2026-03-04T11:00:00.000Z" },
    ],
  ])("%s", async (_, entry, stands, more) => {
    const report = await reportOn([entry], [], stands);
    expect(report).toMatchObject({ drift: [{ name: entry.name, attention: false, ...more }], needsAttention: false });
  });

  test("and as long as the peer refuses, somebody is needed", async () => {
    const report = await reportOn([refused], [], { peers: [{ ...norce, refused: trouble }] });
    expect(report).toMatchObject({
      drift: [{ name: "credentials-refused", attention: true }],
      peers: [{ peer: "norce", refused: { since: "2026-03-04T09:00:00.000Z", status: 401 } }, {}, {}],
      needsAttention: true,
    });
  });

  test("what a letter tells is told by the letter alone", async () => {
    const report = await reportOn([found("other-order", now, { letter: letterIdOf(0) })], [letter]);
    expect(report).toMatchObject({ drift: [], dead: [{ reason: "other-order" }], needsAttention: true });
  });
});

test("what waits is told by reason, of the merchant that is asked about", async () => {
  const of = { adapter: "any", merchant: "acme", channel: "se" };
  const waiting = [
    { ...of, reason: "unreachable", payments: 3, since: now - hour, nextLookAt: now + hour },
    {
      ...of,
      merchant: "other",
      channel: "no",
      reason: "unreachable",
      payments: 4,
      since: now - 2 * hour,
      nextLookAt: now + 2 * hour,
    },
    { ...of, reason: "not-at-psp", payments: 1, since: now, nextLookAt: now },
  ];
  expect((await reportOn([], [], { waiting }))["waiting"]).toMatchObject([
    {
      reason: "unreachable",
      payments: 7,
      since: "2026-03-04T10:00:00.000Z",
      nextLook: "2026-03-04T13:00:00.000Z",
      accounts: [
        { merchant: "other", payments: 4 },
        { merchant: "acme", payments: 3 },
      ],
    },
    { reason: "not-at-psp", payments: 1 },
  ]);
  const narrowed = await reportOn([], [], { waiting }, "merchant=other");
  expect(narrowed).toMatchObject({
    waiting: [{ payments: 4 }],
    peers: [{ peer: "norce" }, { merchant: "other" }],
    needsAttention: false,
  });
});

test("no worker, a peer that is down, and silence need somebody", async () => {
  expect(await reportOn([], [], { workers: 0, workerAt: now - hour })).toMatchObject({
    workers: { there: 0, noneSince: "2026-03-04T11:00:00.000Z" },
    needsAttention: true,
  });
  const account: PeerRecord = {
    peer: "any",
    merchant: "acme",
    channel: "se",
    since: 0,
    lookedAt: now,
    heardAt: now - hour,
    keys: {},
    rhythm: { day: 0, today: [] },
    missed: 5,
  };
  const silent = { since: now - hour, toldAt: now, expected: 12 };
  expect(await reportOn([], [], { peers: [{ ...account, silent }] })).toMatchObject({
    peers: [
      {},
      { silent: { since: "2026-03-04T11:00:00.000Z", found: 5, expected: 12 }, lastLook: "2026-03-04T12:00:00.000Z" },
      {},
    ],
    needsAttention: true,
  });
  const closures = [
    { adapter: "any", account: JSON.stringify(["acme", "se"]), why: "psp-down" as const, until: now + hour },
  ];
  expect(await reportOn([], [], { peers: [account], closures })).toMatchObject({
    peers: [{}, { gate: { why: "psp-down", until: "2026-03-04T13:00:00.000Z" } }, {}],
    needsAttention: false,
  });
});

test("an older secret is safe to retire once a newer one proves webhooks and it proved none for long", async () => {
  const days = (count: number): number => now - count * 24 * hour;
  const keysAfter = async (uses: Record<string, number>, since = days(100)): Promise<unknown> => {
    const keys = Object.fromEntries(
      Object.entries(uses).map(([secret, last]) => [fingerprintOf(secret), { webhooks: 2, since: days(99), last }]),
    );
    const account = {
      peer: "any",
      merchant: "acme",
      channel: "se",
      since,
      keys,
      rhythm: { day: 0, today: [] },
      missed: 0,
    };
    const report = await reportOn([], [], { peers: [account] });
    return (report["keys"] as { key: string; safeToRetire: boolean }[])
      .filter(({ safeToRetire }) => safeToRetire)
      .map(({ key }) => key);
  };
  const [old, olderMaster] = [fingerprintOf("old"), fingerprintOf("older-master")];
  expect(await keysAfter({ new: now, old: days(31) })).toEqual([old]);
  expect(await keysAfter({ new: now })).toEqual([old]);
  expect(await keysAfter({ new: now, old: days(29) })).toEqual([]);
  // Counted for too short a time; and nothing shows that the newer one works.
  expect(await keysAfter({ new: now }, days(3))).toEqual([]);
  expect(await keysAfter({ old: days(31) })).toEqual([]);
  // URLs live longer; what asks the PSP proves no webhook and is not named.
  expect(await keysAfter({ "newest-master": now, "older-master": days(60) })).toEqual([]);
  expect(await keysAfter({ "newest-master": now, "older-master": days(91) })).toEqual([olderMaster]);
});
