import type { Http, Json, TlsIdentity } from "../lib/http.ts";
import type { Minor } from "../lib/money.ts";
import type { KeptEvent } from "./event.ts";

/** What an adapter gets to ask its PSP with. */
export interface AskContext<Config> {
  readonly config: Config;
  readonly signal: AbortSignal;
  /** Unix milliseconds of this look, event or operation: the one clock that an adapter has. */
  readonly now: number;
  /** From 0 to 1, the one generator of randomness that an adapter has. */
  readonly random: () => number;
  /** The adapter's client for one merchant: made once per base URL, headers and authority, then shared. */
  http(
    options: ClientOptions & {
      /** For PSPs that want an access token: fetched once for many calls, renewed before it expires, and once more after a 401. */
      readonly authority?: Authority | undefined;
    },
  ): Http;
  /** Our callback URL for one of the adapter's webhooks, for PSPs that want one per call: of this payment where the webhook is payment-level. */
  callbackUrl(webhook: string): string;
}

/** How a client asks one of the PSP's addresses. */
export interface ClientOptions {
  readonly baseUrl: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** For PSPs that want a client certificate (mutual TLS). */
  readonly tls?: TlsIdentity | undefined;
  /** What a status means to this PSP where it differs from the default table (docs/errors-and-retries.md). */
  readonly classify?:
    | ((
        status: number,
        body: unknown,
        headers: Readonly<Record<string, unknown>>,
      ) => "Unreachable" | "Unauthorized" | "Refused" | "Conflict" | undefined)
    | undefined;
  /** Where this PSP's answers say their error code and the id its support asks for. */
  readonly codeOf?: ((body: unknown, headers: Readonly<Record<string, unknown>>) => PspCode) | undefined;
}

/** What a PSP's error answer says of itself. Both are short words, never sentences. */
export interface PspCode {
  readonly code?: string | undefined;
  /** The id that the PSP's support asks for: `correlation_id`, `debug_id`, `ErrorReference`. */
  readonly supportId?: string | undefined;
}

/** Where an access token comes from. */
export interface Authority {
  /** Tells one account's tokens from another's: the client id. Not a secret. */
  readonly account: string;
  /** Where tokens are fetched, if not where everything else is asked. */
  readonly at?: ClientOptions | undefined;
  /**
   * @param http the client of that address, without a token. It is nobody's job's: a token outlives the job that first needed one, and a client
   * of `context.http` would give up with it. @throws WorkerError
   */
  authorize(http: Http): Promise<{ readonly authorization: string; readonly expiresInSeconds: number }>;
}

/** What a look at one payment knows besides. */
export interface LookContext<Config> extends AskContext<Config> {
  /** What the adapter wanted to know at its next look: the `memory` of the last desired payment. */
  readonly memory: Readonly<Record<string, Json>>;
  /** The payment as Norce has it now. */
  readonly payment: KnownPayment;
  /** The lines of the payment's log that events and our own operations brought; read once, when first asked for. @throws WorkerError */
  kept(): Promise<readonly KeptEvent[]>;
}

/** What Norce says of the payment before the look. */
export interface KnownPayment {
  readonly paymentId: string;
  readonly amount: Minor;
  readonly currency: string;
  readonly reference: string | null;
  readonly upsell: Json;
}
