import express, { type ErrorRequestHandler } from "express";
import { afterEach, expect, test } from "vitest";
import { WorkerError } from "../lib/errors.ts";
import type { Drift } from "../queue/ledger.ts";
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

/** A service with this ledger and these letters, whose ids are what `letterIdOf` says. */
async function open(drift: readonly Drift[], letters: readonly DeadLetter[]) {
  const kept = new Map(letters.map((letter, index) => [letterIdOf(index), letter]));
  const looks: PaymentKey[] = [];
  const stored: StoredEvent[] = [];
  const parts: ReportParts = {
    config: { adminTokens: [adminToken] },
    ledger: { read: async () => ({ drift, tallies: [] }) },
    dead: {
      list: async () => [...kept].map(([id, letter]) => ({ ...letter, id })),
      read: async (id) => kept.get(id),
      remove: async (id) => void kept.delete(id),
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
    response.status(400).end(error instanceof WorkerError ? error.kind : "a bug");
  }) satisfies ErrorRequestHandler);
  server = await listenOnLoopback(app);
  return { url: server.url, kept, looks, stored };
}

async function deal(url: string, query: string, token = adminToken): Promise<string> {
  const headers = { authorization: `Bearer ${token}` };
  const answer = await fetch(`${url}/report?${query}`, { method: "POST", headers });
  return answer.ok ? "done" : await answer.text();
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
  const { url, kept, looks } = await open([], [letter]);
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
  expect(await deal(url, `dismiss=${letterIdOf(0)}`)).toBe("UnknownTarget");
});

async function reportOn(
  drift: readonly Drift[],
  letters: readonly DeadLetter[] = [],
): Promise<Record<string, unknown>> {
  await open(drift, letters);
  if (server === undefined) throw new Error("not open");
  const answer = await fetch(`${server.url}/report`, { headers: { authorization: `Bearer ${adminToken}` } });
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
