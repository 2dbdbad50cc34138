import { Redis } from "ioredis";
import pg from "pg";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Engine } from "../../src/queue/engine.ts";
import type { PaymentKey } from "../../src/contract/adapter.ts";
import { createJournal, journalBounds, type JournalLine } from "../../src/queue/journal.ts";
import { createLocks } from "../../src/queue/locks.ts";
import type { Store } from "../../src/queue/store.ts";
import { engines, type TestEngine } from "../support/engines.ts";
import { newKey } from "../support/payments.ts";
import { twinEngine } from "../support/twin.ts";
import { until } from "../support/until.ts";

const silent = pino({ level: "silent" });

/** Ids that somebody may choose: what separates parts elsewhere, what needs escaping, what is long. */
const trickyIds = [
  "a:b:c",
  "../../etc",
  "with space",
  "{norce-psp}",
  "*?[a-z]",
  `'";--\\`,
  "%00%2F",
  "å-日本-🧾",
  "x".repeat(200),
];

const trickyValues = [
  null,
  true,
  0,
  -1.5,
  "",
  "a b\nc",
  "🧾",
  [],
  [[], {}],
  {},
  { b: 1, a: { z: null, y: [1] } },
  { text: "x".repeat(5_000) },
];

describe.each([...engines(), twinEngine()])("the state store on $name", (testEngine: TestEngine) => {
  let engine: Engine;
  let store: Store;
  let count = 0;
  /** An id of this test's own. */
  const fresh = (): string => `id-${(count += 1)}`;

  beforeAll(async () => {
    await testEngine.start();
    engine = await testEngine.open(silent, { pruneMs: 100 });
    store = engine.store("patient");
  }, 300_000);
  afterAll(async () => {
    await engine.close();
    await testEngine.stop();
  });

  test("what was put is got, to the letter, by whatever name", async () => {
    for (const id of trickyIds) {
      await store.put("letter", id, { id });
      expect((await store.get("letter", id))?.value).toEqual({ id });
      await store.remove("letter", id);
      expect(await store.get("letter", id)).toBeUndefined();
    }
    const id = fresh();
    for (const value of trickyValues) {
      await store.put("cursor", id, value);
      expect(JSON.stringify((await store.get("cursor", id))?.value)).toBe(JSON.stringify(value));
    }
    expect(await store.get("reference", id)).toBeUndefined();
  });

  // Redis and its twin write a key of their own.
  test.runIf(["embedded", "postgres"].includes(testEngine.name))("ready means that a write succeeded", async () => {
    await engine.ping();
    expect(await store.get("probe", "probe")).toMatchObject({ value: true });
  });

  test("each write has a version of its own, and a time", async () => {
    const id = fresh();
    const before = Date.now();
    await store.put("cursor", id, 1);
    const first = await store.get("cursor", id);
    await store.put("cursor", id, 1);
    const second = await store.get("cursor", id);
    expect(second?.version).not.toBe(first?.version);
    expect(second?.writtenAt).toBeGreaterThanOrEqual(first?.writtenAt ?? Infinity);
    expect(first?.writtenAt).toBeGreaterThanOrEqual(before);
    expect(first?.writtenAt).toBeLessThanOrEqual(Date.now());
  });

  test("of many who put if absent, one succeeds, and all see what stands", async () => {
    const id = fresh();
    const answers = await Promise.all(Array.from({ length: 20 }, (_, at) => store.putIfAbsent("claim", id, at)));
    const winners = answers.filter(({ mine }) => mine);
    expect(winners).toHaveLength(1);
    expect(new Set(answers.map(({ stored }) => stored.value))).toEqual(new Set([winners[0]?.stored.value]));
    expect((await store.get("claim", id))?.version).toBe(winners[0]?.stored.version);
  });

  test("of many who update one version, one succeeds; a version that is gone changes nothing", async () => {
    const id = fresh();
    await store.put("operation", id, 0);
    const read = await store.get("operation", id);
    const version = read?.version ?? "";
    const updates = await Promise.all(
      Array.from({ length: 20 }, async (_, at) =>
        (await store.update("operation", id, version, at + 1)) ? at + 1 : 0,
      ),
    );
    const succeeded = updates.filter((at) => at > 0);
    expect(succeeded).toHaveLength(1);
    expect((await store.get("operation", id))?.value).toBe(succeeded[0]);
    expect(await store.update("operation", id, version, 99)).toBeUndefined();
    expect(await store.extend("operation", id, version, 1_000)).toBe(false);
    expect(await store.remove("operation", id, version)).toBe(false);
    expect(await store.update("operation", fresh(), version, 99)).toBeUndefined();
    expect(await store.remove("operation", id, (await store.get("operation", id))?.version)).toBe(true);
    expect(await store.remove("operation", id)).toBe(false);
  });

  test("what has expired is not there: not got, not listed, not counted, not extended, and free to be put", async () => {
    const [short, long] = [fresh(), fresh()];
    await store.put("heartbeat", long, "long");
    await store.put("heartbeat", short, "short", 150);
    const { version = "" } = (await store.get("heartbeat", short)) ?? {};
    expect(await store.count("heartbeat")).toBe(2);
    await until(async () => (await store.get("heartbeat", short)) === undefined, "it to expire");
    expect((await store.list("heartbeat", { limit: 10 })).records.map(({ id }) => id)).toEqual([long]);
    expect(await store.count("heartbeat")).toBe(1);
    expect(await store.extend("heartbeat", short, version, 1_000)).toBe(false);
    expect(await store.update("heartbeat", short, version, 1)).toBeUndefined();
    expect(await store.remove("heartbeat", short)).toBe(false);
    expect((await store.putIfAbsent("heartbeat", short, "again")).mine).toBe(true);
    // Without an end from now on: what it was put with before does not count.
    await store.put("heartbeat", short, "short", 100);
    await store.put("heartbeat", short, "for good");
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect((await store.get("heartbeat", short))?.value).toBe("for good");
  });

  test.runIf(["redis", "postgres"].includes(testEngine.name))(
    "what has expired goes by itself, where nothing happens",
    async () => {
      const id = fresh();
      const { redisUrl, queueUrl } = testEngine.settings();
      const left = await looking(redisUrl, queueUrl, id);
      await store.put("reference", id, "short", 200);
      expect(await left.count()).toBe(1);
      await until(async () => (await left.count()) === 0, "it to be deleted");
      await left.close();
    },
  );

  test("extending lets it live on, and changes neither value nor version", async () => {
    const id = fresh();
    await store.put("heartbeat", id, "here", 300);
    const before = await store.get("heartbeat", id);
    expect(await store.extend("heartbeat", id, before?.version ?? "", 60_000)).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 350));
    expect(await store.get("heartbeat", id)).toEqual(before);
    expect((await store.list("heartbeat", { limit: 100 })).records.map((record) => record.id)).toContain(id);
  });

  test("records are listed newest first, in pages, each once, by the beginning of their names", async () => {
    const names = Array.from(
      { length: 25 },
      (_, at) => `${at % 2 === 0 ? "even" : "odd"}-${String(at).padStart(2, "0")}`,
    );
    for (const [at, id] of names.entries()) await store.put("drift", id, at);
    // In a millisecond of its own.
    await new Promise((resolve) => setTimeout(resolve, 5));
    await store.put("drift", "even-00", "renewed");
    const page = async (prefix?: string): Promise<string[]> => {
      const seen: string[] = [];
      let before: string | undefined;
      do {
        const read = await store.list("drift", {
          limit: 4,
          ...(before === undefined ? {} : { before }),
          ...(prefix === undefined ? {} : { prefix }),
        });
        expect(read.records.length).toBeLessThanOrEqual(4);
        const times = read.records.map(({ writtenAt }) => writtenAt);
        expect(times).toEqual(times.toSorted((one, other) => other - one));
        seen.push(...read.records.map(({ id }) => id));
        before = read.next;
      } while (before !== undefined);
      return seen;
    };
    const all = await page();
    expect(all.toSorted()).toEqual(names.toSorted());
    expect(all[0]).toBe("even-00");
    const odd = await page("odd-");
    expect(odd.toSorted()).toEqual(names.filter((id) => id.startsWith("odd-")).toSorted());
    expect(await page("%")).toEqual([]);
    expect(await store.count("drift")).toBe(25);
  });

  test("a page that nobody was led to begins at the newest, whatever somebody wrote for it", async () => {
    await store.put("drift", fresh(), "newest");
    const [first] = (await store.list("drift", { limit: 1 })).records;
    for (const before of ["\u0000", "1:\u0000", "9".repeat(40) + ":x", "-1:x", "soon", ":"])
      expect((await store.list("drift", { limit: 1, before })).records).toEqual([first]);
  });

  test("a lock has one holder, who alone keeps and releases it", async () => {
    const locks = createLocks(store);
    const name = fresh();
    const before = Date.now();
    const held = await Promise.all(Array.from({ length: 10 }, () => locks.acquire(name, 400)));
    const [first, ...others] = held.filter((lock) => lock !== undefined);
    expect(others).toEqual([]);
    expect(first?.grantedAt).toBeGreaterThanOrEqual(before);
    expect(await first?.isMine()).toBe(true);
    let second = await locks.acquire(name, 400);
    await until(async () => (second ??= await locks.acquire(name, 60_000)) !== undefined, "the lock to run out");
    expect(await first?.isMine()).toBe(false);
    await first?.release();
    expect(await second?.isMine()).toBe(true);
    expect(await locks.acquire(name, 400)).toBeUndefined();
    await second?.release();
    expect(await locks.acquire(name, 400)).toBeDefined();
  });

  describe("a journal", () => {
    const line = (at: number, kind: string, facts: JournalLine["facts"] = {}): JournalLine => ({ at, kind, facts });

    test("keeps what happened in order; neighbours that are alike are one entry", async () => {
      const journal = createJournal(store, journalBounds());
      const key = newKey();
      await journal.append(key, [line(1, "received", { by: "k1" }), line(2, "received", { by: "k1" })]);
      await journal.append(key, [line(3, "received", { by: "k1" }), line(4, "looked", { A: 100, list: [], none: {} })]);
      await journal.append(key, [line(5, "received", { by: "k2" })]);
      await journal.append(key, [{ ...line(6, "waited", { tries: 1 }), like: "down" }]);
      await journal.append(key, [{ ...line(7, "waited", { tries: 2 }), like: "down" }]);
      expect(await journal.read(key)).toEqual([
        { kind: "received", facts: { by: "k1" }, count: 3, first: 1, last: 3 },
        { kind: "looked", facts: { A: 100, list: [], none: {} }, count: 1, first: 4, last: 4 },
        { kind: "received", facts: { by: "k2" }, count: 1, first: 5, last: 5 },
        { kind: "waited", facts: { tries: 2 }, count: 2, first: 6, last: 7 },
      ]);
      expect(await journal.read(newKey())).toEqual([]);
    });

    test("holds 200 entries of 200 bytes at most: the oldest give way, facts that do not fit are left out", async () => {
      const journal = createJournal(store, journalBounds());
      const key = newKey();
      const lines = Array.from({ length: 250 }, (_, at) => line(at, "looked", { at, long: "å".repeat(300) }));
      await journal.append(key, lines.slice(0, 120));
      await journal.append(key, lines.slice(120));
      const [first, ...entries] = await journal.read(key);
      expect(entries.map(({ facts }) => facts)).toEqual(lines.slice(51).map(({ at }) => ({ at })));
      expect(first).toEqual({ kind: "gave-way", facts: {}, count: 51, first: 0, last: 50 });
      await journal.append(key, [line(250, "waited"), line(251, "waited"), line(252, "buried")]);
      const later = await journal.read(key);
      expect(later).toHaveLength(200);
      expect(later[0]).toEqual({ kind: "gave-way", facts: {}, count: 53, first: 0, last: 52 });
      expect(later.at(-2)).toMatchObject({ kind: "waited", count: 2 });
    });

    test("is found by its order, as those of the order's other payments are", async () => {
      const journal = createJournal(store, journalBounds());
      const one = newKey();
      const other = { ...newKey(), orderId: one.orderId };
      const [stranger, elsewhere] = [newKey(), { ...one, channel: "elsewhere" }];
      for (const key of [one, other, one, stranger, elsewhere, other]) await journal.append(key, [line(1, "looked")]);
      const names = (keys: readonly PaymentKey[]) => keys.map(({ adapter, paymentId }) => `${adapter} ${paymentId}`);
      expect(names(await journal.payments(one)).toSorted()).toEqual(names([one, other]).toSorted());
      expect(await journal.payments(elsewhere)).toEqual([elsewhere]);
      expect(await journal.payments(newKey())).toEqual([]);
    });

    test("all together keep to a bound: who was not written for the longest time gives way", async () => {
      const journal = createJournal(store, journalBounds(2_000));
      const keys = Array.from({ length: 30 }, () => newKey());
      const wait = async (): Promise<void> => await new Promise((resolve) => setTimeout(resolve, 2));
      for (const [at, key] of keys.entries()) {
        await journal.append(key, [line(at, "looked", { text: "x".repeat(80) })]);
        await wait();
        await journal.append(keys[0] ?? key, [line(at, "looked")]);
        await wait();
      }
      const left = await Promise.all(keys.map(async (key) => (await journal.read(key)).length > 0));
      expect(left.filter(Boolean).length).toBeLessThanOrEqual(20);
      expect(left.filter(Boolean).length).toBeGreaterThan(5);
      expect([left[0], left[1], left[2], left.at(-1)]).toEqual([true, false, false, true]);
    });
  });
});

/** How many records of that name the server itself has. */
async function looking(
  redisUrl: string | undefined,
  queueUrl: string | undefined,
  id: string,
): Promise<{ count(): Promise<number>; close(): Promise<unknown> }> {
  if (redisUrl !== undefined) {
    const redis = new Redis(redisUrl);
    return { count: async () => (await redis.keys(`*${id}`)).length, close: () => redis.quit() };
  }
  const client = new pg.Client({ connectionString: queueUrl });
  await client.connect();
  const sql = "SELECT count(*)::integer AS count FROM bullmq.psp_record WHERE id = $1";
  const count = async () => (await client.query<{ count: number }>(sql, [id])).rows[0]?.count ?? NaN;
  return { count, close: () => client.end() };
}
