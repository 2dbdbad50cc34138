import { inspect } from "node:util";
import { Redis } from "ioredis";
import pg from "pg";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openProxy } from "../../prove/proxy.ts";
import { createLog } from "../../src/lib/log.ts";
import { type Engine, openEngine } from "../../src/queue/engine.ts";
import { createSeam } from "../../src/queue/seam.ts";
import { keepSchedule } from "../../src/queue/sweeps.ts";
import { type ServerEngine, serverEngines } from "../support/engines.ts";
import { newKey } from "../support/payments.ts";
import { until } from "../support/until.ts";

const silent = pino({ level: "silent" });
const dataDir = "unused";

const addresses: readonly (readonly [string, "redisUrl" | "queueUrl", string])[] = [
  ["no URL", "redisUrl", "redis://:geheim#1@host:6379"],
  ["a slash in the password", "redisUrl", "redis://user:geheim/1@host:6379"],
  ["a lone per cent", "redisUrl", "redis://user:geheim%zz@host:6379"],
  ["another scheme", "redisUrl", "http://user:geheim@host"],
  ["a second node that is none", "redisUrl", "redis://user:geheim@host:6379,geheim"],
  ["no host", "redisUrl", "redis://"],
  ["no URL", "queueUrl", "postgres://user:geheim#1@host/db"],
  ["a lone per cent", "queueUrl", "postgres://user:geheim%zz@host/db"],
  ["another scheme", "queueUrl", "mysql://user:geheim@host/db"],
  ["an sslmode that is none", "queueUrl", "postgres://user:geheim@host/db?sslmode=perhaps"],
];

test.each(addresses)("%s in %s is told in words, and nothing of it is printed", async (_, setting, url) => {
  const error: unknown = await openEngine({ dataDir, [setting]: url }, silent).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Error);
  const told = inspect(error, { depth: 10, showHidden: true });
  expect(told).toContain(setting === "redisUrl" ? "REDIS_URL: " : "QUEUE_URL: ");
  expect(told).not.toContain("geheim");
});

