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
 * (`operations`), a `simulator.ts` of the PSP (`contract/simulator.ts`), and how its credentials and webhooks are checked (`probe`, `registrations`).
 */
import { z } from "zod";
import { budgetSettings } from "../lib/budget.ts";
import type { Http, Json } from "../lib/http.ts";
import type { Minor } from "../lib/money.ts";
import type { Probe, Registrations } from "./account.ts";
import type { AskContext, LookContext } from "./context.ts";
import type { DesiredPayment } from "./desired.ts";
import type { Clue, KeptEvent, PspEvent } from "./event.ts";
import type { Operations } from "./operation.ts";
import type { Verifier, Webhook } from "./webhook.ts";

export type { Http, Json, Minor };
export type * from "./account.ts";
export type * from "./context.ts";
export type * from "./desired.ts";
export type * from "./event.ts";
export type * from "./key.ts";
export type * from "./operation.ts";
export type * from "./webhook.ts";

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
  readonly rememberDays?: number | undefined;
  /** Until when the sweep looks: at a payment that has not come to its end (default 30 days), and for refunds (default 180). */
  readonly horizonDays?: { readonly unsettled?: number | undefined; readonly refund?: number | undefined } | undefined;
  /** How far the PSP's sums may be from Norce's `amount` without being another amount, in minor units. Default 0. */
  readonly rounding?: Minor | undefined;
  /** How many characters of a merchant reference the PSP keeps: longer ids of ours come back cut. Default: all. */
  readonly echoLength?: number | undefined;
  /** Whether two texts are the same id to this PSP. Default: exactly equal. */
  sameId?(asked: string, answered: string): boolean;
  /**
   * Whose payment an event is about that names only a sub-resource (a refund, a charge): asks the PSP. `null` where the PSP does not know it.
   * @throws WorkerError classified by the adapter's client.
   */
  resolve?(
    event: PspEvent,
    context: AskContext<Config>,
  ): Promise<{ readonly reference?: string | undefined; readonly clues?: readonly Clue[] | undefined } | null>;
  readonly probe?: Probe<Config> | undefined;
  readonly registrations?: Registrations<Config> | undefined;
}

/** What `map` knows besides the snapshot. */
export interface MapContext {
  /** Lines of the log that events and our own operations brought: they inform; they decide only what the PSP cannot be asked. */
  readonly kept: readonly KeptEvent[];
  /** Unix milliseconds of the look. */
  readonly now: number;
}

/** The PSP can be asked: a webhook is only a hint, so that it may be lost, repeated or forged. */
export interface FetchAdapter<Config extends CommonConfig, Snapshot> extends CommonAdapter<Config> {
  readonly webhooks: Readonly<Record<string, Webhook<Config>>>;
  /**
   * The paths of the snapshot on which money hangs (`captures.*.amount`; a path covers what is below it): read strictly. Everything else is
   * read leniently: any value of it, and its absence, is read past.
   */
  readonly decides?: readonly string[] | undefined;
  /**
   * What the PSP says of the payment now, or `null` where it does not know it (yet).
   * @throws WorkerError classified by the adapter's client.
   */
  fetch(reference: string, context: LookContext<Config>): Promise<Snapshot | null>;
  /**
   * Pure and total over the PSP's statuses: no clock of its own, no I/O.
   * @throws WorkerError `Unmapped` for a status nobody mapped.
   */
  map(snapshot: Snapshot, context: MapContext): DesiredPayment;
  /** What the PSP must be told once Norce has been written; idempotent, owed while `marker` is missing. */
  afterWrite?(snapshot: Snapshot, context: LookContext<Config>): Promise<void>;
  readonly operations?: Operations<Config, Snapshot> | undefined;
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
    context: Pick<LookContext<Config>, "config" | "memory" | "payment" | "now">,
  ): DesiredPayment | null;
  readonly operations?: Operations<Config, readonly KeptEvent[]> | undefined;
}

// oxlint-disable-next-line typescript/no-explicit-any -- existential: each adapter pairs its own Config and Snapshot.
export type AnyFetchAdapter = FetchAdapter<any, any>;
// oxlint-disable-next-line typescript/no-explicit-any -- existential: each adapter has its own Config.
export type AnyFoldAdapter = FoldAdapter<any>;
/** An adapter of either kind: `"fold" in adapter` tells them apart. */
export type AnyAdapter = AnyFetchAdapter | AnyFoldAdapter;
