import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import fc from "fast-check";
import { Redis } from "ioredis";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { PaymentKey } from "../../src/contract/adapter.ts";
import { type Engine, type Job, openEngine, type Worker } from "../../src/queue/engine.ts";
import {
  createQueues,
  type DeadLetter,
  type InboxJob,
  inboxName,
  laneId,
  laneName,
  type Look,
  type Queues,
  type StoredEvent,
  timersName,
  type Wait,
} from "../../src/queue/queues.ts";
import { startTimers } from "../../src/queue/timers.ts";
import { engines, type TestEngine } from "../support/engines.ts";
import { until } from "../support/until.ts";

const hour = 3_600_000;
const silent = pino({ level: "silent" });

/** A payment of an adapter of its own: its lane is shared with no other test. */
function newKey(ids: Partial<PaymentKey> = {}): PaymentKey {
  return {
    adapter: `psp-${randomUUID()}`,
    merchant: "acme",
    channel: "se",
    orderId: `o_${randomUUID()}`,
    paymentId: `p_${randomUUID()}`,
    ...ids,
  };
}

const storedEvent = (key: PaymentKey, name: string): StoredEvent => ({
  target: key,
  webhook: "push",
  receivedAt: Date.now(),
  event: { key: name, type: "push", at: null },
});

const waitFor = (why: string): Wait => ({ since: 1, tries: 2, why });

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

