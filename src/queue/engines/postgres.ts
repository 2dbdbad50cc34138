import { createPostgresBackend, type PgPool, Queue, runMigrations, Worker } from "bullmq";
import pRetry from "p-retry";
import pg from "pg";
import { WorkerError } from "../../lib/errors.ts";
import type { Logger } from "../../lib/log.ts";
import type { Notes } from "../notes.ts";
import type { Store } from "../store.ts";
import { engineOn, keepPruned, promptMs, reachability, usualPruneMs } from "./bull.ts";
import { hookOf, workerDefaults } from "./defaults.ts";
import { grantsOn } from "./grants.ts";
import { createListening, type Listening } from "./listening.ts";
import { postgresAddress } from "./postgres-address.ts";
import { createPostgresNotes } from "./postgres-notes.ts";
import { deleteExpired, isGone, storeSchema } from "./postgres-schema.ts";
import { createPostgresStore, createTrimming, type Sql } from "./postgres-store.ts";
import { type Engine, type EngineSettings, type Guarantee, placesOf } from "../engine.ts";

/** How long what was written to see whether it can be is kept. */
const probeMs = 60_000;

/** How often reaching the database is tried at start-up, with pauses up to five seconds: about half a minute. */
const startTries = 8;

/** A server that vanishes without a word would hold a worker's query for a quarter of an hour, until the kernel gives up. */
const patientMs = 10_000;

/**
 * BullMQ on PostgreSQL. Brings the schema up to date; several processes may do so at once.
 * @throws WorkerError `QueueUnavailable` in plain words when the database cannot be reached for half a minute, or does not let us make our tables.
 */
export async function openPostgres(
  url: string,
  {
    sandbox = false,
    group,
    pruneMs = usualPruneMs,
    telemetry,
    ...tls
  }: Pick<EngineSettings, "sandbox" | "group" | "pruneMs" | "ca" | "tlsInsecure" | "telemetry">,
  log: Logger,
): Promise<Engine> {
  const schema = placesOf({ sandbox, group }).postgres;
  const news = reachability("postgres", log);
  const shared = { ...postgresAddress(url, tls), options: `-c search_path=${schema}`, keepAlive: true };
  const pool = (options: pg.PoolConfig): pg.Pool => {
    const made = new pg.Pool({ ...shared, ...options });
    // Every queue and worker listens to the pool that they share.
    made.setMaxListeners(0);
    made.on("error", news.lost).on("connect", (client) => {
      // A server that dies tells a client twice; the pool and BullMQ hear it once, and the second time would end the process.
      client.on("error", news.lost);
      news.found();
    });
    return made;
  };
  const prompt = pool({
    max: 10,
    connectionTimeoutMillis: promptMs,
    query_timeout: promptMs,
    statement_timeout: promptMs,
  });
  const patient = pool({ max: 10, connectionTimeoutMillis: patientMs, query_timeout: patientMs });
  const connect = async (options: pg.ClientConfig): Promise<pg.Client> => {
    const client = new pg.Client({ ...shared, connectionTimeoutMillis: patientMs, ...options });
    client.on("error", news.lost);
    await client.connect();
    news.found();
    return client;
  };
  const listening = createListening(async () => await connect({ query_timeout: patientMs }));
  const pools = {
    prompt: composePool(prompt, prompt),
    patient: composePool(patient, listening),
  };
  // A migration may take longer than a query.
  await pRetry(async () => await migrate(await connect({}), schema, sandbox), {
    retries: startTries,
    minTimeout: 250,
    maxTimeout: 5_000,
    onFailedAttempt: ({ error }) => news.lost(error),
  }).catch((cause: unknown) => {
    throw new WorkerError("QueueUnavailable", `QUEUE_URL: PostgreSQL could not be made ready: ${wordsOf(cause)}`, {
      cause,
    });
  });
  const states = { prompt: statesOn(prompt), patient: statesOn(patient) };
  /** What must be there is made again and again: somebody may have dropped it, or restored a database without it. */
  const remake = async (): Promise<void> => {
    // By a connection of its own: one that the pool keeps would go on as it began, with a server that only read.
    const client = await connect({ query_timeout: patientMs });
    try {
      const { rows } = await client.query<{ gone: boolean }>(isGone);
      if (rows[0]?.gone !== true) return;
    } finally {
      await client.end();
    }
    await migrate(await connect({}), schema, false);
    log.error({ engine: "postgres" }, "queue.remade");
  };
  let remaking: Promise<void> | undefined;
  const stand = async (): Promise<void> => {
    remaking ??= remake().finally(() => (remaking = undefined));
    await remaking;
  };
  const pruning = keepPruned(async () => {
    await stand();
    await patient.query(deleteExpired);
  }, pruneMs);
  return engineOn(
    {
      kind: "postgres",
      stores: { prompt: states.prompt.store, patient: states.patient.store },
      notes: { prompt: states.prompt.notes, patient: states.patient.notes },
      makeQueue: (name, temper) =>
        new Queue(name, { connection: pools[temper], ...hookOf(telemetry) }, createPostgresBackend),
      makeWorker(name, processor, options) {
        const { grants, make } = grantsOn(createPostgresBackend);
        const settings = { ...workerDefaults, ...options, ...hookOf(telemetry), connection: pools.patient };
        return { worker: new Worker(name, processor as () => Promise<void>, settings, make), grants };
      },
      guarantee: () => guaranteeOf(prompt),
      // A right that is missing there fails the migration at start.
      faults: async () => [],
      async ping() {
        // A write: a database that only reads stores nothing.
        try {
          await states.prompt.store.put("probe", "probe", true, probeMs);
        } catch (error) {
          void stand().catch(() => undefined);
          throw error;
        }
      },
      async close() {
        clearInterval(pruning);
        await Promise.all([prompt.end(), patient.end(), listening.end()]);
      },
    },
    log,
  );
}

