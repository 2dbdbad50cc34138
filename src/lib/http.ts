import axios, { AxiosHeaders, type AxiosInstance, type InternalAxiosRequestConfig } from "axios";
import pRetry from "p-retry";
import type { TlsIdentity } from "./agents.ts";
import { type ErrorContext, type ErrorKind, isWorkerError, WorkerError } from "./errors.ts";
import { type LooseJson, notJson, parseJson } from "./json.ts";
import { type CodeOf, isSomebodyElses, judgeSilence, kindOf } from "./judgement.ts";
import { type Tracing, untraced } from "./tracing.ts";
import { type Answered, createTransport, type Transport, type Unanswered } from "./transport.ts";

export type { TlsIdentity } from "./agents.ts";
export type { Json } from "./json.ts";

/** One request to a PSP or to Norce. */
export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Path below the base URL, ids already encoded (use `pathOf`). */
  readonly path: string;
  /** The same path with its ids taken out, for logs and metrics: `/orders/{orderId}`. */
  readonly route: string;
  /** Of a list each stands for itself. */
  readonly query?: Readonly<Record<string, string | number | readonly string[]>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON; fields that are `undefined` are left out. */
  readonly body?: LooseJson;
  /** Instead of `body`: the exact text to send, and its content type. For forms, and where a proof covers the bytes that are sent. */
  readonly raw?: { readonly type: string; readonly text: string };
  /**
   * Once aborted, nothing more is sent. What is on its way is not cut off but ends by its own timeout: a write that was cut off could
   * still be carried out, after somebody else was let in.
   */
  readonly signal?: AbortSignal | undefined;
  /**
   * Asked as the very last thing, after every wait: the bytes leave in the turn in which it resolves, and do not where it rejects. The
   * proof that a lock is still held. Asked anew for each repeat.
   */
  readonly prove?: (() => Promise<void>) | undefined;
}

/** What a peer answered, its status between 200 and 299. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  /** The parsed JSON body, or the text where text was asked for; `null` where the body is empty. */
  readonly body: unknown;
}

/** What one peer is asked with. */
export interface HttpOptions {
  /** Who is asked, for errors, logs and metrics: `norce`, `klarna-checkout`. */
  readonly peer: string;
  readonly baseUrl: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** What a good answer is: JSON unless said otherwise. */
  readonly answers?: "json" | "text" | undefined;
  /** For each request, from its first byte to the answer's last, in milliseconds. Default 5000: half of a job's lock. */
  readonly timeoutMs?: number | undefined;
  /** For peers that want a client certificate. */
  readonly tls?: TlsIdentity | undefined;
  /**
   * What a status means to this peer where it differs from the default table; `undefined` leaves it to the table. `body` is `null` where
   * it is empty, and the text where it is no JSON.
   */
  readonly classify?:
    | ((status: number, body: unknown, headers: Readonly<Record<string, unknown>>) => ErrorKind | undefined)
    | undefined;
  /** Where this peer's answers say their error code and the id its support asks for (`codeAt`). */
  readonly codeOf?: CodeOf | undefined;
  /** Told of every request that was sent, answered or not. */
  readonly observe?:
    | ((fact: { peer: string; method: string; route: string; status: number; seconds: number }) => void)
    | undefined;
  /** Each request is a span of whoever sends it. */
  readonly tracing?: Tracing | undefined;
  /** What carries requests: the process's, so that connections are shared. Default: one of its own. */
  readonly transport?: Transport | undefined;
  /** Unix milliseconds. */
  readonly now?: (() => number) | undefined;
  /** From 0 to 1, for the pauses between quick repeats. */
  readonly random?: (() => number) | undefined;
}

/** Sends one request; resolves with a 2xx answer, rejects with a `WorkerError`. */
export type Http = (request: HttpRequest) => Promise<HttpAnswer>;

const quickRepeats = 2;
const shortestPauseMs = 50;
const defaultTimeoutMs = 5_000;
const axiosDefault = "application/x-www-form-urlencoded";

