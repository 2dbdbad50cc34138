/** The worker process: turns stored events into payment keys, looks at payments, wakes what waits. */
import type { PaymentKey } from "./adapters/adapter.ts";
import type { Config } from "./config.ts";
import type { Logger } from "./lib/log.ts";
import type { Meters } from "./lib/meters.ts";
import { createNorceClient } from "./norce/client.ts";
import { type Running, runProcess } from "./process.ts";
import type { Engine } from "./queue/engine.ts";
import { createOperations, startLifting } from "./queue/operations.ts";
import type { Queues } from "./queue/queues.ts";
import { startForgetting, startTimers } from "./queue/timers.ts";
import { startLanes } from "./workers/lanes.ts";
import { startLocate } from "./workers/locate.ts";
import { startOperate } from "./workers/operate.ts";
import { createContexts } from "./workers/observe.ts";

/** What the worker half runs on. */
export interface WorkerParts {
  readonly config: Config;
  readonly engine: Engine;
  readonly queues: Queues;
  readonly log: Logger;
  readonly meters: Meters;
  readonly now?: () => number;
}

/**
 * How long running looks may go on after the process was told to stop; then they send nothing more, are over within a request's timeout
 * (five seconds), and are given back.
 */
const finishMs = 3_000;

/** Starts all workers. `close` takes nothing new, lets running looks finish or gives them back, within seconds. */
export function startWorker({ config, engine, queues, log, meters, now = Date.now }: WorkerParts): Running {
  const stopping = new AbortController();
  const observe = meters.request;
  const norce = createNorceClient({
    ...config.norce,
    adapterIdOf: (key) => config.find(key)?.settings.adapterId ?? key.adapter,
    observe,
  });
  const oddity = (key: PaymentKey, reason: string): void => {
    meters.oddity(key.adapter, reason);
    log.warn({ ...key, reason }, "payment.odd");
  };
  const contexts = createContexts(observe);
  const shared = { config, engine, queues, norce, contexts, log, now, oddity, concurrency: config.workerConcurrency };
  const workers = [
    startLocate(shared),
    startTimers(engine, queues, config.workerConcurrency),
    startForgetting(engine),
    startLifting(engine),
    startOperate({
      ...shared,
      remember: queues.references.put,
      operations: createOperations(engine),
      stopping: stopping.signal,
    }),
    ...startLanes({ ...shared, meters, remember: queues.references.put, stopping: stopping.signal }),
  ];
  log.info(
    { adapters: [...new Set(config.targets.map(({ adapter }) => adapter.id))], concurrency: config.workerConcurrency },
    "worker.started",
  );
  return {
    async close() {
      const giveBack = setTimeout(() => stopping.abort(), finishMs);
      await Promise.all(workers.map((worker) => worker.close()));
      clearTimeout(giveBack);
    },
  };
}

if (import.meta.main) {
  await runProcess("worker", async ({ config, open, log, meters }) => {
    const { engine, queues } = await open();
    const worker = startWorker({ config, engine, queues, log, meters });
    return { close: async () => worker.close().then(() => engine.close()) };
  });
}
