import type { Json } from "../lib/http.ts";
import type { Minor } from "../lib/money.ts";

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
  /** Further ids of the PSP's by which an account-level event may name this payment: remembered like the reference. */
  readonly aliases?: readonly string[];
  /** Absent: leave what Norce has. A token is never blanked. */
  readonly recurring?: Recurring;
  readonly upsell?: Upsell;
  /** Facts worth keeping beside the money, under our own key. Also what `fetch` gets back as `known`. */
  readonly attributes?: Readonly<Record<string, string | number | boolean>>;
  readonly transactions: readonly DesiredTransaction[];
  readonly possible: readonly OperationName[];
  /** Which of them the PSP takes for the whole amount only. */
  readonly wholeOnly?: readonly OperationName[];
  /** How much of each can be asked for, where that does not follow from the money. */
  readonly available?: Readonly<Partial<Record<OperationName, Minor>>>;
  /** What the PSP has accepted and not yet carried out: not available for another operation. */
  readonly underWay?: Readonly<Partial<Record<OperationName, Minor>>>;
  /** What the PSP echoes of ours: merchant references, metadata. Says which order and payment this belongs to. */
  readonly echoes: readonly string[];
  /** Why money moved back, by the PSP's own word (`CAPTURE_FAILED`): then no second look has to agree. */
  readonly reversal?: string;
  /** Key of the transaction that marks `afterWrite` as done; while it is missing, `afterWrite` is owed. */
  readonly marker?: string;
  /** When to look again although nobody calls: a time (ISO 8601), or a pause after this look. */
  readonly lookAgain?: { readonly at: string } | { readonly afterSeconds: number };
}
