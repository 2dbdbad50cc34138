import type { Request, RequestHandler, Response } from "express";
import type { Target } from "../contract/adapter.ts";
import type { Config } from "../config.ts";
import { isWorkerError } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import type { Meters } from "../lib/meters.ts";
import { paymentFacts, untraced } from "../lib/tracing.ts";
import { ageOf, type KnownKey, knownSecrets, knownUrlKeys } from "../signatures/known-keys.ts";
import type { Arrival } from "../queue/arrivals.ts";
import type { Arrived } from "./arrivals.ts";
import { refusalOf, send, sendRefusal } from "./answers.ts";
import { type HeldBody, readBody } from "./body.ts";
import { type Received, receive, type ReceiveParts } from "./receive.ts";
import { headOf, queryOf } from "./request.ts";
import { createRooms } from "./rooms.ts";
import { createTellSeldom, type TellSeldom } from "./seldom.ts";
import { route, webhookOf, type WebhookRoute, webhookRoute } from "./routes.ts";

/** What webhooks are taken with. */
export interface TakeParts extends ReceiveParts {
  readonly log: Logger;
  readonly meters: Meters;
  /** Hears of a body at a configured URL that was longer than is taken: some PSPs hold everything else back for it. */
  readonly tooLarge?: ((target: Target, webhook: string) => void) | undefined;
  /** Hears of each webhook of a whole account that was acknowledged. */
  readonly arrived?: Arrived | undefined;
}

/** A PSP's own webhook is there in an instant; who has proven nothing is not waited for any longer. */
const unprovenMs = 5_000;

/** Answers webhooks: reads each where it may wait, receives it, and says in a line and a counter what became of it. */
export function answerWebhook(parts: TakeParts): RequestHandler {
  const roomFor = createRooms();
  const ageOfKey = keyAges(parts.config);
  const seldom = createTellSeldom(parts.now);
  const { tracing = untraced } = parts;
  return async (request, response) => {
    const started = performance.now();
    const query = queryOf(request.originalUrl);
    const to = webhookRoute(request, query);
    let held: HeldBody | undefined;
    const body = async (trusted: boolean): Promise<Buffer> => {
      held = await readBody(request, {
        limitBytes: limitOf(parts.config, to),
        room: roomFor(to.target, trusted),
        patienceMs: trusted ? undefined : unprovenMs,
      });
      return held.bytes;
    };
    try {
      const head = headOf(request, query);
      const received = await tracing.span("webhook", { kind: "server" }, async (span) => {
        const taken = await receive(parts, { to, head, body });
        // Not before: what strangers write into a URL leads nowhere.
        span.set(paymentFacts(to.target, { "norce_psp.webhook": to.webhook, "norce_psp.events": taken.events }));
        acknowledge(request, response, taken);
        tell({ ...parts, ageOfKey, seldom }, to, taken, Math.round(performance.now() - started));
        return taken;
      });
      if (to.target.paymentId === undefined) parts.arrived?.(to.target, arrivalOf(to, received, parts.now()));
    } catch (error) {
      if (response.headersSent) throw error;
      refuse({ ...parts, seldom }, to, error, request, response);
    } finally {
      held?.leave();
    }
  };
}

function limitOf(config: Config, { target, webhook }: WebhookRoute): number {
  return Math.max(config.bodyLimitBytes, webhookOf(config, target.adapter, webhook)?.bodyLimitBytes ?? 0);
}

function acknowledge(request: Request, response: Response, { ack }: Received): void {
  // What answers a GET could be kept by whoever stands in between, and the next one would not arrive.
  if (request.method === "GET") response.setHeader("cache-control", "no-store");
  send(response, ack.status, ack.type, ack.body);
}

/** Whether a key is the newest of its setting: what an account is configured with is named once. */
function keyAges(config: Config): (target: Target, key: string) => string {
  // By what it was read from: under a running service secrets change.
  const known = new WeakMap<object, readonly KnownKey[]>();
  return (target, key) => {
    const found = config.find(target);
    if (found === undefined) return ageOf(key, knownUrlKeys(config.signingKeys));
    const keys = known.get(found) ?? [
      ...knownUrlKeys(config.signingKeys),
      ...knownSecrets(found.adapter, found.settings),
    ];
    known.set(found, keys);
    return ageOf(key, keys);
  };
}

function tell(
  { log, meters, ageOfKey, seldom }: Telling & { readonly ageOfKey: ReturnType<typeof keyAges> },
  { target, webhook }: WebhookRoute,
  received: Received,
  ms: number,
): void {
  const { events, by, dropped } = received;
  meters.webhook(target.adapter, webhook, dropped === undefined ? "received" : "dropped");
  if (by !== undefined) meters.proof(target.adapter, webhook, by, ageOfKey(target, by));
  if (dropped === undefined) log.info({ ...target, webhook, events, by, ms }, "webhook.received");
  else
    // Nothing proves what is dropped.
    seldom(kindOf("dropped", dropped, target, webhook), (untold) =>
      log.info({ ...target, webhook, reason: dropped, ms, ...untold }, "webhook.dropped"),
    );
}

function arrivalOf({ webhook }: WebhookRoute, { by }: Received, at: number): Arrival {
  return { webhook, ...(by === undefined ? {} : { by }), at };
}

/** Refuses a webhook with the status that its PSP reads right; says so, in names of ours alone. */
function refuse(parts: Telling, to: WebhookRoute, error: unknown, request: Request, response: Response): void {
  const { config, log, meters, tooLarge, seldom } = parts;
  const refusal = refusalOf(error);
  const rules = webhookOf(config, to.target.adapter, to.webhook);
  const statuses: Readonly<Record<number, number>> = rules?.refusals ?? {};
  const status = statuses[refusal.status] ?? refusal.status;
  sendRefusal(response, refusal, status);
  const facts = { method: request.method, status, code: refusal.code, ...sigOf(error) };
  if (status === 500) {
    log.error({ ...facts, error }, "request.failed");
    return;
  }
  // Anybody can call any URL: only names of ours become label values, and what else strangers write into one is not logged.
  const names =
    rules === undefined
      ? { adapter: "unknown", webhook: "unknown" }
      : { adapter: to.target.adapter, webhook: to.webhook };
  const target = leads(config, to) ? to.target : {};
  meters.webhook(names.adapter, names.webhook, refusal.code);
  const isTooLarge = refusal.code === "too-large" && leads(config, to);
  if (isTooLarge) tooLarge?.(to.target, to.webhook);
  seldom(kindOf(refusal.code, sigOf(error), target, names), (untold) => {
    const said = { ...facts, ...target, ...names, ...untold };
    if (isTooLarge) log.error({ ...said, limitBytes: limitOf(config, to) }, "webhook.too-large");
    else log.warn(said, "webhook.refused");
  });
}

/** What is told with. */
type Telling = TakeParts & { readonly seldom: TellSeldom };

/** What makes two lines say the same: names of ours alone, and whose account it is. */
function kindOf(...names: readonly unknown[]): string {
  return JSON.stringify(names, (name, value: unknown) =>
    name === "orderId" || name === "paymentId" ? undefined : value,
  );
}

/** Whether the URL's `sig` was missing or wrong: for the log, never for the answer. */
function sigOf(error: unknown): { readonly sig?: unknown } {
  return isWorkerError(error) && "sig" in error.context ? { sig: error.context["sig"] } : {};
}

/** Whether the URL leads somewhere. */
function leads(config: Config, to: WebhookRoute): boolean {
  try {
    route(config, to);
    return true;
  } catch {
    return false;
  }
}
