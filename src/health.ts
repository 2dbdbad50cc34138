/** What a worker process tells of itself: on a port of its own, and to the web processes by its heartbeat. */
import { randomUUID } from "node:crypto";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { figuresOf } from "./lib/figures.ts";
import type { Meters } from "./lib/meters.ts";
import type { Logger } from "./lib/log.ts";
import type { Heartbeats } from "./queue/heartbeats.ts";
import { within } from "./queue/within.ts";

interface Running {
  close(): Promise<void>;
}

/** What the worker's port tells. */
export interface HealthParts {
  readonly port: number;
  readonly meters: Pick<Meters, "contentType" | "text">;
  /** Rejects where nothing can be stored. */
  readonly ping: () => Promise<void>;
  readonly log: Pick<Logger, "info">;
  /** What `/health/ready` says besides. */
  readonly detail?: () => Promise<object | undefined>;
}

/**
 * `/health/live`: the process answers, so that its loop turns. `/health/ready`: what it comes to could be written down now. `/metrics`. Every
 * other path is 404; nothing is read of a request but its path.
 * @throws Error where the port is taken.
 */
export async function startHealth({
  port,
  meters,
  ping,
  log,
  detail = async () => undefined,
}: HealthParts): Promise<Running & { readonly port: number }> {
  const figures = figuresOf(meters, Date.now);
  const routes: Readonly<Record<string, (response: ServerResponse) => Promise<void>>> = {
    "/health/live": async (response) => answer(response, 200, { status: "live" }),
    "/health/ready": async (response) =>
      await ping().then(
        async () => answer(response, 200, { status: "ready", ...(await detail()) }),
        () => {
          response.setHeader("retry-after", retryAfterSeconds);
          answer(response, 503, { code: "queue-unavailable", message: "the queue does not take anything now" });
        },
      ),
    "/metrics": async (response) => {
      const text = await figures();
      response.writeHead(200, { "content-type": meters.contentType }).end(text);
    },
  };
  const server = createServer((request, response) => {
    const path = (request.url ?? "").split("?")[0] ?? "";
    const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
    if (route === undefined) answer(response, 404, { code: "not-found", message: "no such path" });
    else
      route(response).catch(() =>
        answer(response, 500, { code: "internal-error", message: "something went wrong here" }),
      );
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, resolve));
  const { port: listening } = server.address() as AddressInfo;
  log.info({ port: listening }, "worker.listening");
  return {
    port: listening,
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** As the web process says it. */
const retryAfterSeconds = "10";

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

const beatMs = 5_000;
const goodbyeMs = 1_000;
/** A worker of which nothing was heard for so long is not there. */
const silentMs = 20_000;

/** Says again and again that this worker is there; one beat that cannot be stored is made up for by the next. */
export function keepBeating(
  { beat, gone }: Pick<Heartbeats, "beat" | "gone">,
  facts: () => { readonly concurrency: number; readonly since: number; readonly config: string },
): Running {
  const id = randomUUID();
  let beating: Promise<void> = Promise.resolve();
  const say = (): void => {
    beating = beat(id, facts(), silentMs).catch(() => undefined);
  };
  say();
  const timer = setInterval(say, beatMs).unref();
  return {
    async close() {
      clearInterval(timer);
      const end = async (): Promise<void> => {
        await beating;
        await gone(id);
      };
      // Whoever cannot say goodbye is missed after a while.
      await within(goodbyeMs, end()).catch(() => undefined);
    },
  };
}
