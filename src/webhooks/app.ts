import express, {
  type ErrorRequestHandler,
  type Express,
  type Request,
  type RequestHandler,
  type Response,
} from "express";
import type { PaymentKey } from "../adapters/adapter.ts";
import type { Config } from "../config.ts";
import { type ErrorKind, isWorkerError, WorkerError } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import type { Meters } from "../lib/meters.ts";
import type { Operations } from "../queue/operations.ts";
import type { Inbox } from "./inbox.ts";
import { type Lanes, NotPossible, operate } from "./operations.ts";
import { receive, route, type WebhookRoute } from "./receive.ts";
import { queryOf, rawRequest } from "./request.ts";

/** What the web half needs; nothing here knows Norce or a PSP's API. */
export interface AppParts {
  readonly config: Config;
  readonly log: Logger;
  readonly meters: Meters;
  readonly inbox: Inbox;
  readonly lanes: Lanes;
  readonly operations: Operations;
  /** Rejects where the queue does not answer. */
  readonly ping: () => Promise<void>;
  /** What stands at `/report`. */
  readonly report?: RequestHandler;
  /** What stands at `/`: the sandbox's page. */
  readonly home?: RequestHandler;
}

const paymentWebhook = "/:adapter/api/checkout/v1/callback/orders/:orderId/payments/:paymentId/:webhook";
const accountWebhook = "/:adapter/api/checkout/v1/callback/orders/:webhook";
const operation = "/:adapter/api/order/v1/orders/:orderId/payments/:paymentId/:operation";

/** More webhooks than this at once are asked to come again, so that bodies held in memory stay bounded. */
const maxInFlight = 1_000;

/** The web half's routes. Express ends here: nothing behind it knows it. */
export function createApp(parts: AppParts): Express {
  const app = express();
  app
    .disable("x-powered-by")
    .disable("etag")
    .set("query parser", false)
    .set("strict routing", true)
    .set("case sensitive routing", true);
  const body = express.raw({ type: () => true, limit: parts.config.bodyLimitBytes, inflate: false });

  app.all([paymentWebhook, accountWebhook], answerWebhook(parts, body));
  app.all(operation, onlyMethods("POST", "GET"), body, answerOperation(parts));
  app.get("/health/live", (_, response) => json(response, 200, { status: "live" }));
  app.get("/health/ready", async (_, response) => {
    await parts.ping();
    json(response, 200, { status: "ready" });
  });
  app.get("/metrics", async (_, response) => {
    end(response, 200, parts.meters.contentType, await parts.meters.text());
  });
  if (parts.report !== undefined) app.get("/report", parts.report);
  if (parts.home !== undefined) app.use("/", parts.home);
  app.use((): never => {
    throw new WorkerError("UnknownTarget", "no such path");
  });
  app.use(answerError(parts));
  return app;
}

function answerWebhook({ config, inbox, log, meters }: AppParts, body: RequestHandler): RequestHandler {
  let inFlight = 0;

  const answer = async (request: Request, response: Response): Promise<void> => {
    const started = performance.now();
    const query = queryOf(request.originalUrl);
    // Refused before the body is read: unknown targets, malformed ids, wrong methods.
    const to = route(config, webhookRoute(request, query));
    if (request.method !== to.rules.method) {
      methodNotAllowed(response, to.rules.method, refusalStatus(config, to, 405));
      return;
    }
    await bodyRead(body, request, response);
    const { ack, events } = await receive(config, inbox, to, rawRequest(request, query), Date.now());
    // What answers a GET could be kept by whoever stands in between, and the next one would not arrive.
    if (request.method === "GET") response.setHeader("cache-control", "no-store");
    end(response, ack.status, ack.type, ack.body);
    meters.webhook(to.target.adapter, to.webhook, "received");
    const ms = Math.round(performance.now() - started);
    log.info({ ...to.target, webhook: to.webhook, events, ms }, "webhook.received");
  };

  return async (request, response) => {
    if (inFlight >= maxInFlight) {
      const to = webhookRoute(request, queryOf(request.originalUrl));
      response.setHeader("retry-after", "5");
      json(response, refusalStatus(config, to, 429), {
        code: "too-many-requests",
        message: "too many webhooks at once",
      });
      return;
    }
    inFlight += 1;
    try {
      await answer(request, response);
    } finally {
      inFlight -= 1;
    }
  };
}

/** Some PSPs send webhooks without a body: there is nothing to wait for. */
async function bodyRead(body: RequestHandler, request: Request, response: Response): Promise<void> {
  if (request.headers["content-length"] === "0") return;
  await new Promise<void>((resolve, reject) => {
    void body(request, response, (error?: unknown) => (error === undefined ? resolve() : reject(error)));
  });
}

