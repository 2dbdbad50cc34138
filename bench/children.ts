import { type ChildProcess, spawn } from "node:child_process";
import { openSync, readFileSync } from "node:fs";
import { resolve } from "node:path";

/** A program of ours, running by itself; its log goes to a file, as in production it goes to a pipe. */
export interface Child {
  readonly process: ChildProcess;
  /** Resident memory in megabytes. */
  residentMb(): number;
  /** Processor time used so far, in milliseconds. */
  cpuMs(): number;
  /** Sends a message and waits for the answer to it. */
  ask<Answer>(message: unknown): Promise<Answer>;
  stop(): Promise<void>;
}

const root = resolve(import.meta.dirname, "..");
const running = new Set<Child>();

/** Starts a program; resolves once it says that it is ready: by a message, by `ready`, or by its start-up line. */
export async function start(file: string, environment: Record<string, string>, cwd: string): Promise<Child> {
  const logFile = `${cwd}/${file.replaceAll("/", "-")}.log`;
  const log = openSync(logFile, "w");
  const child = spawn(process.execPath, [resolve(root, file)], {
    cwd,
    env: { ...process.env, NODE_ENV: "production", ...environment },
    stdio: ["ignore", log, log, "ipc"],
  });
  const started: Child = {
    process: child,
    residentMb: () => residentMb(child.pid ?? 0),
    cpuMs: () => cpuMs(child.pid ?? 0),
    ask: (message) =>
      new Promise((answer) => {
        child.once("message", answer);
        child.send(message as object);
      }),
    async stop() {
      running.delete(started);
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = new Promise((done) => child.once("exit", done));
      child.kill("SIGTERM");
      await exited;
    },
  };
  running.add(started);
  await new Promise<void>((ready, failed) => {
    const poll = setInterval(() => {
      if (!/ready|web\.started|worker\.started/.test(readFileSync(logFile, "utf8"))) return;
      clearInterval(poll);
      ready();
    }, 20);
    child.once("exit", (code) => {
      clearInterval(poll);
      failed(new Error(`${file} ended with ${String(code)}; see ${logFile}`));
    });
  });
  return started;
}

/** Ends everything that still runs. */
export async function stopAll(): Promise<void> {
  await Promise.all([...running].map((child) => child.stop()));
}

function residentMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024;
}

function cpuMs(pid: number): number {
  const [, , , , , , , , , , , user = "0", system = "0"] = (
    readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1] ?? ""
  ).split(" ");
  // Linux counts hundredths of a second.
  return (Number(user) + Number(system)) * 10;
}
