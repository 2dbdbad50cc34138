import { execFileSync } from "node:child_process";
import { chownSync } from "node:fs";
import { join } from "node:path";
import { postgresFolders } from "../test/support/binaries.ts";
import { unprivileged } from "../test/support/engines.ts";
import { freePort } from "../test/support/ports.ts";
import type { ProvenEngine } from "./engines.ts";
import { endFor, folderOf, freezeFor, programOf, serverOf } from "./servers.ts";

/** One PostgreSQL. */
export async function openPostgres(): Promise<ProvenEngine> {
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
  return {
    name: "postgres",
    promise: "survives power loss (fsync, synchronous_commit)",
    port,
    environment: (way) => ({ QUEUE_URL: `postgres://test@127.0.0.1:${way}/postgres` }),
    troubles: [
      {
        name: "PostgreSQL stopped at once, and back",
        weight: 4,
        recoversFrom: "back",
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
      await server.end("SIGQUIT");
    },
  };
}