/** A host with several addresses fails with an error for each, and no words of its own. */
function wordsOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(wordsOf).join("; ");
  return error instanceof Error ? error.message : String(error);
}

/** What BullMQ takes for a pool: queries go to one, connections that are kept come from another. */
function composePool(queries: pg.Pool, connections: pg.Pool | Listening): PgPool {
  const pool: unknown = new Proxy(queries, {
    get(target, name) {
      const owner = name === "connect" ? connections : target;
      const value: unknown = Reflect.get(owner, name, owner);
      return typeof value === "function" ? (value.bind(owner) as unknown) : value;
    },
  });
  return pool as PgPool;
}

/** @param fresh whether what is there is thrown away */
async function migrate(client: pg.Client, schema: string, fresh: boolean): Promise<void> {
  try {
    if (fresh) await client.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
    await runMigrations(Object.assign(client, { release: () => undefined }), schema);
    await client.query(`BEGIN; ${storeSchema}; COMMIT`);
  } finally {
    await client.end();
  }
}

/** What one pool's queries make of the state store. */
function statesOn(pool: pg.Pool): { readonly store: Store; readonly notes: Notes } {
  const sql: Sql = async (text, parameters) => await pool.query(text, [...(parameters ?? [])]);
  const trim = createTrimming(sql);
  return { store: createPostgresStore(sql, trim), notes: createPostgresNotes(sql, trim) };
}

async function guaranteeOf(pool: pg.Pool): Promise<Guarantee> {
  const { rows } = await pool.query<{ commit: string; sync: string }>(
    "SELECT current_setting('synchronous_commit') AS commit, current_setting('fsync') AS sync",
  );
  const [settings] = rows;
  if (settings?.sync === "on" && settings.commit !== "off" && settings.commit !== "local") {
    return { level: "power-loss", text: "an acknowledged webhook survives power loss of PostgreSQL" };
  }
  return {
    level: "last-second",
    text: `PostgreSQL does not wait for its disk (synchronous_commit ${settings?.commit ?? "?"}, fsync ${settings?.sync ?? "?"}): power loss may lose acknowledged webhooks`,
  };
}
