/** The worker process: turns stored events into payment keys, looks at payments, wakes what waits. */
import { startAlerts } from "./alerts/alerts.ts";
import { type Config, ConfigError } from "./config.ts";
import type { CurrentConfig } from "./current-config.ts";
import { keepBeating, startHealth } from "./health.ts";
import type { Logger } from "./lib/log.ts";
import type { Meters } from "./lib/meters.ts";
import type { Tracing } from "./lib/tracing.ts";
import { createTransport, type Transport } from "./lib/transport.ts";
import { type Running, runProcess } from "./process.ts";
import type { Engine } from "./queue/engine.ts";
import { startTimers } from "./queue/timers.ts";
import type { Seam } from "./queue/seam.ts";
import { readDetail } from "./standing-numbers.ts";
import { createAsking } from "./workers/asking.ts";
import { startErrands } from "./workers/errands.ts";
import { startEvents } from "./workers/events/events.ts";
import { startInbox } from "./workers/events/inbox.ts";
import { createGates } from "./workers/gate/gates.ts";
import { startLooks } from "./workers/look/looks.ts";
import { startOperate } from "./workers/operate/operate.ts";
import { startSweep } from "./workers/sweep/sweep.ts";
import { createTeller, type Listener, type Teller } from "./workers/tell.ts";
import { type Activity, tellActivity } from "./workers/tell/activity.ts";
import { tellBadNews } from "./workers/tell/bad-news.ts";
import { tellDrift } from "./workers/tell/drift.ts";
import { tellLog, tellMeters } from "./workers/tell/listeners.ts";
import { tellPeers } from "./workers/tell/peers.ts";
import { tellUnknown } from "./workers/tell/unknown.ts";

/** What the worker half runs on. */
export interface WorkerParts {
  /** Says at each question what counts now. */
  readonly config: Config;
  /** What counts now, for jobs to end with what they began with. Default: `config`, which never changes. */
  readonly current?: CurrentConfig["current"];
  readonly changed?: CurrentConfig["changed"];
  readonly engine: Engine;
  readonly queue: Seam;
  readonly log: Logger;
  readonly meters: Meters;
  /** Milliseconds since the epoch: the one clock of the worker half. */
  readonly now?: () => number;
  /** From 0 to 1: the one generator of randomness. */
  readonly random?: () => number;
  readonly tracing?: Tracing | undefined;
  /** What carries requests to Norce and the PSPs. Default: over the network, through the proxies of the environment. */
  readonly transport?: Transport;
}

/**
 * How long running jobs may go on after the process was told to stop; then they send nothing more, are over within a request's timeout
 * (five seconds), and are given back.
 */
const finishMs = 3_000;

/** Starts all workers. `close` takes nothing new, lets running jobs finish or gives them back, within seconds. */
export function startWorker(parts: WorkerParts): Running {
  const { config, engine, queue, log, meters, now = Date.now, random = Math.random } = parts;
  const { current = () => config, changed = () => undefined, tracing } = parts;
  const { transport = createTransport({ proxies: config.proxies }) } = parts;
  const stopping = new AbortController();
  const drift = tellDrift({ ledger: queue.ledger, log, meters, now });
  const badNews = tellBadNews({ badNews: queue.badNews, log, now });
  const { teller, activity } = startTelling([drift, badNews], { log, meters, now, peers: queue.peers });
  const gates = createGates({ config, log, now, closures: closuresOf(engine, queue) });
  const shell = { work: queue.work, gates, log, now, random, stopping: stopping.signal, tracing };
  const { workerConcurrency: concurrency } = config;
  const asking = createAsking({ current, log, meters, transport, tracing, now, random });
  const shared = { config, asking, changed, queue, shell, teller, concurrency, now };
  const workers = [
    startInbox(shared),
    startEvents(shared),
    startTimers(engine, queue.looks, concurrency),
    startOperate(shared),
    startErrands({ config, queue, log, concurrency, now }),
    startSweep(engine, { ...shared, log, meters }),
    startLooks(shared),
  ];
  const since = now();
  const beating = keepBeating(queue.heartbeats, () => ({ concurrency, since, config: config.fingerprint }));
  log.info({ adapters: [...new Set(config.targets.map(({ adapter }) => adapter.id))], concurrency }, "worker.started");
  return {
    async close() {
      const giveBack = setTimeout(() => stopping.abort(), finishMs);
      await Promise.all(workers.map((worker) => worker.close()));
      await beating.close();
      clearTimeout(giveBack);
      gates.close();
      await Promise.all([drift.close(), badNews.close(), activity.close()]);
    },
  };
}

/** Log, metrics, the findings about peers, what is known of them, and those who keep listen: the ledger first, and bad news. */
function startTelling(
  keepers: readonly [drift: Listener, ...others: Listener[]],
  {
    log,
    meters,
    now,
    peers,
  }: Pick<WorkerParts, "log" | "meters"> & Pick<Seam, "peers"> & { readonly now: () => number },
): { readonly teller: Teller; readonly activity: Activity } {
  const activity = tellActivity({
    peers,
    log,
    now,
    found: (of, found) => teller.found(of, found),
    over: (of, name) => teller.over(of, name),
  });
  const troubles = tellPeers({
    log,
    now,
    standing: activity,
    found: (of, found) => keepers[0].found?.(of, found),
  });
  const unknown = tellUnknown({
    found: (of, found) => keepers[0].found?.(of, found),
    over: (of, name) => keepers[0].over?.(of, name),
  });
  const teller = createTeller([tellLog(log), tellMeters(meters), troubles, unknown, ...keepers, activity], log);
  return { teller, activity };
}

/** The embedded queue belongs to this process alone: there is nobody to ask, only somebody who may want to see. */
function closuresOf({ kind }: Engine, { closures }: Seam): NonNullable<Parameters<typeof createGates>[0]["closures"]> {
  return kind === "embedded" ? { tell: closures.tell } : closures;
}

async function listen(
  port: number,
  { config, engine, queue, log, meters }: Pick<WorkerParts, "config" | "engine" | "queue" | "log" | "meters">,
): Promise<Running> {
  const detail = () => readDetail({ config, queue, now: Date.now });
  try {
    return await startHealth({ port, meters, log, detail, ping: () => engine.ping() });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    throw new ConfigError([`WORKER_PORT: ${port} is in use already: is another one of these running?`]);
  }
}

if (import.meta.main) {
  await runProcess("worker", async ({ config, current, changed, tracing, open, log, meters }) => {
    const { engine, queue } = await open();
    const worker = startWorker({ config, current, changed, tracing, engine, queue, log, meters });
    const alerts = startAlerts({ config, queue, log, meters });
    const health =
      config.workerPort === undefined
        ? undefined
        : await listen(config.workerPort, { config, engine, queue, log, meters });
    return {
      async close() {
        await Promise.all([worker.close(), alerts.close()]);
        await health?.close();
        await engine.close();
        await tracing.close();
      },
    };
  });
}
