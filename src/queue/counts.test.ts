import { expect, onTestFinished, test } from "vitest";
import { createCounts } from "./counts.ts";
import type { Engine } from "./engine.ts";

test("an engine that fails each question, one after the other, fails whoever asked, and nobody else", async () => {
  const unheard: unknown[] = [];
  const hear = (reason: unknown): void => void unheard.push(reason);
  process.on("unhandledRejection", hear);
  onTestFinished(() => void process.off("unhandledRejection", hear));
  const { promise: letters, reject } = Promise.withResolvers<number>();
  const engine = {
    queue: () => ({ getJobCounts: async () => await Promise.reject(new Error("the queue is away")) }),
    store: () => ({ count: () => letters }),
  } as unknown as Engine;
  await expect(createCounts(engine)(["klarna-checkout"])).rejects.toMatchObject({ kind: "QueueUnavailable" });
  reject(new Error("so is the store"));
  // Who is not heard is told of at the end of a turn.
  await new Promise((turn) => void setImmediate(turn));
  expect(unheard).toEqual([]);
});