describe.each(engines())("on $name", (testEngine: TestEngine) => {
  let engine: Engine;
  let queues: Queues;
  const open = new Set<Worker<never, unknown>>();

  /** A worker that ends with its test. */
  function work<Data>(
    name: string,
    processor: (job: Job<Data>) => Promise<unknown>,
    { on = engine, concurrency = 8 }: { on?: Engine; concurrency?: number } = {},
  ): Worker<Data, unknown> {
    return kept(on.worker<Data, unknown>(name, processor, { concurrency }));
  }

  function kept<Data, Result>(worker: Worker<Data, Result>): Worker<Data, Result> {
    open.add(worker as unknown as Worker<never, unknown>);
    return worker;
  }

  /** The timers of a payment that wait for their time. */
  async function timersOf(key: PaymentKey): Promise<(Wait | undefined)[]> {
    const jobs = await engine.queue<Look>(timersName, "patient").getJobs(["delayed"]);
    return jobs.filter(({ data }) => laneId(data.key) === laneId(key)).map(({ data }) => data.wait);
  }

  beforeAll(async () => {
    await testEngine.start();
    engine = await openEngine(testEngine.settings(), silent);
    queues = createQueues(engine);
  }, 120_000);
  afterEach(async () => {
    await Promise.all([...open].map((worker) => worker.close()));
    open.clear();
  });
  afterAll(async () => {
    await engine.close();
    await testEngine.stop();
  });

  describe("with a job due in an hour waiting, a new one starts within 200 ms", () => {
    /** How long the quickest of three jobs took from its add to its start, after one to warm up. */
    async function quickest(name: string, add: (attempt: string) => Promise<unknown>): Promise<number> {
      const started = new Map<string, number>();
      const idOf = (data: InboxJob | Look): string =>
        "events" in data ? (data.events[0]?.event.key ?? "") : (data.reference ?? data.wait?.why ?? "");
      const worker = work<InboxJob | Look>(name, async ({ data }) => started.set(idOf(data), performance.now()));
      await worker.waitUntilReady();
      const took: number[] = [];
      for (const attempt of ["warm-up", "first", "second", "third"]) {
        const added = performance.now();
        await add(attempt);
        await until(() => started.has(attempt), "the job to start");
        took.push((started.get(attempt) ?? Infinity) - added);
        // A worker that has nothing to do goes to sleep until the hour is over: that sleep is to be interrupted.
        await pause(60);
      }
      return Math.min(...took.slice(1));
    }

    test("inbox", async () => {
      const key = newKey();
      await queues.inbox.addAlone(randomUUID(), storedEvent(key, "later"), hour);
      expect(await quickest(inboxName, (id) => queues.inbox.add([storedEvent(key, id)]))).toBeLessThan(200);
    });

    test("timers", async () => {
      await queues.timers.set(newKey(), waitFor("later"), hour);
      expect(await quickest(timersName, (id) => queues.timers.set(newKey(), waitFor(id), 0))).toBeLessThan(200);
    });

    test("a lane", async () => {
      const key = newKey();
      const name = laneName(key.adapter);
      await engine.queue<Look>(name, "patient").add("look", { key, reference: "later" }, { delay: hour });
      expect(await quickest(name, (reference) => queues.lanes.add({ key, reference }, "prompt"))).toBeLessThan(200);
    });
  });

  describe("a lane", () => {
    test("runs at most one look of a payment and keeps at most one waiting, and loses no trigger", async () => {
      const keys = Array.from({ length: 5 }, (_, index) => newKey({ adapter: "raced", paymentId: `p_${index}` }));
      const name = laneName("raced");
      // A second process's worth of workers wherever the engine allows a second process.
      const others = testEngine.name === "embedded" ? [] : [await openEngine(testEngine.settings(), silent)];
      let tick = 0;
      const asked = new Map<string, number>();
      const looked = new Map<string, number>();
      const running = new Set<string>();
      const faults: string[] = [];
      const look = async ({ data: { key } }: Job<Look>): Promise<void> => {
        if (running.has(key.paymentId)) faults.push(`two looks of ${key.paymentId} ran at once`);
        running.add(key.paymentId);
        const at = (tick += 1);
        looked.set(key.paymentId, at);
        await pause(at % 6);
        running.delete(key.paymentId);
        if (at % 5 === 0) throw new Error("a look that fails");
      };
      for (const on of [engine, ...others]) work<Look>(name, look, { on });
      const add = async (key: PaymentKey | undefined, temper: "prompt" | "patient"): Promise<void> => {
        if (key === undefined) throw new Error("no such payment");
        asked.set(key.paymentId, (tick += 1));
        await queues.lanes.add({ key }, temper);
      };
      const source = async (number: number): Promise<void> => {
        for (let index = 0; index < 40; index += 1) {
          await add(keys[(number + index * 3) % keys.length], number % 2 === 0 ? "prompt" : "patient");
          if ((number + index) % 7 === 0) await pause(index % 4);
        }
      };
      const race = new AbortController();
      const watch = async (): Promise<void> => {
        while (!race.signal.aborted) {
          const jobs = await engine.queue<Look>(name, "patient").getJobs(["waiting"]);
          // BullMQ lists a job that has gone meanwhile as nothing.
          const ids = jobs.flatMap((job) => (job as Job<Look> | undefined)?.data.key.paymentId ?? []);
          if (new Set(ids).size !== ids.length) faults.push(`two looks wait: ${ids.join(" ")}`);
          await pause(2);
        }
      };
      const watching = watch();
      await Promise.all(Array.from({ length: 8 }, (_, number) => source(number)));
      await until(
        () => keys.every(({ paymentId }) => (looked.get(paymentId) ?? 0) > (asked.get(paymentId) ?? Infinity)),
        "a look after the last trigger of each payment",
      );
      race.abort();
      await watching;
      expect(faults).toEqual([]);
      await Promise.all([...open].map((worker) => worker.close()));
      open.clear();
      await Promise.all(others.map((other) => other.close()));
    });

    test("says that a look was handed over exactly where it is this call's", async () => {
      const key = newKey();
      const add = async (reference: string): Promise<boolean> =>
        (await queues.lanes.add({ key, reference }, "prompt")).handedOver;
      expect(await add("first")).toBe(true);
      expect(await add("while one waits")).toBe(false);
      const looks: (string | undefined)[] = [];
      const gate = Promise.withResolvers<void>();
      work<Look>(laneName(key.adapter), async ({ data }) => {
        looks.push(data.reference);
        if (looks.length === 1) await gate.promise;
      });
      await until(() => looks.length === 1, "the first look");
      expect(await add("while one runs")).toBe(false);
      expect(await add("while one runs, again")).toBe(false);
      gate.resolve();
      await until(() => looks.length === 2, "the second look");
      expect(looks).toEqual(["first", "while one runs, again"]);
      const idle = async (): Promise<boolean> => (await engine.queue(laneName(key.adapter), "patient").count()) === 0;
      await until(async () => (await idle()) && (await add("afterwards")), "a look to be handed over");
    });

    test("hands each of many payments over", async () => {
      const adapter = `psp-${randomUUID()}`;
      const keys = Array.from({ length: 50 }, () => newKey({ adapter }));
      const added = await Promise.all(keys.map((key) => queues.lanes.add({ key }, "prompt")));
      expect(added.every(({ handedOver }) => handedOver)).toBe(true);
      expect(new Set(added.map(({ id }) => id)).size).toBe(50);
    });
  });

  describe("a timer", () => {
    test("set while the due one is still active survives", async () => {
      const key = newKey();
      let ended = false;
      // The look that this timer wakes fails at once and sets the next timer, before this one's job has ended.
      const worker = work<Look>(timersName, async (timer) => {
        if (laneId(timer.data.key) !== laneId(key)) return;
        await queues.timers.wake(timer);
        await queues.timers.set(key, waitFor("again"), hour);
      });
      worker.on("completed", (job) => {
        ended ||= laneId(job.data.key) === laneId(key);
      });
      await queues.timers.set(key, waitFor("due"), 0);
      await until(() => ended, "the due timer to end");
      expect(await queues.timers.get(key)).toEqual(waitFor("again"));
      expect(await timersOf(key)).toEqual([waitFor("again")]);
    });

    test("set while the due one waits to be processed survives, and is still this payment's", async () => {
      const key = newKey();
      const woken: (string | undefined)[] = [];
      await queues.timers.set(key, waitFor("due"), 0);
      await queues.timers.set(key, waitFor("next"), hour);
      work<Look>(laneName(key.adapter), async ({ data }) => woken.push(data.wait?.why));
      kept(startTimers(engine, queues, 8));
      await until(() => woken.length > 0, "the due timer to wake the payment");
      expect(woken).toEqual(["due"]);
      expect(await queues.timers.get(key)).toEqual(waitFor("next"));
      expect(await timersOf(key)).toEqual([waitFor("next")]);
      await queues.timers.clear(key);
      expect(await timersOf(key)).toEqual([]);
    });

    test("replaces the one before it", async () => {
      const key = newKey();
      for (const why of ["first", "second", "third"]) await queues.timers.set(key, waitFor(why), hour);
      expect(await queues.timers.get(key)).toEqual(waitFor("third"));
      expect(await timersOf(key)).toEqual([waitFor("third")]);
    });

    test.each([
      ["with none before", undefined],
      ["with one far off", hour],
      ["with one that is due", 0],
    ])("is one when several are set at once, %s", async (_, before) => {
      const key = newKey();
      if (before !== undefined) await queues.timers.set(key, waitFor("before"), before);
      await Promise.all(["a", "b", "c", "d"].map((why) => queues.timers.set(key, waitFor(why), hour)));
      const timers = await timersOf(key);
      expect(timers).toHaveLength(1);
      expect(await queues.timers.get(key)).toEqual(timers[0]);
    });

    test("is cleared, also where there is none, and can be set again", async () => {
      const key = newKey();
      expect(await queues.timers.get(key)).toBeUndefined();
      await queues.timers.clear(key);
      await queues.timers.set(key, waitFor("first"), hour);
      await queues.timers.clear(key);
      expect(await queues.timers.get(key)).toBeUndefined();
      await queues.timers.set(key, waitFor("second"), hour);
      expect(await queues.timers.get(key)).toEqual(waitFor("second"));
    });

    test("wakes its payment when it is due, with what it remembers", async () => {
      const key = newKey();
      const wait: Wait = { ...waitFor("suspect"), suspect: { fingerprint: "f", at: 3 }, reference: "ref" };
      const woken: Look[] = [];
      work<Look>(laneName(key.adapter), async ({ data }) => woken.push(data));
      kept(startTimers(engine, queues, 8));
      await queues.timers.set(key, wait, 150);
      await until(() => woken.length > 0, "the payment to be woken");
      expect(woken).toEqual([{ key, wait }]);
      expect(await queues.timers.get(key)).toBeUndefined();
    });
  });

  test("a dead letter is one per payment, updated, listed and cleared", async () => {
    const letters = async (): Promise<DeadLetter[]> =>
      (await queues.dead.list(1_000)).map(({ id: _id, ...told }) => told);
    const [first, second] = [newKey(), newKey()];
    const letter = (key: PaymentKey, reason: string): DeadLetter => ({
      key,
      kind: "Refused",
      reason,
      since: 1,
      at: 2,
      context: { status: 403 },
    });
    await queues.dead.put(letter(first, "once"));
    await queues.dead.put(letter(second, "other"));
    await queues.dead.put(letter(first, "twice"));
    expect(await letters()).toEqual(expect.arrayContaining([letter(first, "twice"), letter(second, "other")]));
    expect(await letters()).toHaveLength(2);
    expect(await queues.dead.list(1)).toHaveLength(1);
    await queues.dead.clear(first);
    expect(await letters()).toEqual([letter(second, "other")]);
    await queues.dead.clear(first);
    await queues.dead.put(letter(first, "again"));
    expect(await letters()).toHaveLength(2);
    await Promise.all([first, second].map((key) => queues.dead.clear(key)));
    expect(await letters()).toEqual([]);
  });

  test("a hundred events arrive complete and in order", async () => {
    const key = newKey();
    const events = Array.from({ length: 100 }, (_, index) => storedEvent(key, `${key.paymentId} ${index}`));
    await queues.inbox.add(events);
    const arrived: InboxJob[] = [];
    work<InboxJob>(inboxName, async ({ data }) => arrived.push(data));
    const mine = (): InboxJob | undefined => arrived.find((job) => job.events[0]?.event.key === `${key.paymentId} 0`);
    await until(() => mine() !== undefined, "the events");
    expect(mine()).toEqual({ events });
  });

  test("the same event waits once, whoever asks again", async () => {
    const parent = randomUUID();
    const event = storedEvent(newKey(), "waits");
    for (const delay of [hour, hour]) await queues.inbox.addAlone(`${parent}-0`, event, delay);
    await queues.inbox.addAlone(`${parent}-1`, event, hour);
    const jobs = await engine.queue<InboxJob>(inboxName, "patient").getJobs(["delayed"]);
    expect(jobs.filter(({ id }) => id?.startsWith(parent) === true)).toHaveLength(2);
  });

  test.each(trickyIds)("the id %j goes through every queue", async (id) => {
    const key = newKey({ orderId: id, paymentId: id, merchant: id, channel: id });
    const looks: Look[] = [];
    work<Look>(laneName(key.adapter), async ({ data }) => looks.push(data));
    expect(await queues.lanes.add({ key, reference: id }, "prompt")).toMatchObject({ handedOver: true });
    await until(() => looks.length === 1, "the look");
    expect(looks).toEqual([{ key, reference: id }]);
    await queues.timers.set(key, { ...waitFor(id), reference: id }, hour);
    expect(await queues.timers.get(key)).toEqual({ ...waitFor(id), reference: id });
    await queues.timers.clear(key);
    await queues.dead.put({ key, kind: "Refused", reason: id, since: 1, at: 1 });
    expect(await queues.dead.list(10)).toMatchObject([{ key, kind: "Refused", reason: id, since: 1, at: 1 }]);
    await queues.dead.clear(key);
    expect(await queues.dead.list(10)).toEqual([]);
  });

  test.runIf(testEngine.name === "redis")("every key starts with the prefix of the first release", async () => {
    await queues.inbox.add([storedEvent(newKey(), "one")]);
    await queues.timers.set(newKey(), waitFor("later"), hour);
    await queues.lanes.add({ key: newKey() }, "patient");
    const { redisUrl = "" } = testEngine.settings();
    const redis = new Redis(redisUrl);
    const keys = await redis.keys("*");
    redis.disconnect();
    expect(keys.length).toBeGreaterThan(5);
    expect(keys.filter((key) => !key.startsWith("{norce-psp}:"))).toEqual([]);
  });
});

describe("laneId", () => {
  test("is a job id: short, without a colon, the same each time", () => {
    const key = newKey({ orderId: "a:b" });
    expect(laneId(key)).toMatch(/^[\w-]{43}$/);
    expect(laneId({ ...key })).toBe(laneId(key));
  });

  test("tells payments apart however their parts are split", () => {
    const part = fc.oneof(fc.constantFrom("", "a", "b", "a:b", "a\nb", '","', "\\", '"', "a/b", "ab"), fc.string());
    const parts = fc.record({ adapter: part, merchant: part, channel: part, orderId: part, paymentId: part });
    const same = (a: PaymentKey, b: PaymentKey): boolean =>
      (["adapter", "merchant", "channel", "orderId", "paymentId"] as const).every((name) => a[name] === b[name]);
    fc.assert(
      fc.property(parts, parts, (a, b) => (laneId(a) === laneId(b)) === same(a, b)),
      { numRuns: 2_000 },
    );
  });
});
