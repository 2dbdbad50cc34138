import { expect, test } from "vitest";
import type { Engine } from "../../src/queue/engine.ts";
import { createCounts } from "../../src/queue/counts.ts";

test("operations that wait are counted among the jobs, as every queue is that people should watch", async () => {
  const queue = (name: string) => ({ getJobCounts: async () => ({ waiting: name === "operations" ? 3 : 0 }) });
  const store = () => ({ count: async () => 0 });
  const counts = await createCounts({ queue, store } as unknown as Engine)(["klarna-checkout", "klarna-checkout"]);
  expect(counts).toContainEqual({ queue: "operations", state: "waiting", jobs: 3 });
  const names = counts.map(({ queue: name }) => name);
  expect(names).toEqual(expect.arrayContaining(["inbox", "timers", "dead", "payments-klarna-checkout"]));
  expect(names).toHaveLength(new Set(names).size);
});
