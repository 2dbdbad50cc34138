/** The web process: receives webhooks and operations, stores them, answers. */
import { randomUUID } from "node:crypto";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { RequestHandler } from "express";
import { startAlerts } from "./alerts/alerts.ts";
import { type Config, ConfigError } from "./config.ts";
import { WorkerError } from "./lib/errors.ts";
import type { Logger } from "./lib/log.ts";
import type { Meters } from "./lib/meters.ts";
import type { Tracing } from "./lib/tracing.ts";
import { createTransport, type Transport } from "./lib/transport.ts";
import type { ServiceView } from "./doctor/parts.ts";
import type { Report } from "./doctor/report.ts";
import { operatorRoutes } from "./operators/routes.ts";
import { selfOf } from "./operators/self.ts";
import { type Running, runProcess } from "./process.ts";
import type { Engine } from "./queue/engine.ts";
import type { StoredEvent } from "./queue/jobs.ts";
import { createLedger } from "./queue/ledger.ts";
import type { JournalEntry, Seam } from "./queue/seam.ts";
import { readDetail, sweptChannels } from "./standing-numbers.ts";
import { promptly } from "./queue/within.ts";
import { createPublicFiles } from "./signatures/public-files.ts";
import { createApp } from "./webhooks/app.ts";
import { tooLargeInLedger } from "./webhooks/findings.ts";
import { createArrived } from "./webhooks/arrivals.ts";
import { storeTogether, type StoreEvents } from "./webhooks/store-together.ts";
import type { Operations, OperationStatus, OperatorLooks } from "./webhooks/operations.ts";

/** What the web half runs on. */
export interface WebParts {
  readonly config: Config;
  readonly engine: Engine;
  readonly queue: Seam;
  readonly log: Logger;
  readonly meters: Meters;
  readonly home?: RequestHandler;
  readonly tracing?: Tracing | undefined;
  /** What carries requests for what proofs take. Default: over the network, through the proxies of the environment. */
  readonly transport?: Transport;
}

/** What answers: the web half, wherever its requests come from. */
export function createWeb(parts: WebParts): RequestListener {
  const { config, engine, queue, log, meters } = parts;
  const { transport = createTransport({ proxies: config.proxies }) } = parts;
  const looks = looksFor(queue);
  const ledger = createLedger(engine, "prompt");
  const operations = operationsFor(queue);
  return createApp({
    config,
    log,
    meters,
    store: withEvidenceApart(storeTogether(queue.inbox.add), queue),
    files: createPublicFiles({ transport }),
    looks,
    operations,
    ping: () => engine.ping(),
    detail: () => readDetail({ config, queue, now: Date.now }),
    now: Date.now,
    tooLarge: tooLargeInLedger({ ledger, log, meters, now: Date.now }),
    arrived: createArrived((account, arrival) => queue.arrivals.note(account, arrival)),
    operators: operatorRoutes({
      queue,
      dead: queue.letters,
      journal: queue.journal,
      held: { events: queue.events.waiting, operations: queue.operations.running },
      letters: queue.letters,
      errands: queue.errands,
      operations,
      isConfigured: (key) => config.find(key) !== undefined,
      inbox: queue.inbox,
      looks,
      config,
      ledger,
      engine,
      heartbeats: queue.heartbeats,
      arrivals: queue.arrivals,
      standing: () => queue.standing(sweptChannels(config)),
      examine: examining(parts),
      now: Date.now,
    }),
    ...(parts.home === undefined ? {} : { home: parts.home }),
    tracing: parts.tracing,
  });
}

/** Listens; resolves once webhooks are received. `close` answers what came in and takes nothing new. */
export async function startWeb(parts: WebParts): Promise<Running & { readonly port: number }> {
  const { config, log } = parts;
  const server = createServer({ requestTimeout: 30_000, keepAliveTimeout: 65_000 }, createWeb(parts));
  server.on("clientError", answerUnreadable);
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(inPlainWords(error, config.port))).listen(config.port, config.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  log.info({ port, publicUrl: config.publicUrl }, "web.started");
  return { port, close: () => closeServer(server) };
}

/** A check that hangs must not leave a person waiting. */
const checkMs = 8_000;

