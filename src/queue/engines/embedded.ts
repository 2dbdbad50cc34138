import { EventEmitter } from "node:events";
import { chmodSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { PGlite, type Results } from "@electric-sql/pglite";
import { createPostgresBackend, Queue, runMigrations, Worker } from "bullmq";
import type { Logger } from "../../lib/log.ts";
import { engineOn, keepPruned, usualPruneMs } from "./bull.ts";
import { hookOf, workerDefaults } from "./defaults.ts";
import { grantsOn } from "./grants.ts";
import { createPostgresNotes } from "./postgres-notes.ts";
import { deleteExpired, storeSchema } from "./postgres-schema.ts";
import { createPostgresStore, createTrimming, type Sql } from "./postgres-store.ts";
import { type Engine, type EngineSettings, placesOf } from "../engine.ts";

/** How long what was written to see whether it can be is kept. */
const probeMs = 60_000;

/** PostgreSQL's usual 128 MB are for a server: here they are memory of this process, which it touches at its start. */
const startParams = [...PGlite.defaultStartParams, "-c", "shared_buffers=16MB"];

/**
 * BullMQ on a PostgreSQL that runs in this process (PGlite, WebAssembly): for development and demos, so that a fresh machine needs
 * nothing but npm. Survives the death of the process, not power loss: it never syncs.
 * @throws Error in plain words when another process has the folder.
 */
export async function openEmbedded(
  { dataDir, sandbox = false, pruneMs = usualPruneMs, telemetry }: EngineSettings,
  log: Logger,
): Promise<Engine> {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  chmodSync(dataDir, 0o700);
  const lock = takeLock(dataDir);
  const folder = join(dataDir, "queue");
  if (sandbox) rmSync(folder, { recursive: true, force: true });
  const database = await PGlite.create(folder, { startParams });
  const pool = poolOver(database);
  const { postgres: schema } = placesOf({});
  await runMigrations(await pool.connect(), schema);
  await database.exec(`SET search_path TO ${schema}; BEGIN; ${storeSchema}; COMMIT`);
  const sql: Sql = async (text, parameters) => await database.query(text, [...(parameters ?? [])]);
  const trim = createTrimming(sql);
  const store = createPostgresStore(sql, trim);
  const notes = createPostgresNotes(sql, trim);
  const pruning = keepPruned(async () => await sql(deleteExpired), pruneMs);
  return engineOn(
    {
      kind: "embedded",
      stores: { prompt: store, patient: store },
      notes: { prompt: notes, patient: notes },
      makeQueue: (name) => new Queue(name, { connection: pool, ...hookOf(telemetry) }, createPostgresBackend),
      makeWorker(name, processor, options) {
        const { grants, make } = grantsOn(createPostgresBackend);
        const settings = { ...workerDefaults, ...options, ...hookOf(telemetry), connection: pool };
        return { worker: new Worker(name, processor as () => Promise<void>, settings, make), grants };
      },
      guarantee: async () => ({
        level: "process",
        text: `an acknowledged webhook in ${dataDir} survives the death of this process, not power loss: for development and demos`,
      }),
      faults: async () => [],
      async ping() {
        // A write: ready is who stores.
        await store.put("probe", "probe", true, probeMs);
      },
      async close() {
        clearInterval(pruning);
        await database.close();
        lock.close();
      },
    },
    log,
  );
}

/**
 * PGlite takes no lock, and two processes on one folder destroy each other's jobs. SQLite's is the kernel's: it ends with the
 * process that holds it, however that dies, and needs no guess about whether a lock file is stale.
 */
function takeLock(dataDir: string): DatabaseSync {
  const lock = new DatabaseSync(join(dataDir, "lock"), { timeout: 0 });
  try {
    lock.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
    return lock;
  } catch (cause) {
    lock.close();
    throw new Error(
      `the embedded queue in ${dataDir} belongs to another process that is still running; stop it, or set REDIS_URL or QUEUE_URL to share a queue`,
      { cause },
    );
  }
}

/** What BullMQ needs of a `pg.Pool`, on the one session that PGlite has: no socket, no wire protocol. */
function poolOver(database: PGlite) {
  const clients = new Set<EventEmitter>();
  // LISTEN belongs to the session, and all clients share it: whoever listens hears every notification and picks its channel.
  database.onNotification((channel, payload) => {
    for (const client of clients) client.emit("notification", { channel, payload });
  });
  const query = async (text: string, parameters?: readonly unknown[]): Promise<Results<never>> =>
    parameters === undefined
      ? ((await database.exec(text)).at(-1) as Results<never>)
      : await database.query(text, [...parameters]);
  // Every queue and worker listens to the pool that they share.
  return Object.assign(new EventEmitter().setMaxListeners(0), {
    query,
    async connect() {
      const client = Object.assign(new EventEmitter(), { query, release: () => clients.delete(client) });
      clients.add(client);
      return client;
    },
    end: async () => undefined,
  });
}