/**
 * An HTTP client for one peer. GETs are repeated at most twice, quickly, when the network or the peer stumbles (an answer that is not
 * JSON is one kind of stumbling); everything longer is the queue's. Errors carry method, host, route and status, the peer's code and
 * support id, never a header or a body; `notItsOwn` where the verdict is somebody else's than the peer's, `maybeCarriedOut` where a
 * write was sent and not answered.
 */
export function createHttp(options: HttpOptions): Http {
  const peer = peerFrom(options);
  const { random = Math.random } = options;
  return async (request) => {
    if (request.method !== "GET") return await send(peer, request);
    return await pRetry(() => send(peer, request), {
      retries: quickRepeats,
      minTimeout: shortestPauseMs * (1 + random()),
      shouldRetry: ({ error }) => isStumble(error) && request.signal?.aborted !== true,
    });
  };
}

/** A peer, with what is made once for all its requests. */
interface Peer extends HttpOptions {
  readonly client: AxiosInstance;
  readonly transport: Transport;
  readonly base: string;
  readonly host: string;
  readonly timeoutMs: number;
}

function peerFrom(options: HttpOptions): Peer {
  const { baseUrl, transport = createTransport(), timeoutMs = defaultTimeoutMs } = options;
  return {
    ...options,
    transport,
    timeoutMs,
    client: axios.create({
      // What is sent is a text and stays it, and answers are read here: axios would parse the one and rebuild the headers of the other.
      transformRequest: (text: unknown) => text,
      transformResponse: (outcome: unknown) => outcome,
      headers: { accept: "application/json", ...options.headers },
    }),
    base: baseUrl.replace(/\/+$/, ""),
    host: hostOf(baseUrl),
  };
}

/** The network or the peer failed for a moment, and the peer did not ask us to stay away. */
function isStumble(error: unknown): boolean {
  return isWorkerError(error, "Unreachable") && error.retryAfterMs === undefined;
}

/**
 * A path from a template whose values are encoded: ``pathOf`/orders/${id}` ``.
 * @throws WorkerError `Refused` for a value that is no id: empty, or a dot segment, which encoding leaves alone.
 */
export function pathOf(parts: TemplateStringsArray, ...values: readonly string[]): string {
  return parts.reduce((path, part, index) => path + segmentOf(values[index - 1] ?? "") + part);
}

function segmentOf(value: string): string {
  if (value === "" || value === "." || value === "..")
    throw new WorkerError("Refused", "an id is no id", { context: { reason: "malformed-id" } });
  return encodeURIComponent(value);
}

/** The path's template stands in the span, and neither its ids, nor its query, nor a header. */
async function send(peer: Peer, request: HttpRequest): Promise<HttpAnswer> {
  const { tracing = untraced, host } = peer;
  const { method, route } = request;
  const facts = {
    "norce_psp.peer": peer.peer,
    "server.address": host,
    "http.request.method": method,
    "url.template": route,
  };
  return await tracing.span(`${method} ${route}`, { kind: "client", facts }, async (span) => {
    const answer = await sendOnce(peer, request);
    span.set({ "http.response.status_code": answer.status });
    return answer;
  });
}

async function sendOnce(peer: Peer, request: HttpRequest): Promise<HttpAnswer> {
  const started = performance.now();
  const facts = { peer: peer.peer, host: peer.host, method: request.method, route: request.route };
  if (request.signal?.aborted === true) throw givenUp(facts);
  const outcome = await carry(peer, request);
  if ("code" in outcome && outcome.code === "given-up") throw givenUp(facts);
  const { method, route } = request;
  const status = "status" in outcome ? outcome.status : 0;
  peer.observe?.({ peer: peer.peer, method, route, status, seconds: (performance.now() - started) / 1000 });
  return "status" in outcome ? judge(peer, outcome, facts) : unanswered(outcome, facts);
}

