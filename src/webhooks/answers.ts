import type { Response } from "express";
import { type ErrorKind, isWorkerError } from "../lib/errors.ts";

/** How a request is refused, in our own words: nothing of it is echoed. */
export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly retryAfterSeconds?: number;
  /** Which methods are right. */
  readonly allow?: string;
  /** The connection ends with the answer: what is still to come on it is not read. */
  readonly hangUp?: boolean;
}

/** Refused before anybody looked at what it says. */
export class NotTaken extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(refusal.message);
    this.name = "NotTaken";
    this.refusal = refusal;
  }
}

/** The PSP's truth says no: nothing was sent. */
export class NotPossible extends Error {
  readonly reason: string;
  constructor(reason: string) {
    super(`the operation is not possible: ${reason}`);
    this.name = "NotPossible";
    this.reason = reason;
  }
}

/** There is more of it at once than is taken. */
export const tooMany: Refusal = {
  status: 429,
  code: "too-many-requests",
  message: "too many requests at once",
  retryAfterSeconds: 5,
  hangUp: true,
};

/** A body that is longer than is accepted. */
export const tooLarge: Refusal = {
  status: 413,
  code: "too-large",
  message: "the body is larger than is accepted",
};

/** A body that did not arrive in time. */
export const tooSlow: Refusal = {
  status: 408,
  code: "too-slow",
  message: "the body did not arrive in time",
  hangUp: true,
};

/** What cannot be judged now, and could not be kept until it can. */
export const noRoomToAsk: Refusal = {
  status: 503,
  code: "cannot-be-proven-now",
  message: "the webhook cannot be proven now",
  retryAfterSeconds: 60,
};

/** @throws NotTaken where the request's method is none of these. */
export function onlyMethods({ method }: { readonly method: string }, ...methods: readonly string[]): void {
  if (methods.includes(method)) return;
  const allow = methods.join(", ");
  throw new NotTaken({ status: 405, code: "method-not-allowed", message: `use ${allow}`, allow });
}

const refusals: Readonly<Partial<Record<ErrorKind, Omit<Refusal, "message">>>> = {
  UntrustedWebhook: { status: 401, code: "not-proven" },
  MalformedWebhook: { status: 400, code: "malformed" },
  UnknownTarget: { status: 404, code: "not-found" },
  QueueUnavailable: { status: 503, code: "queue-unavailable", retryAfterSeconds: 10 },
};

/** How whatever was thrown is answered. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof NotTaken) return error.refusal;
  if (error instanceof NotPossible) return { status: 409, code: error.reason, message: error.message };
  if (isWorkerError(error)) {
    const refusal = refusals[error.kind];
    if (refusal !== undefined) return { message: error.message, ...refusal };
  }
  const status = typeof error === "object" && error !== null && "status" in error ? error.status : undefined;
  // Express says 4xx for what the client sent: a path that cannot be decoded.
  if (typeof status === "number" && status >= 400 && status < 500)
    return { status: 400, code: "malformed", message: "the request cannot be read" };
  return { status: 500, code: "internal-error", message: "something went wrong here" };
}

/** Answers with the refusal. @param status another one where the sender misreads the usual. */
export function sendRefusal(response: Response, refusal: Refusal, status = refusal.status): void {
  if (refusal.retryAfterSeconds !== undefined) response.setHeader("retry-after", String(refusal.retryAfterSeconds));
  if (refusal.allow !== undefined) response.setHeader("allow", refusal.allow);
  if (refusal.hangUp === true) response.setHeader("connection", "close");
  sendJson(response, status, { code: refusal.code, message: refusal.message });
}

/** Answers with a document. */
export function sendJson(response: Response, status: number, body: unknown): void {
  send(response, status, "application/json", JSON.stringify(body));
}

/** Answers with exactly these bytes. */
export function send(response: Response, status: number, type: string | undefined, body: string | undefined): void {
  response.statusCode = status;
  if (type !== undefined) response.setHeader("content-type", type);
  response.end(body);
}
