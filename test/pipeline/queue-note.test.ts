import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { PaymentKey } from "../../src/contract/adapter.ts";
import type { Engine } from "../../src/queue/engine.ts";
import { laneId, laneName } from "../../src/queue/names.ts";
import { startTimers } from "../../src/queue/timers.ts";
import { createSeam, type HeldJob, type Known, type Seam, type Settlement, type Work } from "../../src/queue/seam.ts";
import { engines, type TestEngine } from "../support/engines.ts";
import { newKey } from "../support/payments.ts";
import { twinEngine } from "../support/twin.ts";
import { until } from "../support/until.ts";

const rest = (read: Settlement["read"]): Settlement => ({
  read,
  judged: { hints: Object.keys(read.asked?.hints ?? {}), announcement: true, last: true },
});
const neverLost = async (): Promise<void> => undefined;

describe.each([...engines(), twinEngine()])("a payment's note on $name", (testEngine: TestEngine) => {
  let engine: Engine;
  let seam: Seam;
  const working: Work[] = [];
  const holding: (() => void)[] = [];

  /** A worker of a lane that ends with its test. */
  function lookers(key: PaymentKey, look: (job: HeldJob<PaymentKey>) => Promise<unknown>, concurrency = 8): void {
    const process = async (job: HeldJob<PaymentKey>): Promise<undefined> => {
      await look(job);
      return undefined;
    };
    working.push(engine.work(laneName(key.adapter), process, { concurrency, lost: neverLost }));
  }
  const ask = async (key: PaymentKey, hint?: string): Promise<unknown> =>
    await seam.looks.ask([{ key, by: "webhook", ...(hint === undefined ? {} : { hint }) }], "patient");
  /** One job of the lane under work, held until it is let go. */
  async function hold(key: PaymentKey): Promise<{ job: HeldJob<PaymentKey>; letGo: () => void }> {
    const begun = Promise.withResolvers<HeldJob<PaymentKey>>();
    const ended = Promise.withResolvers<void>();
    holding.push(ended.resolve);
    lookers(key, async (job) => {
      begun.resolve(job);
      await ended.promise;
    });
    return { job: await begun.promise, letGo: () => ended.resolve() };
  }

  beforeAll(async () => {
    await testEngine.start();
    engine = await testEngine.open(pino({ level: "silent" }));
    seam = createSeam(engine);
  }, 300_000);
  afterEach(async () => {
    for (const letGo of holding.splice(0)) letGo();
    await Promise.all(working.splice(0).map((work) => work.close()));
  });
  afterAll(async () => {
    await engine.close();
    await testEngine.stop();
  });

  test("says what was asked, by whom and when, with the five newest hints", async () => {
    const key = newKey();
    expect(await seam.looks.read(key)).toEqual({});
    for (let at = 1; at <= 7; at += 1) await ask(key, `psp;:"'${at} å`);
    await seam.looks.ask([{ key, by: "webhook", at: 1_764_478_800_123 }], "prompt");
    await seam.looks.ask([{ key, by: "sweep" }], "patient");
    const { asked, known } = await seam.looks.read(key);
    expect(Object.keys(asked?.hints ?? {}).toSorted()).toEqual([3, 4, 5, 6, 7].map((at) => `psp;:"'${at} å`));
    expect(asked).toMatchObject({ announcedAt: 1_764_478_800_123, askedBy: "sweep" });
    expect(known).toBeUndefined();
    await ask(key, "psp;:\"'3 å");
    await ask(key, "an eighth");
    expect(Object.keys((await seam.looks.read(key)).asked?.hints ?? {})).toEqual(
      expect.arrayContaining(["psp;:\"'3 å", "an eighth"]),
    );
  });

  test("payments that wait are known by reason and account, with the oldest and the next look", async () => {
    const keys = [newKey(), newKey(), newKey()].map((key) => ({ ...key, adapter: "waiting-psp" }));
    const [first, second, third] = keys as [PaymentKey, PaymentKey, PaymentKey];
    const now = Date.now();
    const settled: Record<string, Settlement["wait"]> = {};
    const known: Known = { clocks: {} };
    lookers(first, async (job) => {
      const { wait } = { wait: settled[job.data.paymentId] };
      const nextLookAt = now + 60_000 * (keys.findIndex(({ paymentId }) => paymentId === job.data.paymentId) + 1);
      const ends = wait === null ? {} : { known, nextLookAt };
      await seam.looks.settle(job.data, job, {
        ...rest(await seam.looks.read(job.data)),
        ...ends,
        ...(wait === undefined ? {} : { wait }),
      });
      delete settled[job.data.paymentId];
    });
    const look = async (key: PaymentKey, wait: Settlement["wait"] | "as before"): Promise<void> => {
      settled[key.paymentId] = wait === "as before" ? undefined : wait;
      await ask(key);
      await until(() => !(key.paymentId in settled), "the look to end");
    };
    const waiting = async (): Promise<unknown[]> =>
      (await seam.looks.waiting())
        .filter(({ adapter }) => adapter === "waiting-psp")
        .map(({ reason, payments, since, nextLookAt }) => [
          reason,
          payments,
          since - now,
          Math.round((nextLookAt - now) / 60_000),
        ])
        .toSorted(([one], [other]) => String(one).localeCompare(String(other)));
    await look(first, { reason: "unreachable", since: now - 5 });
    await look(second, { reason: "unreachable", since: now - 9 });
    await look(third, { reason: "not-at-psp", since: now - 1 });
    expect(await waiting()).toEqual([
      ["not-at-psp", 1, -1, 3],
      ["unreachable", 2, -9, 1],
    ]);
    // The same reason goes on; another one begins; what settles nothing of it leaves it as it was.
    await look(first, { reason: "unreachable", since: now });
    await look(second, { reason: "psp-down", since: now });
    await look(third, "as before");
    expect(await waiting()).toEqual([
      ["not-at-psp", 1, -1, 3],
      ["psp-down", 1, 0, 2],
      ["unreachable", 1, -5, 1],
    ]);
    for (const key of keys) await look(key, null);
    expect(await waiting()).toEqual([]);
  });

  test("asked many times, at most one look runs and one waits; a timer's asking notes nothing", async () => {
    const key = newKey();
    const [first] = await seam.looks.ask([{ key, by: "timer" }], "patient");
    const [second] = await seam.looks.ask([{ key, by: "timer" }], "prompt");
    expect(second).toEqual(first);
    expect(await seam.looks.read(key)).toEqual({});
  });

  test("settled, only what was read and judged is gone; what was asked meanwhile stays, also of the same name", async () => {
    const key = newKey();
    for (const hint of ["judged", "again", "unanswered"]) await ask(key, hint);
    const { job, letGo } = await hold(key);
    const read = await seam.looks.read(key);
    await ask(key, "again");
    await ask(key, "new");
    const known: Known = {
      clocks: { down: { since: 1, tries: 2, dueAt: 3 } },
      notBefore: 4,
      seen: { list: [], a: null },
    };
    const judged = { hints: ["judged", "again", "never asked"], announcement: true };
    expect(await seam.looks.settle(key, job, { read, known, judged })).toBe(true);
    const left = await seam.looks.read(key);
    expect(Object.keys(left.asked?.hints ?? {}).toSorted()).toEqual(["again", "new", "unanswered"]);
    expect(left.asked?.hints["again"]).not.toBe(read.asked?.hints["again"]);
    // Its announcement came after what was read.
    expect(left.asked?.announcedAt).toBeDefined();
    expect(left.known).toEqual(known);
    expect(await seam.looks.settle(key, job, rest(left))).toBe(true);
    expect(await seam.looks.read(key)).toEqual({});
    letGo();
  });

  test("what was announced stays until the payment has come to rest", async () => {
    const key = newKey();
    await seam.looks.ask([{ key, by: "operation", at: 5 }], "patient");
    const { job, letGo } = await hold(key);
    const read = await seam.looks.read(key);
    const known: Known = { clocks: {}, firstAskedBy: "operation", timerAt: 7 };
    await seam.looks.settle(key, job, { read, known, judged: { hints: [], announcement: false } });
    expect(await seam.looks.read(key)).toEqual({ asked: read.asked, known });
    await seam.looks.settle(key, job, { read, judged: { hints: [], announcement: true } });
    expect(await seam.looks.read(key)).toEqual({});
    letGo();
  });

  test("whose lock is lost changes nothing", async () => {
    const key = newKey();
    await ask(key, "psp-1");
    const { job, letGo } = await hold(key);
    const read = await seam.looks.read(key);
    const before = await seam.looks.read(key);
    for (const lock of [
      { ...job, token: "another" },
      { ...job, id: randomUUID() },
      { ...job, queue: "payments-other" },
    ]) {
      const settlement = { ...rest(read), known: { clocks: {} }, journal: [{ at: 1, kind: "looked" }] };
      expect(await seam.looks.settle(key, lock, settlement)).toBe(false);
    }
    expect(await seam.looks.read(key)).toEqual(before);
    expect(await seam.journal.read(key)).toEqual([]);
    letGo();
  });

  test("the journal's lines ride along, with the asking and with the end", async () => {
    const key = newKey();
    await seam.looks.ask([{ key, by: "webhook", journal: [{ at: 1, kind: "received" }] }], "patient");
    const { job, letGo } = await hold(key);
    const read = await seam.looks.read(key);
    await seam.looks.settle(key, job, { ...rest(read), journal: [{ at: 2, kind: "looked", facts: { A: 1 } }] });
    expect((await seam.journal.read(key)).map(({ kind }) => kind)).toEqual(["received", "looked"]);
    letGo();
  });

  test("each asking is seen by a look that began after it, and no two looks of a payment run at once", async () => {
    const { adapter } = newKey();
    const keys = Array.from({ length: 30 }, () => newKey({ adapter }));
    const hints = keys.flatMap((key) => [1, 2, 3, 4, 5].map((at) => ({ key, hint: `${key.paymentId}-${at}` })));
    const seen = new Set<string>();
    const running = new Set<string>();
    let together = 0;
    lookers(keys[0] ?? newKey(), async (job) => {
      const key = job.data;
      if (running.has(key.paymentId)) together += 1;
      running.add(key.paymentId);
      const read = await seam.looks.read(key);
      for (const hint of Object.keys(read.asked?.hints ?? {})) seen.add(hint);
      await pause(Math.random() * 3);
      await seam.looks.settle(key, job, rest(read));
      running.delete(key.paymentId);
    });
    // In groups as an inbox job asks, and as many at once as there are webhooks.
    const shuffled = hints.toSorted((one, other) => (one.hint.at(-1) ?? "").localeCompare(other.hint.at(-1) ?? ""));
    const groups = Array.from({ length: 30 }, (_, at) => shuffled.filter((_hint, place) => place % 30 === at));
    await Promise.all(
      groups.map(async (group) => {
        const asks = group.map(({ key, hint }) => ({ key, hint, by: "webhook" as const }));
        expect(await seam.looks.ask(asks, "patient")).toHaveLength(asks.length);
      }),
    );
    await until(() => seen.size === hints.length, "every hint to be seen");
    expect(together).toBe(0);
    await until(async () => {
      const notes = await Promise.all(keys.map(async (key) => await seam.looks.read(key)));
      return notes.every((note) => note.asked === undefined);
    }, "every note to be settled");
  });

  test.runIf(testEngine.name === "redis")(
    "a server that forgets its scripts or refuses to write has asked nothing that is not noted",
    async () => {
      const redis = new Redis(testEngine.settings().redisUrl ?? "");
      const key = newKey();
      await ask(key, "first");
      await redis.script("FLUSH");
      await ask(key, "second");
      expect(Object.keys((await seam.looks.read(key)).asked?.hints ?? {}).toSorted()).toEqual(["first", "second"]);
      await redis.config("SET", "maxmemory", "1");
      const other = newKey();
      await expect(ask(other, "third")).rejects.toMatchObject({ kind: "QueueUnavailable" });
      await redis.config("SET", "maxmemory", "0");
      expect(await engine.queue(laneName(other.adapter), "patient").getJobCountByTypes("waiting", "active")).toBe(0);
      // The note cannot be written, the add could.
      await redis.set(`{norce-psp}:note:${laneId(other)}`, "not a hash");
      await expect(ask(other, "third")).rejects.toMatchObject({ kind: "QueueUnavailable" });
      await redis.quit();
    },
  );

  test.runIf(testEngine.name === "redis")(
    "all notes reach the server before the first add, and nothing between them waits for an answer",
    async () => {
      const redis = new Redis(testEngine.settings().redisUrl ?? "");
      const monitor = await redis.monitor();
      const { adapter } = newKey();
      const keys = [newKey({ adapter }), newKey({ adapter })];
      const commands: string[] = [];
      monitor.on("monitor", (_time: string, parameters: string[], source: string) => {
        if (source === "lua" || !parameters.some((parameter) => /:note:|:wait$/.test(parameter))) return;
        commands.push(parameters.some((parameter) => parameter.includes(":note:")) ? "notes" : "add");
      });
      await seam.looks.ask(
        keys.map((key) => ({ key, by: "webhook" as const })),
        "patient",
      );
      await until(() => commands.length >= 3, "the commands to be seen");
      expect(commands).toEqual(["notes", "add", "add"]);
      monitor.disconnect();
      await redis.quit();
    },
  );

  describe("timers", () => {
    const due = async (key: PaymentKey): Promise<number> =>
      (await engine.queue<PaymentKey>("timers", "patient").getJobs(["delayed"])).filter(
        ({ data }) => laneId(data) === laneId(key),
      ).length;

    test("one per payment, that its looks set, replace and clear, and one of the sweep's that they do not", async () => {
      const key = newKey();
      await seam.timers.set(key, Date.now() + 60_000);
      await seam.timers.set(key, Date.now() + 90_000);
      expect(await due(key)).toBe(1);
      await seam.timers.setSweep(key, Date.now() + 60_000);
      expect(await due(key)).toBe(2);
      await seam.timers.clear(key);
      await seam.timers.clear(key);
      expect(await due(key)).toBe(1);
      expect(await seam.looks.read(key)).toEqual({});
    });

    test("that is due asks for the look; a last one says so in the note, and stays until that look was made", async () => {
      const [soon, last] = [newKey(), newKey()];
      const looked: string[] = [];
      for (const key of [soon, last]) lookers(key, async ({ data }) => looked.push(data.paymentId));
      working.push(startTimers(engine, seam.looks, 4));
      const at = Date.now() + 50;
      await seam.timers.set(soon, at);
      await seam.timers.setSweep(last, at, true);
      await until(() => looked.length === 2, "both looks");
      expect(await seam.looks.read(soon)).toEqual({});
      expect((await seam.looks.read(last)).asked).toMatchObject({ lastFrom: at, askedBy: "sweep" });
    });

    test("set again and again around its time, the last one comes", async () => {
      const key = newKey();
      let looked = 0;
      lookers(key, async () => (looked += 1));
      working.push(startTimers(engine, seam.looks, 4));
      for (let at = 0; at < 30; at += 1) {
        await seam.timers.set(key, Date.now() + Math.random() * 6);
        await pause(Math.random() * 6);
        const before = looked;
        if (at % 10 === 9) {
          await seam.timers.set(key, Date.now() + 30);
          await until(() => looked > before, "the look of the last timer");
        }
      }
    });
  });
});
