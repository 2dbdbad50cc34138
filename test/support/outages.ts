import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ServerEngine } from "./engines.ts";

/** The whole server hangs: it keeps its connections and answers nothing. PostgreSQL has a process for each of them. */
export function freezeAll(engine: ServerEngine): void {
  engine.freeze();
  signalBackends(engine, "SIGSTOP");
}

export function thawAll(engine: ServerEngine): void {
  signalBackends(engine, "SIGCONT");
  engine.thaw();
}

/** The server dies without a word and without tidying up: kill -9, and what PostgreSQL calls an immediate shutdown. */
export async function crash(engine: ServerEngine): Promise<void> {
  const postmaster = postmasterOf(engine);
  if (postmaster !== undefined) process.kill(postmaster, "SIGQUIT");
  await engine.kill();
}

function signalBackends(engine: ServerEngine, signal: NodeJS.Signals): void {
  const postmaster = postmasterOf(engine);
  if (postmaster === undefined) return;
  const processes = execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" })
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number));
  for (const [pid, parent] of processes) {
    if (parent !== postmaster || pid === undefined) continue;
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended by itself since it was listed.
    }
  }
}

function postmasterOf(engine: ServerEngine): number | undefined {
  if (engine.name !== "postgres") return undefined;
  const [pid] = readFileSync(join(engine.settings().dataDir, "data/postmaster.pid"), "utf8").split("\n");
  return Number(pid);
}
