import type { Minor } from "../lib/money.ts";
import type { LookContext } from "./context.ts";
import type { OperationName } from "./desired.ts";
import type { LogLine, PspEvent } from "./event.ts";

/** What the PSP can be told to do; an operation it does not know is absent. */
export interface Operations<Config, Truth> {
  readonly repeat: Repeat;
  /** How long an accepted operation may take until the PSP's truth shows it; longer is told to a person. Default: no bound. */
  readonly patienceSeconds?: number | undefined;
  /** After how many refused tries the PSP locks the payment for good: none is wasted on a repeat. Default: no bound. */
  readonly mostTries?: number | undefined;
  readonly capture?: Operation<Config, Truth> | undefined;
  readonly cancel?: Operation<Config, Truth> | undefined;
  readonly refund?: Operation<Config, Truth> | undefined;
}

/**
 * How a repeat is made safe. `idempotency-key`: the PSP answers a repeated key as it did the first time; where its keys die after some
 * hours, `look-first` applies from then on. `look-first`: it does not, so that after an unknown outcome nothing is sent before a look shows
 * that it was not carried out. `never`: no look can show that, so that an unknown outcome stays unknown until a person has found it out.
 */
export type Repeat = "idempotency-key" | "look-first" | "never" | { readonly idempotencyKeyHours: number };

/**
 * Tells the PSP, once. What comes of it is the next look's.
 * @param truth the snapshot, or the kept events, against which the call was validated.
 * @throws WorkerError: `Unreachable` means that the outcome is unknown. Where it takes several requests, every error after the first one that
 *   succeeded has to be such, without a status: a 429 or a 401 would be read as "nothing was carried out".
 */
export type Operation<Config, Truth> = (
  call: OperationCall,
  truth: Truth,
  context: LookContext<Config>,
) => Promise<OperationResult>;

/** One operation that was asked for and is possible. */
export interface OperationCall {
  readonly name: OperationName;
  /** The same for every attempt of this operation, and no other's: 36 characters of letters, digits and `-`. */
  readonly id: string;
  readonly amount: Minor;
  /** ISO 4217, upper case. */
  readonly currency: string;
  /** True where the amount is all that is left. */
  readonly whole: boolean;
  /** Unix milliseconds of this attempt, for PSPs that want a time. */
  readonly now: number;
}

/** `accepted`: the PSP will carry it out, its webhook or a look tells the outcome. `refused`: it will not, for a reason in its own code. */
export type OperationResult =
  | {
      readonly is: "done" | "accepted";
      /** The PSP's id of what it did. */
      readonly pspId?: string | undefined;
      /** What no later question would tell: kept like an event's line. */
      readonly event?: (PspEvent & { readonly line: LogLine }) | undefined;
    }
  | {
      readonly is: "refused";
      readonly reason: string;
      /** What only the refusal tells, and no later question: that a reservation has expired. Kept like an event's line. */
      readonly event?: (PspEvent & { readonly line: LogLine }) | undefined;
    };
