import { exitWith } from "./exit.ts";
import { type Config, ConfigError, processEnvironment, readConfig, redacted } from "./config.ts";
import { createLog, type Logger } from "./lib/log.ts";
import { createMeters, type Meters } from "./lib/meters.ts";
import { cachedCounts } from "./queue/counts.ts";
import { type Engine, openEngine } from "./queue/engine.ts";
import { createSeam, type Seam } from "./queue/seam.ts";
import { readNumbers } from "./standing.ts";

/** Something that runs until it is closed. */
export interface Running {
  close(): Promise<void>;
}

/** What a process is given to start with. */
export interface ProcessParts {
  readonly config: Config;
  readonly log: Logger;
  readonly meters: Meters;
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
    const config = await readConfig(processEnvironment());
    if (config.redisUrl === undefined && config.queueUrl === undefined) {
      throw new ConfigError([
        `REDIS_URL or QUEUE_URL: is not set. The ${name} process shares its queue with others, and the embedded engine belongs to one process only: set one of them, or use \`npm start\``,
      ]);
    }
    const parts = partsOf(config);
    runUntilStopped(await start(parts), parts.log);
  } catch (error) {
    exitWith(error);
  }
}

/** Logger, meters and engine of a process with this configuration; says at start-up what was configured. */
export function partsOf(config: Config): ProcessParts {
  const meters = createMeters();
  const log = createLog(config.logLevel, undefined, meters.dropped);
  log.info(redacted(config), "config.read");
  for (const warning of config.warnings) log.warn({ warning }, "config.doubtful");
  return {
    config,
    log,
    meters,
    async open() {
      const tls = { ca: config.queueTls.ca, tlsInsecure: config.queueTls.insecure };
      const engine = await openEngine({ ...engineUrl(config), ...config.engine, ...tls }, log);
      const queue = createSeam(engine, { journalBytes: config.journalBytes });
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
