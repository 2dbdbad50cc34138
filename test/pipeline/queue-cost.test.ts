import { Redis } from "ioredis";
import pg from "pg";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { PaymentKey } from "../../src/contract/adapter.ts";
import { type Engine, openEngine } from "../../src/queue/engine.ts";
import { laneName } from "../../src/queue/names.ts";
import { createSeam, type InboxJob, type Seam, type StoredEvent, type Work } from "../../src/queue/seam.ts";
import { type ServerEngine, serverEngines } from "../support/engines.ts";
import { newKey } from "../support/payments.ts";
import { until } from "../support/until.ts";

/** How many payments a burst is about, and how many events arrive together. */
const burst = 400;
const together = 10;

describe.each(serverEngines())("what a look costs on $name", (testEngine: ServerEngine) => {
  let engine: Engine;
  let seam: Seam;
  const working: Work[] = [];
  const lost = async (): Promise<void> => undefined;

  /** Looks at settled payments: reads what is noted, and settles it. */
  function lookers(adapter: string): { done(): number } {
    let done = 0;
    const look = async (job: Parameters<Parameters<typeof engine.work<PaymentKey>>[1]>[0]): Promise<undefined> => {
      const read = await seam.looks.read(job.data);
      if (read.asked !== undefined || read.known !== undefined) {
        const judged = { hints: Object.keys(read.asked?.hints ?? {}), announcement: true };
        await seam.looks.settle(job.data, job, { read, judged, journal: [{ at: 1, kind: "looked" }] });
      }
      done += 1;
      return undefined;
    };
    working.push(engine.work<PaymentKey>(laneName(adapter), look, { concurrency: 16, lost }));
    return { done: () => done };
  }

  beforeAll(async () => {
    await testEngine.start();
    engine = await openEngine(testEngine.settings(), pino({ level: "silent" }));
    seam = createSeam(engine);
  }, 300_000);
  afterEach(async () => {
    await Promise.all(working.splice(0).map((work) => work.close()));
  });
  afterAll(async () => {
    await engine.close();
    await testEngine.stop();
  });

  test.runIf(testEngine.name === "redis")(
    "at most 5.5 commands in a burst of settled payments, inbox included",
    async () => {
      const { adapter } = newKey();
      const keys = Array.from({ length: burst }, () => newKey({ adapter }));
      const redis = new Redis(testEngine.settings().redisUrl ?? "");
      const monitor = await redis.monitor();
      let commands = 0;
      monitor.on("monitor", (_time: string, _parameters: string[], source: string) => {
        if (source !== "lua") commands += 1;
      });
      for (let at = 0; at < burst; at += together) {
        const events = keys.slice(at, at + together).map((target): StoredEvent => ({
          target,
          webhook: "push",
          receivedAt: 1,
          event: { key: target.paymentId, type: "push", at: null },
        }));
        await seam.inbox.add(events);
      }
      const locate = async ({ data }: { readonly data: InboxJob }): Promise<undefined> => {
        const asks = data.events.map(({ target, receivedAt, event }) => ({
          key: target as PaymentKey,
          by: "webhook" as const,
          at: receivedAt,
          hint: event.key,
          journal: [{ at: receivedAt, kind: "received" }],
        }));
        await seam.looks.ask(asks, "patient");
        return undefined;
      };
      working.push(engine.work<InboxJob>("inbox", locate, { concurrency: 4, lost }));
      const { done } = lookers(adapter);
      await until(() => done() >= burst, "all looks");
      expect(commands).toBeGreaterThan(3 * burst);
      expect(commands / burst).toBeLessThanOrEqual(5.5);
      monitor.disconnect();
      await redis.quit();
    },
  );

  test.runIf(testEngine.name === "postgres")("at most 3.1 queries where there is always another one", async () => {
    const { adapter } = newKey();
    // Long, so that what beginning and ending cost (two dozen queries, two of each slot) does not count as the looks'.
    const long = 3 * burst;
    const keys = Array.from({ length: long }, () => newKey({ adapter }));
    const asks = keys.map((key) => ({ key, by: "webhook" as const, hint: key.paymentId }));
    for (let at = 0; at < long; at += together) await seam.looks.ask(asks.slice(at, at + together), "patient");
    const restore = countQueries();
    const { done } = lookers(adapter);
    await until(() => done() >= long, "all looks");
    expect(restore() / long).toBeLessThanOrEqual(3.1);
  });

  test.runIf(testEngine.name === "postgres")(
    "one connection of the process listens, however many queues it works",
    async ({ onTestFinished }) => {
      for (let at = 0; at < 5; at += 1) lookers(newKey().adapter);
      const client = new pg.Client({ connectionString: testEngine.settings().queueUrl });
      await client.connect();
      onTestFinished(() => client.end());
      const listening = async (): Promise<number> => {
        const all =
          "SELECT pid FROM pg_stat_activity WHERE query LIKE '%LISTEN bullmq_jobs%' AND pid <> pg_backend_pid()";
        return (await client.query(all)).rowCount ?? 0;
      };
      // The server shows what a connection asked last: between two questions it may be something else.
      const seen: number[] = [];
      const heard = async (): Promise<boolean> => {
        const now = await listening();
        if (now > 0) seen.push(now);
        return seen.length >= 3;
      };
      await until(heard, "somebody to listen");
      expect(Math.max(...seen)).toBe(1);
    },
  );
});

/** Counts what is asked of the database in this process. @returns what ends that, and answers how many it was. */
function countQueries(): () => number {
  const { prototype } = pg.Client;
  const original = prototype.query as (...parameters: unknown[]) => unknown;
  let count = 0;
  Object.assign(prototype, {
    query(this: pg.Client, ...parameters: unknown[]) {
      count += 1;
      return original.apply(this, parameters);
    },
  });
  return () => {
    Object.assign(prototype, { query: original });
    return count;
  };
}
