import PQueue from "p-queue";
import { z } from "zod";
import { WorkerError } from "./errors.ts";
import type { Http, HttpRequest } from "./http.ts";

/** A budget as it stands among a peer's settings; what is left out is not limited. */
export const budgetSettings = {
  /** Requests that start within a second, evenly spread. */
  requestsPerSecond: z.number().positive().optional(),
  /** Requests that are under way at the same time. */
  concurrency: z.int().positive().optional(),
};

/** How much one peer is asked by this process. */
export type Budget = Readonly<z.infer<z.ZodObject<typeof budgetSettings>>>;

/** The longest pause that a timer can make; a slower pace than that is none. */
const longestMs = 2 ** 31 - 1;

/**
 * Puts clients within one budget, which they share: a request that is over it waits for its turn, first come, first served; one that is
 * given up while it waits is not sent, and takes nobody's turn.
 */
export function createBudget({ requestsPerSecond, concurrency = Infinity }: Budget): (http: Http) => Http {
  if (requestsPerSecond === undefined && concurrency === Infinity) return (http) => http;
  const queue = new PQueue({ concurrency, ...paceOf(requestsPerSecond) });
  return (http) => async (request) => {
    const turn = waitFor(request);
    try {
      return await queue.add(async () => {
        turn.came();
        return await http(request);
      }, turn.options);
    } catch (error) {
      if (!turn.isGivenUp()) throw error;
      throw new WorkerError("Unreachable", "the request was given up while it waited for its turn", {
        context: { code: "given-up" },
      });
    }
  };
}

/** A timer is late by a millisecond or so: shorter windows than this would lose a share of the pace to it. */
const shortestWindowMs = 20;

/**
 * Requests start one by one, the fastest few at a time, in a window that slides: a pause earns nothing, for a budget is no bucket to be
 * emptied at once.
 */
function paceOf(requestsPerSecond: number | undefined): { interval?: number; intervalCap?: number; strict?: boolean } {
  if (requestsPerSecond === undefined) return {};
  const intervalCap = Math.max(1, Math.round((requestsPerSecond * shortestWindowMs) / 1_000));
  return { interval: Math.min((intervalCap * 1_000) / requestsPerSecond, longestMs), intervalCap, strict: true };
}

interface Turn {
  readonly options: { readonly signal?: AbortSignal };
  /** From now on the request is under way, and its signal is no business of the queue's: what is sent is not cut off. */
  came(): void;
  isGivenUp(): boolean;
}

function waitFor({ signal }: HttpRequest): Turn {
  if (signal === undefined) return { options: {}, came: () => {}, isGivenUp: () => false };
  const waiting = new AbortController();
  const giveUp = (): void => waiting.abort();
  if (signal.aborted) giveUp();
  else signal.addEventListener("abort", giveUp, { once: true });
  return {
    options: { signal: waiting.signal },
    came: () => signal.removeEventListener("abort", giveUp),
    isGivenUp: () => waiting.signal.aborted,
  };
}
