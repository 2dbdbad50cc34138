import { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request as plainRequest } from "node:http";
import { request as secureRequest } from "node:https";
import type { Socket } from "node:net";
import { type AgentOptions, createAgents, type TlsIdentity } from "./agents.ts";
import { acceptedCodings, decode } from "./content-coding.ts";

/** A request as it goes over the wire. */
export interface Outgoing {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly text?: string | undefined;
  readonly identity?: TlsIdentity | undefined;
  /** Milliseconds for all of it, from now to the last byte of the answer. */
  readonly timeoutMs: number;
  /** Where it is aborted before the bytes leave, they do not; later it changes nothing. */
  readonly signal?: AbortSignal | undefined;
  /** Asked last of all: the bytes leave in the same turn in which it resolves. Where it rejects, nothing is sent. */
  readonly prove?: (() => Promise<void>) | undefined;
}

/** An answer, whatever its status, its body without content coding. */
export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** No answer, or none that can be read. */
export interface Unanswered {
  /** `timeout`, `given-up`, `too-large`, or the network's own: `ECONNREFUSED`. */
  readonly code: string;
  /** Whether bytes of the request may have left: then the other side may have done what was asked. */
  readonly sent: boolean;
}

/**
 * Sends one request and resolves with what came of it. The seam beneath all clients: who stands here instead answers without sockets, and
 * has to ask `prove` and `signal` just as well.
 * @throws what `prove` throws; WorkerError `Unauthorized` for a client certificate that cannot be used
 */
export type Transport = (outgoing: Outgoing) => Promise<Answered | Unanswered>;

/** How large an answer may be, encoded and decoded. */
const maxAnswerBytes = 10 * 1024 * 1024;

/** Some gateways refuse requests that do not say who asks. */
const userAgent = "norce-psp-worker";

/** The real one, over `node:http` and `node:https`. One per process: it holds the connections that are kept. */
export function createTransport(options: AgentOptions = {}): Transport {
  const agents = createAgents(options);
  return async (outgoing) => {
    const { url, identity, method } = outgoing;
    const headers = { "user-agent": userAgent, "accept-encoding": acceptedCodings, ...outgoing.headers };
    const open = url.protocol === "https:" ? secureRequest : plainRequest;
    const agent = agents(url, identity);
    try {
      return await exchange(open(url, { method, headers, agent }), outgoing);
    } catch (error) {
      // A header or path that HTTP does not have; everything later comes as an event.
      if (isInvalid(error)) return { code: error.code, sent: false };
      throw error;
    }
  };
}

function exchange(request: ClientRequest, outgoing: Outgoing): Promise<Answered | Unanswered> {
  const { promise, resolve, reject } = Promise.withResolvers<Answered | Unanswered>();
  let sent = false;
  // Only the first end counts: what a connection says after it was given up is of no interest.
  const finish = (outcome: Answered | Unanswered): void => {
    clearTimeout(deadline);
    resolve(outcome);
  };
  const stop = (code: string): void => {
    finish({ code, sent });
    request.destroy();
  };
  // One deadline for everything: a peer that sends a byte now and then would keep us for ever.
  const deadline = setTimeout(() => stop("timeout"), outgoing.timeoutMs);
  const refuse = (error: unknown): void => {
    clearTimeout(deadline);
    reject(error);
    request.destroy();
  };
  const leave = (): void => {
    if (outgoing.signal?.aborted === true) return stop("given-up");
    // Proving may have taken until after the deadline.
    if (request.destroyed) return;
    sent = true;
    request.end(outgoing.text);
  };
  const { prove } = outgoing;
  request.on("error", (error) => finish({ code: codeOf(error), sent }));
  request.once("socket", (socket: Socket) =>
    whenOpen(socket, prove === undefined ? leave : () => void prove().then(leave).catch(refuse)),
  );
  request.once("response", (response: IncomingMessage) => readAnswer(response, finish, stop));
  return promise;
}

/** Calls back once the connection stands, handshake included: only then can what is said last be followed by bytes. */
function whenOpen(socket: Socket & { readonly secureConnecting?: boolean }, then: () => void): void {
  if (socket.secureConnecting === true) socket.once("secureConnect", then);
  else if (socket.connecting) socket.once("connect", then);
  else then();
}

function readAnswer(response: IncomingMessage, finish: (answer: Answered) => void, stop: (code: string) => void): void {
  const { statusCode: status = 0, headers } = response;
  const chunks: Buffer[] = [];
  let size = 0;
  const accept = (bytes: Buffer): void => finish({ status, headers, text: textOf(bytes) });
  const refuse = (error: unknown): void => stop(codeOf(error));
  response.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size > maxAnswerBytes) stop("too-large");
    else chunks.push(chunk);
  });
  response.once("error", refuse);
  response.once("end", () => {
    const bytes = Buffer.concat(chunks);
    const coding = headers["content-encoding"];
    if (coding === undefined) accept(bytes);
    else decode(bytes, coding, maxAnswerBytes).then(accept, refuse);
  });
}

const byteOrderMark = 0xfeff;

function textOf(bytes: Buffer): string {
  const text = bytes.toString("utf8");
  return text.charCodeAt(0) === byteOrderMark ? text.slice(1) : text;
}

/** Zlib's word for an answer that would be larger than its bound. */
const tooLarge = "ERR_BUFFER_TOO_LARGE";

function codeOf(error: unknown): string {
  const code = typeof error === "object" && error !== null && "code" in error ? String(error.code) : "unknown";
  return code === tooLarge ? "too-large" : code;
}

function isInvalid(error: unknown): error is Error & { readonly code: string } {
  return error instanceof TypeError && "code" in error && /^ERR_(INVALID|UNESCAPED)/.test(String(error.code));
}
