import express, { type ErrorRequestHandler, type Express, type RequestHandler } from "express";
import type { PublicFiles, Target } from "../contract/adapter.ts";
import type { Config } from "../config.ts";
import { WorkerError } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import { figuresOf } from "../lib/figures.ts";
import type { Meters } from "../lib/meters.ts";
import type { Tracing } from "../lib/tracing.ts";
import type { Arrived } from "./arrivals.ts";
import { refusalOf, send, sendJson, sendRefusal } from "./answers.ts";
import { createGuard, type Refuse } from "./guard.ts";
import type { StoreEvents } from "./store-together.ts";
import type { Operations, OperatorLooks } from "./operations.ts";
import { answerOperation } from "./operators.ts";
import { queryOf } from "./request.ts";
import { isStrayed, paths } from "./routes.ts";
import { createTellSeldom } from "./seldom.ts";
import { answerWebhook } from "./take.ts";

/** What the web half needs; nothing here knows Norce or a PSP's API. */
export interface AppParts {
  readonly config: Config;
  readonly log: Logger;
  readonly meters: Meters;
  readonly store: StoreEvents;
  /** What lies in public and proofs take. */
  readonly files: PublicFiles;
  readonly looks: OperatorLooks;
  readonly operations: Operations;
  /** Rejects where the queue does not answer. */
  readonly ping: () => Promise<void>;
  /** What `/health/ready` says besides; it changes no status. */
  readonly detail?: () => Promise<object | undefined>;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Hears of a body at a configured URL that was longer than is taken. */
  readonly tooLarge?: (target: Target, webhook: string) => void;
  /** Hears of each webhook of a whole account that was acknowledged. */
  readonly arrived?: Arrived;
  /** What people on call ask; each behind the guard of operators' routes. */
  readonly operators?: readonly OperatorRoute[];
  /** What stands at `/`: the sandbox's page. */
  readonly home?: RequestHandler;
  readonly tracing?: Tracing | undefined;
}

/** A path that people on call use. What it answers insists on its own proof. */
export interface OperatorRoute {
  /** In logs and counters. */
  readonly name: string;
  readonly path: string;
  readonly get?: RequestHandler;
  readonly post?: RequestHandler;
  /** Says a refusal in the route's own way; absent: as JSON. */
  readonly refuse?: Refuse;
}

/** What is said back to whoever asks whether it is us. */
const nonceShape = /^[\w-]{16,64}$/;

/** The web half's routes. Express ends here and in the `answer…` of its neighbours: nothing behind them knows it. */
export function createApp(parts: AppParts): Express {
  const guard = createGuard(parts);
  const metrics = figuresOf(parts.meters, parts.now);
  const app = express();
  app
    .disable("x-powered-by")
    .disable("etag")
    .set("query parser", false)
    .set("strict routing", true)
    .set("case sensitive routing", true);
  app.all([...paths.webhooks], answerWebhook(parts));
  app.all(paths.operations, guard("operation", answerOperation(parts)));
  app.get("/health/live", (request, response) => {
    const nonce = queryOf(request.originalUrl).get("nonce");
    const echo = nonce === null || !nonceShape.test(nonce) ? {} : { echo: parts.config.signingKeys.echo(nonce) };
    sendJson(response, 200, { status: "live", ...echo });
  });
  app.get("/health/ready", async (_, response) => {
    await parts.ping();
    sendJson(response, 200, { status: "ready", ...(await parts.detail?.()) });
  });
  app.get("/metrics", async (_, response) => send(response, 200, parts.meters.contentType, await metrics()));
  for (const { name, path, get, post, refuse } of parts.operators ?? []) {
    if (get !== undefined) app.get(path, guard(name, get, refuse));
    if (post !== undefined) app.post(path, guard(name, post, refuse));
  }
  if (parts.home !== undefined) app.use("/", parts.home);
  app.use(refuseUnknown(parts));
  app.use(answerError(parts));
  return app;
}

/** What leads nowhere. Where a proxy did not take a prefix away, somebody has to hear of it: the PSP only sees a 404. */
function refuseUnknown({ log, meters, now }: AppParts): RequestHandler {
  const seldom = createTellSeldom(now);
  return ({ path, method }): never => {
    if (isStrayed(path)) {
      meters.webhook("unknown", "unknown", "wrong-path");
      const hint =
        "something stands before the path: a proxy in front has to take away what PUBLIC_URL has behind its host";
      seldom("wrong-path", (untold) => log.warn({ method, code: "wrong-path", hint, ...untold }, "webhook.refused"));
    }
    throw new WorkerError("UnknownTarget", "no such path");
  };
}

function answerError({ log }: AppParts): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    const refusal = refusalOf(error);
    sendRefusal(response, refusal);
    if (refusal.status === 500) log.error({ method: request.method, status: 500, error }, "request.failed");
  };
}
