import { Redis } from "ioredis";
import pg from "pg";
import type { TestEngine } from "./engines.ts";
import type { TwinEngine } from "./twin.ts";

/** What a test does to a job behind its holder's back. */
export interface Meddler {
  /** As if so many of its holders had died. */
  stalled(queue: string, id: string, times: number): Promise<unknown>;
  /** The same of every job of a queue. Answers how many there are. */
  allStalled(queue: string, times: number): Promise<number>;
  /** Its lock ran out and somebody else has it now. */
  steal(queue: string, id: string): Promise<unknown>;
  /** The locks of all its jobs have run out, long enough ago for the next worker that begins to find them (a twin's only at its second check). Answers how many there were. */
  allRunOut(queue: string): Promise<number>;
  close(): Promise<unknown>;
}

/** Somebody on the engine's server itself, past everything that this service knows. */
export async function meddlerOf(testEngine: TestEngine | TwinEngine): Promise<Meddler> {
  if ("server" in testEngine) return meddlerIn(testEngine);
  const { redisUrl, queueUrl } = testEngine.settings();
  if (redisUrl !== undefined) {
    const redis = new Redis(redisUrl);
    const key = (queue: string, id: string): string => `{norce-psp}:${queue}:${id}`;
    return {
      stalled: (queue, id, times) => redis.hset(key(queue, id), "stc", times),
      async allStalled(queue, times) {
        let jobs = 0;
        for (const name of await redis.keys(`{norce-psp}:${queue}:*`)) {
          if ((await redis.type(name)) !== "hash" || (await redis.hexists(name, "data")) === 0) continue;
          jobs += await redis.hset(name, "stc", times).then(() => 1);
        }
        return jobs;
      },
      steal: (queue, id) => redis.set(`${key(queue, id)}:lock`, "somebody else's", "PX", 60_000),
      async allRunOut(queue) {
        const active = await redis.lrange(key(queue, "active"), 0, -1);
        if (active.length > 0) await redis.sadd(key(queue, "stalled"), ...active);
        const locks = await redis.del(key(queue, "stalled-check"), ...active.map((id) => `${key(queue, id)}:lock`));
        return Math.min(locks, active.length);
      },
      close: () => redis.quit(),
    };
  }
  const client = new pg.Client({ connectionString: queueUrl });
  await client.connect();
  const set = async (what: string, queue: string, id: string, value: unknown): Promise<unknown> =>
    await client.query(`UPDATE bullmq.job SET ${what} = $3 WHERE queue = $1 AND id = $2`, [queue, id, value]);
  return {
    stalled: (queue, id, times) => set("stalled_count", queue, id, times),
    async allStalled(queue, times) {
      const sql = "UPDATE bullmq.job SET stalled_count = $2 WHERE queue = $1";
      return (await client.query(sql, [queue, times])).rowCount ?? 0;
    },
    steal: (queue, id) => set("lock_token", queue, id, "somebody else's"),
    async allRunOut(queue) {
      await client.query("DELETE FROM bullmq.meta WHERE queue = $1 AND field = 'stalled-check'", [queue]);
      const sql = `UPDATE bullmq.job SET locked_until_ms = 0, stalled_marked = true
 WHERE queue = $1 AND state = 'active' AND lock_token IS NOT NULL`;
      return (await client.query(sql, [queue])).rowCount ?? 0;
    },
    close: () => client.end(),
  };
}

/** The same in a twin, which has no door that one could not see. */
function meddlerIn({ server }: TwinEngine): Meddler {
  return {
    async stalled(queue, id, times) {
      const job = server.queue(queue).jobs.get(id);
      if (job !== undefined) job.stalls = times;
    },
    async allStalled(queue, times) {
      const { jobs } = server.queue(queue);
      for (const job of jobs.values()) job.stalls = times;
      return jobs.size;
    },
    async allRunOut(queue) {
      const { locks } = server.queue(queue);
      const held = locks.size;
      locks.clear();
      return held;
    },
    steal: async (queue, id) =>
      server.queue(queue).locks.set(id, { token: "somebody else's", until: Date.now() + 60_000, holder: "somebody" }),
    close: async () => undefined,
  };
}