/** Asks everybody whether things are as they should be. What it takes is loaded when somebody asks. */
function examining({ config, engine, queue }: WebParts): () => Promise<Report> {
  const { arrivals, heartbeats } = queue;
  return async () => {
    const { examine } = await import("./doctor/examine.ts");
    const service: ServiceView = {
      self: async () => await selfOf({ config, engine, heartbeats, arrivals }),
      arrivals: async (account) => await arrivals.list(account),
    };
    const transport = createTransport({ proxies: config.proxies });
    return await examine({ config, transport, service, longestMs: checkMs });
  };
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

/**
 * What proves events later may hold personal data: it stands apart from them, bounded, and goes when it is judged. Where there is no room for
 * it, that concerns no other webhook.
 */
function withEvidenceApart(store: StoreEvents, { evidence }: Seam): StoreEvents {
  const setApart = async (event: StoredEvent): Promise<StoredEvent> => {
    if (event.evidence === undefined) return event;
    const { adapter, merchant, channel } = event.target;
    const name = await promptly(evidence.put(JSON.stringify([adapter, merchant, channel]), event.evidence));
    if (name !== undefined) return { ...event, evidence: name };
    throw new WorkerError("QueueUnavailable", "there is no room for more webhooks that have yet to be proven");
  };
  const keep = async ({ evidence: name }: StoredEvent): Promise<void> => {
    if (typeof name !== "string" || (await promptly(evidence.keep(name)))) return;
    throw new WorkerError("QueueUnavailable", "what proves the webhook was gone before it could be acknowledged");
  };
  return async (events) => {
    if (events.every((event) => event.evidence === undefined)) return await store(events);
    const apart = await Promise.all(events.map(setApart));
    await store(apart);
    await Promise.all(apart.map(keep));
  };
}

/** Looks that an operator asks for; what came of one stands in the payment's journal. */
function looksFor({ looks, journal }: Pick<Seam, "looks" | "journal">): OperatorLooks {
  return {
    async ask(key) {
      const id = randomUUID();
      const line = { at: Date.now(), kind: "asked", facts: { id } };
      await looks.ask([{ key, by: "operator", journal: [line] }], "prompt");
      return id;
    },
    async status(key, operationId): Promise<OperationStatus> {
      const entries = await journal.read(key);
      const asked = entries.findIndex(({ kind, facts }) => kind === "asked" && facts["id"] === operationId);
      const entry = entries[asked];
      if (entry === undefined) return { operationId, status: "unknown" };
      const outcome = outcomeAfter(entry.first, entries.slice(asked + 1));
      return { operationId, ...(outcome === undefined ? { status: "queued" } : { status: "done", outcome }) };
    },
  };
}

/** What the first look came to that knew of the asking: one that ran meanwhile may have read the truth before. */
function outcomeAfter(at: number, entries: readonly JournalEntry[]): object | undefined {
  // What read both sides begins with that; what waits or was given up without it is told in one line.
  const looks = [...entries.entries()].filter(([place, { kind, facts }]) => {
    const goesOn = entries[place - 1]?.kind === "looked" || entries[place - 1]?.kind === "written";
    return kind === "looked" || (isEnd(entries[place]) && kind !== "written" && ("began" in facts || !goesOn));
  });
  const [place] = looks.find(([, { facts }], index) => Number(facts["began"]) >= at || index > 0) ?? [];
  if (place === undefined) return undefined;
  const [looked, next] = entries.slice(place);
  const last = looked?.kind === "looked" && isEnd(next) ? next : looked;
  const { kind, facts } = last ?? {};
  if (kind === "written") return { outcome: "written", ...facts };
  if (kind === "waited") return { outcome: "later", ...facts };
  if (kind === "buried") return { outcome: "dead", ...facts };
  const needs = facts?.["needs"];
  return needs === undefined ? { outcome: "unchanged" } : { outcome: "dead", kind: "Attention", why: needs };
}

/** What follows what a look read. */
function isEnd(entry: JournalEntry | undefined): boolean {
  return entry !== undefined && ["written", "waited", "buried"].includes(entry.kind);
}

/** The operations' records, as the web half tells of them. */
function operationsFor({ operations }: Pick<Seam, "operations">): Operations {
  return {
    ask: async (asked, idempotencyKey) => await operations.ask(asked, idempotencyKey),
    async read(id) {
      const state = (await operations.read(id))?.state;
      if (state === undefined) return undefined;
      const { key, name, amount, valid, outcome } = state;
      const asked = { key, name, ...(amount === undefined ? {} : { amount }) };
      if (outcome !== undefined) return { id, asked, status: outcome.status, outcome };
      return { id, asked, status: valid === true ? "running" : "queued" };
    },
  };
}

/** Takes no new connection, answers what came in, and lets go of connections that are kept alive for nothing. */
async function closeServer(server: Server): Promise<void> {
  const idle = setInterval(() => server.closeIdleConnections(), 50);
  await new Promise<void>((resolve) => server.close(() => resolve()));
  clearInterval(idle);
}

if (import.meta.main) {
  await runProcess("web", async ({ config, tracing, open, log, meters }) => {
    const { engine, queue } = await open();
    const web = await startWeb({ config, tracing, engine, queue, log, meters });
    const alerts = startAlerts({ config, queue, log, meters });
    return {
      async close() {
        await Promise.all([web.close(), alerts.close()]);
        await engine.close();
        await tracing.close();
      },
    };
  });
}
