/**
 * What went wrong, in the terms that decide what happens next. `workers/retry.ts` is the only place that turns a kind
 * into a delay, `webhooks/app.ts` the only one that turns it into an HTTP status.
 */
export type ErrorKind =
  | "UntrustedWebhook" // the webhook could not be proven
  | "MalformedWebhook" // proven or not, it cannot be read
  | "UnknownTarget" // no such adapter, merchant, channel, webhook or operation
  | "QueueUnavailable" // the queue engine did not take it
  | "Unreachable" // network, timeout, 5xx, 429: try again
  | "Unauthorized" // 401: our credentials are wrong
  | "Refused" // 400, 403, 404, 410, 422: repeating cannot help
  | "Unmapped" // a status or shape that this version does not know
  | "Conflict"; // 409, or Norce changed under us

/** Facts about an error that may be logged: never a header, a body, a secret or personal data. */
export type ErrorContext = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** The one error class. Everything else that is thrown is a bug of ours. */
export class WorkerError extends Error {
  readonly kind: ErrorKind;
  readonly context: ErrorContext;
  /** How long the other side asked us to stay away, in milliseconds (`Retry-After`). */
  readonly retryAfterMs: number | undefined;

  constructor(
    kind: ErrorKind,
    message: string,
    options: { context?: ErrorContext; cause?: unknown; retryAfterMs?: number | undefined } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = kind;
    this.kind = kind;
    this.context = options.context ?? {};
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** True for a `WorkerError`, of the given kind when one is named. */
export function isWorkerError(error: unknown, kind?: ErrorKind): error is WorkerError {
  return error instanceof WorkerError && (kind === undefined || error.kind === kind);
}
