import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import pg from "pg";
import { pino } from "pino";
import { describe, test } from "vitest";
import type { PaymentKey } from "../../src/contract/adapter.ts";
import { type EngineSettings, openEngine } from "../../src/queue/engine.ts";
import { laneName } from "../../src/queue/names.ts";
import { createSeam } from "../../src/queue/seam.ts";
import { type ServerEngine, serverEngines } from "../support/engines.ts";
import { openPassage } from "../support/passage.ts";
import { until } from "../support/until.ts";

const second = 1_000;
const silent = pino({ level: "silent" });

const newKey = (): PaymentKey => ({
  adapter: "failover",
  merchant: "acme",
  channel: "se",
  orderId: "o_1",
  paymentId: `p_${randomUUID()}`,
});

/** The engine's settings, by way of another port. */
function by(port: number, { redisUrl, queueUrl, dataDir }: EngineSettings): EngineSettings {
  const moved = (url: string): string => url.replace(/(127\.0\.0\.1:)\d+/, `$1${port}`);
  if (redisUrl !== undefined) return { redisUrl: moved(redisUrl), dataDir };
  return { queueUrl: moved(queueUrl ?? ""), dataDir };
}

function portOf({ redisUrl, queueUrl }: EngineSettings): number {
  return Number(new URL(redisUrl ?? queueUrl ?? "").port);
}

/** The second server takes over what the first one has, which turns into one that only reads and closes no connection. */
async function demote(first: ServerEngine, other: ServerEngine): Promise<void> {
  const { redisUrl, queueUrl } = first.settings();
  if (redisUrl === undefined) {
    const ask = async (...queries: readonly string[]): Promise<unknown> => {
      const client = new pg.Client({ connectionString: queueUrl });
      await client.connect();
      let rows: unknown;
      for (const query of queries) ({ rows } = await client.query(query));
      await client.end();
      return rows;
    };
    await ask("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()");
    // A server reads its settings when it comes to it, and tells its sessions before it takes the next one: until then it would take an add
    // that the other knows nothing of.
    const only = async (): Promise<boolean> =>
      JSON.stringify(await ask("SHOW default_transaction_read_only")).includes('"on"');
    await until(only, "it to only read");
    return;
  }
  const [old, next] = [new Redis(redisUrl), new Redis(other.settings().redisUrl ?? "")];
  await next.replicaof("127.0.0.1", portOf(first.settings()));
  await until(async () => (await next.info("replication")).includes("master_link_status:up"), "a replica");
  await next.replicaof("NO", "ONE");
  await old.replicaof("127.0.0.1", portOf(other.settings()));
  await Promise.all([old.quit(), next.quit()]);
}

describe.concurrent("a primary that was demoted and keeps its connections", () => {
  const others = serverEngines();
  test.for(serverEngines().map((first, at) => ({ name: first.name, first, other: others[at] ?? first })))(
    "$name is left for the new one within seconds, and looks go on",
    { timeout: 300 * second },
    async ({ first, other }, { onTestFinished }) => {
      for (const server of [first, other]) {
        onTestFinished(() => server.stop());
        await server.start();
      }
      // A standby has what the primary has: tables and functions, at least.
      await (await openEngine(other.settings(), silent)).close();
      const passage = await openPassage(portOf(first.settings()));
      onTestFinished(() => passage.close());
      const engine = await openEngine(by(passage.port, first.settings()), silent);
      onTestFinished(() => engine.close());
      const seam = createSeam(engine);
      const looked = new Set<string>();
      const work = engine.work<PaymentKey>(
        laneName("failover"),
        async ({ data: { paymentId } }) => void looked.add(paymentId),
        { concurrency: 4, lost: async () => undefined },
      );
      onTestFinished(() => work.close());
      const ask = async (key: PaymentKey): Promise<boolean> =>
        await seam.looks.ask([{ key, by: "webhook" }], "prompt").then(
          () => true,
          () => false,
        );
      const before = newKey();
      await until(async () => await ask(before), "an add");
      await until(() => looked.has(before.paymentId), "the look before");
      passage.lead(portOf(other.settings()));
      await demote(first, other);
      const after = newKey();
      await until(async () => await ask(after), "an add to be taken");
      await until(() => looked.has(after.paymentId), "the look after", 80 * second);
      await engine.ping();
      await seam.timers.set(newKey(), Date.now() + 3_600 * second);
    },
  );
});

// A failover to another host closes nothing: the kernel would hold on to the old connections for a quarter of an hour.
describe.concurrent("a server that vanishes without closing its connections, and is there again at once", () => {
  test.for(serverEngines())(
    "$name takes adds again within seconds, and looks go on",
    { timeout: 300 * second },
    async (server: ServerEngine, { expect, onTestFinished }) => {
      onTestFinished(() => server.stop());
      await server.start();
      const passage = await openPassage(portOf(server.settings()));
      onTestFinished(() => passage.close());
      const engine = await openEngine(by(passage.port, server.settings()), silent);
      onTestFinished(() => engine.close());
      const seam = createSeam(engine);
      const looked = new Set<string>();
      const look = async (paymentId: string): Promise<undefined> => {
        looked.add(paymentId);
        return undefined;
      };
      const work = engine.work<PaymentKey>(laneName("failover"), ({ data }) => look(data.paymentId), {
        concurrency: 4,
        lost: async () => undefined,
      });
      onTestFinished(() => work.close());
      const before = newKey();
      await seam.looks.ask([{ key: before, by: "webhook" }], "prompt");
      await seam.timers.set(before, Date.now() + 3_600 * second);
      await until(() => looked.has(before.paymentId), "the look before");

      passage.silence();
      const patient = seam.timers.set(newKey(), Date.now() + 3_600 * second).then(
        () => "set",
        () => "refused",
      );
      const after = newKey();
      const taken = async (): Promise<boolean> =>
        await seam.looks.ask([{ key: after, by: "webhook" }], "prompt").then(
          () => true,
          () => false,
        );
      await until(taken, "an add to be taken", 20 * second);
      await until(() => looked.has(after.paymentId), "the look after", 80 * second);
      // Redis sends it again over a new connection. PostgreSQL says that it failed, unless its pool took a connection that was new.
      // Neither leaves a worker hanging.
      expect(server.name === "redis" ? ["set"] : ["refused", "set"]).toContain(await patient);
      await seam.timers.set(newKey(), Date.now() + 3_600 * second);
    },
  );
});
