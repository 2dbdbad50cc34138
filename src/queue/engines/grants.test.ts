import { setImmediate as turn } from "node:timers/promises";
import { type BackendFactory, type IQueueBackend, Worker } from "bullmq";
import { expect, onTestFinished, test, vi } from "vitest";
import { grantsOn } from "./grants.ts";

test("where jobs cannot be asked for, a worker leaves the process its time", async () => {
  let asked = 0;
  // What a pool says that has ended: no turn of the event loop lies between the question and the answer.
  const refuse = async (): Promise<never> => {
    asked += 1;
    // A loop without end would be heard of by nobody.
    if (asked > 10_000) return await new Promise<never>(() => undefined);
    throw new Error("Cannot use a pool after calling end on the pool");
  };
  const nothing = async (): Promise<void> => undefined;
  // What BullMQ asks besides is answered with nothing.
  const backend = new Proxy<Record<string, unknown>>(
    { moveToActive: refuse },
    { get: (known, name) => (name in known ? known[String(name)] : name === "then" ? undefined : nothing) },
  );
  const { make } = grantsOn((() => backend) as unknown as BackendFactory<IQueueBackend, never>);
  const errors = vi.fn<(error: Error) => void>();
  const worker = new Worker("any", async () => undefined, { connection: {}, skipStalledCheck: true }, make as never);
  worker.on("error", errors);
  onTestFinished(async () => await worker.close(true));
  await vi.waitUntil(() => errors.mock.calls.length > 0);
  for (let turns = 0; turns < 100; turns += 1) await turn();
  expect(asked).toBeLessThan(100);
});
