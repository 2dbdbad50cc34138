import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import axios, { type AxiosInstance, type AxiosResponse, isAxiosError } from "axios";
import pRetry from "p-retry";
import { type ErrorKind, isWorkerError, WorkerError } from "./errors.ts";

/** A JSON value, as it travels in bodies and queues. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** One request to a PSP or to Norce. */
export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Path below the base URL, ids already encoded (use `pathOf`). */
  readonly path: string;
  /** The same path with its ids taken out, for logs and metrics: `/orders/{orderId}`. */
  readonly route: string;
  readonly query?: Readonly<Record<string, string | number>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Json;
  /** Instead of `body`: the exact text to send, and its content type. For forms, and where a proof covers the bytes that are sent. */
  readonly raw?: { readonly type: string; readonly text: string };
  /**
   * Once aborted, nothing more is sent. What is on its way is not cut off but ends by its own timeout: a write that was cut off could
   * still be carried out, after somebody else was let in.
   */
  readonly signal?: AbortSignal | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  /** The parsed JSON body, or the text where text was asked for; `null` where the body is empty. */
  readonly body: unknown;
}

/** A client certificate for PSPs that want one (mutual TLS): PEM texts, or a PKCS#12 file's bytes. */
export interface TlsIdentity {
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
  readonly pkcs12?: Buffer | undefined;
  readonly passphrase?: string | undefined;
}

export interface HttpOptions {
  /** Who is asked, for errors, logs and metrics: `norce`, `klarna-checkout`. */
  readonly peer: string;
  readonly baseUrl: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** What a good answer is: JSON unless said otherwise. */
  readonly answers?: "json" | "text" | undefined;
  /** Per request, in milliseconds. Default 5000: half of a job's lock. */
  readonly timeoutMs?: number | undefined;
  /** What a status means to this peer where it differs from the default table; `undefined` leaves it to the table. */
  readonly classify?:
    | ((status: number, body: unknown, headers: Readonly<Record<string, unknown>>) => ErrorKind | undefined)
    | undefined;
  /** Where this peer's answers say their error code and the id its support asks for. */
  readonly codeOf?:
    | ((
        body: unknown,
        headers: Readonly<Record<string, unknown>>,
      ) => { readonly code?: string | undefined; readonly supportId?: string | undefined })
    | undefined;
  readonly tls?: TlsIdentity | undefined;
  /** Told of every request that was sent, answered or not. */
  readonly observe?:
    | ((fact: { peer: string; method: string; route: string; status: number; seconds: number }) => void)
    | undefined;
}

/** Sends one request; resolves with a 2xx answer, rejects with a `WorkerError`. */
export type Http = (request: HttpRequest) => Promise<HttpAnswer>;

const agents = {
  // One pool per process: connections are kept, so that a look costs round trips and no handshakes.
  httpAgent: new HttpAgent({ keepAlive: true, maxSockets: 128 }),
  httpsAgent: new HttpsAgent({ keepAlive: true, maxSockets: 128 }),
};

const quickRepeats = 2;
const maxAnswerBytes = 10 * 1024 * 1024;

/**
 * An HTTP client for one peer. GETs are repeated at most twice, quickly, when the network or the peer stumbles; everything
 * longer is the queue's. Errors carry method, host, route and status, never a header or a body.
 */
