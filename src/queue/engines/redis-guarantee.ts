import type { Cluster, Redis } from "ioredis";
import type { Logger } from "../../lib/log.ts";
import type { Guarantee } from "../engine.ts";
import { within } from "../within.ts";

type Connection = Redis | Cluster;

/** How Redis is set up is not what we need, in plain words: no later try changes it. */
class Unfit extends Error {}

/** How its fitness is asked for. */
export interface FitnessOptions {
  /** All our keys begin with it. */
  readonly prefix: string;
  /** How long the start waits for the answers. */
  readonly mostMs: number;
  readonly log: Pick<Logger, "warn" | "error">;
}

/**
 * Stops the start where Redis evicts or a right is missing. Where it is not there yet, or goes away or changes hands while it is asked, the start goes
 * on, and it is asked again once it is ready; what is found then is told.
 * @throws Error in plain words.
 */
export async function insistOnFitness(connection: Connection, { prefix, mostMs, log }: FitnessOptions): Promise<void> {
  const check = async (): Promise<void> => {
    await refuseEviction(connection);
    await insistOnRights(connection, prefix);
  };
  const checkLater = (): void => {
    connection.once("ready", () => {
      check().catch((error: unknown) => {
        if (error instanceof Unfit) log.error({ error }, "queue.unfit");
        else checkLater();
      });
    });
  };
  if (connection.status !== "ready") {
    checkLater();
    return;
  }
  try {
    await within(mostMs, check());
  } catch (error) {
    if (error instanceof Unfit) throw error;
    log.warn({ error }, "queue.unchecked");
    checkLater();
  }
}

async function setting(connection: Connection, name: string): Promise<string | undefined> {
  const answer: unknown = await connection.call("CONFIG", ["GET", name]);
  const value: unknown = Array.isArray(answer) ? answer[1] : undefined;
  return typeof value === "string" ? value : undefined;
}

/**
 * What is forgotten when memory is full would be what we owe.
 * @throws Error in plain words where Redis says that it evicts. Where it does not show its settings, nobody knows.
 */
async function refuseEviction(connection: Connection): Promise<void> {
  const policy = await setting(connection, "maxmemory-policy").catch(() => undefined);
  if (policy !== undefined && policy !== "noeviction") {
    throw new Unfit(
      `Redis forgets jobs and records when its memory is full (maxmemory-policy ${policy}): set maxmemory-policy noeviction`,
    );
  }
}

/** Every kind of command that BullMQ and the state store run, tried on a key of our own inside a script; what is forbidden says so. */
const rehearsal = `
local refused = {}
local function try(...)
  local answer = redis.pcall(...)
  if type(answer) == 'table' and answer.err and (string.find(answer.err, 'ermission') or string.find(answer.err, "The user executing the script")) then
    refused[#refused + 1] = ({ ... })[1]
  end
end
local key = KEYS[1]
try('SET', key, '1', 'PX', 1000) try('GET', key) try('EXISTS', key) try('PTTL', key) try('PEXPIRE', key, 1000)
try('INCR', key) try('INCRBY', key, 1) try('DEL', key)
try('HSET', key, 'a', '1') try('HGET', key, 'a') try('HGETALL', key) try('HMGET', key, 'a') try('HINCRBY', key, 'a', 1)
try('HEXISTS', key, 'a') try('HLEN', key) try('HDEL', key, 'a')
try('LPUSH', key, 'a') try('RPUSH', key, 'a') try('LRANGE', key, 0, -1) try('LLEN', key) try('LINDEX', key, 0)
try('LSET', key, 0, 'a') try('LREM', key, 1, 'b') try('LTRIM', key, 0, 9) try('RPOPLPUSH', key, key) try('LPOP', key)
try('RPOP', key) try('DEL', key)
try('ZADD', key, 1, 'a') try('ZCARD', key) try('ZCOUNT', key, 0, 9) try('ZRANGE', key, 0, -1)
try('ZRANGEBYSCORE', key, 0, 9) try('ZREVRANGEBYSCORE', key, 9, 0) try('ZSCORE', key, 'a') try('ZREM', key, 'a')
try('ZPOPMIN', key) try('ZREMRANGEBYRANK', key, 0, -1) try('DEL', key)
try('SADD', key, 'a') try('SMEMBERS', key) try('SREM', key, 'a') try('SCARD', key) try('DEL', key)
try('XADD', key, '*', 'a', '1') try('XTRIM', key, 'MAXLEN', 0) try('DEL', key) try('TIME')
return refused`;

/**
 * A right that is missing would be met one job at a time, and by then webhooks are acknowledged.
 * @throws Error that names what the Redis user may not do.
 */
async function insistOnRights(connection: Connection, prefix: string): Promise<void> {
  const key = `${prefix}:rights`;
  const refused: string[] = [];
  const attempt = async (name: string, work: () => Promise<unknown>): Promise<unknown> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith("NOPERM")) throw error;
      refused.push(name);
      return [];
    }
  };
  await attempt("INFO", () => connection.call("INFO", ["server"]));
  await attempt("BZPOPMIN", () => connection.bzpopmin(key, 0.01));
  const inside = await attempt("EVAL", () => connection.eval(rehearsal, 1, key));
  await attempt("EVALSHA", () => connection.evalsha("0".repeat(40), 1, key).catch(passNoScript));
  refused.push(...(inside as string[]));
  if (refused.length > 0) {
    throw new Unfit(
      `the Redis user may not run ${refused.join(", ")}: it needs them on keys that begin with ${prefix}`,
    );
  }
}

function passNoScript(error: unknown): void {
  if (!(error instanceof Error) || !error.message.startsWith("NOSCRIPT")) throw error;
}

/** What an acknowledgement survives, by what Redis says of itself. */
export async function redisGuarantee(connection: Connection): Promise<Guarantee> {
  try {
    if ((await setting(connection, "appendonly")) !== "yes") {
      return {
        level: "process",
        text: "Redis writes no append-only file: a restart of Redis may lose acknowledged webhooks. Set appendonly yes",
      };
    }
  } catch {
    return {
      level: "unknown",
      text: "Redis does not show its CONFIG, or is not there yet: whether it survives power loss, or evicts jobs when its memory is full, is unknown",
    };
  }
  const appendfsync = await setting(connection, "appendfsync");
  if (appendfsync === "always")
    return { level: "power-loss", text: "an acknowledged webhook survives power loss of Redis" };
  return {
    level: "last-second",
    text: `Redis syncs its file by itself (appendfsync ${appendfsync ?? "?"}): power loss may lose the last second. Set appendfsync always`,
  };
}

/** What would have stopped the start, in plain words. @throws Error where Redis does not answer. */
export async function redisFaults(connection: Connection, prefix: string): Promise<readonly string[]> {
  await connection.ping();
  const faultOf = async (insist: Promise<void>): Promise<readonly string[]> =>
    await insist.then(
      () => [],
      (error: unknown) => {
        if (error instanceof Unfit) return [error.message];
        throw error;
      },
    );
  return [...(await faultOf(refuseEviction(connection))), ...(await faultOf(insistOnRights(connection, prefix)))];
}
