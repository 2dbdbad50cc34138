/** Both halves in one process, on any engine. Without a configuration file: the sandbox, and a walk through it. */
import { randomBytes } from "node:crypto";
import { type Adapters, loadAdapters } from "./adapters/registry.ts";
import {
  type Config,
  configFileOf,
  createConfig,
  type Environment,
  processEnvironment,
  readConfigFile,
} from "./config.ts";
import { exitWith } from "./exit.ts";
import { partsOf, runUntilStopped } from "./process.ts";
import { type Sandbox, startSandbox } from "./sandbox/sandbox.ts";
import { startWeb } from "./web.ts";
import { startWorker } from "./worker.ts";

async function start(): Promise<void> {
  const environment = processEnvironment();
  const adapters = await loadAdapters();
  const sandbox = configFileOf(environment) === undefined ? await openSandbox(environment, adapters) : undefined;
  const config = sandbox?.config ?? createConfig(environment, readConfigFile(environment), adapters);
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

async function openSandbox(environment: Environment, adapters: Adapters): Promise<OpenSandbox> {
  const settings: Environment = {
    URL_SIGNING_KEYS: randomBytes(24).toString("base64url"),
    LOG_LEVEL: "warn",
    ...environment,
  };
  const port = Number(settings["PORT"] ?? 3000);
  const urlSigningKeys = (settings["URL_SIGNING_KEYS"] ?? "").split(",");
  const sandbox = await startSandbox({ callbackBase: `http://127.0.0.1:${port}`, urlSigningKeys, adapters });
  return Object.assign(sandbox, { config: createConfig(settings, sandbox.document, adapters) });
}

try {
  await start();
} catch (error) {
  exitWith(error);
}