export function createHttp(options: HttpOptions): Http {
  const client = axios.create({
    ...agents,
    baseURL: options.baseUrl.replace(/\/+$/, ""),
    timeout: options.timeoutMs ?? 5_000,
    maxRedirects: 0,
    maxContentLength: maxAnswerBytes,
    responseType: "text",
    transformResponse: (text: unknown) => text,
    validateStatus: () => true,
    headers: { accept: "application/json", ...options.headers },
  });
  const host = hostOf(options.baseUrl);
  return async (request) => {
    if (request.method !== "GET") return await send(client, options, host, request);
    return await pRetry(() => send(client, options, host, request), {
      retries: quickRepeats,
      minTimeout: 50,
      maxTimeout: 400,
      randomize: true,
      shouldRetry: ({ error }) => isStumble(error) && request.signal?.aborted !== true,
    });
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

async function send(
  client: AxiosInstance,
  options: HttpOptions,
  host: string,
  request: HttpRequest,
): Promise<HttpAnswer> {
  const started = performance.now();
  const facts = { peer: options.peer, host, method: request.method, route: request.route };
  const observed = (status: number): void =>
    options.observe?.({
      peer: options.peer,
      method: request.method,
      route: request.route,
      status,
      seconds: (performance.now() - started) / 1000,
    });
  if (request.signal?.aborted === true) {
    throw new WorkerError("Unreachable", `${options.peer} is not asked any more`, {
      context: { ...facts, code: "given-up" },
    });
  }
  let response: AxiosResponse<unknown>;
  try {
    response = await client.request({
      method: request.method,
      url: request.path,
      // Axios's own timeout bounds silence: a peer that sends a byte now and then would keep us for ever.
      signal: AbortSignal.timeout(options.timeoutMs ?? 5_000),
      ...(request.query === undefined ? {} : { params: request.query }),
      ...(request.headers === undefined ? {} : { headers: { ...request.headers } }),
      ...contentOf(request),
    });
  } catch (error) {
    observed(0);
    // The axios error holds headers and bodies, secrets among them: only its code leaves this function.
    const code = isAxiosError(error) ? (error.code ?? "unknown") : "unknown";
    throw new WorkerError("Unreachable", `${options.peer} did not answer`, { context: { ...facts, code } });
  }
  observed(response.status);
  const context = { ...facts, status: response.status };
  const body = options.answers === "text" ? textOf(response.data) : parseBody(response.data);
  if (response.status >= 200 && response.status < 300) {
    if (body === notJson)
      throw new WorkerError("Unreachable", `${options.peer} answered something that is not JSON`, { context });
    return { status: response.status, headers: response.headers, body };
  }
  const kind =
    options.classify?.(response.status, body === notJson ? null : body, response.headers) ?? kindOf(response.status);
  throw new WorkerError(kind, `${options.peer} answered ${response.status}`, {
    context: { ...context, code: errorCodeOf(body) },
    retryAfterMs: retryAfterMs(response.headers["retry-after"]),
  });
}

function contentOf({ body, raw, headers }: HttpRequest): object {
  if (raw !== undefined) return { data: raw.text, headers: { ...headers, "content-type": raw.type } };
  if (body === undefined) return {};
  return { data: JSON.stringify(body), headers: { ...headers, "content-type": "application/json" } };
}

/** What a status means where the peer says nothing else (docs/errors-and-retries.md). */
function kindOf(status: number): ErrorKind {
  if (status === 401) return "Unauthorized";
  if (status === 408 || status === 425 || status === 429 || status >= 500) return "Unreachable";
  if (status === 409 || status === 412) return "Conflict";
  return "Refused";
}

const notJson = Symbol("not JSON");

function textOf(data: unknown): string | null {
  return typeof data === "string" && data !== "" ? data : null;
}

function parseBody(text: unknown): unknown {
  if (typeof text !== "string" || text.trim() === "") return null;
  try {
    return JSON.parse(text);
  } catch {
    return notJson;
  }
}

/** The peer's own short error code, where its body has one that looks like a code and not like a sentence. */
function errorCodeOf(body: unknown): string | undefined {
  if (typeof body !== "object" || body === null) return undefined;
  const fields = body as Record<string, unknown>;
  const detail: unknown = Array.isArray(fields["details"]) ? fields["details"][0] : undefined;
  const issue = typeof detail === "object" && detail !== null && "issue" in detail ? detail.issue : undefined;
  const named = codeNames.find((name) => name in fields);
  const code = issue ?? (named === undefined ? undefined : fields[named]);
  return typeof code === "string" && /^[\w.-]{1,64}$/.test(code) ? code : undefined;
}

/** Where PSPs write it: Klarna, Adyen, Qliro, others, Svea, PayPal (which has a better one in its first detail). */
const codeNames = ["error_code", "errorCode", "ErrorCode", "code", "Code", "name"] as const;

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
