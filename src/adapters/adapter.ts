/**
 * The contract between the service and one PSP. Words:
 *
 * - webhook     an HTTP call from a PSP
 * - event       one thing that happened, parsed from a webhook
 * - status      the PSP's word for progress; `state` is Norce's
 * - reference   the PSP's id of the payment
 * - snapshot    what the PSP says now
 * - desired     what Norce should say; `current` is what it says
 * - payment key adapter, merchant, channel, order and payment id: the unit of work
 *
 * An adapter answers five questions: who are you (`id`), what must a merchant give you (`config`), how do you call us and
 * how do we know it is you (`webhooks`), what is true (`fetch`), what should Norce say then (`map`). It never
 * calls Norce, never waits, never decides a state: it says what is true in terms of money.
 */
import { z } from "zod";
import type { Http, Json } from "../lib/http.ts";
import type { Minor } from "../lib/money.ts";

export type { Http, Json, Minor };

/** Names one payment of one merchant: what a webhook, a timer or an operator asks to look at. */
export interface PaymentKey {
  /** Adapter folder, `klarna-checkout`. */
  readonly adapter: string;
  /** Norce's `x-merchant`. */
  readonly merchant: string;
  /** Norce's `x-channel`. */
  readonly channel: string;
  readonly orderId: string;
  readonly paymentId: string;
}

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
  check(request: RawRequest, context: ProofContext<Config>): boolean | Promise<boolean>;
}

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
}

export interface Webhook<Config> {
  /** `payment`: order and payment id stand in the URL. `account`: only merchant and channel do. */
  readonly scope: "payment" | "account";
  readonly method: "GET" | "POST";
  readonly verify: Verifier<Config>;
  readonly ack: Ack;
  /** Query parameters the PSP fills in for us, as it writes its placeholders: `{klarna_order_id: "{checkout.order.id}"}`. */
  readonly placeholders?: Readonly<Record<string, string>>;
  /**
   * None, one or a batch of events; each stands alone from then on. Total: nothing but `MalformedWebhook` is thrown.
   */
  parse(request: RawRequest, target: Target): readonly PspEvent[];
}

/** How far the purchase has come, whatever the money did since. */
export type Phase = "created" | "paying" | "review" | "confirmed" | "declined" | "failed";

/** Sums over the life of the payment. Open is `authorized - captured - released`. */
export interface Money {
  readonly authorized: Minor;
  readonly captured: Minor;
  readonly refunded: Minor;
  /** Voided or expired. */
  readonly released: Minor;
}

/** Norce's `PaymentEvent` (fact sheet norce.md, 2.2). */
export type TransactionEvent =
  | "open"
  | "process"
  | "confirm"
  | "reopen"
  | "cancel"
  | "paymentAction"
  | "capture"
  | "refund";

/** A line of Norce's transaction log that should exist. */
export interface DesiredTransaction {
  /** Ours, stable, unique within the payment: `capture:<PSP's capture id>`. Appended once, ever. */
  readonly key: string;
  readonly event: TransactionEvent;
  /** The PSP's word for what happened. */
  readonly pspEvent: string;
  readonly pspStatus: string;
  /** The amount after the transaction (Norce's own definition): captured or refunded so far, authorised for `confirm`. */
  readonly amount: Minor;
  readonly success: boolean;
  readonly errorDetail?: string;
  /** Facts for people who read the log: an allow-list, no personal data, no secrets. */
  readonly facts?: Readonly<Record<string, Json>>;
}

/** Norce's `Recurring`. The token is a secret: it stands in the payment and nowhere else. */
export interface Recurring {
  readonly token: string;
  readonly description?: string;
  readonly attributes?: Readonly<Record<string, Json>>;
}

/** Norce's `Upsell` (Order API v0). */
export interface Upsell {
  readonly eligible: boolean;
  /** ISO 8601. */
  readonly expiration?: string;
  readonly transactions: readonly {
    readonly id: string;
    readonly state: "created" | "actionRequired" | "completed" | "failed";
    readonly attributes?: Readonly<Record<string, Json>>;
  }[];
  readonly attributes?: Readonly<Record<string, Json>>;
}

/** What the PSP can be told to do now. */
export type OperationName = "capture" | "cancel" | "refund";

