import { getDefaultBackendFactory, Queue, Worker } from "bullmq";
import { Cluster, Redis, type RedisOptions } from "ioredis";
import { WorkerError } from "../../lib/errors.ts";
import type { Logger } from "../../lib/log.ts";
import { engineOn, promptMs, reachability } from "./bull.ts";
import { hookOf, workerDefaults } from "./defaults.ts";
import { grantsOn } from "./grants.ts";
import { within } from "../within.ts";
import { takePrinted } from "./printed.ts";
import { type RedisAddress, redisAddress } from "./redis-address.ts";
import { insistOnFitness, redisFaults, redisGuarantee } from "./redis-guarantee.ts";
import { createRedisNotes } from "./redis-notes.ts";
import { createRedisStore, defineScripts } from "./redis-store.ts";
import { type Engine, type EngineSettings, placesOf } from "../engine.ts";

type Connection = Redis | Cluster;

/** Reconnects quickly at first, never less than twice a second: nobody waits long for a queue that is back. */
const reconnect = (attempt: number): number => Math.min(50 * 2 ** Math.min(attempt, 5), 500);

/** How long what was written to see whether it can be is kept. */
const probeMs = 60_000;

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
 * to ten seconds. ioredis could gather what is asked in one turn (`enableAutoPipelining`) and must not: a pipeline does not know the commands that
 * BullMQ defines once it is there, and whoever is in it after them gets the answer to somebody else's question.
 */
const patient = {
  maxRetriesPerRequest: null,
  socketTimeout: 15_000,
} as const satisfies RedisOptions;

/**
 * BullMQ on Redis. Comes up also while Redis is down, and recovers by itself.
 * @throws Error in plain words where the address is none, a right is missing or Redis evicts; WorkerError `QueueUnavailable` where the sandbox's keys cannot be deleted, which it needs Redis for.
 */
export async function openRedis(
  url: string,
  {
    sandbox = false,
    group,
    telemetry,
    ...tls
  }: Pick<EngineSettings, "sandbox" | "group" | "ca" | "tlsInsecure" | "telemetry">,
  log: Logger,
): Promise<Engine> {
  const prefix = placesOf({ sandbox, group }).redis;
  const news = reachability("redis", log);
  const address = redisAddress(url, tls);
  const endPrinting = takePrinted(log);
  const connections = {
    prompt: defineScripts(connect(address, prompt)),
    patient: defineScripts(connect(address, patient)),
  };
  const disconnect = (): void => {
    for (const connection of Object.values(connections)) connection.disconnect();
    endPrinting();
  };
  for (const connection of Object.values(connections)) connection.on("error", news.lost).on("ready", news.found);
  // A Redis that is there is used from the first webhook on; one that is not must not hold up the start.
  await Promise.all(Object.values(connections).map((connection) => readyWithin(startMs, connection)));
  try {
    if (sandbox) await empty(connections.prompt, prefix);
    await insistOnFitness(connections.patient, { prefix, mostMs: startMs, log });
  } catch (error) {
    disconnect();
    throw error;
  }
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
          ...hookOf(telemetry),
          // Waiting to be ready, asking the version and writing the queue's meta data would all hang or fail while Redis is down.
          ...(temper === "prompt" ? { skipWaitingForReady: true, skipVersionCheck: true, skipMetasUpdate: true } : {}),
        }),
      makeWorker(name, processor, options) {
        const { grants, make } = grantsOn(getDefaultBackendFactory());
        const settings = {
          ...workerDefaults,
          ...options,
          ...hookOf(telemetry),
          connection: connections.patient,
          prefix,
        };
        return { worker: new Worker(name, processor as () => Promise<void>, settings, make), grants };
      },
      guarantee: () => redisGuarantee(connections.prompt),
      faults: () => redisFaults(connections.patient, prefix),
      async ping() {
        // A write, in the slot that our jobs are in: a server that only reads stores nothing.
        await connections.prompt.set(`${prefix}:probe`, "1", "PX", probeMs);
      },
      async close() {
        disconnect();
      },
    },
    log,
  );
}

/** Answers that mean "wrong server": a replica that was the primary until a moment ago, or a node that lost its cluster. */
const wrongServer = /^(READONLY|MASTERDOWN|CLUSTERDOWN|UNBLOCKED|NOREPLICAS)|-READONLY/;

/** Makes the connection anew, which finds the right server; the command fails, and whoever sent it repeats it. */
const reconnectOnError = (error: Error): 1 | false => (wrongServer.test(error.message) ? 1 : false);

function connect(
  { nodes, options: address, cluster }: RedisAddress,
  options: typeof prompt | typeof patient,
): Connection {
  const common = { ...options, ...address, reconnectOnError, connectTimeout: 2_000, keepAlive: 10_000 };
  const [node] = nodes;
  if (nodes.length === 1) return new Redis({ ...node, ...common, retryStrategy: reconnect });
  return new Cluster([...nodes], {
    ...cluster,
    enableOfflineQueue: !("enableOfflineQueue" in options),
    clusterRetryStrategy: reconnect,
    redisOptions: common,
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
