/** Both halves in one process, on any engine. Without a configuration file: the sandbox, and a walk through it. */
// oxlint-disable-next-line import/no-unassigned-import -- has to be in force before anything else is loaded.
import "./lib/memory.ts";
import { randomBytes } from "node:crypto";
import { loadAdapters } from "./adapters/registry.ts";
import { type Config, configFileOf, createConfig, type Environment, processEnvironment, readConfig } from "./config.ts";
import { exitWith } from "./exit.ts";
import { partsOf, runUntilStopped } from "./process.ts";
import { type Sandbox, startSandbox } from "./sandbox/sandbox.ts";
import { startWeb } from "./web.ts";
import { startWorker } from "./worker.ts";

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
  await sandbox?.walk();
}

type OpenSandbox = Sandbox & { readonly config: Config };

async function openSandbox(environment: Environment): Promise<OpenSandbox> {
  const adapters = await loadAdapters();
  const signingKeys = environment["URL_SIGNING_KEYS"] || randomBytes(24).toString("base64url");
  const settings: Environment = { LOG_LEVEL: "warn", ...environment, URL_SIGNING_KEYS: signingKeys };
  const callbackBase = `http://127.0.0.1:${environment["PORT"] || 3000}`;
  const sandbox = await startSandbox({ callbackBase, urlSigningKeys: signingKeys.split(","), adapters });
  // The sandbox's orders end with the process: jobs of an earlier one would look for them in vain. A folder of its own, so that no
  // forgotten CONFIG_FILE ever empties a real queue.
  const embedded = { dataDir: ".data/sandbox", fresh: true };
  return Object.assign(sandbox, { config: { ...createConfig(settings, sandbox.document, adapters), embedded } });
}

try {
  await start();
} catch (error) {
  exitWith(error);
}
