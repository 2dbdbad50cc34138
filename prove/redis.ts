import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";
import { freePort } from "../test/support/ports.ts";
import type { ProvenEngine } from "./engines.ts";
import { openPower } from "./power.ts";
import { endFor, folderOf, freezeFor, programOf, serverOf } from "./servers.ts";

/** A server whose append-only file is all that it has. */
export function redisParameters(port: number, folder: string, fsync: "always" | "everysec" | "no"): string[] {
  return [
    `--port ${port} --bind 127.0.0.1 --dir ${folder} --appendonly yes --appendfsync ${fsync}`.split(" "),
    "--maxmemory-policy noeviction --loglevel warning".split(" "),
    ["--save", ""],
  ].flat();
}

/** One Redis. */
export async function openRedis(fsync: "always" | "everysec"): Promise<ProvenEngine> {
  const program = programOf("redis-server");
  const port = await freePort();
  const folder = folderOf("redis");
  const power = openPower();
  const server = serverOf(program, redisParameters(port, folder, fsync), port, { env: power?.environment });
  await server.start();
  const pulled = { times: 0, bytes: 0 };
  const admin = new Redis({ port, host: "127.0.0.1", maxRetriesPerRequest: 1, retryStrategy: () => 200 });
  admin.on("error", () => undefined);
  const ask = async (...command: [string, ...string[]]): Promise<unknown> =>
    await admin.call(...command).catch(() => undefined);
  return {
    name: fsync === "always" ? "redis" : "redis-everysec",
    promise: fsync === "always" ? "survives power loss (appendfsync always)" : "may lose its last second (everysec)",
    port,
    environment: (way) => ({ REDIS_URL: `redis://127.0.0.1:${way}` }),
    notes: () => [
      power === undefined
        ? "no C compiler: the plug was not pulled"
        : `the plug was pulled ${pulled.times} times, ${pulled.bytes} bytes that had not been synced are gone`,
    ],
    troubles: [
      {
        name: "Redis's plug pulled, and back",
        weight: power === undefined ? 0 : 4,
        // By appendfsync everysec a second may be gone.
        ...(fsync === "always" ? {} : { forgetsMs: 1_000 }),
        async strike(chance) {
          await server.end("SIGKILL");
          pulled.times += 1;
          pulled.bytes += power?.cut(folder) ?? 0;
          await pause(chance.between(0, 2_500));
          await server.start();
        },
      },
      {
        name: "Redis killed, and back",
        weight: 4,
        // What a process has written survives its death.
        recoversFrom: "back",
        strike: async (chance) => await endFor(server, "SIGKILL", chance.between(0, 2_500)),
      },
      {
        name: "Redis frozen",
        weight: 3,
        strike: async (chance) => await freezeFor(server, chance.between(200, 5_000)),
      },
      {
        name: "Redis full",
        weight: 3,
        async strike(chance) {
          await ask("CONFIG", "SET", "maxmemory", "1mb");
          await pause(chance.between(500, 3_000));
          await ask("CONFIG", "SET", "maxmemory", "0");
        },
      },
      {
        name: "Redis demoted, connections kept",
        weight: 3,
        async strike(chance) {
          await ask("REPLICAOF", "127.0.0.1", String(await freePort()));
          await pause(chance.between(500, 4_000));
          await ask("REPLICAOF", "NO", "ONE");
        },
      },
      {
        name: "Redis forgets its scripts",
        weight: 2,
        strike: async () => void (await ask("SCRIPT", "FLUSH")),
      },
      {
        name: "Redis empty",
        weight: 0.1,
        forgetsMs: 60_000,
        strike: async () => void (await ask("FLUSHALL")),
      },
    ],
    async stop() {
      admin.disconnect();
      await server.end("SIGKILL");
    },
  };
}
