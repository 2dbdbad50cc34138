import { EventEmitter } from "node:events";
import {
  IncomingMessage,
  type RequestListener,
  ServerResponse,
  validateHeaderName,
  validateHeaderValue,
} from "node:http";
import type { Socket } from "node:net";
import type { Answered, Outgoing, Transport, Unanswered } from "../../src/lib/transport.ts";

/**
 * Carries requests to servers in this process without sockets: half of what a law's walk would cost. What goes wrong on the way is the
 * network's to show (`failures`, `src/lib/transport.test.ts`, the pipeline).
 * @param servers by origin: `http://127.0.0.1:40123`
 */
export function createWire(servers: ReadonlyMap<string, RequestListener>): Transport {
  return async (outgoing) => {
    const { url, headers, signal, prove } = outgoing;
    const server = servers.get(url.origin);
    if (server === undefined) return { code: "ECONNREFUSED", sent: false };
    for (const [name, value] of Object.entries(headers)) {
      validateHeaderName(name);
      validateHeaderValue(name, value);
    }
    // As the real one: asked last, and the bytes leave in the turn in which it resolves.
    await prove?.();
    if (signal?.aborted === true) return { code: "given-up", sent: false };
    return await exchange(server, outgoing);
  };
}

function exchange(server: RequestListener, outgoing: Outgoing): Promise<Answered | Unanswered> {
  const { promise, resolve } = Promise.withResolvers<Answered | Unanswered>();
  const line = new Line(() => resolve({ code: "ECONNRESET", sent: true }));
  const request = requestOn(line, outgoing);
  const deadline = setTimeout(() => resolve({ code: "timeout", sent: true }), outgoing.timeoutMs);
  const response = new Reply(request, (answered) => resolve(answered));
  server(request, response);
  return promise.finally(() => clearTimeout(deadline));
}

function requestOn(line: Line, { method, url, headers, text }: Outgoing): IncomingMessage {
  const request = new IncomingMessage(line as unknown as Socket);
  const small = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  const length = text === undefined ? {} : { "content-length": String(Buffer.byteLength(text)) };
  request.method = method;
  request.url = `${url.pathname}${url.search}`;
  request.headers = { host: url.host, ...Object.fromEntries(small), ...length };
  // Everything is there already.
  if (text !== undefined) request.push(text);
  request.push(null);
  request.complete = true;
  return request;
}

/** What connects the two; whoever destroys it hangs up. */
class Line extends EventEmitter {
  readonly #hungUp: () => void;
  constructor(hungUp: () => void) {
    super();
    this.#hungUp = hungUp;
  }
  destroy(): void {
    this.#hungUp();
  }
}

/** A response that keeps what it is told. */
class Reply extends ServerResponse {
  readonly #answered: (answered: Answered) => void;
  #said: Record<string, string> = {};
  constructor(request: IncomingMessage, answered: (answered: Answered) => void) {
    super(request);
    this.#answered = answered;
  }
  override writeHead(status: number, headers?: unknown): this {
    this.statusCode = status;
    const said = Object.entries((headers ?? {}) as Record<string, string | number>);
    this.#said = Object.fromEntries(said.map(([name, value]) => [name.toLowerCase(), String(value)]));
    return this;
  }
  override end(text?: unknown): this {
    this.#answered({ status: this.statusCode, headers: this.#said, text: typeof text === "string" ? text : "" });
    return this;
  }
  override destroy(): this {
    this.req.socket.destroy();
    return this;
  }
}
