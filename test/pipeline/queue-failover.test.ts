import { randomUUID } from "node:crypto";
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
