/** The web process: receives webhooks and operations, stores them, answers. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { RequestHandler } from "express";
import type { Config } from "./config.ts";
import type { Logger } from "./lib/log.ts";
import type { Meters } from "./lib/meters.ts";
import { type Running, runProcess } from "./process.ts";
import type { Engine } from "./queue/engine.ts";
import { createLedger } from "./queue/ledger.ts";
import { createOperations } from "./queue/operations.ts";
import { laneName, type Queues } from "./queue/queues.ts";
import { createApp } from "./webhooks/app.ts";
import { createInbox } from "./webhooks/inbox.ts";
import type { Lanes, OperationStatus } from "./webhooks/operations.ts";
import { answerReport } from "./webhooks/report.ts";

/** What the web half runs on. */
export interface WebParts {
  readonly config: Config;
  readonly engine: Engine;
  readonly queues: Queues;
  readonly log: Logger;
  readonly meters: Meters;
  readonly home?: RequestHandler;
}

/** Listens; resolves once webhooks are received. `close` answers what came in and takes nothing new. */
export async function startWeb(parts: WebParts): Promise<Running & { readonly port: number }> {
  const { config, engine, queues, log, meters } = parts;
  const app = createApp({
    config,
    log,
    meters,
    inbox: createInbox((events) => queues.inbox.add(events)),
    lanes: lanesFor(engine, queues),
    operations: createOperations(engine),
    ping: () => engine.ping(),
    report: answerReport({ config, ledger: createLedger(engine, "prompt"), dead: queues.dead, now: Date.now }),
    ...(parts.home === undefined ? {} : { home: parts.home }),
  });
  const server = createServer({ requestTimeout: 30_000, keepAliveTimeout: 65_000 }, app);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(config.port, resolve);
  });
  const { port } = server.address() as AddressInfo;
  log.info({ port, publicUrl: config.publicUrl }, "web.started");
  return { port, close: () => closed(server) };
}

function lanesFor(engine: Engine, queues: Queues): Lanes {
  return {
    add: (look) => queues.lanes.add(look, "prompt"),
    async status(adapter, id): Promise<OperationStatus> {
      const job = id === "" ? undefined : await engine.queue(laneName(adapter), "prompt").getJob(id);
      if (job === undefined) return { operationId: id, status: "unknown" };
      if (job.finishedOn !== undefined) return { operationId: id, status: "done", outcome: job.returnvalue };
      return { operationId: id, status: job.processedOn === undefined ? "queued" : "running" };
    },
  };
}

/** Takes no new connection, answers what came in, and lets go of connections that are kept alive for nothing. */
async function closed(server: Server): Promise<void> {
  const idle = setInterval(() => server.closeIdleConnections(), 50);
  await new Promise<void>((resolve) => server.close(() => resolve()));
  clearInterval(idle);
}

if (import.meta.main) {
  await runProcess("web", async ({ config, open, log, meters }) => {
    const { engine, queues } = await open();
    const web = await startWeb({ config, engine, queues, log, meters });
    return { close: async () => web.close().then(() => engine.close()) };
  });
}
