import { expect, onTestFinished, test } from "vitest";
import { createMemoryStore } from "../test/support/memory-store.ts";
import { until } from "../test/support/until.ts";
import { keepBeating, startHealth } from "./health.ts";
import { createMeters } from "./lib/meters.ts";
import { createHeartbeats } from "./queue/heartbeats.ts";

test("a worker's own port says that it is alive, whether anything can be stored, and what was counted", async () => {
  let down = false;
  const ping = async (): Promise<void> => {
    if (down) throw new Error("the queue is away");
  };
  const health = await startHealth({ port: 0, meters: createMeters(), ping, log: { info: () => undefined } });
  onTestFinished(() => health.close());
  const status = async (path: string) => (await fetch(`http://127.0.0.1:${health.port}${path}`)).status;
  expect([await status("/health/live"), await status("/health/ready")]).toEqual([200, 200]);
  down = true;
  // A queue that is down is no reason to restart the process.
  expect([await status("/health/live"), await status("/health/ready?verbose=1")]).toEqual([200, 503]);
  const refused = await fetch(`http://127.0.0.1:${health.port}/health/ready`);
  expect([refused.headers.get("retry-after"), await refused.json()]).toEqual([
    "10",
    { code: "queue-unavailable", message: expect.any(String) as string },
  ]);
  expect(await (await fetch(`http://127.0.0.1:${health.port}/metrics`)).text()).toContain("norce_psp_look_seconds");
  expect([await status("/"), await status("/report"), await status("/constructor")]).toEqual([404, 404, 404]);
});

test("a worker is heard of until it stops", async () => {
  const heartbeats = createHeartbeats(createMemoryStore());
  const beating = keepBeating(heartbeats, () => ({ concurrency: 4, since: 1, config: "c" }));
  await until(async () => (await heartbeats.list()).length === 1, "the first beat");
  expect((await heartbeats.list())[0]?.facts).toEqual({ concurrency: 4, since: 1, config: "c" });
  await beating.close();
});
