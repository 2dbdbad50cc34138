import { expect, test } from "vitest";
import { linesOf, reportSchema } from "./report-lines.ts";

const sums = { compared: 400, agreed: 399, repaired: 1, unresolved: 0 };
const account = { adapter: "any", merchant: "acme", channel: "se" };
const at = "2026-03-04T12:00:00.000Z";

const report = reportSchema.parse({
  from: "2026-02-26",
  to: "2026-03-04",
  ...sums,
  calls: [
    { name: "no-worker", says: "no worker process is there", since: at, todo: "start one" },
    {
      name: "underpaid",
      says: "200 letters",
      todo: "ask the PSP",
      command: "npm run letters -- list --reason underpaid",
    },
  ],
  days: Array.from({ length: 7 }, (_, day) => ({ day: `2026-03-0${day}`, ...account, ...sums })),
  drift: Array.from({ length: 100 }, (_, id) => ({
    ...(id === 0 ? { facts: { id: "dp_1", deadline: "2026-03-11T00:00:00.000Z" } } : {}),
    ...account,
    id: `entry ${id}`,
    name: "two-live-payments",
    at,
    orderId: `o_${id}`,
    paymentId: `p_${id}`,
    attention: true,
  })),
  dead: Array.from({ length: 200 }, (_, id) => ({
    ...account,
    id: `letter ${id}`,
    kind: "Refused",
    reason: "underpaid",
    at,
  })),
  waiting: [],
  held: [{ what: "events", says: "until they are proven", count: 3, since: at, accounts: [{ ...account, count: 3 }] }],
  peers: [
    { peer: "norce", lastLook: at },
    ...Array.from({ length: 30 }, (_, merchant) => ({ peer: "any", merchant: String(merchant), channel: "se" })),
  ],
  keys: [],
  workers: { there: 0, noneSince: at },
  truncated: false,
  needsAttention: true,
});

test("a report of a bad night fits on a screen: what a person is needed for first, then a few of each, and how to see the rest", () => {
  const lines = linesOf(report);
  expect(lines.slice(0, 9)).toEqual([
    "2026-02-26 to 2026-03-04: compared 400, agreed 399, repaired 1, unresolved 0",
    `no worker since ${at}`,
    "",
    "a person is needed (2)",
    `  no-worker  since ${at}  no worker process is there`,
    "      start one",
    "  underpaid  200 letters",
    "      ask the PSP",
    "      npm run letters -- list --reason underpaid",
  ]);
  expect(lines).toContain("letters (200): 200 underpaid");
  expect(lines).toContain("  … 195 more: npm run letters -- list --reason underpaid");
  expect(lines).toContain("look at (100): 100 two-live-payments");
  expect(lines).toContain("  … 95 more: --json has them");
  expect(lines.filter((line) => line.includes("o_0  p_0  due by 2026-03-11T00:00:00.000Z"))).toHaveLength(1);
  expect(lines).toContain("peers (31)");
  expect(lines).toContain("  nothing met yet of 30 others");
  expect(lines).toContain(`  events, until they are proven  3  the oldest since ${at}  any acme/se 3`);
  expect(lines.length).toBeLessThan(45);
});

test("a report of a good night says that nobody is needed", () => {
  const well = { ...report, calls: [], dead: [], drift: [], held: [], needsAttention: false };
  expect(linesOf(well)).toContain("nobody is needed");
});
