import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Minor } from "../src/contract/adapter.ts";
import {
  type DeliveryFault,
  deliveryFaults,
  type SimulatedAck,
  type SimulatedPurchase,
  type SimulatedRequest,
  type SimulatedWebhook,
  type Simulator,
} from "../src/contract/simulator.ts";
import { createFaults, type Fault, type FaultOptions, type FaultyRequest, wait } from "./faults.ts";
import { answerJson, readBody } from "./loopback.ts";
import { Recent } from "./recent.ts";

/** A webhook that a simulated PSP sent, and what came of it. */
export interface SentWebhook {
  /** Adapter folder. */
  readonly adapter: string;
  readonly webhook: string;
  /** Of the callback URL, or of the payment that it is about. */
  readonly paymentId?: string;
  /** Norce's id of the payment that it is about, whatever the URL says. */
  readonly about?: string | undefined;
  /** What was sent. */
  readonly request: Pick<SimulatedWebhook, "method" | "url" | "body">;
  /** What our service answered; 0 where it did not, or was not asked. */
  readonly status: number;
  /** It got lost on its way. */
  readonly lost?: boolean;
  /** When it was answered, in milliseconds. */
  readonly at: number;
}

/** A call to a simulated PSP's API, as a fault may judge it. `route` is the adapter folder. */
type PspRequest = FaultyRequest;

/** Every simulated PSP, served over HTTP; their webhooks are sent when their schedules say so. */
export interface SandboxPsp {
  /** Serves each PSP's API under `/{adapter folder}`. */
  readonly handler: RequestListener;
  /** The adapter folders that have a simulator. */
  readonly adapters: readonly string[];
  simulator(adapter: string): Simulator;
  /** Starts a purchase and says its reference. */
  open(adapter: string, purchase: SimulatedPurchase): string;
  /** What can be done to a payment now, what can happen to its next webhook on its way included: `lose-webhook`. */
  actions(adapter: string, reference: string): readonly string[];
  /** @throws Error when the action is not possible now. */
  act(adapter: string, reference: string, action: string, amount?: Minor): void;
  /** The last thousand webhooks that were sent, oldest first. */
  webhooks(): readonly SentWebhook[];
  /** Calls `listener` for each webhook once it was answered or failed; the function returned ends that. */
  onWebhook(listener: (sent: SentWebhook) => void): () => void;
  /** How many API calls came in. */
  readonly received: number;
  /** Makes something go wrong with the PSPs' APIs. `stale` means nothing here. */
  fault(options: FaultOptions): Fault;
  clearFaults(): void;
  /** Whether all webhooks of this PSP get lost from now on. */
  lose(adapter: string, lost: boolean): void;
  /** Sends nothing more; resolves once what was on its way has ended. */
  close(): Promise<void>;
}

export interface SandboxPspOptions {
  /** By adapter folder. */
  readonly simulators: ReadonlyMap<string, Simulator>;
  readonly now?: () => number;
}

const maxInFlight = 16;
const sendTimeoutMs = 10_000;
/** How often the simulators are asked what is due: at first after something happened, and at most. */
const quickMs = 25;
const slowMs = 1_000;

