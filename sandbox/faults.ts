import { setTimeout as pause } from "node:timers/promises";
import type { Json } from "../src/lib/http.ts";

/** A request as a fault may judge it. */
export interface FaultyRequest {
  readonly method: string;
  /** Template of the path, ids taken out: `/orders/{orderId}/payments/{paymentId}`. */
  readonly route: string;
  /** Path as sent, without query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** What goes wrong, for which requests and how often. Several effects may stand together: slow, then dropped. */
export interface FaultOptions<Request extends FaultyRequest = FaultyRequest> {
  /** Which requests; all where it is left out. */
  readonly match?: (request: Request) => boolean;
  /** How many requests it strikes; all that match where it is left out. */
  readonly times?: number;
  /** Waits before anything is applied, in milliseconds. */
  readonly slowMs?: number;
  /** Answers this instead of applying: 401, 429, 500. */
  readonly status?: number;
  /** Goes with `status`. */
  readonly retryAfterSeconds?: number;
  /** Sends this text as HTML with `status` (a proxy's error page). */
  readonly html?: string;
  /** Closes the connection without an answer: `before` anything is applied, or `after` it has been. */
  readonly drop?: "before" | "after";
  /** Answers a read of a payment with what it was before the last write. */
  readonly stale?: boolean;
  /** Changes the answer on its way out; what is stored stays right. */
  readonly answer?: (body: Json | undefined, request: Request) => Json | undefined;
}

/** A fault that was set. */
export interface Fault {
  /** How many requests it has struck. */
  readonly struck: number;
  /** Ends it. */
  clear(): void;
}

/** The faults set on one peer. */
export interface Faults<Request extends FaultyRequest = FaultyRequest> {
  set(options: FaultOptions<Request>): Fault;
  /** The first fault that strikes this request, counted; `undefined` on a good day. */
  strike(request: Request): FaultOptions<Request> | undefined;
  clear(): void;
}

/** Faults of one peer, tried in the order in which they were set. */
export function createFaults<Request extends FaultyRequest>(): Faults<Request> {
  let active: { readonly options: FaultOptions<Request>; struck: number }[] = [];
  return {
    set(options) {
      const entry = { options, struck: 0 };
      active.push(entry);
      return {
        get struck() {
          return entry.struck;
        },
        clear: () => {
          active = active.filter((other) => other !== entry);
        },
      };
    },
    strike(request) {
      if (active.length === 0) return undefined;
      const entry = active.find(({ options }) => options.match?.(request) ?? true);
      if (entry === undefined) return undefined;
      entry.struck += 1;
      if (entry.struck >= (entry.options.times ?? Infinity)) active = active.filter((other) => other !== entry);
      return entry.options;
    },
    clear() {
      active = [];
    },
  };
}

/** Waits; makes no timer for nothing. */
export async function wait(milliseconds: number): Promise<void> {
  if (milliseconds > 0) await pause(milliseconds, undefined, { ref: false });
}
