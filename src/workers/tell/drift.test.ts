import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import type { PaymentKey } from "../../contract/adapter.ts";
import { WorkerError } from "../../lib/errors.ts";
import { createMeters } from "../../lib/meters.ts";
import type { Drift, Ledger, Tally } from "../../queue/ledger.ts";
import type { Look } from "../../queue/queues.ts";
import { tellCredentials } from "./credentials.ts";
import { createDriftLog, type DriftLog } from "./drift.ts";

const day = 24 * 3_600_000;
const key: PaymentKey = { adapter: "any", merchant: "acme", channel: "se", orderId: "o_1", paymentId: "p_1" };
const written = { outcome: "written", from: "pending", to: "reserved", wrote: ["state", "record"] };

let now = 0;
let repaired: Drift[] = [];
let once = new Map<string, Drift>();
let standing: Drift[] = [];
let tallies: readonly Tally[] = [];
let late = 0;
let drift: DriftLog;

const ledger: Ledger = {
  repaired: async (_, found) => void repaired.push(found),
  once: async (id, found) => {
    const text = JSON.stringify(id);
    if (!once.has(text)) once.set(text, found);
  },
  standing: async (_, found) => void standing.push(found),
  late: async () => {
    late += 1;
  },
  tally: async (_, counted) => {
    tallies = counted;
  },
  read: async () => ({ drift: [], tallies: [] }),
};
/** A process of its own: it remembers nothing of what others found. */
const opened = (): DriftLog => {
  const log = createDriftLog({ ledger, log: pino({ level: "silent" }), meters: createMeters(), now: () => now });
  onTestFinished(async () => await log.close());
  return log;
};

beforeEach(() => {
  now = Date.parse("2026-03-04T12:00:00.000Z");
  [repaired, once, standing, tallies, late] = [[], new Map(), [], [], 0];
  drift = createDriftLog({ ledger, log: pino({ level: "silent" }), meters: createMeters(), now: () => now });
});
afterEach(async () => await drift.close());

const wait = { since: 0, tries: 0, why: "any" };

describe("what a look repairs", () => {
  test.each<readonly [string, Omit<Look, "key">]>([
    ["the sweep", { wait: { ...wait, asked: "sweep" } }],
    ["a timer of the payment's own", { wait: { ...wait, why: "look-again", asked: "timer" } }],
    ["such a timer that has to try again", { wait: { ...wait, tries: 2, why: "unreachable", asked: "timer" } }],
    ["an operator", { asked: "operator" }],
  ])("is a missed event when %s asked for it, and is compared", async (_, look) => {
    drift.looked({ key, ...look }, written);
    drift.looked({ key, ...look }, { outcome: "unchanged" });
    drift.looked({ key, ...look }, { outcome: "later" });
    await drift.close();
    expect(repaired).toEqual([{ name: "missed-event", at: now, ...key, from: "pending", to: "reserved" }]);
    expect(tallies).toMatchObject([{ compared: 3, agreed: 1, repaired: 1, unresolved: 1 }]);
  });

  test.each<readonly [string, Omit<Look, "key">]>([
    ["a webhook", {}],
    ["a webhook whose look has to try again", { wait: { ...wait, tries: 2, why: "unreachable" } }],
    ["a webhook that came while a timer waited", { asked: "webhook", wait: { ...wait, asked: "timer" } }],
    ["an operation", { asked: "operation" }],
  ])("was announced when %s asked for it", async (_, look) => {
    drift.looked({ key, ...look }, written);
    await drift.close();
    expect(repaired).toEqual([]);
    expect(tallies).toEqual([]);
  });

  test("is no drift where only our own note was written", async () => {
    drift.looked({ key, wait: { ...wait, asked: "timer" } }, { ...written, wrote: ["record", "upsell", "actions"] });
    await drift.close();
    expect(repaired).toEqual([]);
    expect(tallies).toMatchObject([{ compared: 1, repaired: 1 }]);
  });

  test("may be told late by a webhook that has nothing left to tell", () => {
    drift.looked({ key }, { outcome: "unchanged" });
    drift.looked({ key, wait: { ...wait, asked: "timer" } }, { outcome: "unchanged" });
    expect(late).toBe(1);
  });
});

describe("what a person should see", () => {
  test("is kept once per payment", () => {
    for (const at of [0, day]) {
      now += at;
      drift.found(key, "paid-on-removed");
      opened().found(key, "paid-on-removed");
    }
    expect([...once.values()]).toEqual([
      { name: "paid-on-removed", at: Date.parse("2026-03-04T12:00:00.000Z"), ...key },
    ]);
  });

  test.each(["two-live-payments", "payment-good-order-not-accepted"])(
    "and goes on, such as %s, is kept once a day",
    (name) => {
      for (const at of [0, 60_000, day, 60_000]) {
        now += at;
        drift.found(key, name);
      }
      expect(standing.map((found) => found.at)).toEqual([
        Date.parse("2026-03-04T12:00:00.000Z"),
        Date.parse("2026-03-05T12:01:00.000Z"),
      ]);
      expect(once.size).toBe(0);
    },
  );
});

describe("credentials that are refused", () => {
  const refused = (peer: string) => ({ error: new WorkerError("Unauthorized", "no", { context: { peer } }) });

  test("are kept once a day for as long as they are, of each account that meets it", () => {
    const logged: string[] = [];
    const log = pino({ base: null }, { write: (line: string) => void logged.push(line) });
    const parts = { log, meters: createMeters(), drift };
    for (const at of [0, 60_000, day, day]) {
      now += at;
      for (const merchant of ["acme", "other"]) tellCredentials({ ...key, merchant }, refused("norce"), parts);
      tellCredentials(key, refused("any"), parts);
    }
    const days = ["2026-03-04", "2026-03-05", "2026-03-06"];
    const kept = [...once.values()].map(({ at, merchant }) => `${new Date(at).toISOString().slice(0, 10)} ${merchant}`);
    expect(kept.toSorted()).toEqual(days.flatMap((one) => [`${one} acme`, `${one} other`]));
    // Logged once all the same: one for Norce, one for the PSP's account.
    expect(logged.filter((line) => line.includes("credential.refused"))).toHaveLength(2);
    tellCredentials(key, { outcome: { is: "unchanged", state: "reserved" } }, parts);
    expect(logged.filter((line) => line.includes("credential.accepted"))).toHaveLength(2);
  });
});
