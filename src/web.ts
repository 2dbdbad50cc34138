/** The web process: receives webhooks and operations, stores them, answers. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { RequestHandler } from "express";
import type { PaymentKey } from "./contract/adapter.ts";
import { type Config, ConfigError } from "./config.ts";
import { WorkerError } from "./lib/errors.ts";
import type { Logger } from "./lib/log.ts";
import type { Meters } from "./lib/meters.ts";
import { type Running, runProcess } from "./process.ts";
import type { Engine, Job } from "./queue/engine.ts";
import { createLedger } from "./queue/ledger.ts";
import { createOperations } from "./queue/operations.ts";
import { laneId, laneName, type Look, type Queues } from "./queue/queues.ts";
import { createApp } from "./webhooks/app.ts";
import { createInbox } from "./webhooks/inbox.ts";
import type { Lanes, OperationStatus } from "./webhooks/operations.ts";
import { answerLetter, answerReport } from "./webhooks/report.ts";

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
  const reportParts = { ...queues, config, ledger: createLedger(engine, "prompt"), now: Date.now };
  const app = createApp({
    config,
    log,
    meters,
    inbox: createInbox((events) => queues.inbox.add(events)),
    lanes: lanesFor(engine, queues),
    operations: createOperations(engine),
    ping: () => engine.ping(),
    now: Date.now,
    report: { get: answerReport(reportParts), post: answerLetter(reportParts) },
    ...(parts.home === undefined ? {} : { home: parts.home }),
  });
  const server = createServer({ requestTimeout: 30_000, keepAliveTimeout: 65_000 }, app);
  server.on("clientError", answerUnreadable);
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(inPlainWords(error, config.port))).listen(config.port, config.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  log.info({ port, publicUrl: config.publicUrl }, "web.started");
  return { port, close: () => closed(server) };
}

/** Somebody who starts it twice has to read one line, not a stack. */
function inPlainWords(error: NodeJS.ErrnoException, port: number): Error {
  if (error.code === "EADDRINUSE")
    return new ConfigError([`PORT: ${port} is in use already: is another one of these running?`]);
  return error.code === "EACCES" ? new ConfigError([`PORT: ${port} may not be listened on by this user`]) : error;
}

/** How long a client may take to read that it was refused. */
const goodbyeMs = 1_000;

/** What is no request, or none that ends in time, never reaches the app: Node would answer it without a word. */
export function answerUnreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
  // It was told already, and still sends.
  if (socket.writableEnded) return;
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const [status, code, message] =
    error.code === "ERR_HTTP_REQUEST_TIMEOUT"
      ? ["408 Request Timeout", "too-slow", "the request did not come to its end in time"]
      : ["400 Bad Request", "malformed", "the request cannot be read"];
  const body = JSON.stringify({ code, message });
  const head = ["content-type: application/json", `content-length: ${Buffer.byteLength(body)}`, "connection: close"];
  socket.end([`HTTP/1.1 ${status}`, ...head, "", body].join("\r\n"));
  // Not at once: a client that is still sending would get a reset in place of the answer.
  setTimeout(() => socket.destroy(), goodbyeMs).unref();
}

function lanesFor(engine: Engine, queues: Queues): Lanes {
  return {
    add: (look) => queues.lanes.add(look, "prompt"),
    async status(key, id): Promise<OperationStatus> {
      const job = id === "" ? undefined : await lookById(engine, key, id);
      if (job === undefined || laneId(job.data.key) !== laneId(key)) return { operationId: id, status: "unknown" };
      if (job.finishedOn !== undefined) return { operationId: id, status: "done", outcome: job.returnvalue };
      return { operationId: id, status: job.processedOn === undefined ? "queued" : "running" };
    },
  };
}

async function lookById(engine: Engine, { adapter }: PaymentKey, id: string): Promise<Job<Look> | undefined> {
  try {
    return await engine.queue<Look>(laneName(adapter), "prompt").getJob(id);
  } catch (cause) {
    throw new WorkerError("QueueUnavailable", "the queue does not answer", { cause });
  }
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
