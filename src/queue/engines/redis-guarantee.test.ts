import { EventEmitter } from "node:events";
import type { Redis } from "ioredis";
import { expect, test, vi } from "vitest";
import { insistOnFitness } from "./redis-guarantee.ts";

/** A connection that answers everything with this. */
function answering(answer: () => Promise<unknown>, status = "ready"): Redis {
  const commands = { call: answer, bzpopmin: answer, eval: answer, evalsha: answer };
  return Object.assign(new EventEmitter(), commands, { status }) as unknown as Redis;
}

const options = () => ({
  prefix: "{any}",
  mostMs: 1_000,
  log: { warn: vi.fn<() => void>(), error: vi.fn<() => void>() },
});
const evicting = async (): Promise<unknown> => ["maxmemory-policy", "allkeys-lru"];

test("a Redis that evicts stops the start, and is told where it comes later", async () => {
  await expect(insistOnFitness(answering(evicting), options())).rejects.toThrow("set maxmemory-policy noeviction");
  const later = options();
  const connection = answering(evicting, "connecting");
  await insistOnFitness(connection, later);
  connection.emit("ready");
  await vi.waitFor(() => expect(later.log.error).toHaveBeenCalledWith(expect.anything(), "queue.unfit"));
});

test("a Redis that changes hands while it is asked does not stop the start, and is asked again", async () => {
  let answer = async (): Promise<unknown> => {
    throw new Error("Too many Cluster redirections. Last error: ReplyError: MOVED 9604 127.0.0.1:42961");
  };
  const { log, ...rest } = options();
  const connection = answering(async () => await answer());
  await insistOnFitness(connection, { ...rest, log });
  expect(log.warn).toHaveBeenCalledWith(expect.anything(), "queue.unchecked");
  connection.emit("ready");
  await vi.waitFor(() => expect(connection.listenerCount("ready")).toBe(1));
  answer = evicting;
  connection.emit("ready");
  await vi.waitFor(() => expect(log.error).toHaveBeenCalledWith(expect.anything(), "queue.unfit"));
});
