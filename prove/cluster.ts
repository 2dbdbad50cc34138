import { execFileSync } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import { freePort } from "../test/support/ports.ts";
import type { ProvenEngine } from "./engines.ts";
import { openPower } from "./power.ts";
import { redisParameters } from "./redis.ts";
import { endFor, folderOf, freezeFor, programOf, serverOf } from "./servers.ts";

/** Three masters with a replica each; all of the service's keys are in one slot, so that one of them bears everything. */
export async function openCluster(): Promise<ProvenEngine> {
  const program = programOf("redis-server");
  const power = openPower();
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
      const folder = folderOf("cluster");
      const parameters = [...redisParameters(port, folder, "always"), ...more];
      const server = serverOf(program, parameters, port, { env: power?.environment });
      await server.start();
      return { port, folder, server };
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
        recoversFrom: "death",
        async strike() {
          const failing = await bearer();
          if (failing === undefined) return;
          await failing.server.end("SIGKILL");
          power?.cut(failing.folder);
          // Its replica takes over once the others have missed it for the node time-out.
          await pause(5_000);
          await failing.server.start();
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
