/** Both halves in one process, on any engine. Without a configuration file: the sandbox, and a walk through it. */
import { randomBytes } from "node:crypto";
import { parseArgs } from "node:util";
import { startAlerts } from "./alerts/alerts.ts";
import { loadAdapters } from "./adapters/registry.ts";
import { type Config, ConfigError, configFileOf, createConfig, type Environment, readConfig } from "./config.ts";
import { exitWith } from "./exit.ts";
import { environmentSource, partsOf, runUntilStopped } from "./process.ts";
import { type Engine, placesOf } from "./queue/engine.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import { startWeb } from "./web.ts";
import { startWorker } from "./worker.ts";

/** Where the sandbox's queue is on the embedded engine. */
const sandboxFolder = ".data/sandbox";

async function start(): Promise<void> {
  const source = environmentSource();
  const environment = source();
  const { values } = parseArgs({ options: { sandbox: { type: "boolean", default: false } } });
  const sandbox =
    values.sandbox || configFileOf(environment) === undefined
      ? await openSandbox(environment, values.sandbox)
      : undefined;
  const first = sandbox?.config ?? (await readConfig(environment));
  // The sandbox's is made here, and stays.
  const parts = await partsOf("start", first, sandbox === undefined ? source : undefined);
  const { config, current, changed, log, meters, tracing, open } = parts;
  const { engine, queue } = await open();
  const worker = startWorker({ config, current, changed, tracing, engine, queue, log, meters });
  const alerts = startAlerts({ config, queue, log, meters });
  const web = await startWeb({
    config,
    engine,
    queue,
    log,
    meters,
    tracing,
    ...(sandbox === undefined ? {} : { home: sandbox.page }),
  });
  runUntilStopped(
    {
      async close() {
        await Promise.all([web.close(), worker.close(), alerts.close(), sandbox?.close()]);
        await engine.close();
        await tracing.close();
      },
    },
    log,
  );
  if (sandbox === undefined) return;
  const { processTerminal } = await import("../sandbox/terminal.ts");
  const terminal = processTerminal();
  terminal.write(`Sandbox: its queue is ${placeOf(engine)}.`);
  try {
    await sandbox.walk();
  } catch (error) {
    // Whoever wants to see why has the page: it goes on.
    terminal.write(error instanceof Error ? error.message : String(error));
    terminal.write("The sandbox stays: its page shows what happened to each. Ctrl+C stops.");
  }
}

type OpenSandbox = Sandbox & { readonly config: Config };

/** @throws ConfigError where nobody asked for it and something says that this is a production host, which lost its configuration. */
async function openSandbox(environment: Environment, askedFor: boolean): Promise<OpenSandbox> {
  const signs = askedFor ? [] : signsOfProduction(environment);
  if (signs.length > 0)
    throw new ConfigError([
      `CONFIG_FILE: there is no configuration file, and ${signs.join(", ")} says that this is no place for the sandbox; \`npm start -- --sandbox\` starts it all the same`,
    ]);
  // Production never loads it.
  const { startSandbox } = await import("../sandbox/sandbox.ts");
  const adapters = await loadAdapters();
  const made = () => randomBytes(32).toString("base64url");
  const signingKeys = environment["URL_SIGNING_KEYS"] || made();
  const adminTokens = environment["ADMIN_TOKEN"] || made();
  const callbackBase = `http://127.0.0.1:${environment["PORT"] || 3000}`;
  const settings: Environment = {
    LOG_LEVEL: "error",
    ...environment,
    // Where the simulated PSPs call: some sign the address.
    PUBLIC_URL: callbackBase,
    URL_SIGNING_KEYS: signingKeys,
    ADMIN_TOKEN: adminTokens,
  };
  const [adminToken = ""] = adminTokens.split(",");
  const sandbox = await startSandbox({ callbackBase, urlSigningKeys: signingKeys.split(","), adminToken, adapters });
  // The sandbox's orders end with the process: jobs of an earlier one would look for them in vain. In a place of its own on every engine,
  // so that no forgotten CONFIG_FILE ever empties a real queue, or works on it.
  const engine = { dataDir: sandboxFolder, sandbox: true };
  const config = { ...createConfig(settings, sandbox.document, adapters), engine, host: "127.0.0.1" };
  return Object.assign(sandbox, { config });
}

/** What speaks against a sandbox, by name. */
function signsOfProduction(environment: Environment): string[] {
  const set = ["REDIS_URL", "QUEUE_URL", "PUBLIC_URL", "URL_SIGNING_KEYS"].filter((name) => environment[name]);
  return [...(environment["NODE_ENV"] === "production" ? ["NODE_ENV=production"] : []), ...set];
}

function placeOf({ kind }: Engine): string {
  if (kind === "embedded") return `embedded, in ${sandboxFolder}`;
  const { redis, postgres } = placesOf({ sandbox: true });
  const place = kind === "redis" ? `Redis, under ${redis}` : `PostgreSQL, in the schema ${postgres}`;
  return `in ${place}; a real one there is left alone`;
}

try {
  await start();
} catch (error) {
  exitWith(error);
}
