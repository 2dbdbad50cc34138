import express, {
  type ErrorRequestHandler,
  type Express,
  type Request,
  type RequestHandler,
  type Response,
} from "express";
import type { PaymentKey } from "../contract/adapter.ts";
import type { Config } from "../config.ts";
import { type ErrorKind, isWorkerError, WorkerError } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import type { Meters } from "../lib/meters.ts";
import type { Operations } from "../queue/operations.ts";
import type { Inbox } from "./inbox.ts";
import { admit, type Lanes, NotPossible, operate } from "./operations.ts";
import { proveUrl, receive, route, type WebhookRoute } from "./receive.ts";
import { bodyOf, headOf, queryOf } from "./request.ts";

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
  /** What stands at `/report`: what is told, and what deals with a dead letter. */
  readonly report?: { readonly get: RequestHandler; readonly post: RequestHandler };
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
  app.all(operation, answerOperation(parts, body));
  app.get("/health/live", (_, response) => json(response, 200, { status: "live" }));
  app.get("/health/ready", async (_, response) => {
    await parts.ping();
    json(response, 200, { status: "ready" });
  });
  app.get("/metrics", async (_, response) => {
    end(response, 200, parts.meters.contentType, await parts.meters.text());
  });
  if (parts.report !== undefined) app.get("/report", parts.report.get).post("/report", parts.report.post);
  if (parts.home !== undefined) app.use("/", parts.home);
  app.use((): never => {
    throw new WorkerError("UnknownTarget", "no such path");
  });
  app.use(answerError(parts));
  return app;
}

function answerWebhook(parts: AppParts, body: RequestHandler): RequestHandler {
  const { config, inbox, log, meters } = parts;
  let inFlight = 0;

  const answer = async (
    asked: WebhookRoute,
    query: URLSearchParams,
    request: Request,
    response: Response,
  ): Promise<void> => {
    const started = performance.now();
    // Refused before the body is read: unknown targets, malformed ids, wrong methods, URLs that we did not sign.
    const to = route(config, asked);
    onlyMethods(request, to.rules.method);
    const head = headOf(request, query);
    const byUrl = await proveUrl(config, to, head);
    await bodyRead(body, request, response);
    const { ack, events } = await receive(config, inbox, to, { ...head, body: bodyOf(request) }, Date.now(), byUrl);
    // What answers a GET could be kept by whoever stands in between, and the next one would not arrive.
    if (request.method === "GET") response.setHeader("cache-control", "no-store");
    end(response, ack.status, ack.type, ack.body);
    meters.webhook(to.target.adapter, to.webhook, "received");
    const ms = Math.round(performance.now() - started);
    log.info({ ...to.target, webhook: to.webhook, events, ms }, "webhook.received");
  };

  return async (request, response) => {
    const query = queryOf(request.originalUrl);
    const asked = webhookRoute(request, query);
    inFlight += 1;
    try {
      if (inFlight > maxInFlight) throw new NotTaken(tooMany);
      await answer(asked, query, request, response);
    } catch (error) {
      if (response.headersSent) throw error;
      // Here and not in Express's error handler: that one no longer knows what the URL named.
      refuse(parts, error, request, response, asked);
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

function answerOperation({ log, ...parts }: AppParts, body: RequestHandler): RequestHandler {
  return async (request, response) => {
    onlyMethods(request, "POST", "GET");
    const query = queryOf(request.originalUrl);
    const ids = { orderId: param(request, "orderId"), paymentId: param(request, "paymentId") };
    const call = { key: { ...operationTarget(request, query), ...ids }, operation: param(request, "operation") };
    const head = headOf(request, query);
    const admitted = admit(parts.config, call, head, Date.now());
    await bodyRead(body, request, response);
    const answer = await operate({ ...parts, now: Date.now }, admitted, { ...head, body: bodyOf(request) });
    json(response, 200, answer);
    log.info(
      { ...call.key, operation: call.operation, operationId: answer.operationId, status: answer.status },
      "operation.answered",
    );
  };
}

/** Refused before anybody looked at what it says. */
class NotTaken extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(refusal.message);
    this.name = "NotTaken";
    this.refusal = refusal;
  }
}

const tooMany: Refusal = {
  status: 429,
  code: "too-many-requests",
  message: "too many webhooks at once",
  retryAfterSeconds: 5,
};

/** @throws NotTaken */
function onlyMethods({ method }: Request, ...methods: readonly string[]): void {
  if (methods.includes(method)) return;
  const allow = methods.join(", ");
  throw new NotTaken({ status: 405, code: "method-not-allowed", message: `use ${allow}`, allow });
}

function answerError(parts: AppParts): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) next(error);
    else refuse(parts, error, request, response);
  };
}

/** Every error answer is `{code, message}` in our own words: it never echoes input. @param to where a webhook was sent to */
function refuse(parts: AppParts, error: unknown, request: Request, response: Response, to?: WebhookRoute): void {
  const { config, log, meters } = parts;
  const refusal = refusalOf(error);
  const status = to === undefined ? refusal.status : refusalStatus(config, to, refusal.status);
  if (refusal.retryAfterSeconds !== undefined) response.setHeader("retry-after", String(refusal.retryAfterSeconds));
  if (refusal.allow !== undefined) response.setHeader("allow", refusal.allow);
  json(response, status, { code: refusal.code, message: refusal.message });
  const facts = { method: request.method, status, code: refusal.code };
  if (status === 500) log.error({ ...facts, error }, "request.failed");
  else if (to !== undefined) {
    const { adapter, webhook } = knownNames(config, to);
    meters.webhook(adapter, webhook, refusal.code);
    log.warn({ ...facts, ...(routed(config, to) ? to.target : {}), adapter, webhook }, "webhook.refused");
  }
}

/** Anybody can call any URL: only names of ours become label values. */
function knownNames(
  config: Config,
  { target: { adapter }, webhook }: WebhookRoute,
): Record<"adapter" | "webhook", string> {
  const known = Object.hasOwn(config.adapters.get(adapter)?.webhooks ?? {}, webhook);
  return known ? { adapter, webhook } : { adapter: "unknown", webhook: "unknown" };
}

/** Whether the URL leads somewhere; what else strangers write into one is not logged. */
function routed(config: Config, to: WebhookRoute): boolean {
  try {
    route(config, to);
    return true;
  } catch {
    return false;
  }
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
  /** Which methods are right. */
  readonly allow?: string;
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof NotTaken) return error.refusal;
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
