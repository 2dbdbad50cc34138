import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import type { PaymentKey } from "../../contract/adapter.ts";
import { WorkerError } from "../../lib/errors.ts";
import { createMeters } from "../../lib/meters.ts";
import type { Drift, Ledger, Tally } from "../../queue/ledger.ts";
import type { LookFacts, Looked } from "./told.ts";
import { type DriftTeller, tellDrift } from "./drift.ts";
import { tellPeers } from "./peers.ts";

const day = 24 * 3_600_000;
const key: PaymentKey = { adapter: "any", merchant: "acme", channel: "se", orderId: "o_1", paymentId: "p_1" };
const written: LookFacts = { outcome: "written", from: "pending", to: "reserved", wrote: ["state", "record"] };

let now = 0;
let repaired: Drift[] = [];
let once = new Map<string, Drift>();
let standing: Drift[] = [];
let resolved: string[] = [];
let tallies: readonly Tally[] = [];
let late = 0;
let drift: DriftTeller;

const ledger: Ledger = {
  repaired: async (_, found) => void repaired.push(found),
  once: async (id, found) => {
    const text = JSON.stringify(id);
    if (!once.has(text)) once.set(text, found);
  },
  standing: async (_, found) => void standing.push(found),
  resolved: async (id) => void resolved.push(JSON.stringify(id)),
  dismiss: async () => false,
  late: async () => {
    late += 1;
  },
  tally: async (_, counted) => {
    tallies = counted;
  },
  read: async () => ({ drift: [], tallies: [] }),
};
/** A process of its own: it remembers nothing of what others found. */
const opened = (): DriftTeller => {
  const log = tellDrift({ ledger, log: pino({ level: "silent" }), meters: createMeters(), now: () => now });
  onTestFinished(async () => await log.close());
  return log;
};

beforeEach(() => {
  now = Date.parse("2026-03-04T12:00:00.000Z");
  [repaired, once, standing, resolved, tallies, late] = [[], new Map(), [], [], [], 0];
  drift = tellDrift({ ledger, log: pino({ level: "silent" }), meters: createMeters(), now: () => now });
});
afterEach(async () => await drift.close());

/** A look that came to this, announced by somebody or not. */
const look = (announced: boolean, facts: LookFacts): void => {
  const looked: Looked = {
    key,
    by: announced ? "webhook" : "sweep",
    announced,
    hadLetter: false,
    came: { outcome: { is: "later", why: "not-at-psp" } },
    step: { do: "rest" },
    startedAt: now,
    now,
  };
  drift.looked?.(looked, facts);
};

describe("what a look repairs", () => {
  test("is a missed event when nobody had announced it, and is compared", async () => {
    look(false, written);
    look(false, { outcome: "unchanged" });
    look(false, { outcome: "later" });
    await drift.close();
    expect(repaired).toEqual([{ name: "missed-event", at: now, ...key, from: "pending", to: "reserved" }]);
    expect(tallies).toMatchObject([{ compared: 3, agreed: 1, repaired: 1, unresolved: 1 }]);
  });

  test("is no drift and not compared when a webhook or an operation had announced it", async () => {
    look(true, written);
    await drift.close();
    expect(repaired).toEqual([]);
    expect(tallies).toEqual([]);
  });

  test("is no drift where only our own note was written", async () => {
    look(false, { ...written, wrote: ["record", "upsell", "actions"] });
    await drift.close();
    expect(repaired).toEqual([]);
    expect(tallies).toMatchObject([{ compared: 1, repaired: 1 }]);
  });

  test("may be told late by a webhook that has nothing left to tell", () => {
    look(true, { outcome: "unchanged" });
    look(false, { outcome: "unchanged" });
    expect(late).toBe(1);
  });
});

describe("what a person should see", () => {
  test("is kept once per payment", () => {
    for (const at of [0, day]) {
      now += at;
      drift.found?.(key, { name: "paid-on-removed" });
      opened().found?.(key, { name: "paid-on-removed" });
    }
    expect([...once.values()]).toEqual([
      { name: "paid-on-removed", at: Date.parse("2026-03-04T12:00:00.000Z"), ...key },
    ]);
  });

  test("of an account is resolved where it is over, and is found anew afterwards", async () => {
    for (const one of ["webhooks-silent", "webhooks-silent"]) {
      drift.found?.(key, { name: one });
      drift.over?.(key, one);
    }
    await drift.close();
    expect(resolved).toEqual([...once.keys(), ...once.keys()]);
  });

  test.each(["two-live-payments", "payment-good-order-not-accepted", "payments-not-at-psp"])(
    "and goes on, such as %s, is kept once a day",
    (name) => {
      for (const at of [0, 60_000, day, 60_000]) {
        now += at;
        drift.found?.(key, { name });
      }
      expect(standing.map((found) => found.at)).toEqual([
        Date.parse("2026-03-04T12:00:00.000Z"),
        Date.parse("2026-03-05T12:01:00.000Z"),
      ]);
      expect(once.size).toBe(0);
    },
  );
});

