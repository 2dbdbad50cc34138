import type { Json, Minor, Money } from "../../contract/adapter.ts";
import type { PaymentState } from "../../norce/states.ts";
import type { Suspect } from "../../queue/note.ts";
import type { Attention, Found } from "../found.ts";

/** What was written, or would be. */
export interface Movement {
  readonly from: PaymentState;
  readonly to: PaymentState;
  /** Names of the payment's fields, and keys of transactions. */
  readonly wrote: readonly string[];
}

/** What every look has to say besides. */
export interface Rest {
  readonly lookAgainMs?: number;
  readonly found?: readonly Found[];
  readonly attention?: Attention;
  /** What the next look has to remember, in place of what was remembered. */
  readonly seen?: Readonly<Record<string, Json>>;
  /** Hints that the PSP has answered about: they leave the note. */
  readonly judged?: readonly string[];
  /** The PSP's ids of the payment, by which account-level events may name it. */
  readonly ids?: readonly string[];
  /** The PSP was asked, and knows none of the ids that the payment goes by. */
  readonly unknownAtPsp?: true;
  /** What the PSP said, in minor units of its currency. */
  readonly psp?: Money & { readonly phase: string; readonly currency: string; readonly reference: string };
  /** What Norce said besides the state, and since when the payment has stood so by our record there, in milliseconds since the epoch. */
  readonly norce?: { readonly amount: Minor; readonly since?: number };
}

/** What a look came to. Waiting is an outcome, not an error. */
export type Outcome =
  | (Rest & Movement & { readonly is: "written"; readonly amount?: Minor })
  | (Rest & { readonly is: "unchanged"; readonly state: PaymentState })
  | (Rest & { readonly is: "later"; readonly why: "not-in-norce" | "no-reference" | "not-at-psp" })
  /** Money or phase would move backwards: to be confirmed by a second look. */
  | (Rest & { readonly is: "suspect"; readonly state: PaymentState; readonly suspect: Suspect });
