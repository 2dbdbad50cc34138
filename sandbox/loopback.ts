import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Json } from "../src/lib/http.ts";

const maxBodyBytes = 1024 * 1024;

/** A server on an ephemeral port of 127.0.0.1: nothing outside this machine reaches it. */
export interface Loopback {
  /** `http://127.0.0.1:40123`, without a slash at the end. */
  readonly url: string;
  /** Stops listening and ends the connections that are open. */
  close(): Promise<void>;
}

/** Serves a handler on the loopback interface. @param port 0 (the default) takes any that is free. */
export async function listenOnLoopback(handler: RequestListener, port = 0): Promise<Loopback> {
  const server = createServer(handler);
  // A client's pool keeps its connections as long as it likes: closing an idle one under a request looks like a lost answer.
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      server.closeAllConnections();
      await closed;
    },
  };
}

/** The whole body as text; `null` where it is larger than 1 MB. Rejects where the client goes away. */
export async function readBody(request: IncomingMessage): Promise<string | null> {
  // By events and not by `for await`: on a path that is measured the iterator costs as much as everything else together.
  const { promise, resolve, reject } = Promise.withResolvers<string | null>();
  const chunks: Buffer[] = [];
  let bytes = 0;
  request.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= maxBodyBytes) chunks.push(chunk);
  });
  request.once("end", () => resolve(bytes > maxBodyBytes ? null : Buffer.concat(chunks).toString("utf8")));
  request.once("error", reject);
  return await promise;
}

/** Answers with JSON, or with an empty body where there is none. */
export function answerJson(
  response: ServerResponse,
  status: number,
  body?: Json,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (body === undefined) {
    response.writeHead(status, { ...headers, "content-length": "0" }).end();
    return;
  }
  const text = JSON.stringify(body);
  response
    .writeHead(status, {
      ...headers,
      "content-type": "application/json; charset=utf-8",
      "content-length": Buffer.byteLength(text),
    })
    .end(text);
}

/** One header's value; empty where it is absent. */
export function headerOf(request: IncomingMessage, name: string): string {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(", ") : (value ?? "");
}
