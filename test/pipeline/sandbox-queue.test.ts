import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { Redis } from "ioredis";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { createLog } from "../../src/lib/log.ts";
import { type Engine, openEngine } from "../../src/queue/engine.ts";
import type { PaymentKey } from "../../src/contract/adapter.ts";
import { inboxName, timersName } from "../../src/queue/names.ts";
import { createSeam, type InboxJob, type StoredEvent } from "../../src/queue/seam.ts";
import { type ServerEngine, serverEngines } from "../support/engines.ts";
import { freePort } from "../support/ports.ts";
import { openPlace } from "../support/processes.ts";
import { until } from "../support/until.ts";

const second = 1_000;
const minute = 60 * second;
const silent = createLog("silent");

/** An event of a merchant that no sandbox knows. */
function eventOf(orderId: string): StoredEvent {
  return {
    target: { adapter: "klarna-checkout", merchant: "acme", channel: "se", orderId, paymentId: "p_1" },
    webhook: "push",
    receivedAt: 0,
    event: { key: orderId, type: "push", at: null },
  };
}

/** Every key or row of a server, as text, without what changes by itself. */
async function contentsOf({ name, settings }: ServerEngine): Promise<string> {
  return name === "redis" ? await redisContents(settings().redisUrl) : await postgresContents(settings().queueUrl);
}

async function redisContents(url = ""): Promise<string> {
  const redis = new Redis(url);
  const keys = (await redis.keys("*")).filter((key) => !key.startsWith("{norce-psp-sandbox}:")).toSorted();
  const values = await Promise.all(keys.map((key) => redis.dumpBuffer(key)));
  redis.disconnect();
  return JSON.stringify(keys.map((key, index) => [key, values[index]?.toString("base64")]));
}

async function postgresContents(url = ""): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows: tables } = await client.query<{ name: string }>(
    "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'bullmq' ORDER BY 1",
  );
  const contents: unknown[] = [];
  for (const { name } of tables) contents.push(name, (await client.query(`SELECT * FROM bullmq."${name}"`)).rows);
  await client.end();
  return JSON.stringify(contents);
}

describe.each(serverEngines())("on $name", (server: ServerEngine) => {
  beforeAll(() => server.start(), 5 * minute);
  afterAll(() => server.stop());

  async function opened(sandbox: boolean): Promise<Engine> {
    return await openEngine({ ...server.settings(), sandbox }, silent);
  }

  /** Opens the real queue for a moment, without a worker. */
  async function real<T>(act: (engine: Engine) => Promise<T>): Promise<T> {
    const engine = await opened(false);
    try {
      return await act(engine);
    } finally {
      await engine.close();
    }
  }

  /** An event and a timer, such as a service leaves behind that was stopped. */
  async function leaveJobs(orderId: string): Promise<void> {
    await real(async (engine) => {
      const { inbox, timers } = createSeam(engine);
      const { target } = eventOf(orderId);
      await inbox.add([eventOf(orderId)]);
      await timers.set({ orderId, paymentId: "p_1", ...target }, Date.now() + 100);
    });
  }

  test("the sandbox has a namespace of its own, which is empty at each start", async () => {
    await leaveJobs(randomUUID());
    const before = await contentsOf(server);
    for (const _ of ["the first start", "the next start"]) {
      const engine = await opened(true);
      const inbox = engine.queue<InboxJob>(inboxName, "patient");
      expect(await inbox.getJobCounts("waiting", "delayed")).toEqual({ waiting: 0, delayed: 0 });
      // More than is deleted in one go.
      await inbox.addBulk(
        Array.from({ length: 3_000 }, () => ({ name: "events", data: { events: [eventOf("o_1")] }, opts: {} })),
      );
      await createSeam(engine).inbox.add([eventOf("o_1")]);
      await engine.close();
      expect(await contentsOf(server)).toBe(before);
    }
  });

  test("groups share nothing but the server", async () => {
    const groups = ["north", "south", undefined];
    const engines = await Promise.all(groups.map((group) => openEngine({ ...server.settings(), group }, silent)));
    onTestFinished(async () => void (await Promise.all(engines.map((engine) => engine.close()))));
    const seams = engines.map((engine) => createSeam(engine));
    const orders: string[] = groups.map(() => randomUUID());
    for (const [index, orderId] of orders.entries()) {
      // Patiently: a busy machine is no fault of theirs.
      const inbox = engines[index]?.queue<InboxJob>(inboxName, "patient");
      await inbox?.add("events", { events: [eventOf(orderId)] });
      await seams[index]?.locks.acquire("one", minute);
    }
    for (const [index, orderId] of orders.entries()) {
      const jobs = await engines[index]?.queue<InboxJob>(inboxName, "patient").getJobs(["waiting"]);
      const found = jobs?.flatMap(({ data }) => data.events.map(({ event }) => event.key)) ?? [];
      expect(found.filter((key) => orders.includes(key))).toEqual([orderId]);
      expect(await seams[index]?.locks.acquire("one", minute)).toBeUndefined();
    }
  });

  test("a job of the real queue is untouched by a sandbox that runs and stops", { timeout: 5 * minute }, async () => {
    const orderId = randomUUID();
    await leaveJobs(orderId);
    const before = await contentsOf(server);
    expect(before).toContain(server.name === "postgres" ? orderId : `{norce-psp}:${inboxName}:`);
    const place = await openPlace((clean) => onTestFinished(clean));
    rmSync(join(place.folder, "config.yaml"));
    const environment = { ...server.environment(), LOG_LEVEL: "info", PORT: String(await freePort()) };
    for (const _ of ["the first start", "the next start"]) {
      const { program } = await place.serve("start.ts", environment, ["--sandbox"]);
      await until(() => program.logged("payment.written").length > 5, "payments to be written", minute);
      expect(program.output()).toMatch(/^Sandbox: .*(Redis|PostgreSQL).*norce.psp.sandbox/m);
      expect((await program.says("config.read"))["queue"]).toBe(server.name);
      expect(await program.end("SIGTERM")).toEqual({ code: 0, signal: null });
      expect(program.output()).not.toContain(orderId);
      for (const message of ["event.dead", "payment.dead"]) expect(program.logged(message)).toEqual([]);
      expect(await contentsOf(server)).toBe(before);
    }
    await real(async (engine) => {
      const events = await engine.queue<InboxJob>(inboxName, "patient").getJobs(["waiting"]);
      expect(events.map(({ data }) => data.events[0]?.event.key)).toContain(orderId);
      const timers = await engine.queue<PaymentKey>(timersName, "patient").getJobs(["delayed"]);
      expect(timers.map(({ data }) => data.orderId)).toContain(orderId);
    });
  });
});
