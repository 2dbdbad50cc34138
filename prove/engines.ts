import { execFileSync } from "node:child_process";
import { chownSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";
import { postgresFolders } from "../test/support/binaries.ts";
import { unprivileged } from "../test/support/engines.ts";
import { freePort } from "../test/support/ports.ts";
import { openProxy } from "./proxy.ts";
import type { Chance } from "./random.ts";
import { endFor, folderOf, freezeFor, programOf, serverOf } from "./servers.ts";

/** Something that happens to an engine or to the network before it. */
export interface EngineTrouble {
  readonly name: string;
  /** How often, against the others. */
  readonly weight: number;
  /** Happens, and is over when it resolves. What it costs by the engine's own promise, in milliseconds before its beginning; 0: nothing. */
  strike(chance: Chance): Promise<void>;
  readonly forgetsMs?: number;
}

/** An engine with its servers, a proxy before it where it has one address, and what can happen to it. */
export interface ProvenEngine {
  readonly name: string;
  readonly promise: string;
  environment(): Record<string, string>;
  readonly troubles: readonly EngineTrouble[];
  stop(): Promise<void>;
}

export const engineNames = ["redis", "redis-everysec", "cluster", "postgres", "embedded"] as const;
export type EngineName = (typeof engineNames)[number];

/** Starts an engine's servers on free ports. @throws Error where its program is not installed. */
export async function openEngine(name: EngineName): Promise<ProvenEngine> {
  switch (name) {
    case "redis":
      return await openRedis("always");
    case "redis-everysec":
      return await openRedis("everysec");
    case "cluster":
      return await openCluster();
    case "postgres":
      return await openPostgres();
    case "embedded":
      return {
        name,
        promise: "survives the death of its process",
        environment: () => ({}),
        troubles: [],
        stop: async () => undefined,
      };
  }
}

function redisParameters(port: number, folder: string, fsync: "always" | "everysec"): string[] {
  return [
    `--port ${port} --bind 127.0.0.1 --dir ${folder} --appendonly yes --appendfsync ${fsync}`.split(" "),
    "--maxmemory-policy noeviction --loglevel warning".split(" "),
    ["--save", ""],
  ].flat();
}

async function openRedis(fsync: "always" | "everysec"): Promise<ProvenEngine> {
  const program = programOf("redis-server");
  const port = await freePort();
  const server = serverOf(program, redisParameters(port, folderOf("redis"), fsync), port);
  await server.start();
  const proxy = await openProxy([port]);
  const admin = new Redis({ port, host: "127.0.0.1", maxRetriesPerRequest: 1, retryStrategy: () => 200 });
  admin.on("error", () => undefined);
  const ask = async (...command: [string, ...string[]]): Promise<unknown> =>
    await admin.call(...command).catch(() => undefined);
  return {
    name: fsync === "always" ? "redis" : "redis-everysec",
    promise: fsync === "always" ? "survives power loss (appendfsync always)" : "may lose its last second (everysec)",
    environment: () => ({ REDIS_URL: `redis://127.0.0.1:${proxy.port}` }),
    troubles: [
      ...networkTroubles(proxy),
      {
        name: "Redis killed, and back",
        weight: 4,
        // What a process has written survives its death; only the machine's would take the last second.
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
        weight: 0.15,
        forgetsMs: 60_000,
        strike: async () => void (await ask("FLUSHALL")),
      },
    ],
    async stop() {
      admin.disconnect();
      await proxy.close();
      await server.end("SIGKILL");
    },
  };
}

function networkTroubles(proxy: Awaited<ReturnType<typeof openProxy>>): EngineTrouble[] {
  return [
    { name: "network: connections cut", weight: 6, strike: async () => void proxy.cut() },
    {
      name: "network: slow",
      weight: 4,
      async strike(chance) {
        proxy.slow(chance.between(20, 300));
        await pause(chance.between(500, 3_000));
        proxy.slow(0);
      },
    },
    {
      name: "network: silence",
      weight: 4,
      async strike(chance) {
        proxy.slow(Infinity);
        await pause(chance.between(500, 6_000));
        proxy.slow(0);
      },
    },
  ];
}

/** Three masters with a replica each; all of the service's keys are in one slot, so that one of them bears everything. */
async function openCluster(): Promise<ProvenEngine> {
  const program = programOf("redis-server");
  const nodes = await Promise.all(
    Array.from({ length: 6 }, async () => {
      const port = await freePort();
      const more = [
        "--cluster-enabled",
        "yes",
        "--cluster-node-timeout",
        "1500",
        "--cluster-port",
        String(await freePort()),
      ];
      const server = serverOf(program, [...redisParameters(port, folderOf("cluster"), "always"), ...more], port);
      await server.start();
      return { port, server };
    }),
  );
  const cli = programOf("redis-cli");
  execFileSync(
    cli,
    [
      "--cluster",
      "create",
      ...nodes.map(({ port }) => `127.0.0.1:${port}`),
      "--cluster-replicas",
      "1",
      "--cluster-yes",
    ],
    { stdio: "ignore" },
  );
  const ask = (port: number, ...command: readonly string[]): string => {
    try {
      return execFileSync(cli, ["-p", String(port), ...command], { encoding: "utf8", timeout: 5_000 }).trim();
    } catch {
      return "";
    }
  };
  const bearer = async (): Promise<(typeof nodes)[number] | undefined> => {
    const slot = ask(nodes[0]?.port ?? 0, "CLUSTER", "KEYSLOT", "{norce-psp}");
    for (const { port } of nodes) {
      const owner = ask(port, "CLUSTER", "NODES")
        .split("\n")
        .find((line) => line.includes("myself,master") && ownsSlot(line, Number(slot)));
      if (owner !== undefined) return nodes.find((node) => node.port === port);
    }
    return undefined;
  };
  for (
    let tries = 0;
    tries < 200 && !ask(nodes[0]?.port ?? 0, "CLUSTER", "INFO").includes("cluster_state:ok");
    tries += 1
  )
    await pause(50);
  return {
    name: "cluster",
    promise: "survives power loss of a node; a failover may lose what had not been copied",
    environment: () => ({ REDIS_URL: nodes.map(({ port }) => `redis://127.0.0.1:${port}`).join(",") }),
    troubles: [
      {
        name: "cluster: failover",
        weight: 2,
        forgetsMs: 3_000,
        async strike() {
          const failing = await bearer();
          // Its replica takes over once the others have missed it for the node time-out.
          if (failing !== undefined) await endFor(failing.server, "SIGKILL", 5_000);
        },
      },
      {
        name: "cluster: the bearer frozen",
        weight: 2,
        async strike(chance) {
          const node = await bearer();
          if (node !== undefined) await freezeFor(node.server, chance.between(100, 900));
        },
      },
      {
        name: "cluster: another node killed, and back",
        weight: 2,
        async strike(chance) {
          const carrying = await bearer();
          const node = chance.pick(nodes.filter((one) => one !== carrying));
          await endFor(node.server, "SIGKILL", chance.between(100, 1_000));
        },
      },
    ],
    async stop() {
      await Promise.all(nodes.map(({ server }) => server.end("SIGKILL")));
    },
  };
}

function ownsSlot(line: string, slot: number): boolean {
  return line
    .split(" ")
    .slice(8)
    .some((range) => {
      const [from = NaN, to = from] = range.split("-").map(Number);
      return slot >= from && slot <= to;
    });
}

async function openPostgres(): Promise<ProvenEngine> {
  const program = programOf("postgres", postgresFolders());
  const folder = folderOf("postgres");
  const data = join(folder, "data");
  const account = unprivileged();
  if (account.uid !== undefined) chownSync(folder, account.uid, account.gid ?? account.uid);
  const initdb = program.replace(/postgres$/, "initdb");
  execFileSync(initdb, ["-D", data, "-A", "trust", "-U", "test"], { ...account, stdio: "ignore" });
  const port = await freePort();
  const server = serverOf(
    program,
    ["-D", data, "-p", String(port), "-h", "127.0.0.1", "-k", folder, "-c", "max_connections=200"],
    port,
    account,
  );
  await server.start();
  const proxy = await openProxy([port]);
  return {
    name: "postgres",
    promise: "survives power loss (fsync, synchronous_commit)",
    environment: () => ({ QUEUE_URL: `postgres://test@127.0.0.1:${proxy.port}/postgres` }),
    troubles: [
      ...networkTroubles(proxy),
      {
        name: "PostgreSQL stopped at once, and back",
        weight: 4,
        // No checkpoint, no goodbye: what it has afterwards is what its log says.
        strike: async (chance) => await endFor(server, "SIGQUIT", chance.between(0, 2_000)),
      },
      {
        name: "PostgreSQL frozen",
        weight: 2,
        strike: async (chance) => await freezeFor(server, chance.between(200, 4_000)),
      },
    ],
    async stop() {
      await proxy.close();
      await server.end("SIGQUIT");
    },
  };
}
