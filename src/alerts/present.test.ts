import { expect, test } from "vitest";
import type { DeadLetter } from "../queue/jobs.ts";
import type { News } from "../queue/bad-news.ts";
import { norcePeer, type Peer, type PeerRecord } from "../queue/peers.ts";
import { createMeters } from "../lib/meters.ts";
import { findingNames } from "../contract/desired.ts";
import { createCollect } from "./collect.ts";
import { bodyOf } from "./message.ts";
import { causeWords, sentenceOf } from "./names.ts";
import { causeId, fromLateSweeps, fromLetters, fromNews, fromPeers } from "./present.ts";

const at = Date.parse("2026-03-04T12:00:00.000Z");
const of = { adapter: "any", merchant: "acme", channel: "se" };
const peer = (whom: Peer): PeerRecord => ({
  ...whom,
  since: at,
  keys: {},
  rhythm: { day: 0, today: [] },
  missed: 0,
});
const letter = (id: number, context?: DeadLetter["context"]): DeadLetter => ({
  key: { ...of, orderId: `o_${id}`, paymentId: `p_${id}` },
  kind: "Refused",
  reason: "Norce answered 403",
  since: at + id,
  at: at + id,
  ...(context === undefined ? {} : { context }),
});

test("letters are one cause for each reason, whatever their number", () => {
  const causes = fromLetters([
    ...Array.from({ length: 200 }, (_, id) => letter(id, { reason: "underpaid" })),
    letter(300),
    { ...letter(301), key: { ...of, channel: "no" } },
  ]);
  expect(causes.map(({ of: reason, count }) => [reason, count])).toEqual([
    ["underpaid", 200],
    ["Norce answered 403", 2],
  ]);
  expect(causes[0]?.examples).toHaveLength(5);
  expect(causes[1]?.accounts).toHaveLength(2);
  expect(causes[0]?.since).toBe(at);
});

test("reasons without end are told together", () => {
  const causes = fromLetters(Array.from({ length: 100 }, (_, id) => letter(id, { reason: `number-${id}` })));
  expect(causes).toHaveLength(31);
  expect(causes.at(-1)).toMatchObject({ of: "other reasons", count: 70 });
});

test("a PSP's accounts are one cause; bad news is one by name, and by the day of its deadline", () => {
  const day = 24 * 3_600_000;
  const news = (name: string, id: number, deadline?: number): News => ({
    name,
    ...of,
    orderId: `o_${id}`,
    paymentId: `p_${id}`,
    at: at + id,
    ...(deadline === undefined ? {} : { deadline }),
  });
  const trouble = { since: at, last: at + day, facts: { status: 503 } };
  const causes = [
    ...fromPeers(
      [
        { ...peer({ peer: "any", merchant: "acme", channel: "se" }), down: trouble },
        { ...peer({ peer: "any", merchant: "acme", channel: "no" }), down: trouble },
        { ...peer(norcePeer), down: trouble },
        // Nobody asks it any more.
        { ...peer({ peer: "other", merchant: "acme", channel: "no" }), refused: { ...trouble, last: at } },
      ],
      at,
    ),
    ...fromNews([
      news("chargeback", 1),
      news("chargeback", 2),
      news("dispute", 3, at + day),
      news("dispute", 4, at + day + 1),
      news("dispute", 5, at + 2 * day),
    ]),
  ];
  expect(causes.map(({ name, of: what, count }) => [name, what, count])).toEqual([
    ["psp-down", "any", 2],
    ["norce-down", "norce", 1],
    ["chargeback", "", 2],
    ["dispute", "2026-03-05", 2],
    ["dispute", "2026-03-06", 1],
  ]);
  expect(new Set(causes.map(causeId)).size).toBe(5);
  expect(causes[3]?.deadline).toBe(at + day);
  // A dispute that is closed is none of them; where all that end on a day are, they are over.
  const [open, closed] = [news("dispute", 3, at + day), { ...news("dispute", 4, at + day + 1), overAt: at }];
  expect(fromNews([open, closed])).toMatchObject([{ name: "dispute", count: 1 }]);
  expect(fromNews([open, closed])[0]).not.toHaveProperty("over");
  expect(fromNews([closed])).toMatchObject([{ name: "dispute", of: "2026-03-05", over: true }]);
  expect(causes[1]?.accounts).toEqual([]);
});

test("every name has its words, and all bad news has a name", () => {
  for (const name of findingNames) expect(causeWords[name]?.isNews, name).toBe(true);
  for (const [name, { says }] of Object.entries(causeWords)) {
    const cause = { name, of: "any", since: at, count: 2, accounts: [], examples: [] };
    expect(says(cause), name).toMatch(/[\w)]$/);
    expect(sentenceOf(cause)).toBe(says(cause));
  }
  // As they are counted.
  expect(() => createMeters().alert("dispute", "delivered")).not.toThrow();
});

test("what Slack is told has no markup, mention or link of anybody else's in it", () => {
  const [cause] = fromLetters([{ ...letter(1), key: { ...of, orderId: "<!channel>", paymentId: "<https://x|y>&" } }]);
  if (cause === undefined) throw new Error("no cause");
  const message = { id: "alert_1", is: "opened", at, tries: 0, cause } as const;
  const { text } = JSON.parse(bodyOf(message, "slack", { publicUrl: "https://psp.example" })) as { text: string };
  expect(text).not.toMatch(/[<>]/);
  expect(text).toContain("&lt;!channel&gt;");
  expect(text).toContain("1 payment needs a person: Norce answered 403.");
});

test("that no worker is there, and that the sweep is late, is found; the second not while somebody knows why", async () => {
  let workers = 0;
  let peers: PeerRecord[] = [];
  const hour = 3_600_000;
  const queue = {
    letters: { count: async () => 0, page: async () => ({ records: [] }) },
    peers: { list: async () => peers },
    badNews: { due: async () => [], after: async () => [] },
    heartbeats: { list: async () => Array.from({ length: workers }, (_, id) => ({ id: String(id), at, facts: {} })) },
    sweeps: { read: async (_: string, channel: string) => (channel === "se" ? { recent: { swept: at } } : {}) },
  };
  let now = at + hour;
  const targets = ["se", "no"].map((channel) => ({ merchant: "acme", channel }));
  const config = { sweepIntervalSeconds: 60, targets, find: () => undefined };
  const collect = createCollect({ config, queue, now: () => now } as unknown as Parameters<typeof createCollect>[0]);
  const names = async (): Promise<string[]> => [...(await collect()).values()].map(({ name }) => name);
  expect(await names()).toEqual(["no-worker"]);
  workers = 1;
  const [late] = [...(await collect()).values()];
  // No sweep of the other channel came to its end yet; it is late an hour after the start.
  expect(late).toMatchObject({ name: "sweep-late", count: 1, since: at, accounts: [{ channel: "se" }] });
  now += hour;
  expect([...(await collect()).values()][0]).toMatchObject({ count: 2 });
  const trouble = { since: at, last: now, facts: {} };
  peers = [{ ...peer(norcePeer), refused: trouble }];
  expect(await names()).toEqual(["credentials-refused"]);
  // Nobody has to hear of an account that is not configured any more.
  peers = [{ ...peer({ peer: "any", merchant: "acme", channel: "se" }), down: trouble }];
  expect(await names()).toEqual(["sweep-late"]);
  expect(fromLateSweeps([])).toEqual([]);
});