describe("findings about peers", () => {
  const error = (kind: "Unauthorized" | "Unreachable", peer: string) =>
    new WorkerError(kind, "no", { context: { peer, status: kind === "Unauthorized" ? 401 : 503 } });
  const listen = () => {
    const logged: string[] = [];
    const log = pino({ base: null }, { write: (line: string) => void logged.push(line) });
    const heard: string[] = [];
    const peers = tellPeers({
      log,
      standing: {
        peerFails: ({ peer }, is) => void heard.push(`${peer} ${is}`),
        peerAnswers: ({ peer }, told) => void heard.push(`${peer} answers ${told ? "again" : "as always"}`),
      },
      now: () => now,
      found: (of, found) => drift.found?.(of, found),
    });
    const count = (message: string): number => logged.filter((line) => line.includes(`"${message}"`)).length;
    return { peers, heard, count };
  };

  test("that refuse our credentials are kept once a day for as long as they are, and logged once", async () => {
    const { peers, heard, count } = listen();
    for (const at of [0, 60_000, day, day]) {
      now += at;
      for (const merchant of ["acme", "other"]) peers.met?.({ ...key, merchant }, error("Unauthorized", "norce"));
      peers.met?.(key, error("Unauthorized", "any"));
    }
    const days = ["2026-03-04", "2026-03-05", "2026-03-06"];
    const kept = [...once.values()].map(({ at, merchant }) => `${new Date(at).toISOString().slice(0, 10)} ${merchant}`);
    // Norce's is Norce's, whosever payment met it.
    expect(kept.toSorted()).toEqual(days.flatMap((one) => [`${one} `, `${one} acme`]));
    expect([...once.values()][0]).toMatchObject({ adapter: "norce", facts: { peer: "norce", status: 401 } });
    // Logged once all the same: one for Norce, one for the PSP's account.
    expect(count("credential.refused")).toBe(2);
    expect(heard.slice(0, 3)).toEqual(["norce refused", "norce refused", "any refused"]);
    peers.met?.(key, undefined);
    expect(count("credential.accepted")).toBe(2);
    expect(heard.slice(-2)).toEqual(["norce answers again", "any answers again"]);
  });

  test.each([
    ["a rule that refused what both had said", { reason: "above-upper-limit" }, ["any answers again"]],
    ["a rule that asked nobody", { reason: "not-configured" }, []],
    ["the PSP's own refusal of what was asked", { peer: "any", status: 403 }, []],
  ])("are over with a look that ends in a letter: %s", (_, context, answered) => {
    const { peers, heard } = listen();
    peers.met?.(key, error("Unauthorized", "any"));
    heard.length = 0;
    peers.met?.(key, new WorkerError("Refused", "no", { context }));
    expect(heard.filter((one) => one.startsWith("any"))).toEqual(answered);
  });

  test("that are down are told at the third failure in a row, and when it is over; one that stumbles is not", () => {
    const { peers, count } = listen();
    peers.met?.(key, error("Unreachable", "any"));
    peers.met?.(key, undefined);
    for (let failures = 1; failures <= 5; failures += 1) {
      peers.met?.(key, error("Unreachable", "any"));
      expect(count("peer.down")).toBe(failures < 3 ? 0 : 1);
    }
    expect([...once.values()]).toMatchObject([{ name: "psp-down", adapter: "any", facts: { status: 503 } }]);
    peers.met?.(key, undefined);
    expect(count("peer.up")).toBe(1);
  });
});

test("a credential that is about to end is told once for the account, whichever payments' looks find it", () => {
  const warning = { name: "credential-expires", id: "04D2:30", deadline: "2026-03-20T00:00:00.000Z" };
  for (const paymentId of ["p_1", "p_2"]) {
    drift.found?.({ ...key, paymentId }, warning);
    now += day;
  }
  drift.found?.({ ...key, merchant: "other" }, warning);
  drift.found?.(key, { ...warning, id: "04D2:14" });
  const told = [...once.values()];
  expect(told).toMatchObject([
    { merchant: "acme", facts: { id: "04D2:30" } },
    { merchant: "other", facts: { id: "04D2:30" } },
    { merchant: "acme", facts: { id: "04D2:14" } },
  ]);
  for (const one of told) expect(one).not.toHaveProperty("paymentId");
});
