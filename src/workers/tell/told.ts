import type { PaymentKey, Target } from "../../contract/adapter.ts";
import type { DeadLetter, StoredEvent } from "../../queue/jobs.ts";
import type { AskedBy } from "../../queue/seam.ts";
import type { Found } from "../found.ts";
import type { Outcome } from "../look/outcome.ts";
import type { Came, Next } from "../retry.ts";

/** A look that is over. */
export interface Looked {
  readonly key: PaymentKey;
  /** Who asked for it. */
  readonly by: AskedBy;
  /** A letter stood when it began. */
  readonly hadLetter: boolean;
  /** A webhook or an operation had announced what it found, or did while it ran. */
  readonly announced: boolean;
  readonly came: Came<Outcome>;
  readonly step: Next;
  /** What earlier looks had found and this one found gone: `findOf` reads it. */
  readonly resolved?: readonly string[];
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly now: number;
}

/** What became of an event. */
export interface EventTold {
  readonly target: Target;
  readonly webhook: string;
  readonly type: string;
  readonly is: "later" | "disproved";
  readonly why?: string;
  readonly error?: unknown;
}

/** What one attempt at an operation came to. `later`: it is tried again. */
export interface OperationTold {
  readonly key: PaymentKey;
  readonly operation: string;
  readonly operationId: string;
  readonly is: "finished" | "later" | "unlogged";
  readonly error?: unknown;
  /** Of what it came to, or when it is tried again. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** Who is told; each tells of what concerns it. */
export interface Listener {
  /** Webhooks that are proven, or named by a URL of ours: their events were handed on. */
  received?(events: readonly StoredEvent[]): void;
  looked?(looked: Looked, facts: LookFacts): void;
  event?(told: EventTold): void;
  operated?(told: OperationTold): void;
  found?(of: Target, found: Found): void;
  /** What was found of an account, by name, is so no longer. */
  over?(of: Target, name: string): void;
  buried?(letter: DeadLetter): void;
  /** A job met an error of somebody, or none: what that says of Norce and of the PSP's account. */
  met?(of: Target, error: unknown): void;
}

/** What a look came to, in names that log lines and operators know. */
export interface LookFacts {
  readonly outcome: "written" | "unchanged" | "later" | "dead";
  readonly [fact: string]: unknown;
}