function answerOperation({ log, ...parts }: AppParts): RequestHandler {
  return async (request, response) => {
    const query = queryOf(request.originalUrl);
    const call = {
      key: {
        ...operationTarget(request, query),
        orderId: param(request, "orderId"),
        paymentId: param(request, "paymentId"),
      },
      operation: param(request, "operation"),
    };
    const answer = await operate({ ...parts, now: Date.now }, call, rawRequest(request, query));
    json(response, 200, answer);
    log.info(
      { ...call.key, operation: call.operation, operationId: answer.operationId, status: answer.status },
      "operation.answered",
    );
  };
}

function onlyMethods(...methods: readonly string[]): RequestHandler {
  return (request, response, next) => {
    if (methods.includes(request.method)) next();
    else methodNotAllowed(response, methods.join(", "));
  };
}

function methodNotAllowed(response: Response, allow: string, status = 405): void {
  response.setHeader("allow", allow);
  json(response, status, { code: "method-not-allowed", message: `use ${allow}` });
}

/** Every error answer is `{code, message}` in our own words: it never echoes input. */
function answerError({ config, log, meters }: AppParts): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    const refusal = refusalOf(error);
    const to =
      request.params["webhook"] === undefined ? undefined : webhookRoute(request, queryOf(request.originalUrl));
    if (refusal.retryAfterSeconds !== undefined) response.setHeader("retry-after", String(refusal.retryAfterSeconds));
    const status = to === undefined ? refusal.status : refusalStatus(config, to, refusal.status);
    json(response, status, { code: refusal.code, message: refusal.message });
    const facts = { method: request.method, status, code: refusal.code };
    if (status === 500) log.error({ ...facts, error }, "request.failed");
    else if (to !== undefined) {
      // Anybody can call any URL: only names of ours become label values.
      const known = config.adapters.get(to.target.adapter)?.webhooks[to.webhook] !== undefined;
      meters.webhook(known ? to.target.adapter : "unknown", known ? to.webhook : "unknown", refusal.code);
      log.warn({ ...facts, ...(known ? { ...to.target, webhook: to.webhook } : {}) }, "webhook.refused");
    }
  };
}

/** The status with which a webhook is refused: some PSPs misread the usual one, and their adapters say what they read right. */
function refusalStatus(config: Config, { target: { adapter }, webhook }: WebhookRoute, status: number): number {
  const refusals: Readonly<Record<number, number>> = config.adapters.get(adapter)?.webhooks[webhook]?.refusals ?? {};
  return refusals[status] ?? status;
}

interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly retryAfterSeconds?: number;
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof NotPossible) return { status: 409, code: error.reason, message: error.message };
  if (isWorkerError(error)) {
    const answer = answers[error.kind];
    if (answer !== undefined) return { message: error.message, ...answer };
  }
  const status = typeof error === "object" && error !== null && "status" in error ? error.status : undefined;
  if (status === 413) return { status, code: "too-large", message: "the body is larger than is accepted" };
  // Express and body-parser say 4xx for what the client sent: an undecodable path, an encoded body, a connection cut short.
  if (typeof status === "number" && status >= 400 && status < 500)
    return { status: 400, code: "malformed", message: "the request cannot be read" };
  return { status: 500, code: "internal-error", message: "something went wrong here" };
}

const answers: Readonly<Partial<Record<ErrorKind, { status: number; code: string; retryAfterSeconds?: number }>>> = {
  UntrustedWebhook: { status: 401, code: "not-proven" },
  MalformedWebhook: { status: 400, code: "malformed" },
  UnknownTarget: { status: 404, code: "not-found" },
  QueueUnavailable: { status: 503, code: "queue-unavailable", retryAfterSeconds: 10 },
};

function webhookRoute(request: Request, query: URLSearchParams): WebhookRoute {
  const ids =
    request.params["paymentId"] === undefined
      ? {}
      : { orderId: param(request, "orderId"), paymentId: param(request, "paymentId") };
  return { target: { ...target(request, query), ...ids }, webhook: param(request, "webhook") };
}

/** Merchant and channel stand in the query, where the PSP was told them. */
function target(request: Request, query: URLSearchParams): Pick<PaymentKey, "adapter" | "merchant" | "channel"> {
  return {
    adapter: param(request, "adapter"),
    merchant: query.get("merchant") ?? "",
    channel: query.get("channel") ?? "",
  };
}

/** Norce sends merchant and channel as headers; a published URL has them in its query. */
function operationTarget(
  request: Request,
  query: URLSearchParams,
): Pick<PaymentKey, "adapter" | "merchant" | "channel"> {
  const { adapter, merchant, channel } = target(request, query);
  return {
    adapter,
    merchant: merchant || (request.get("x-merchant") ?? ""),
    channel: channel || (request.get("x-channel") ?? ""),
  };
}

function param(request: Request, name: string): string {
  const value = request.params[name];
  return typeof value === "string" ? value : "";
}

function json(response: Response, status: number, body: unknown): void {
  end(response, status, "application/json", JSON.stringify(body));
}

function end(response: Response, status: number, type: string | undefined, body: string | undefined): void {
  response.statusCode = status;
  if (type !== undefined) response.setHeader("content-type", type);
  response.end(body);
}