/** Serves simulators and sends their webhooks. Makes no timer before the first purchase. */
export function createSandboxPsp({ simulators, now = Date.now }: SandboxPspOptions): SandboxPsp {
  const faults = createFaults<PspRequest>();
  const log = new Recent<SentWebhook>(1_000);
  const listeners = new Set<(sent: SentWebhook) => void>();
  const waiting: { readonly adapter: string; readonly webhook: SimulatedWebhook }[] = [];
  const inFlight = new Set<Promise<void>>();
  /** Webhooks of which an attempt is on its way, by adapter. */
  const underWay = new Map<string, Set<string>>();
  const underWayAt = (adapter: string): Set<string> => {
    const known = underWay.get(adapter) ?? new Set<string>();
    underWay.set(adapter, known);
    return known;
  };
  const losing = new Set<string>();
  let received = 0;
  let pauseMs = quickMs;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const simulator = (adapter: string): Simulator => {
    const found = simulators.get(adapter);
    if (found === undefined) throw new Error(`the PSP of ${adapter} has no simulator`);
    return found;
  };

  const pump = (): void => {
    for (const [adapter, simulated] of simulators)
      for (const webhook of simulated.due(now(), underWayAt(adapter))) {
        if (webhook.id !== undefined) underWayAt(adapter).add(webhook.id);
        waiting.push({ adapter, webhook });
      }
    // The longer nothing happens, the less often the simulators are asked.
    pauseMs = waiting.length > 0 ? quickMs : Math.min(pauseMs * 1.1, slowMs);
    fill();
    schedule();
  };

  const schedule = (): void => {
    clearTimeout(timer);
    if (!closed) timer = setTimeout(pump, pauseMs).unref();
  };

  const wake = (): void => {
    pauseMs = quickMs;
    schedule();
  };

  const fill = (): void => {
    while (inFlight.size < maxInFlight) {
      const next = waiting.shift();
      if (next === undefined) return;
      const sending = deliver(next.adapter, next.webhook).finally(() => {
        inFlight.delete(sending);
        fill();
      });
      inFlight.add(sending);
    }
  };

  const deliver = async (adapter: string, webhook: SimulatedWebhook): Promise<void> => {
    const lost = losing.has(adapter);
    const ack = lost ? { status: 0, body: "" } : await send(webhook);
    const { status } = ack;
    if (!lost) simulators.get(adapter)?.answered(webhook, ack);
    if (webhook.id !== undefined) underWayAt(adapter).delete(webhook.id);
    const paymentId = /\/payments\/([^/]+)\//.exec(webhook.url)?.[1];
    const named = paymentId === undefined ? webhook.about : decodeURIComponent(paymentId);
    const { method, url, body, about } = webhook;
    const sent = {
      adapter,
      webhook: webhook.webhook,
      ...(named === undefined ? {} : { paymentId: named }),
      about,
      request: { method, url, body },
      status,
      ...(lost ? { lost } : {}),
      at: now(),
    };
    log.add(sent);
    for (const listener of listeners) listener(sent);
  };

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    received += 1;
    const url = new URL(request.url ?? "/", "http://localhost");
    const [, adapter = "", path = "/"] = /^\/([^/]+)(\/.*)?$/.exec(url.pathname) ?? [];
    const asked = { method: request.method ?? "", route: adapter, path, headers: request.headers };
    const fault = faults.strike(asked);
    await wait(fault?.slowMs ?? 0);
    if (fault?.drop === "before") request.socket.destroy();
    else if (fault?.status !== undefined) answerFault(response, fault.status, fault);
    else {
      const found = simulators.get(adapter);
      const text = await readBody(request);
      const answer = found?.answer(simulatedRequest(asked, url.searchParams, text ?? "")) ?? { status: 404 };
      if (fault?.drop === "after") request.socket.destroy();
      else if (answer.text !== undefined)
        response.writeHead(answer.status, { "content-type": "text/plain", ...answer.headers }).end(answer.text);
      else {
        const body = fault?.answer === undefined ? answer.body : fault.answer(answer.body, asked);
        answerJson(response, answer.status, body, answer.headers);
      }
    }
    wake();
  };

  return {
    handler: (request, response) => {
      serve(request, response).catch(() => {
        // A client that went away, or a simulator that threw: the caller sees a PSP that fails.
        if (!response.headersSent) answerJson(response, 500);
      });
    },
    adapters: [...simulators.keys()],
    simulator,
    open(adapter, purchase) {
      wake();
      return simulator(adapter).open(purchase);
    },
    actions: (adapter, reference) => [
      ...simulator(adapter).actions(reference),
      ...deliveryFaults.map((fault) => `${fault}-webhook`),
    ],
    act(adapter, reference, action, amount) {
      const fault = faultOf(action);
      if (fault === undefined) simulator(adapter).act(reference, action, amount);
      else simulator(adapter).disturb(reference, fault);
      wake();
    },
    webhooks: () => log.list(),
    onWebhook(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    get received() {
      return received;
    },
    fault: (options) => faults.set(options),
    clearFaults: () => faults.clear(),
    lose(adapter, lost) {
      if (lost) losing.add(adapter);
      else losing.delete(adapter);
    },
    async close() {
      closed = true;
      waiting.length = 0;
      clearTimeout(timer);
      await Promise.all(inFlight);
    },
  };
}

/** The fault of delivery that goes by this name. */
function faultOf(action: string): DeliveryFault | undefined {
  return deliveryFaults.find((fault) => action === `${fault}-webhook`);
}

async function send({ method, url, headers, body }: SimulatedWebhook): Promise<SimulatedAck> {
  const content = method === "POST" ? { body } : {};
  const signal = AbortSignal.timeout(sendTimeoutMs);
  try {
    const answer = await fetch(url, { method, headers: { ...headers }, ...content, signal, redirect: "manual" });
    return { status: answer.status, type: answer.headers.get("content-type") ?? undefined, body: await answer.text() };
  } catch {
    // What a PSP makes of no answer is its schedule's business.
    return { status: 0, body: "" };
  }
}

function simulatedRequest(
  { method, path, headers }: PspRequest,
  query: URLSearchParams,
  text: string,
): SimulatedRequest {
  const plain = Object.entries(headers).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.join(", ") : (value ?? ""),
  ]);
  return { method, path, query, headers: Object.fromEntries(plain) as Record<string, string>, body: bodyFrom(text) };
}

/** JSON where it is JSON, the text where it is something else. */
function bodyFrom(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function answerFault(response: ServerResponse, status: number, { retryAfterSeconds, html }: FaultOptions): void {
  const headers = retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) };
  if (html === undefined) answerJson(response, status, { code: "sandbox-fault" }, headers);
  else response.writeHead(status, { ...headers, "content-type": "text/html" }).end(html);
}
