/** Node's requests and responses without a socket: a handler is called as a server would call it, and says what it answered. */
import { IncomingMessage, type RequestListener, ServerResponse } from "node:http";
import { Socket } from "node:net";

/** What came in. */
export interface Call {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/** What was answered. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** Has a handler answer a call. `undefined`: it hung up. */
export function answerBy(handler: RequestListener, call: Call, answered: (reply: Reply | undefined) => void): void {
  const socket = new Socket();
  const request = requestFrom(socket, call);
  const response = new ServerResponse(request);
  const chunks: string[] = [];
  let over = false;
  const finish = (reply: Reply | undefined): void => {
    if (!over) answered(reply);
    over = true;
  };
  socket.once("close", () => finish(undefined));
  // Express gives a response another prototype: what it is told has to stand on the response itself.
  Object.assign(response, {
    writeHead(status: number, ...more: readonly unknown[]) {
      const headers = more.find((part) => typeof part === "object") as Record<string, string> | undefined;
      for (const [name, value] of Object.entries(headers ?? {})) response.setHeader(name, value);
      return Object.assign(response, { statusCode: status });
    },
    write: (chunk: unknown) => chunks.push(String(chunk)) > 0,
    end(chunk?: unknown) {
      if (typeof chunk === "string" || Buffer.isBuffer(chunk)) chunks.push(chunk.toString());
      const headers = Object.entries(response.getHeaders()).map(([name, value]) => [name, String(value)] as const);
      // Node's own mark that the head has gone out.
      Object.assign(response, { _header: "sent", finished: true });
      finish({ status: response.statusCode, headers: Object.fromEntries(headers), text: chunks.join("") });
      return response;
    },
  });
  handler(request, response);
}

function requestFrom(socket: Socket, { method, path, headers, body }: Call): IncomingMessage {
  const request = new IncomingMessage(socket);
  const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
  Object.assign(request, { method, url: path, httpVersion: "1.1", httpVersionMajor: 1, httpVersionMinor: 1 });
  request.headers = { host: "service.test", ...headers, ...length };
  request.rawHeaders = Object.entries(request.headers).flatMap(([name, value]) => [name, String(value)]);
  // All of it is there already.
  Object.assign(request, { _read: () => undefined });
  if (body !== undefined && body !== "") request.push(Buffer.from(body));
  request.push(null);
  request.complete = true;
  return request;
}
