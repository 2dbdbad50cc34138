import { expect, test } from "vitest";
import { createMeters } from "./meters.ts";

test("the queues are read when the metrics are asked for, and everything else is told while they are away", async () => {
  const meters = createMeters();
  meters.webhook("any", "push", "received");
  meters.queues(() => Promise.resolve([{ queue: "dead", state: "waiting", jobs: 3 }]));
  expect(await meters.text()).toContain('norce_psp_jobs{queue="dead",state="waiting"} 3');
  meters.queues(() => Promise.reject(new Error("away")));
  expect(await meters.text()).toContain('norce_psp_webhooks_total{adapter="any",webhook="push",result="received"} 1');
});
