/** Both halves in one process, on any engine. Without a configuration file: the sandbox, and a walk through it. */
import { randomBytes } from "node:crypto";
import { loadAdapters } from "./adapters/registry.ts";
import { type Config, configFileOf, createConfig, type Environment, processEnvironment, readConfig } from "./config.ts";
import { exitWith } from "./exit.ts";
import { partsOf, runUntilStopped } from "./process.ts";
import { type Engine, sandboxPlaces } from "./queue/engine.ts";
import { type Sandbox, startSandbox } from "../sandbox/sandbox.ts";
import { processTerminal } from "../sandbox/terminal.ts";
import { startWeb } from "./web.ts";
import { startWorker } from "./worker.ts";

/** Where the sandbox's queue is on the embedded engine. */
const sandboxFolder = ".data/sandbox";

async function start(): Promise<void> {
  const environment = processEnvironment();
  const sandbox = configFileOf(environment) === undefined ? await openSandbox(environment) : undefined;
  const config = sandbox?.config ?? (await readConfig(environment));
  const { log, meters, open } = partsOf(config);
  const { engine, queues } = await open();
  const worker = startWorker({ config, engine, queues, log, meters });
  const web = await startWeb({
    config,
    engine,
    queues,
    log,
    meters,
    ...(sandbox === undefined ? {} : { home: sandbox.page }),
  });
  runUntilStopped(
    {
      async close() {
        await Promise.all([web.close(), worker.close(), sandbox?.close()]);
        await engine.close();
      },
    },
    log,
  );
  if (sandbox === undefined) return;
  processTerminal().write(`Sandbox: its queue is ${placeOf(engine)}.`);
  await sandbox.walk();
}

type OpenSandbox = Sandbox & { readonly config: Config };

async function openSandbox(environment: Environment): Promise<OpenSandbox> {
  const adapters = await loadAdapters();
  const signingKeys = environment["URL_SIGNING_KEYS"] || randomBytes(24).toString("base64url");
  const settings: Environment = { LOG_LEVEL: "error", ...environment, URL_SIGNING_KEYS: signingKeys };
  const callbackBase = `http://127.0.0.1:${environment["PORT"] || 3000}`;
  const sandbox = await startSandbox({ callbackBase, urlSigningKeys: signingKeys.split(","), adapters });
  // The sandbox's orders end with the process: jobs of an earlier one would look for them in vain. In a place of its own on every engine,
  // so that no forgotten CONFIG_FILE ever empties a real queue, or works on it.
  const engine = { dataDir: sandboxFolder, sandbox: true };
  return Object.assign(sandbox, { config: { ...createConfig(settings, sandbox.document, adapters), engine } });
}

function placeOf({ kind }: Engine): string {
  if (kind === "embedded") return `embedded, in ${sandboxFolder}`;
  const { redis, postgres } = sandboxPlaces;
  const place = kind === "redis" ? `Redis, under ${redis}` : `PostgreSQL, in the schema ${postgres}`;
  return `in ${place}; a real one there is left alone`;
}

try {
  await start();
} catch (error) {
  exitWith(error);
}
