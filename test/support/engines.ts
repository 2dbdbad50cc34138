import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chownSync, mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Logger } from "../../src/lib/log.ts";
import { type Engine, type EngineSettings, openEngine } from "../../src/queue/engine.ts";
import { findBinary, postgresFolders } from "./binaries.ts";
import { layDatabase, layEmbedded } from "./models.ts";
import { freePort } from "./ports.ts";
import { until } from "./until.ts";

/** A queue engine of a test's own: its server runs on a free port in a folder of its own, shared with nobody. */
export interface TestEngine {
  readonly name: "embedded" | "redis" | "postgres" | "twin";
  start(): Promise<void>;
  stop(): Promise<void>;
  settings(): EngineSettings;
  open(log: Logger, more?: Partial<EngineSettings>): Promise<Engine>;
  /** The environment of a process on this engine. */
  environment(): Record<string, string>;
}

/** An engine whose server is a process: it can hang, die and come back. */
export interface ServerEngine extends TestEngine {
  freeze(): void;
  thaw(): void;
  kill(): Promise<void>;
  restart(): Promise<void>;
}

const redisServer = findBinary("redis-server");
const postgres = findBinary("postgres", postgresFolders());

/** The embedded engine always; Redis and PostgreSQL wherever their server programs are found. */
export function engines(): TestEngine[] {
  return [embeddedEngine(), ...serverEngines()];
}

/** One engine of each backend: PostgreSQL has the embedded engine's. For what no server can change. */
export function backends(): TestEngine[] {
  return engines().filter(({ name }) => name !== "postgres");
}

/** Redis and PostgreSQL, as far as they are installed. `.ci/run` installs Redis, so that its ring always runs there. */
export function serverEngines(): ServerEngine[] {
  return [
    ...(redisServer === undefined ? [] : [redisEngine(redisServer)]),
    ...(postgres === undefined ? [] : [postgresEngine(postgres)]),
  ];
}

/** The embedded engine alone. */
export function embeddedEngine(): TestEngine {
  const folder = temporaryFolder();
  const dataDir = join(folder, ".data");
  return {
    name: "embedded",
    start: () => layEmbedded(dataDir),
    stop: async () => rmSync(folder, { recursive: true, force: true }),
    settings: () => ({ dataDir }),
    open: async (log, more) => await openEngine({ dataDir, ...more }, log),
    environment: () => ({}),
  };
}

function redisEngine(program: string): ServerEngine {
  return server("redis", (folder, port) => ({
    command: program,
    parameters: [
      "--port",
      String(port),
      "--bind",
      "127.0.0.1",
      "--dir",
      folder,
      "--save",
      "",
      "--appendonly",
      "yes",
      "--appendfsync",
      "always",
      "--maxmemory-policy",
      "noeviction",
    ],
    settings: { redisUrl: `redis://127.0.0.1:${port}`, dataDir: folder },
    environment: { REDIS_URL: `redis://127.0.0.1:${port}` },
  }));
}

function postgresEngine(program: string): ServerEngine {
  return server("postgres", async (folder, port) => {
    const data = join(folder, "data");
    const account = unprivileged();
    if (account.uid !== undefined) chownSync(folder, account.uid, account.gid ?? account.uid);
    await layDatabase(program, data, account);
    const url = `postgres://test@127.0.0.1:${port}/postgres`;
    return {
      command: program,
      parameters: ["-D", data, "-p", String(port), "-h", "127.0.0.1", "-k", folder],
      account,
      settings: { queueUrl: url, dataDir: folder },
      environment: { QUEUE_URL: url },
    };
  });
}

interface Plan {
  readonly command: string;
  readonly parameters: readonly string[];
  readonly account?: { readonly uid?: number; readonly gid?: number };
  readonly settings: EngineSettings;
  readonly environment: Record<string, string>;
}

function server(
  name: "redis" | "postgres",
  planned: (folder: string, port: number) => Plan | Promise<Plan>,
): ServerEngine {
  let folder = "";
  let port = 0;
  let plan: Plan | undefined;
  let child: ChildProcess | undefined;
  const known = (): Plan => {
    if (plan === undefined) throw new Error(`${name} has not been started`);
    return plan;
  };
  const run = async (): Promise<void> => {
    const { command, parameters, account } = known();
    child = spawn(command, parameters, { ...account, stdio: "ignore" });
    await until(() => answers(port), `${name} to listen`);
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child?.once("exit", resolve));
    child.kill("SIGCONT");
    child.kill(signal);
    await exited;
  };
  return {
    name,
    async start() {
      folder = temporaryFolder();
      port = await freePort();
      plan = await planned(folder, port);
      await run();
    },
    async stop() {
      // PostgreSQL's word for "close all connections and stop"; Redis takes it as well.
      await end("SIGINT");
      rmSync(folder, { recursive: true, force: true });
    },
    settings: () => known().settings,
    open: async (log, more) => await openEngine({ ...known().settings, ...more }, log),
    environment: () => known().environment,
    freeze: () => void child?.kill("SIGSTOP"),
    thaw: () => void child?.kill("SIGCONT"),
    kill: () => end(name === "postgres" ? "SIGINT" : "SIGKILL"),
    restart: run,
  };
}

/** PostgreSQL refuses to run as root: there it runs as the account that Debian made for it, or as nobody. */
export function unprivileged(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const account = ["postgres", "nobody"].find((name) => succeeds("id", ["-u", name])) ?? "nobody";
  const id = (flag: string): number => Number(execFileSync("id", [flag, account], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}

function succeeds(command: string, parameters: readonly string[]): boolean {
  try {
    execFileSync(command, parameters, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), "norce-psp-"));
}

/** Whether somebody listens on a port of the loopback interface. */
export async function answers(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
