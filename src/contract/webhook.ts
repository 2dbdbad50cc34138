import type { Json } from "../lib/http.ts";
import type { AskContext } from "./context.ts";
import type { PspEvent } from "./event.ts";
import type { Target } from "./key.ts";

/** A webhook as it came over the wire, before anybody interpreted it. */
export interface RawRequest {
  readonly method: string;
  /** Path and query exactly as received. */
  readonly url: string;
  readonly query: URLSearchParams;
  /** Header values by lower-case name; repeated headers are joined by a comma. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body's bytes exactly as received: proofs are computed over them. */
  readonly body: Buffer;
}

/** What a verifier may know besides the request. */
export interface ProofContext<Config> {
  /** One merchant's settings for this adapter. */
  readonly config: Config;
  readonly target: Target;
  /** The webhook's name in the URL. */
  readonly webhook: string;
  /** `URL_SIGNING_KEYS`, newest first. */
  readonly urlSigningKeys: readonly string[];
}

/**
 * How a webhook is proven; made by `src/signatures`, never by hand. `proven`: the PSP itself vouches for the content.
 * `hint`: somebody who knows our URL called, so that the content may only say where to look.
 */
export interface Verifier<Config, Trust extends "proven" | "hint" = "proven" | "hint"> {
  readonly trust: Trust;
  /** For the README's table: `signed-url`. */
  readonly scheme: string;
  /** True where the request is proven. Never throws, compares in constant time. */
  check(request: RawRequest, context: ProofContext<Config>): Proof | Promise<Proof>;
}

/**
 * Proven, not proven, or to be proven `later` because what it takes could not be had now: the events are stored, but do nothing until
 * the webhook's `proveLater` has said yes to this evidence.
 */
export type Proof = boolean | { readonly later: Json };

/** The exact answer a PSP wants, as data. */
export interface Ack {
  readonly status: number;
  readonly type?: string;
  readonly body?: string;
}

/**
 * Which fields of a webhook's body its proof covers: all of them, none, or those at these paths (`*` stands for every item of a list).
 * Keys of kept lines are made of covered fields only; what is not covered creates and raises no sum in a repeat.
 */
export type Signed = "all" | "none" | readonly string[];

export interface Webhook<Config> {
  /** `payment`: order and payment id stand in the URL. `account`: only merchant and channel do. */
  readonly scope: "payment" | "account";
  readonly method: "GET" | "POST";
  readonly verify: Verifier<Config>;
  /** Absent: `all` where the PSP vouches for the content, else `none`. */
  readonly signed?: Signed | undefined;
  readonly ack: Ack;
  /** Other statuses for refusals where the PSP misreads the usual ones: `{401: 404}`. */
  readonly refusals?: Readonly<Partial<Record<400 | 401 | 405 | 413 | 429, number>>> | undefined;
  /** How large its body may be, in bytes, where the PSP sends more than `BODY_LIMIT`. */
  readonly bodyLimitBytes?: number | undefined;
  /** Query parameters the PSP fills in for us, as it writes its placeholders: `{klarna_order_id: "{checkout.order.id}"}`. */
  readonly placeholders?: Readonly<Record<string, string>> | undefined;
  /**
   * None, one or a batch of events; each stands alone from then on. Total: nothing but `MalformedWebhook` is thrown.
   */
  parse(request: RawRequest, target: Target, config: Config): readonly PspEvent[];
  /** Whether the evidence of a webhook that could not be proven when it came proves it now. @throws WorkerError to ask again later. */
  proveLater?(evidence: Json, context: AskContext<Config>): Promise<boolean>;
}