describe.each(serverEngines())("in bad hours $name", (testEngine: ServerEngine) => {
  let engine: Engine;
  const { name } = testEngine;

  /** Has the server take no more writes, or take them again. */
  async function readOnly(only: boolean): Promise<void> {
    const { redisUrl, queueUrl } = testEngine.settings();
    if (redisUrl !== undefined) {
      const redis = new Redis(redisUrl);
      await (only ? redis.replicaof("127.0.0.1", 1) : redis.replicaof("NO", "ONE"));
      await redis.quit();
      return;
    }
    const client = new pg.Client({ connectionString: queueUrl });
    await client.connect();
    await client.query("SET default_transaction_read_only = off");
    await client.query(`ALTER DATABASE postgres SET default_transaction_read_only = ${only ? "on" : "off"}`);
    // Who is connected keeps what it had: a primary that became a replica ends its sessions.
    if (only)
      await client.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()");
    await client.end();
  }

  beforeAll(async () => {
    await testEngine.start();
    engine = await openEngine(testEngine.settings(), silent);
  }, 300_000);
  afterAll(async () => {
    await engine.close();
    await testEngine.stop();
  });

  test("is not ready while it only reads, and is used again once it writes, without a restart", async () => {
    const seam = createSeam(engine);
    await engine.ping();
    await readOnly(true);
    await until(
      async () =>
        await engine.ping().then(
          () => false,
          () => true,
        ),
      "it not to be ready",
    );
    await expect(seam.looks.ask([{ key: newKey(), by: "webhook" }], "prompt")).rejects.toMatchObject({
      kind: "QueueUnavailable",
    });
    await readOnly(false);
    await until(
      async () =>
        await engine.ping().then(
          () => true,
          () => false,
        ),
      "it to be ready",
    );
    await until(
      async () =>
        await seam.looks.ask([{ key: newKey(), by: "webhook" }], "prompt").then(
          () => true,
          () => false,
        ),
      "a look to be asked for",
    );
    await seam.looks.ask([{ key: newKey(), by: "webhook" }], "patient");
  });

  // What waits for the answer to something else ends up beside it: ioredis' own pipelines do not know commands that BullMQ defines later, and
  // whoever is in one after such a command gets the answer to somebody else's question.
  test.runIf(name === "redis")(
    "is asked each thing by itself, however slow it is to answer the one before",
    async () => {
      const sent: string[] = [];
      const { port } = new URL(testEngine.settings().redisUrl ?? "");
      const proxy = await openProxy([Number(port)], (piece, way) => void (way === "up" && sent.push(piece.toString())));
      const slow = await openEngine({ dataDir, redisUrl: `redis://127.0.0.1:${proxy.port}` }, silent);
      const answers = [];
      testEngine.freeze();
      try {
        for (const asked of ["the one", "the other"]) {
          answers.push(slow.store("patient").get("probe", asked));
          await until(() => sent.some((piece) => piece.includes(asked)), `${asked} to be asked for`, 10_000);
        }
      } finally {
        testEngine.thaw();
      }
      expect(await Promise.all(answers)).toEqual([undefined, undefined]);
      await slow.close();
      await proxy.close();
    },
  );

  test.runIf(name === "redis")("that takes a probe and refuses what is added is not ready", async () => {
    const { redisUrl = "" } = testEngine.settings();
    const redis = new Redis(redisUrl);
    const rights = async (...rules: string[]): Promise<unknown> =>
      await redis.call("ACL", ["SETUSER", "adder", "on", ">secret", "~*", "&*", ...rules]);
    await rights("+@all");
    const settings = { dataDir, redisUrl: redisUrl.replace("redis://", "redis://adder:secret@") };
    const limited = await openEngine(settings, silent);
    const { inbox } = createSeam(limited);
    await inbox.add([]);
    await limited.ping();
    await rights("-evalsha", "-eval");
    for (const _ of ["one", "two", "three"])
      await expect(inbox.add([])).rejects.toMatchObject({ kind: "QueueUnavailable" });
    await expect(limited.ping()).rejects.toMatchObject({ kind: "QueueUnavailable" });
    await rights("+@all");
    await inbox.add([]);
    await limited.ping();
    await limited.close();
    await redis.quit();
  });

  test.runIf(name === "redis")("that refuses a worker its jobs is told of, and used again by itself", async () => {
    const { redisUrl = "" } = testEngine.settings();
    const redis = new Redis(redisUrl);
    const rights = async (...rules: string[]): Promise<unknown> =>
      await redis.call("ACL", ["SETUSER", "taker", "on", ">secret", "~*", "&*", ...rules]);
    await rights("+@all");
    const lines: string[] = [];
    const log = createLog("info", { write: (line: string) => void lines.push(line) });
    const taken: string[] = [];
    const limited = await openEngine({ dataDir, redisUrl: redisUrl.replace("redis://", "redis://taker:secret@") }, log);
    const work = limited.work<{ name: string }>("taken", async ({ data }) => void taken.push(data.name), {
      concurrency: 1,
      lost: async () => undefined,
    });
    const add = async (one: string): Promise<unknown> =>
      await engine.queue<{ name: string }>("taken", "patient").add("job", { name: one });
    await add("before");
    await until(() => taken.includes("before"), "a job");
    // What only the worker itself asks for.
    await rights("-bzpopmin");
    await add("meanwhile");
    const told = (line: string): boolean => line.includes('"msg":"queue.troubled"') && line.includes("bzpopmin");
    await until(() => lines.some(told), "it to be told");
    await rights("+@all");
    await add("after");
    await until(() => taken.length === 3, "the jobs to be taken all the same");
    await work.close();
    await limited.close();
    await redis.quit();
  });

  test.runIf(name === "postgres")("whose schema was dropped is made anew, and that is told", async () => {
    const lines: string[] = [];
    const log = pino({ level: "info" }, { write: (line: string) => void lines.push(line) });
    const opened = await openEngine({ ...testEngine.settings(), pruneMs: 100 }, log);
    const { inbox, letters } = createSeam(opened);
    const client = new pg.Client({ connectionString: testEngine.settings().queueUrl });
    client.on("error", () => undefined);
    await client.connect();
    for (const sql of ["DROP TABLE bullmq.psp_record, bullmq.psp_note", "DROP SCHEMA bullmq CASCADE"]) {
      await client.query(sql);
      const takes = async (): Promise<boolean> => {
        const work = [inbox.add([]), opened.ping(), letters.count()];
        return (await Promise.allSettled(work)).every(({ status }) => status === "fulfilled");
      };
      await until(takes, "it to take what is added");
    }
    expect(lines.filter((line) => line.includes('"msg":"queue.remade"')).length).toBeGreaterThanOrEqual(2);
    await client.end();
    await opened.close();
  });

  test.runIf(name === "redis")("that comes back empty gets its schedule again, and that is told", async () => {
    let restored = 0;
    const end = await keepSchedule(engine, 200, () => (restored += 1));
    const redis = new Redis(testEngine.settings().redisUrl ?? "");
    await redis.flushall();
    await until(() => restored > 0, "the schedule");
    expect(await engine.queue("sweeps", "patient").getJobScheduler("sweep")).toBeDefined();
    end();
    await redis.quit();
  });

  test.runIf(name === "redis")(
    "that forgets when its memory is full stops the start; so does a right that is missing",
    async () => {
      const { redisUrl = "" } = testEngine.settings();
      const redis = new Redis(redisUrl);
      await redis.config("SET", "maxmemory-policy", "volatile-lru");
      await expect(openEngine(testEngine.settings(), silent)).rejects.toThrow("volatile-lru");
      await redis.config("SET", "maxmemory-policy", "noeviction");
      const rights = ["~*", "&*", "+@all"];
      for (const [refused, ...without] of [
        ["INFO", "-info"],
        ["ZADD", "-zadd"],
        ["BZPOPMIN", "-bzpopmin"],
      ]) {
        await redis.call("ACL", ["SETUSER", "worker", "reset", "on", ">secret", ...rights, ...without]);
        const settings = { dataDir, redisUrl: redisUrl.replace("redis://", "redis://worker:secret@") };
        await expect(openEngine(settings, silent)).rejects.toThrow(`may not run ${refused}`);
      }
      // Who may not see the settings may start.
      await redis.call("ACL", ["SETUSER", "worker", "reset", "on", ">secret", ...rights, "-config"]);
      const hidden = await openEngine(
        { dataDir, redisUrl: redisUrl.replace("redis://", "redis://worker:secret@") },
        silent,
      );
      expect(await hidden.guarantee()).toMatchObject({ level: "unknown" });
      await hidden.close();
      await redis.quit();
    },
  );
});