/**
 * Through axios to the transport: axios's own adapters cost more than all the rest of a look. The outcome travels as the answer's data,
 * so that axios rebuilds no headers and no errors, which would hold headers and bodies, secrets among them.
 */
async function carry(peer: Peer, request: HttpRequest): Promise<Answered | Unanswered> {
  const { data } = await peer.client.request<Answered | Unanswered>({
    method: request.method,
    url: request.path,
    ...contentOf(request),
    adapter: async (config) => ({
      data: await peer.transport({
        method: request.method,
        url: urlOf(peer, request),
        headers: headersOf(config),
        text: config.data as string | undefined,
        identity: peer.tls,
        timeoutMs: peer.timeoutMs,
        signal: request.signal,
        prove: request.prove,
      }),
      status: 0,
      statusText: "",
      headers: new AxiosHeaders(),
      config,
    }),
  });
  return data;
}

function urlOf({ base, peer }: Peer, { path, query }: HttpRequest): URL {
  const url = URL.parse(base + path);
  if (url === null)
    throw new WorkerError("Refused", `the address of ${peer} is no URL`, {
      context: { peer, reason: "malformed-url" },
    });
  for (const [name, value] of Object.entries(query ?? {}))
    for (const one of [value].flat()) url.searchParams.append(name, String(one));
  return url;
}

function headersOf({ headers, data }: InternalAxiosRequestConfig): Record<string, string> {
  // Axios calls a write without a body a form, where nobody calls it something else.
  if (data === undefined && headers.get("content-type") === axiosDefault) headers.delete("content-type");
  return headers.toJSON() as Record<string, string>;
}

function contentOf({ body, raw, headers }: HttpRequest): object {
  if (raw !== undefined) return { data: raw.text, headers: { ...headers, "content-type": raw.type } };
  if (body === undefined) return headers === undefined ? {} : { headers: { ...headers } };
  return { data: JSON.stringify(body), headers: { ...headers, "content-type": "application/json" } };
}

function givenUp(facts: ErrorContext): WorkerError {
  return new WorkerError("Unreachable", `${String(facts["peer"])} is not asked any more`, {
    context: { ...facts, code: "given-up" },
  });
}

function unanswered(outcome: Unanswered, facts: ErrorContext): never {
  const { kind, maybeCarriedOut } = judgeSilence(outcome, String(facts["method"]));
  throw new WorkerError(kind, `${String(facts["peer"])} did not answer`, {
    context: { ...facts, code: outcome.code, ...(maybeCarriedOut ? { maybeCarriedOut } : {}) },
  });
}

function judge(peer: Peer, { status, headers, text }: Answered, facts: ErrorContext): HttpAnswer {
  const json = text.trim() === "" ? null : peer.answers === "text" ? text : parseJson(text);
  const isGood = status >= 200 && status < 300;
  if (isGood && json !== notJson) return { status, headers, body: json };
  const context = { ...facts, status };
  if (isGood)
    throw new WorkerError("Unreachable", `${peer.peer} answered something that is not JSON`, {
      context: { ...context, code: "not-json", notItsOwn: true },
    });
  const body = json === notJson ? text : json;
  const classified = peer.classify?.(status, body, headers);
  const notItsOwn = classified === undefined && isSomebodyElses(status, json === notJson);
  throw new WorkerError(classified ?? (notItsOwn ? "Unreachable" : kindOf(status)), `${peer.peer} answered ${status}`, {
    context: { ...context, ...peer.codeOf?.(body, headers), ...(notItsOwn ? { notItsOwn } : {}) },
    retryAfterMs: retryAfterMs(headers["retry-after"], peer.now?.()),
  });
}

/** `Retry-After` in milliseconds, from seconds or a date; `undefined` where it is absent or cannot be read. */
export function retryAfterMs(header: unknown, now: number = Date.now()): number | undefined {
  if (typeof header !== "string" || header === "") return undefined;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : "invalid";
}
