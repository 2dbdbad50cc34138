import type { Json } from "../lib/http.ts";
import type { Minor } from "../lib/money.ts";
import type { AskContext, PaymentKey, Recurring, TransactionEvent } from "./adapter.ts";

/** Whose webhook it is, from its URL. Order and payment are absent in account-level URLs. */
export type Target = Omit<PaymentKey, "orderId" | "paymentId"> & Partial<Pick<PaymentKey, "orderId" | "paymentId">>;

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

/** One thing that happened. Survives JSON; carries no personal data. */
export interface PspEvent {
  /** The same on redelivery, different otherwise. */
  readonly key: string;
  /** The PSP's own word for it. */
  readonly type: string;
  /** The PSP's own clock, ISO 8601; `null` where it sends none. */
  readonly at: string | null;
  /** The PSP's id of the payment, where the webhook names it. A hint: it binds only when the PSP's answer agrees with Norce. */
  readonly reference?: string;
  /** Account-level events only: how the payment can be found, the best clue first. Without one the event cannot be placed. */
  readonly clues?: readonly Clue[];
  /** What no later question to the PSP would tell: kept as a line of the payment's transaction log, for `fold` or `map`. */
  readonly line?: LogLine;
}

/**
 * A trace of a payment in an account-level event. `echo`: what the PSP gives back of ours (payment id, `orderId:paymentId`, or what
 * `merchantReference` says). `reference`: the PSP's id by which we may remember the payment.
 */
export type Clue = { readonly echo: string } | { readonly reference: string };

/** An event as a line of the payment's transaction log. Facts are an allow-list: no personal data, no secrets. */
export interface LogLine {
  readonly event: TransactionEvent;
  readonly pspStatus: string;
  /** What this event moved (not a running total: later lines may be older events). 0 where it moved nothing. */
  readonly amount: Minor;
  /** ISO 4217, upper case. */
  readonly currency: string;
  readonly success: boolean;
  readonly errorDetail?: string;
  readonly facts?: Readonly<Record<string, Json>>;
  /** The one secret that is kept: Norce holds it in the same payment anyway. */
  readonly recurring?: Recurring;
}

/** A line of the log that an event brought, read back. */
export type KeptEvent = Pick<PspEvent, "key" | "type" | "at"> & LogLine;

export interface Webhook<Config> {
  /** `payment`: order and payment id stand in the URL. `account`: only merchant and channel do. */
  readonly scope: "payment" | "account";
  readonly method: "GET" | "POST";
  readonly verify: Verifier<Config>;
  readonly ack: Ack;
  /** Other statuses for refusals where the PSP misreads the usual ones: `{401: 404}`. */
  readonly refusals?: Readonly<Partial<Record<400 | 401 | 405 | 413 | 429, number>>>;
  /** Query parameters the PSP fills in for us, as it writes its placeholders: `{klarna_order_id: "{checkout.order.id}"}`. */
  readonly placeholders?: Readonly<Record<string, string>>;
  /**
   * None, one or a batch of events; each stands alone from then on. Total: nothing but `MalformedWebhook` is thrown.
   */
  parse(request: RawRequest, target: Target, config: Config): readonly PspEvent[];
  /** Whether the evidence of a webhook that could not be proven when it came proves it now. @throws WorkerError to ask again later. */
  proveLater?(evidence: Json, context: AskContext<Config>): Promise<boolean>;
}
