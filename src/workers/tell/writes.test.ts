import { pino } from "pino";
import { expect, test } from "vitest";
import { createWrites, type Writes } from "./writes.ts";

function writing(): { writes: Writes; said: string[] } {
  const said: string[] = [];
  const log = pino({}, { write: (line: string) => void said.push((JSON.parse(line) as { msg: string }).msg) });
  return { writes: createWrites(log, "it.failed"), said };
}

test("of failures in a row the first is told, and the first after it went well", async () => {
  const { writes, said } = writing();
  const failing = async (): Promise<void> => await Promise.reject(new Error("away"));
  let lost = 0;
  for (const work of [failing, failing, async () => undefined, failing]) {
    writes.add(work(), () => (lost += 1));
    await writes.close();
  }
  expect(said).toEqual(["it.failed", "it.failed"]);
  expect(lost).toBe(3);
});

test("whoever closes waits for what is under way", async () => {
  const { writes } = writing();
  const { promise, resolve } = Promise.withResolvers<void>();
  const ends: string[] = [];
  writes.add(promise.then(() => void ends.push("written")));
  const closed = writes.close().then(() => ends.push("closed"));
  setImmediate(resolve);
  await closed;
  expect(ends).toEqual(["written", "closed"]);
});
