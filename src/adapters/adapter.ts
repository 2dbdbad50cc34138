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
 * how do we know it is you (`webhooks`), what is true and what should Norce say then (`fetch` and `map`, or `fold`). It never
 * calls Norce, never waits, never decides a state: it says what is true in terms of money. Optional: what can you be told to do
 * (`operations`), and a `simulator.ts` of the PSP (`adapters/simulator.ts`).
 */
import { z } from "zod";
import { budgetSettings } from "../lib/budget.ts";
import type { Http, Json } from "../lib/http.ts";
import type { Minor } from "../lib/money.ts";
import type { DesiredPayment } from "./desired.ts";
import type { Operations } from "./operation.ts";
import type { KeptEvent, Verifier, Webhook } from "./webhook.ts";

export type { Http, Json, Minor };
export type * from "./desired.ts";
export type * from "./operation.ts";
export type * from "./webhook.ts";

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

/** What an adapter gets to ask its PSP with. */
export interface AskContext<Config> {
  readonly config: Config;
  readonly signal: AbortSignal;
  /** The adapter's client for one merchant: made once per base URL, headers and authority, then shared. */
  http(options: {
    readonly baseUrl: string;
    readonly headers?: Readonly<Record<string, string>>;
    /** For PSPs that want an access token: fetched once for many calls, renewed before it expires, and once more after a 401. */
    readonly authority?: Authority;
    readonly classify?: (
      status: number,
      body: unknown,
      headers: Readonly<Record<string, unknown>>,
    ) => "Unreachable" | "Unauthorized" | "Refused" | "Conflict" | undefined;
  }): Http;
}

/** Where an access token comes from. */
export interface Authority {
  /** Tells one account's tokens from another's: the client id. Not a secret. */
  readonly account: string;
  /** @param http the same client without a token. @throws WorkerError */
  authorize(http: Http): Promise<{ readonly authorization: string; readonly expiresInSeconds: number }>;
}

/** What a look at one payment knows besides. */
export interface LookContext<Config> extends AskContext<Config> {
  /** Our own attributes of the payment as Norce keeps them, so that what was read once need not be read again. */
  readonly known: Readonly<Record<string, Json>>;
  /** The payment as Norce has it now. */
  readonly payment: KnownPayment;
}

/** What Norce says of the payment before the look. */
export interface KnownPayment {
  readonly paymentId: string;
  readonly amount: Minor;
  readonly currency: string;
  readonly reference: string | null;
  readonly upsell: Json;
}

/** Settings every adapter has, whatever the PSP; an adapter's own schema extends it. */
export const commonConfig = z.object({
  /** The payments this adapter owns in Norce: `payment.adapterId`. */
  adapterId: z.string().min(1),
  /** The PSP's API, scheme and host. */
  apiUrl: z.url({ protocol: /^https?$/ }),
  /** What whoever created the PSP session put into its merchant reference. */
  merchantReference: z.enum(["paymentId", "orderId", "orderReference", "cartReference"]).default("paymentId"),
  /**
   * Whether what can be done with a payment is published as its Norce `actions`: with URLs that prove themselves (whoever can read the
   * order can use them), or with bare ones that want the admin token.
   */
  publishActions: z.enum(["off", "signed", "bearer"]).default("off"),
  /** How much each of our processes may ask of this PSP account. */
  ...budgetSettings,
});

export type CommonConfig = Readonly<z.infer<typeof commonConfig>>;

/** What every adapter is, wherever truth lives. */
interface CommonAdapter<Config extends CommonConfig> {
  /** The folder's name. */
  readonly id: string;
  /** The PSP's product, for people: `Klarna Checkout`. */
  readonly title: string;
  /** One merchant's settings and secrets. No secret has a default. */
  readonly config: z.ZodType<Config>;
  /** Which settings are secrets: they appear in no log line, error or print. */
  readonly secrets: readonly (keyof Config & string)[];
  /** For how long the PSP's ids are remembered, in days: for PSPs whose account-level events carry nothing else. */
  readonly rememberDays?: number;
  /** Until when the sweep looks: at a payment that has not come to its end (default 30 days), and for refunds (default 180). */
  readonly horizonDays?: { readonly unsettled?: number; readonly refund?: number };
}

/** The PSP can be asked: a webhook is only a hint, so that it may be lost, repeated or forged. */
export interface FetchAdapter<Config extends CommonConfig, Snapshot> extends CommonAdapter<Config> {
  readonly webhooks: Readonly<Record<string, Webhook<Config>>>;
  /**
   * What the PSP says of the payment now, or `null` where it does not know it (yet).
   * @throws WorkerError classified by the adapter's client.
   */
  fetch(reference: string, context: LookContext<Config>): Promise<Snapshot | null>;
  /**
   * Pure and total over the PSP's statuses: no clock, no I/O.
   * @param kept lines of the log that events and our own operations brought: they inform; they decide only what the PSP cannot be asked.
   * @throws WorkerError `Unmapped` for a status nobody mapped.
   */
  map(snapshot: Snapshot, kept: readonly KeptEvent[]): DesiredPayment;
  /** What the PSP must be told once Norce has been written; idempotent, owed while `marker` is missing. */
  afterWrite?(snapshot: Snapshot, context: LookContext<Config>): Promise<void>;
  readonly operations?: Operations<Config, Snapshot>;
}

/** A webhook whose content the PSP itself vouches for. */
export type ProvenWebhook<Config> = Webhook<Config> & { readonly verify: Verifier<Config, "proven"> };

/** The PSP cannot be asked: the events are the truth. Each is proven, and kept in the payment's transaction log. */
export interface FoldAdapter<Config extends CommonConfig> extends CommonAdapter<Config> {
  readonly webhooks: Readonly<Record<string, ProvenWebhook<Config>>>;
  /**
   * What the kept events come to: pure, blind to their order and to repeats; `null` where they say nothing of the payment yet.
   * @throws WorkerError `Unmapped` for an event that says something of money that nobody mapped.
   */
  fold(
    events: readonly KeptEvent[],
    context: Pick<LookContext<Config>, "config" | "known" | "payment">,
  ): DesiredPayment | null;
  readonly operations?: Operations<Config, readonly KeptEvent[]>;
}

// oxlint-disable-next-line typescript/no-explicit-any -- existential: each adapter pairs its own Config and Snapshot.
export type AnyFetchAdapter = FetchAdapter<any, any>;
// oxlint-disable-next-line typescript/no-explicit-any -- existential: each adapter has its own Config.
export type AnyFoldAdapter = FoldAdapter<any>;
/** An adapter of either kind: `"fold" in adapter` tells them apart. */
export type AnyAdapter = AnyFetchAdapter | AnyFoldAdapter;
