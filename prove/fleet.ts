import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, readFileSync, type WriteStream } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { freePort } from "../test/support/ports.ts";
import { openClock } from "./clock.ts";
import type { Wire } from "./wire.ts";

/** A process of the service, as a supervisor keeps it: whenever it ended it is started again. */
export interface Kept {
  readonly name: string;
  /** Where it listens. */
  readonly port: number;
  /** Ends it at once, and starts it again after a while. */
  kill(downMs: number): Promise<void>;
  /** Asks it to end, as a deployment does, and starts it again. */
  roll(): Promise<void>;
  freeze(): void;
  thaw(): void;
  readonly wire: Wire;
  /** Its clock of the day goes wrong by so many seconds from now on, within a second; absent where libfaketime is not installed. */
  readonly jump?: (seconds: number) => void;
  /** Resident memory in megabytes; 0 while it is down. */
  residentMb(): number;
  stop(): Promise<void>;
}

const root = resolve(import.meta.dirname, "..");

/** What a process of the service is started with. */
export interface Plan {
  readonly name: string;
  readonly script: "web.ts" | "worker.ts" | "start.ts";
  /** Its output goes to a file there. */
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly wire: Wire;
  /** Whether its clock is one that can be set. */
  readonly hasClock: boolean;
}

/** Starts a process of the service and keeps it. */
export async function keep({ name, script, folder, environment, wire, hasClock }: Plan): Promise<Kept> {
  const port = await freePort();
  const clock = hasClock ? openClock(join(folder, `${name}.clock`)) : undefined;
  const log = createWriteStream(join(folder, `${name}.log`), { flags: "a" });
  let child: ChildProcess | undefined;
  let isWanted = true;
  /** Whoever is ended on purpose is started again on purpose. */
  let isEnding = false;

  const start = async (): Promise<void> => {
    if (!isWanted) return;
    const started = spawn(process.execPath, [join(root, "src", script)], {
      cwd: folder,
      env: {
        PATH: process.env["PATH"] ?? "",
        NODE_ENV: "production",
        LOG_LEVEL: process.env["LOG_LEVEL"] ?? "warn",
        ...environment,
        ...clock?.environment,
        PORT: String(port),
        WORKER_PORT: script === "worker.ts" ? String(port) : "",
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    child = started;
    for (const stream of [started.stdout, started.stderr]) stream.on("data", (piece: Buffer) => write(log, piece));
    process.once("exit", () => started.kill("SIGKILL"));
    started.once("exit", (code) => {
      if (isEnding || !isWanted) return;
      console.error(`${name} ended by itself (${code ?? "by a signal"})`);
      void pause(500).then(start);
    });
    await ready(port, started);
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const ending = child;
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
    const exited = new Promise((done) => ending.once("exit", done));
    isEnding = true;
    ending.kill("SIGCONT");
    ending.kill(signal);
    await exited;
    isEnding = false;
  };
  await start();
  return {
    name,
    port,
    async kill(downMs) {
      await end("SIGKILL");
      await pause(downMs);
      await start();
    },
    async roll() {
      await end("SIGTERM");
      await start();
    },
    freeze: () => void child?.kill("SIGSTOP"),
    thaw: () => void child?.kill("SIGCONT"),
    wire,
    ...(clock === undefined ? {} : { jump: clock.jump }),
    residentMb() {
      try {
        return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child?.pid ?? 0}/status`, "utf8"))?.[1] ?? 0) / 1_024;
      } catch {
        return 0;
      }
    },
    async stop() {
      isWanted = false;
      await end("SIGTERM");
      await wire.close();
      log.end();
    },
  };
}

function write(log: WriteStream, piece: Buffer): void {
  if (!log.writableEnded) log.write(piece);
}

/** Up to half a minute: what it needs may be away as well. Whether it came up shows in what it does. */
async function ready(port: number, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (Date.now() < deadline && child.exitCode === null && child.signalCode === null) {
    const isLive = await fetch(`http://127.0.0.1:${port}/health/live`, { signal: AbortSignal.timeout(1_000) }).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isLive) return;
    await pause(50);
  }
}
