import type { Request, RequestHandler, Response } from "express";
import { isWorkerError, type WorkerError } from "../lib/errors.ts";
import type { Logger } from "../lib/log.ts";
import type { Meters } from "../lib/meters.ts";
import { createPatience } from "./patience.ts";
import { createTellSeldom } from "./seldom.ts";
import { type Refusal, refusalOf, sendRefusal, tooMany } from "./answers.ts";

/** What a guard tells, and the clock it goes by. */
export interface GuardParts {
  readonly log: Logger;
  readonly meters: Meters;
  /** Milliseconds. */
  readonly now: () => number;
}

/** Says a refusal to who asked. */
export type Refuse = (request: Request, response: Response, refusal: Refusal) => void;

/** Puts an operators' route behind a guard. `route` is a name for logs and counters. */
export type Guard = (route: string, answer: RequestHandler, refuse?: Refuse) => RequestHandler;

/**
 * Makes the guard of operators' routes: what could not be proven there is logged, counted and made to wait. The routes share one patience: who
 * guesses at one has guessed at all of them.
 */
export function createGuard({ log, meters, now }: GuardParts): Guard {
  const patience = createPatience(now);
  const seldom = createTellSeldom(now);
  return (route, answer, refuse) => async (request, response, next) => {
    // What people on call read is nobody else's, and no cache's.
    response.setHeader("cache-control", "no-store");
    response.setHeader("x-content-type-options", "nosniff");
    try {
      await answer(request, response, next);
    } catch (error) {
      if (response.headersSent) throw error;
      if (!isUntrusted(error)) {
        // A bug is told in the log, by who answers all of them.
        if (refuse === undefined || refusalOf(error).status === 500) throw error;
        refuse(request, response, refusalOf(error));
        return;
      }
      // Told before anybody is made to wait: a flood leaves its trace at once.
      const { sig, token = tokenIn(request) } = error.context;
      seldom(route, (untold) => log.warn({ route, method: request.method, sig, token, ...untold }, "operator.refused"));
      const refusal = (await patience.wait()) ? refusalOf(error) : tooMany;
      meters.refusal(route, refusal.code);
      if (refuse === undefined) sendRefusal(response, refusal);
      else refuse(request, response, refusal);
    }
  };
}

function isUntrusted(error: unknown): error is WorkerError {
  return isWorkerError(error, "UntrustedWebhook");
}

function tokenIn(request: Request): "wrong" | "missing" {
  return request.get("authorization") === undefined ? "missing" : "wrong";
}
