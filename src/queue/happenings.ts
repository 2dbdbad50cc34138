import type { Json } from "../contract/adapter.ts";
import type { JournalLine } from "./journal.ts";
import type { AskedBy } from "./note.ts";

/**
 * What the lines of a payment's journal say, by kind: the worker half writes them, people on call read them. An entry has 200 bytes: names are
 * short, and facts that do not fit are left out, the last ones first. Amounts are minor units of the currency that the last `looked` named. No
 * personal data.
 */
export interface Happenings {
  /** A webhook was received. */
  readonly received: {
    readonly webhook: string;
    readonly type: string;
    /** The fingerprint of the secret that proved it; absent where that was asked of somebody later. */
    readonly by?: string | undefined;
    /** The PSP's id that it named. */
    readonly ref?: string | undefined;
  };
  /** An event was found to be this payment's, or was kept in its log. */
  readonly placed: {
    readonly type: string;
    readonly how: PlacedBy;
    /** Nothing can be looked at yet. */
    readonly rests?: true | undefined;
    readonly ref?: string | undefined;
  };
  /** An operator asked for a look. */
  readonly asked: { readonly id: string };
  /** A look read both sides. */
  readonly looked: By & {
    /** Phase, currency and sums that the PSP said: authorised, captured, refunded, released; zeros at the end are left out. */
    readonly psp?: readonly [phase: string, currency: string, ...sums: readonly number[]] | undefined;
    /** State and amount that Norce said, and since when the payment has stood so by our own record there, in seconds since the epoch. */
    readonly norce?: readonly [state: string, amount: number | null, since?: number] | undefined;
    /** A letter was taken away. */
    readonly cleared?: true | undefined;
    /** Why a person is needed. */
    readonly needs?: string | undefined;
    /** Names of what a person should see, with the day by which they have to act. */
    readonly found?: string | undefined;
    /** When it is looked at again although nobody calls, in seconds from then. */
    readonly in?: number | undefined;
    /** The PSP's id of the payment. */
    readonly ref?: string | undefined;
  };
  /** Norce was written. */
  readonly written: {
    readonly from: string;
    readonly to: string;
    readonly amount?: readonly [from: number, to: number] | undefined;
    /** Fields and transactions, by name; `more` were written than stand there. */
    readonly wrote: string;
    readonly more?: number | undefined;
  };
  /** A look waits for another one. */
  readonly waited: By &
    Met & {
      readonly why: string;
      /** Milliseconds since the epoch. */
      readonly until: number;
      readonly tries?: number | undefined;
    };
  /** A look, or an event of this payment, was given up: a letter stands. Besides these, the values that differ. */
  readonly buried: Partial<By> &
    Met & { readonly kind: string; readonly why: string } & Readonly<Record<string, unknown>>;
  /** A person took a letter away: the payment's, or that of an event or an operation. */
  readonly dismissed: {
    readonly why: string;
    readonly of?: string | undefined;
    /** The fingerprint of that person's admin token. */
    readonly who?: string | undefined;
  };
  /** A step of an operation. */
  readonly operated: Met & {
    readonly name: string;
    readonly is: "asked" | "sent" | "later" | "done" | "accepted" | "refused" | "unknown" | "overdue";
    readonly id: string;
    readonly amount?: number | undefined;
    readonly currency?: string | undefined;
    readonly reason?: string | undefined;
    readonly pspId?: string | undefined;
    /** How often it was sent, where that is not once. */
    readonly times?: number | undefined;
    /** When it is tried again, in milliseconds since the epoch. */
    readonly until?: number | undefined;
  };
  /** Somebody asked what a look would write. */
  readonly previewed: {
    readonly outcome: string;
    readonly from?: string | undefined;
    readonly to?: string | undefined;
    readonly why?: string | undefined;
    readonly wrote?: string | undefined;
  };
}

/** How an event was found to be a payment's: by its URL, by what the PSP echoes of ours, by a remembered id, or because the PSP was asked. */
export type PlacedBy = "url" | "echo" | "remembered" | "psp";

/** Who asked for a look; and where an operator did, when it began, in milliseconds since the epoch. */
interface By {
  readonly by: AskedBy;
  readonly began?: number | undefined;
}

/** What Norce or a PSP answered in place of what was asked for. */
interface Met {
  readonly peer?: string | undefined;
  readonly status?: number | undefined;
  readonly code?: string | undefined;
  /** The id that the peer's support asks for. */
  readonly support?: string | undefined;
}

/** What may happen to a payment. */
export type Happening = keyof Happenings;

/** A line of the journal. @param like what tells it from others of its kind, where its facts say more than that. */
export function happened<Kind extends Happening>(
  at: number,
  kind: Kind,
  facts: Happenings[Kind],
  like?: string,
): JournalLine {
  const said = Object.entries(facts).filter((entry): entry is [string, Json] => entry[1] !== undefined);
  return { at, kind, facts: Object.fromEntries(said), ...(like === undefined ? {} : { like }) };
}
