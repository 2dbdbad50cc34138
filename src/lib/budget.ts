import { z } from "zod";
import { WorkerError } from "./errors.ts";
import type { Http } from "./http.ts";

/** A budget as it stands among a peer's settings; what is left out is not limited. */
export const budgetSettings = {
  /** Requests that start within a second, evenly spread. */
  requestsPerSecond: z.number().positive().optional(),
  /** Requests that are under way at the same time. */
  concurrency: z.int().positive().optional(),
};

/** How much one peer is asked by this process. */
export type Budget = Readonly<z.infer<z.ZodObject<typeof budgetSettings>>>;

interface Waiting {
  readonly start: () => void;
  readonly signal: AbortSignal | undefined;
}

/**
 * Puts clients within one budget, which they share: a request that is over it waits for its turn, first come, first served; one that is
 * given up while it waits is not sent.
 * @param now milliseconds, monotonic.
 */
export function createBudget(
  { requestsPerSecond, concurrency = Infinity }: Budget,
  now: () => number = performance.now.bind(performance),
): (http: Http) => Http {
  if (requestsPerSecond === undefined && concurrency === Infinity) return (http) => http;
  const intervalMs = requestsPerSecond === undefined ? 0 : 1_000 / requestsPerSecond;
  const waiting: Waiting[] = [];
  let underWay = 0;
  let nextAt = 0;
  let timer: NodeJS.Timeout | undefined;

  const advance = (): void => {
    while (waiting.length > 0 && underWay < concurrency && timer === undefined) {
      const waitMs = nextAt - now();
      if (waitMs > 0) {
        timer = setTimeout(() => {
          timer = undefined;
          advance();
        }, waitMs);
        return;
      }
      const next = waiting.shift();
      if (next === undefined) return;
      if (next.signal?.aborted !== true) {
        underWay += 1;
        // A pause earns nothing: a budget is no bucket to be emptied at once.
        nextAt = Math.max(nextAt, now()) + intervalMs;
      }
      next.start();
    }
  };

  return (http) => async (request) => {
    const { signal } = request;
    await new Promise<void>((start) => {
      waiting.push({ start, signal });
      advance();
    });
    if (signal?.aborted === true)
      throw new WorkerError("Unreachable", "the request was given up while it waited for its turn", {
        context: { code: "given-up" },
      });
    try {
      return await http(request);
    } finally {
      underWay -= 1;
      advance();
    }
  };
}
