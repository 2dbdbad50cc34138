import { getDefaultBackendFactory, Queue, Worker } from "bullmq";
import { Cluster, Redis, type RedisOptions } from "ioredis";
import { WorkerError } from "../../lib/errors.ts";
import type { Logger } from "../../lib/log.ts";
import { engineOn, prefix as usualPrefix, promptMs, reachability } from "./bull.ts";
import { holderDefaults, workerDefaults } from "./defaults.ts";
import { grantsOn } from "./grants.ts";
import { within } from "../within.ts";
import { createRedisNotes } from "./redis-notes.ts";
import { createRedisStore, scripted } from "./redis-store.ts";
import { type Engine, type EngineSettings, type Guarantee, sandboxPlaces } from "../engine.ts";

type Connection = Redis | Cluster;

/** Reconnects quickly at first, never less than twice a second: nobody waits long for a queue that is back. */
const reconnect = (attempt: number): number => Math.min(50 * 2 ** Math.min(attempt, 5), 500);

/** How long the start waits for Redis to be there. */
const startMs = 2_000;

/**
 * The ack path: a command that cannot be sent or is not answered fails, at once or after 800 ms. A server that vanishes without a word
 * (a failover, a firewall that forgets) leaves its connection open, and the kernel gives up on it only after a quarter of an hour: one
 * that owes an answer for `socketTimeout` is made anew.
 */
const prompt = {
  enableOfflineQueue: false,
  maxRetriesPerRequest: 1,
  commandTimeout: promptMs,
  socketTimeout: 2_000,
} as const satisfies RedisOptions;

/**
 * Workers: commands wait for the connection to come back. BullMQ insists on this for its blocking ones, which are rightly silent for up
 * to ten seconds.
 */
const patient = { maxRetriesPerRequest: null, socketTimeout: 15_000 } as const satisfies RedisOptions;

/**
 * BullMQ on Redis. Comes up also while Redis is down, and recovers by itself.
 * @throws WorkerError `QueueUnavailable` where the sandbox's keys cannot be deleted, which it needs Redis for.
 */
export async function openRedis(
  url: string,
  { sandbox = false }: Pick<EngineSettings, "sandbox">,
  log: Logger,
): Promise<Engine> {
  const prefix = sandbox ? sandboxPlaces.redis : usualPrefix;
  const news = reachability("redis", log);
  const connections = {
    prompt: scripted(connect(url, prompt)),
    patient: scripted(connect(url, patient)),
  };
  for (const connection of Object.values(connections)) connection.on("error", news.lost).on("ready", news.found);
  // A Redis that is there is used from the first webhook on; one that is not must not hold up the start.
  await Promise.all(Object.values(connections).map((connection) => readyWithin(startMs, connection)));
  if (sandbox) await empty(connections.prompt, prefix);
  return engineOn(
    {
      kind: "redis",
      stores: {
        prompt: createRedisStore(connections.prompt, prefix),
        patient: createRedisStore(connections.patient, prefix),
      },
      notes: {
        prompt: createRedisNotes(connections.prompt, prefix),
        patient: createRedisNotes(connections.patient, prefix),
      },
      makeQueue: (name, temper) =>
        new Queue(name, {
          connection: connections[temper],
          prefix,
          // Waiting to be ready, asking the version and writing the queue's meta data would all hang or fail while Redis is down.
          ...(temper === "prompt" ? { skipWaitingForReady: true, skipVersionCheck: true, skipMetasUpdate: true } : {}),
        }),
      makeWorker: (name, processor, options) =>
        new Worker(name, processor as () => Promise<void>, {
          ...workerDefaults,
          ...options,
          connection: connections.patient,
          prefix,
        }),
      makeHolder(name, processor, options) {
        const { grants, make } = grantsOn(getDefaultBackendFactory());
        const settings = { ...holderDefaults, ...options, connection: connections.patient, prefix };
        return { worker: new Worker(name, processor as () => Promise<void>, settings, make), grants };
      },
      guarantee: () => guaranteeOf(connections.prompt),
      async ping() {
        await connections.prompt.ping();
      },
      async close() {
        for (const connection of Object.values(connections)) connection.disconnect();
      },
    },
    log,
  );
}

function connect(urls: string, options: typeof prompt | typeof patient): Connection {
  const nodes = urls.split(",").map((url) => url.trim());
  const [url = ""] = nodes;
  const common = { ...options, connectTimeout: 2_000, keepAlive: 10_000 };
  if (nodes.length === 1) return new Redis(url, { ...common, retryStrategy: reconnect });
  const { password, username, protocol } = new URL(url);
  return new Cluster(nodes, {
    enableOfflineQueue: !("enableOfflineQueue" in options),
    clusterRetryStrategy: reconnect,
    redisOptions: {
      ...common,
      ...(password === "" ? {} : { password: decodeURIComponent(password) }),
      ...(username === "" ? {} : { username: decodeURIComponent(username) }),
      ...(protocol === "rediss:" ? { tls: {} } : {}),
    },
  });
}

async function readyWithin(ms: number, connection: Connection): Promise<void> {
  await within(ms, new Promise((resolve) => connection.once("ready", resolve))).catch(() => undefined);
}

/** Deletes what stands under a prefix, and nothing else, a thousand keys at a time. */
async function empty(connection: Connection, prefix: string): Promise<void> {
  try {
    if (connection.status !== "ready") throw new Error("not connected");
    for (const node of connection instanceof Cluster ? connection.nodes("master") : [connection]) {
      let cursor = "0";
      do {
        const [next, keys] = await node.scan(cursor, "MATCH", `${prefix}:*`, "COUNT", 1_000);
        if (keys.length > 0) await node.unlink(...keys);
        cursor = next;
      } while (cursor !== "0");
    }
  } catch (cause) {
    throw new WorkerError("QueueUnavailable", "Redis does not answer: the sandbox's queue could not be emptied", {
      cause,
    });
  }
}

async function guaranteeOf(connection: Connection): Promise<Guarantee> {
  const setting = async (name: string): Promise<unknown> => {
    const answer: unknown = await connection.call("CONFIG", ["GET", name]);
    return Array.isArray(answer) ? answer[1] : undefined;
  };
  try {
    if ((await setting("appendonly")) !== "yes") {
      return {
        level: "process",
        text: "Redis writes no append-only file: a restart of Redis may lose acknowledged webhooks. Set appendonly yes",
      };
    }
  } catch {
    return {
      level: "unknown",
      text: "Redis does not show its CONFIG, or is not there yet: whether it survives power loss is unknown",
    };
  }
  const [appendfsync, policy] = await Promise.all([setting("appendfsync"), setting("maxmemory-policy")]);
  if (policy !== "noeviction") {
    return {
      level: "unknown",
      text: `Redis may evict jobs when its memory is full (maxmemory-policy ${String(policy)}). Set maxmemory-policy noeviction`,
    };
  }
  if (appendfsync === "always")
    return { level: "power-loss", text: "an acknowledged webhook survives power loss of Redis" };
  return {
    level: "last-second",
    text: `Redis syncs its file by itself (appendfsync ${String(appendfsync)}): power loss may lose the last second. Set appendfsync always`,
  };
}
