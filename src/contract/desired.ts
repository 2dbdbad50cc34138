import type { Json } from "../lib/http.ts";
import type { Minor } from "../lib/money.ts";

/**
 * How far the purchase has come, whatever the money did since. `awaiting`: the purchase stands and the money is on its way (a bank transfer
 * of three days).
 */
export type Phase = "created" | "paying" | "review" | "awaiting" | "confirmed" | "declined" | "failed";

/** Sums over the life of the payment. Open is `authorized - captured - released`. */
export interface Money {
  readonly authorized: Minor;
  readonly captured: Minor;
  readonly refunded: Minor;
  /** Voided or expired. */
  readonly released: Minor;
}

/** Norce's `PaymentEvent` (docs/norce.md, 2.2). */
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
  readonly errorDetail?: string | undefined;
  /** Facts for people who read the log: an allow-list, no personal data, no secrets. */
  readonly facts?: Readonly<Record<string, Json>> | undefined;
}

/** Norce's `Recurring`. The token is a secret: it stands in the payment and nowhere else. */
export interface Recurring {
  readonly token: string;
  readonly description?: string | undefined;
  readonly attributes?: Readonly<Record<string, Json>> | undefined;
}

/** Norce's `Upsell` (Order API v0). */
export interface Upsell {
  readonly eligible: boolean;
  /** ISO 8601. */
  readonly expiration?: string | undefined;
  readonly transactions: readonly {
    readonly id: string;
    readonly state: "created" | "actionRequired" | "completed" | "failed";
    readonly attributes?: Readonly<Record<string, Json>> | undefined;
  }[];
  readonly attributes?: Readonly<Record<string, Json>> | undefined;
}

/** What the PSP can be told to do now. */
export type OperationName = "capture" | "cancel" | "refund";

/**
 * Bad news with a name: what a person should hear of whatever the state says. A capture or refund that failed later, a chargeback or
 * dispute, an authorisation that the PSP will not guarantee any longer, a payout hold that waits for the merchant, money of which the PSP
 * itself does not know whether it moved, a credential that is about to end.
 */
export interface Finding {
  /** Kebab-case, the same for all PSPs where it is the same news: see `findingNames`. */
  readonly name: FindingName;
  /** What it is about, so that each is told once: the PSP's id of the capture, refund or dispute. */
  readonly id: string;
  /** Until when somebody has to act, ISO 8601, where the PSP says so. */
  readonly deadline?: string | undefined;
  /** The values that differ or matter: amounts in minor units, currencies, ids, the PSP's code. No secret, nothing personal. */
  readonly facts?: Readonly<Record<string, string | number | boolean>> | undefined;
}

/** The names of bad news. */
export const findingNames = [
  "capture-failed",
  "refund-failed",
  "refund-reversed",
  "chargeback",
  "dispute",
  "authorization-at-risk",
  "payout-held",
  "live-mode-differs",
  "outcome-unknown",
  "credential-expires",
] as const;

export type FindingName = (typeof findingNames)[number];

/** What Norce should say of the payment, in the PSP's terms of money. Norce's state follows from it (`norce/states.ts`). */
export interface DesiredPayment {
  readonly phase: Phase;
  readonly money: Money;
  /** What the PSP first asked of the shopper, authorised or not; authorised where the issuer authorised a part. */
  readonly total: Minor;
  /** ISO 4217, upper case. */
  readonly currency: string;
  readonly reference: string;
  /** The reference will be replaced by another one: a session's id before the order's. */
  readonly provisional?: boolean | undefined;
  /** Further ids of the PSP's by which an account-level event may name this payment: they route, and bind nothing. */
  readonly aliases?: readonly string[] | undefined;
  /** Absent: leave what Norce has. A token is never blanked. */
  readonly recurring?: Recurring | undefined;
  readonly upsell?: Upsell | undefined;
  /** Facts for people beside the money, under our own key in Norce. */
  readonly attributes?: Readonly<Record<string, string | number | boolean>> | undefined;
  /**
   * What the adapter wants to know at its next look: under our key in Norce, replaced whole. A change of it alone is a write, so it may not
   * change at each look. Absent: what was remembered stays.
   */
  readonly memory?: Readonly<Record<string, Json>> | undefined;
  readonly transactions: readonly DesiredTransaction[];
  readonly possible: readonly OperationName[];
  /** Which of them the PSP takes for the whole amount only. */
  readonly wholeOnly?: readonly OperationName[] | undefined;
  /** How much of each can be asked for, where that does not follow from the money. */
  readonly available?: Readonly<Partial<Record<OperationName, Minor>>> | undefined;
  /** What the PSP has accepted and not yet carried out: not available for another operation. */
  readonly underWay?: Readonly<Partial<Record<OperationName, Minor>>> | undefined;
  /** The payment's parts are short (a gift card and a card): it is `processing` until they are complete, whatever they authorised. */
  readonly partial?: boolean | undefined;
  /** What the PSP echoes of ours: merchant references, metadata. Says which order and payment this belongs to. */
  readonly echoes: readonly string[];
  /** Why money moved back, by the PSP's own word (`CAPTURE_FAILED`): then no second look has to agree. */
  readonly reversal?: string | undefined;
  readonly findings?: readonly Finding[] | undefined;
  /** Key of the transaction that marks `afterWrite` as done; while it is missing, `afterWrite` is owed. */
  readonly marker?: string | undefined;
  /**
   * When to look again although nobody calls: a time (ISO 8601), a pause after this look, or a pause that grows with the age of something
   * that began at a time (ISO 8601).
   */
  readonly lookAgain?:
    | { readonly at: string }
    | { readonly afterSeconds: number }
    | { readonly growing: string }
    | undefined;
}
