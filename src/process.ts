import { existsSync, readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { exitWith } from "./exit.ts";
import {
  type Config,
  ConfigError,
  configFileOf,
  type Environment,
  processEnvironment,
  readConfig,
  redacted,
} from "./config.ts";
import { type CurrentConfig, keepConfig, watchConfig } from "./current-config.ts";
import { createLog, type Logger } from "./lib/log.ts";
import { type Tracing, untraced } from "./lib/tracing.ts";
import { createMeters, type Meters } from "./lib/meters.ts";
import { takeWarnings } from "./lib/warnings.ts";
import { cachedCounts } from "./queue/counts.ts";
import { type Engine, openEngine } from "./queue/engine.ts";
import { createSeam, type Seam } from "./queue/seam.ts";
import { readNumbers } from "./standing-numbers.ts";

/** Something that runs until it is closed. */
export interface Running {
  close(): Promise<void>;
}

/** What a process is given to start with. */
export interface ProcessParts extends Pick<CurrentConfig, "config" | "current" | "changed"> {
  readonly log: Logger;
  readonly meters: Meters;
  readonly tracing: Tracing;
  /** Opens the queue engine that the configuration names. */
  open(): Promise<{ readonly engine: Engine; readonly queue: Seam }>;
}

/** Hosts give a process about ten seconds after SIGTERM. */
const stopMs = 9_000;

/**
 * Runs a process of its own: reads the configuration, starts, and on SIGTERM or SIGINT takes no new work, finishes or gives
 * back what runs, and exits within ten seconds. A configuration fault is told in plain words and exits with 1.
 */
export async function runProcess(
  name: "web" | "worker",
  start: (parts: ProcessParts) => Promise<Running>,
): Promise<void> {
  try {
    const environment = environmentSource();
    const config = await readConfig(environment());
    if (config.redisUrl === undefined && config.queueUrl === undefined) {
      throw new ConfigError([
        `REDIS_URL or QUEUE_URL: is not set. The ${name} process shares its queue with others, and the embedded engine belongs to one process only: set one of them, or use \`npm start\``,
      ]);
    }
    const parts = await partsOf(name, config, environment);
    runUntilStopped(await start(parts), parts.log);
  } catch (error) {
    exitWith(error);
  }
}

/**
 * What the environment says, with `.env` laid under it; asked again, with `.env` as it is then. What a process was started with itself does not
 * change, and wins.
 */
export function environmentSource(): () => Environment {
  const own = { ...process.env };
  // For libraries that read the environment by themselves.
  processEnvironment();
  return () => ({ ...(existsSync(envFile) ? parseEnv(readFileSync(envFile, "utf8")) : {}), ...own });
}

const envFile = ".env";

/**
 * Logger, meters and engine of a process with this configuration; says at start-up what was configured.
 * @param role which process this is, for traces. @param environment with it, the configuration is read anew on SIGHUP and when its files change; without, it stays.
 */
export async function partsOf(role: string, first: Config, environment?: () => Environment): Promise<ProcessParts> {
  const meters = createMeters();
  const tracing = first.traced ? await openTracing(role, environment?.() ?? {}) : untraced;
  const log = createLog(first.logLevel, undefined, meters.dropped, tracing.ids);
  takeWarnings(log);
  log.info(redacted(first), "config.read");
  for (const warning of first.warnings) log.warn({ warning }, "config.doubtful");
  const read = async (): Promise<Config> => (environment === undefined ? first : await readConfig(environment()));
  const { config, current, changed, reload } = keepConfig(first, { read, log, meters });
  if (environment !== undefined) {
    const files = (): string[] => [envFile, configFileOf(environment()) ?? "config.yaml"];
    // At a terminal the signal says that the terminal has gone, and ends the process as it always does.
    watchConfig(files, reload, { onSignal: !process.stdin.isTTY });
  }
  return {
    config,
    current,
    changed,
    log,
    meters,
    tracing,
    async open() {
      const tls = { ca: config.queueTls.ca, tlsInsecure: config.queueTls.insecure };
      const engine = await openEngine(
        { ...engineUrl(config), ...config.engine, ...tls, telemetry: tracing.telemetry },
        log,
      );
      const queue = createSeam(engine, { journalBytes: config.journalBytes, here: tracing.here });
      const counts = cachedCounts(queue.counts);
      meters.standing(async () => await readNumbers({ config, queue, now: Date.now }));
      meters.queues(() => counts(config.targets.map(({ adapter }) => adapter.id)));
      // The guarantee asks the server: a server that is not there yet must not hold up the start.
      void engine.guarantee().then(
        ({ level, text }) =>
          log[level === "power-loss" ? "info" : "warn"](
            { engine: engine.kind, survives: level, guarantee: text },
            "queue.opened",
          ),
        (error: unknown) => log.warn({ engine: engine.kind, error }, "queue.opened"),
      );
      return { engine, queue };
    },
  };
}

function engineUrl({ redisUrl, queueUrl }: Config): { redisUrl?: string; queueUrl?: string } {
  return { ...(redisUrl === undefined ? {} : { redisUrl }), ...(queueUrl === undefined ? {} : { queueUrl }) };
}

/** Loaded only here: without it a process does without tens of modules. */
async function openTracing(role: string, environment: Environment): Promise<Tracing> {
  return (await import("./tracing/otlp.ts")).openTraces(role, environment);
}

/** Waits for a signal to stop; a second one stops at once. */
export function runUntilStopped(running: Running, log: Logger): void {
  let stopping = false;
  const stop = (signal: string): void => {
    if (stopping) process.exit(1);
    stopping = true;
    log.info({ signal }, "process.stopping");
    const late = setTimeout(() => {
      // Nothing is lost: what still ran is found stalled and looked at again by another worker.
      log.warn("process.stopped-late");
      process.exit(0);
    }, stopMs);
    running.close().then(
      () => {
        clearTimeout(late);
        log.info("process.stopped");
        process.exit(0);
      },
      (error: unknown) => {
        log.error({ error }, "process.stopped");
        process.exit(1);
      },
    );
  };
  process.on("SIGTERM", stop).on("SIGINT", stop);
}
