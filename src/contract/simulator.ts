import type { CommonConfig, Json, Minor, ProofContext, RawRequest } from "./adapter.ts";

/** A call to the PSP's API, as the simulator sees it. */
export interface SimulatedRequest {
  readonly method: string;
  /** Path without query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** What the simulated PSP answers. */
export interface SimulatedAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Json;
  /** Instead of `body` where the answer is no JSON: a certificate. */
  readonly text?: string;
}

/** A purchase that the demo or a test starts at the simulated PSP. */
export interface SimulatedPurchase {
  readonly orderId: string;
  readonly paymentId: string;
  readonly amount: Minor;
  readonly currency: string;
  /** Our signed callback URL per webhook, placeholders not yet filled in. */
  readonly callbackUrls: Readonly<Record<string, string>>;
  readonly recurring?: boolean;
}

/** A webhook that the simulated PSP wants sent. */
export interface SimulatedWebhook {
  readonly webhook: string;
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * The PSP with a memory, for development, tests and demos: it answers what `client.ts` calls, and its shopper and portal can be
 * told to act. It holds no timers: whoever runs it asks `due` what should be sent by now, and says what came of it.
 */
export interface Simulator {
  /** The adapter settings with which `client.ts` talks to this simulator; `apiUrl` is where it is served. */
  settings(apiUrl: string): Readonly<Record<string, Json>>;
  /** Form bodies come as text. */
  answer(request: SimulatedRequest): SimulatedAnswer;
  /** True for calls that only fetch an access token or a certificate: tests let them pass where the PSP is to fail. */
  readonly preliminary?: (request: Pick<SimulatedRequest, "method" | "path">) => boolean;
  /** Starts a purchase and says its reference. */
  open(purchase: SimulatedPurchase): string;
  /**
   * What the shopper, the PSP or somebody in its portal can do now to this payment, by name: `authorise`, `lose-webhook`. What takes, gives
   * back or releases money as an operation does is called `capture`, `refund` and `cancel`: the laws look whether the money follows.
   */
  actions(reference: string): readonly string[];
  /** Does it. @throws Error when the action is not possible now. */
  act(reference: string, action: string, amount?: Minor): void;
  /** Webhooks that the PSP's schedule says should have been sent by `now` (milliseconds), once each per attempt. */
  due(now: number): readonly SimulatedWebhook[];
  /** A line for people: what the PSP says of this payment. Two purchases to which the same happened read the same but for their ids. */
  describe(reference: string): string;
}

/** A webhook that is proven, and what its verifier knows. */
export interface ProvenRequest {
  readonly request: RawRequest;
  readonly context: ProofContext<CommonConfig>;
}

/**
 * What the proof of a webhook promises, told by whoever knows what the PSP signs, so that the law "proof" can try to break it. An adapter
 * whose webhooks are proven by more than their URL exports `forgeries`, by webhook name, from its `forgery.ts`.
 */
export interface Forgery {
  /** Makes known what proving would fetch from the PSP. */
  prepare?(): void;
  /** One byte changed in each part that is signed, by the part's name. */
  forged(proof: ProvenRequest): Readonly<Record<string, ProvenRequest>>;
  /** The signature replaced; `undefined` leaves it out. */
  signed(proof: ProvenRequest, change: (signature: string) => string | undefined): ProvenRequest;
  /** The settings hold other secrets, newest first; `own` is the one that the webhook was signed with. */
  secrets(proof: ProvenRequest, secrets: (own: string) => readonly string[]): ProvenRequest;
}
