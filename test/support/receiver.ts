import type { IncomingMessage, ServerResponse } from "node:http";
import { listenOnLoopback, readBody } from "../../sandbox/loopback.ts";
import { Webhook } from "standardwebhooks";
import { vi } from "vitest";

/** A POST that arrived. */
export interface Arrived {
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly body: { readonly type?: string; readonly text?: string; readonly data?: Record<string, unknown> };
}

/** Somebody who is told of alerts. */
export interface Receiver {
  readonly url: string;
  readonly arrived: Arrived[];
  /** What is answered from now on; `silent`: nothing, and the connection stays open. */
  answers: number | "silent";
  close(): Promise<void>;
}

/** Listens on this machine. */
export async function startReceiver(): Promise<Receiver> {
  const arrived: Arrived[] = [];
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const text = (await readBody(request)) ?? "";
    const headers = request.headers as Record<string, string>;
    arrived.push({ headers, text, body: JSON.parse(text) as Arrived["body"] });
    if (receiver.answers !== "silent") response.writeHead(receiver.answers).end("ok");
  };
  const server = await listenOnLoopback((request, response) => void take(request, response));
  const receiver: Receiver = {
    url: `${server.url}/hooks/T0/canary-in-path`,
    arrived,
    answers: 204,
    close: server.close,
  };
  return receiver;
}

/** Proves a POST as its receiver would, at that time. @throws Error where it is not proven. */
export function verified({ headers, text }: Arrived, secret: string, now: number): unknown {
  const clock = vi.spyOn(Date, "now").mockReturnValue(now);
  try {
    return new Webhook(secret).verify(text, { ...headers });
  } finally {
    clock.mockRestore();
  }
}
