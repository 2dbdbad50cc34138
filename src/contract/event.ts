import type { Json } from "../lib/http.ts";
import type { Minor } from "../lib/money.ts";
import type { Recurring, TransactionEvent } from "./desired.ts";

/** One thing that happened. Survives JSON; carries no personal data. */
export interface PspEvent {
  /** The same on redelivery, different otherwise; made of fields that the proof covers. A payment-level hint that is not kept needs none. */
  readonly key: string;
  /** The PSP's own word for it. */
  readonly type: string;
  /** The PSP's own clock, ISO 8601; `null` where it sends none. */
  readonly at: string | null;
  /** The PSP's id of the payment, where the webhook names it. A hint: it binds only when the PSP's answer agrees with Norce. */
  readonly reference?: string | undefined;
  /** Account-level events only: how the payment can be found, the best clue first. Without one the event cannot be placed. */
  readonly clues?: readonly Clue[] | undefined;
  /** What no later question to the PSP would tell: kept as a line of the payment's transaction log, for `fold` or `map`. */
  readonly line?: LogLine | undefined;
  /** A line would follow from what no proof covers: the event is read again at the PSP (`Webhook.reread`), and that is what is placed and kept. */
  readonly hearsay?: true | undefined;
}

/**
 * A trace of a payment in an account-level event. `echo`: what the PSP gives back of ours (payment id, `orderId:paymentId`, or what
 * `merchantReference` says). An echo that no proof covers leads `onlyOf` the payment that Norce has under a reference which it does cover.
 * `reference`: the PSP's id by which we may remember the payment.
 */
export type Clue = { readonly echo: string; readonly onlyOf?: string | undefined } | { readonly reference: string };

/** An event as a line of the payment's transaction log. Facts are an allow-list: no personal data, no secrets. */
export interface LogLine {
  readonly event: TransactionEvent;
  readonly pspStatus: string;
  /** What this event moved (not a running total: later lines may be older events). 0 where it moved nothing. */
  readonly amount: Minor;
  /** ISO 4217, upper case. A line over no money needs none. */
  readonly currency?: string | undefined;
  readonly success: boolean;
  readonly errorDetail?: string | undefined;
  readonly facts?: Readonly<Record<string, Json>> | undefined;
  /** The one secret that is kept: Norce holds it in the same payment anyway. */
  readonly recurring?: Recurring | undefined;
}

/** A line of the log that an event brought, read back. */
export type KeptEvent = Pick<PspEvent, "key" | "type" | "at"> & LogLine;
