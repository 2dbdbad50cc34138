/** The worker process: turns stored events into payment keys, looks at payments, wakes what waits. */
import type { AnyAdapter, PaymentKey, Target } from "./contract/adapter.ts";
import type { Config } from "./config.ts";
import type { Logger } from "./lib/log.ts";
import type { Meters } from "./lib/meters.ts";
import { createTransport, type Transport } from "./lib/transport.ts";
import { createNorceClient } from "./norce/client.ts";
import { type Running, runProcess } from "./process.ts";
import type { Engine } from "./queue/engine.ts";
import { createClosures } from "./queue/closures.ts";
import { createLedger } from "./queue/ledger.ts";
import { createOperations } from "./queue/operations.ts";
import type { Queues } from "./queue/queues.ts";
import { createClaims } from "./queue/references.ts";
import { createSweeps } from "./queue/sweeps.ts";
import { callbackUrl } from "./signatures/urls.ts";
import { startTimers } from "./queue/timers.ts";
import { createDriftLog, type DriftLog } from "./workers/tell/drift.ts";
import { startEvents } from "./workers/events/events.ts";
import { createGates } from "./workers/gate/gates.ts";
import { startLanes } from "./workers/look/lanes.ts";
import { startLocate } from "./workers/events/inbox.ts";
import { startOperate } from "./workers/operate/operate.ts";
import { createContexts } from "./workers/look/observe.ts";
import { startSweep } from "./workers/sweep/sweep.ts";

/** What the worker half runs on. */
export interface WorkerParts {
  readonly config: Config;
  readonly engine: Engine;
  readonly queues: Queues;
  readonly log: Logger;
  readonly meters: Meters;
  readonly now?: () => number;
  /** What carries requests to Norce and the PSPs. Default: over the network, through the proxies of the environment. */
  readonly transport?: Transport;
}

/**
 * How long running looks may go on after the process was told to stop; then they send nothing more, are over within a request's timeout
 * (five seconds), and are given back.
 */
const finishMs = 3_000;

/** Starts all workers. `close` takes nothing new, lets running looks finish or gives them back, within seconds. */
export function startWorker({ config, engine, log, meters, now = Date.now, ...parts }: WorkerParts): Running {
  const stopping = new AbortController();
  const { transport = createTransport({ proxies: config.proxies }) } = parts;
  const observe = meters.request;
  const norce = createNorceClient({
    ...config.norce,
    tokenRefused: (place) => log.warn({ peer: "norce", place }, "credential.refused"),
    adapterIdOf: (key) => config.find(key)?.settings.adapterId ?? key.adapter,
    observe,
    transport,
    now,
  });
  const drift = createDriftLog({ ledger: createLedger(engine, "patient"), log, meters, now });
  const queues = noting(parts.queues, drift);
  const oddity = (key: PaymentKey, reason: string): void => {
    meters.oddity(key.adapter, reason);
    log.warn({ ...key, reason }, "payment.odd");
    drift.found(key, reason);
  };
  const contexts = createContexts({
    observe,
    now,
    transport,
    callbackUrl: ({ orderId, paymentId, ...account }, webhook) => {
      const adapter = adapterNamed(config, account.adapter);
      const ids = adapter.webhooks[webhook]?.scope === "account" ? {} : { orderId, paymentId };
      const maker = { publicUrl: config.publicUrl, keys: config.signingKeys };
      return callbackUrl(maker, adapter, { ...account, ...ids } as Target, webhook);
    },
  });
  // The embedded queue belongs to this process alone.
  const closures = engine.kind === "embedded" ? {} : { closures: createClosures(engine) };
  const gates = createGates({ config, log, now, ...closures });
  const shared = {
    config,
    engine,
    queues,
    norce,
    contexts,
    gates,
    log,
    now,
    oddity,
    concurrency: config.workerConcurrency,
    stopping: stopping.signal,
    claims: createClaims(engine.store("patient")),
  };
  const workers = [
    startLocate(shared),
    ...startEvents(shared),
    startTimers(engine, queues, config.workerConcurrency),
    startOperate({
      ...shared,
      remember: queues.references.put,
      operations: createOperations(engine),
    }),
    startSweep(engine, { config, norce, queues, sweeps: createSweeps(engine), drift, log, meters, now }),
    ...startLanes({ ...shared, meters, drift, remember: queues.references.put }),
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
      gates.close();
      await drift.close();
    },
  };
}

function adapterNamed({ adapters }: Config, id: string): AnyAdapter {
  const adapter = adapters.get(id);
  if (adapter === undefined) throw new Error(`there is no adapter ${id}`);
  return adapter;
}

/** The queues; the ledger hears of every dead letter, wherever it is written. */
function noting(queues: Queues, drift: DriftLog): Queues {
  const { dead } = queues;
  const put: Queues["dead"]["put"] = async (letter) => {
    await dead.put(letter);
    drift.buried(letter);
  };
  return { ...queues, dead: { ...dead, put } };
}

if (import.meta.main) {
  await runProcess("worker", async ({ config, open, log, meters }) => {
    const { engine, queues } = await open();
    const worker = startWorker({ config, engine, queues, log, meters });
    return { close: async () => worker.close().then(() => engine.close()) };
  });
}
