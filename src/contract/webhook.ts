import type { KeyObject } from "node:crypto";
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

/** A key of signed URLs, of one merchant's channel (made by `signatures/signing-keys.ts`). */
export interface SigningKey {
  /** The key as it is handed out: base64url. */
  readonly text: string;
  /** The same, as digests take it. */
  readonly key: KeyObject;
  /** The fingerprint of the master key that it comes from: what an operator may retire is a master key. */
  readonly master: string;
}

/** How a file is wanted that lies in public. */
export interface WantedFile {
  /** Whether the text is one: what is none cannot be had. Never throws. */
  is(text: string): boolean;
  /** How old it may be, in milliseconds, where a newer one can be had. Absent: what is there never changes. */
  readonly freshMs?: number;
}

/** What lies in public at an address and a proof takes (a certificate, a set of keys): fetched by the process for all that ask, bounded, and kept. */
export interface PublicFiles {
  /** The text at a URL; `null` where its owner says that there is none, `undefined` where it cannot be had now. Never rejects. */
  at(url: string, wanted: WantedFile): Promise<string | null | undefined>;
}

/** What a verifier may know besides the request. */
export interface ProofContext<Config> {
  /** One merchant's settings for this adapter. */
  readonly config: Config;
  readonly target: Target;
  /** The webhook's name in the URL. */
  readonly webhook: string;
  /** The keys of `sig` for callback URLs of this merchant and channel, newest first. */
  readonly callbackKeys: readonly SigningKey[];
  /** `PUBLIC_URL`, without a slash at its end: behind a proxy, the host and the path that the sender called begin with it. */
  readonly publicUrl: string;
  readonly files: PublicFiles;
}

/**
 * How a webhook is proven; made by `src/signatures`, never by hand. `proven`: the PSP itself vouches for the content.
 * `hint`: somebody who knows our URL called, so that the content may only say where to look.
 */
export interface Verifier<Config, Trust extends "proven" | "hint" = "proven" | "hint"> {
  readonly trust: Trust;
  /** For the README's table: `signed-url`. */
  readonly scheme: string;
  /** Whether the request is proven. Never throws, compares in constant time, and stops at the first thing that is not proven. */
  check(request: RawRequest, context: ProofContext<Config>): Proof | Promise<Proof>;
}

/**
 * - `true`, or `by` the secret with this fingerprint (`signatures/fingerprint.ts`): proven.
 * - `false`: not proven.
 * - `later`: to be proven later, because what it takes could not be had now: the events are stored, but do nothing until the webhook's
 *   `proveLater` has said yes to this evidence.
 * - `busy`: it cannot be told now, and there is no room to ask later: the sender has to come again. That is no forgery.
 * - `drop`: it can move nothing here, for the reason given in one word: it is acknowledged and counted, and nothing is stored.
 */
export type Proof =
  | boolean
  | { readonly by: string }
  | { readonly later: Json }
  | { readonly busy: true }
  | { readonly drop: string };

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
  readonly refusals?: Readonly<Partial<Record<400 | 401 | 405 | 408 | 413 | 429, number>>> | undefined;
  /** How large its body may be, in bytes, where the PSP sends more than `BODY_LIMIT`. */
  readonly bodyLimitBytes?: number | undefined;
  /** How many characters its URL may have where the PSP bounds them. */
  readonly urlLimit?: number | undefined;
  /** Query parameters the PSP fills in for us, as it writes its placeholders: `{klarna_order_id: "{checkout.order.id}"}`. */
  readonly placeholders?: Readonly<Record<string, string>> | undefined;
  /**
   * None, one or a batch of events; each stands alone from then on. Total: nothing but `MalformedWebhook` is thrown.
   */
  parse(request: RawRequest, target: Target, config: Config): readonly PspEvent[];
  /** The event as the PSP itself has it, where `parse` calls it hearsay; `null` where it has none of that key. @throws WorkerError to ask again later. */
  reread?(event: PspEvent, context: AskContext<Config>): Promise<PspEvent | null>;
  /** Whether the evidence of a webhook that could not be proven when it came proves it now. @throws WorkerError to ask again later. */
  proveLater?(evidence: Json, context: AskContext<Config>): Promise<boolean>;
}