/** What Norce should say of the payment, in the PSP's terms of money. Norce's state follows from it (`norce/states.ts`). */
export interface DesiredPayment {
  readonly phase: Phase;
  readonly money: Money;
  /** What the purchase is for, authorised or not: has to agree before a reference is bound. */
  readonly total: Minor;
  /** ISO 4217, upper case. */
  readonly currency: string;
  readonly reference: string;
  /** Absent: leave what Norce has. A token is never blanked. */
  readonly recurring?: Recurring;
  readonly upsell?: Upsell;
  /** Facts worth keeping beside the money, under our own key. Also what `fetch` gets back as `known`. */
  readonly attributes?: Readonly<Record<string, string | number | boolean>>;
  readonly transactions: readonly DesiredTransaction[];
  readonly possible: readonly OperationName[];
  /** What the PSP echoes of ours: merchant references, metadata. Says which order and payment this belongs to. */
  readonly echoes: readonly string[];
  /** Key of the transaction that marks `afterWrite` as done; while it is missing, `afterWrite` is owed. */
  readonly marker?: string;
  /** When to look again although nobody calls: a time (ISO 8601), or a pause after this look. */
  readonly lookAgain?: { readonly at: string } | { readonly afterSeconds: number };
}

/** What an adapter gets to ask its PSP with. */
export interface LookContext<Config> {
  readonly config: Config;
  /** Our own attributes of the payment as Norce keeps them, so that what was read once need not be read again. */
  readonly known: Readonly<Record<string, Json>>;
  readonly signal: AbortSignal;
  /** The adapter's client for one merchant: made once per base URL and set of headers, then shared. */
  http(options: {
    readonly baseUrl: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly classify?: (
      status: number,
      body: unknown,
    ) => "Unreachable" | "Unauthorized" | "Refused" | "Conflict" | undefined;
  }): Http;
}

/** Settings every adapter has, whatever the PSP; an adapter's own schema extends it. */
export const commonConfig = z.object({
  /** The payments this adapter owns in Norce: `payment.adapterId`. */
  adapterId: z.string().min(1),
  /** The PSP's API, scheme and host. */
  apiUrl: z.url({ protocol: /^https?$/ }),
  /** What whoever created the PSP session put into its merchant reference. */
  merchantReference: z.enum(["paymentId", "orderId", "orderReference", "cartReference"]).default("paymentId"),
});

export type CommonConfig = Readonly<z.infer<typeof commonConfig>>;

/** The PSP can be asked: a webhook is only a hint, so that it may be lost, repeated or forged. */
export interface FetchAdapter<Config extends CommonConfig, Snapshot> {
  /** The folder's name. */
  readonly id: string;
  /** The PSP's product, for people: `Klarna Checkout`. */
  readonly title: string;
  /** One merchant's settings and secrets. No secret has a default. */
  readonly config: z.ZodType<Config>;
  /** Which settings are secrets: they appear in no log line, error or print. */
  readonly secrets: readonly (keyof Config & string)[];
  readonly webhooks: Readonly<Record<string, Webhook<Config>>>;
  /**
   * What the PSP says of the payment now, or `null` where it does not know it (yet).
   * @throws WorkerError classified by the adapter's client.
   */
  fetch(reference: string, context: LookContext<Config>): Promise<Snapshot | null>;
  /** Pure and total over the PSP's statuses: no clock, no I/O. @throws WorkerError `Unmapped` for a status nobody mapped. */
  map(snapshot: Snapshot): DesiredPayment;
  /** What the PSP must be told once Norce has been written; idempotent, owed while `marker` is missing. */
  afterWrite?(snapshot: Snapshot, context: LookContext<Config>): Promise<void>;
}

// oxlint-disable-next-line typescript/no-explicit-any -- existential: each adapter pairs its own Config and Snapshot.
export type AnyAdapter = FetchAdapter<any, any>;

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
  settings(apiUrl: string): Readonly<Record<string, string>>;
  answer(request: SimulatedRequest): SimulatedAnswer;
  /** Starts a purchase and says its reference. */
  open(purchase: SimulatedPurchase): string;
  /** What the shopper, the PSP or somebody in its portal can do now to this payment, by name: `authorise`, `capture`, `lose-webhook`. */
  actions(reference: string): readonly string[];
  /** Does it. @throws Error when the action is not possible now. */
  act(reference: string, action: string, amount?: Minor): void;
  /** Webhooks that the PSP's schedule says should have been sent by `now` (milliseconds), once each per attempt. */
  due(now: number): readonly SimulatedWebhook[];
  /** A line for people: what the PSP says of this payment. */
  describe(reference: string): string;
}
