import type { Json, PaymentKey, PspEvent, Target } from "../contract/adapter.ts";

/** An event as it waits in the inbox. */
export interface StoredEvent {
  readonly target: Target;
  /** The webhook's name in the URL. */
  readonly webhook: string;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  readonly event: PspEvent;
  /** The fingerprint of the secret that proved the webhook. */
  readonly by?: string | undefined;
  /** What proves the webhook, where it could not be proven when it came: it does nothing before that. */
  readonly evidence?: Json;
}

/** A job of `inbox`: the events that arrived together, or one that waits there because nobody here is configured for it (yet). */
export interface InboxJob {
  readonly events: readonly StoredEvent[];
  readonly alone?: boolean;
}

/** A job of an adapter's `events`: one event that has to be proven, placed or kept, or that waits. */
export interface EventJob {
  readonly stored: StoredEvent;
  /** Its look has been asked for already, and another one ran that may not have known what the event names. */
  readonly asked?: true;
}

/** The first of two looks that have to agree before a payment moves backwards. */
export interface Suspect {
  readonly fingerprint: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** Who asked for a look. What a look repairs that neither a webhook nor an operation had announced is drift. */
export type Asked = "webhook" | "sweep" | "operator" | "operation" | "timer";

/** How long one kind of failure has gone on. */
export interface Clock {
  /** Milliseconds since the epoch. */
  readonly since: number;
  readonly tries: number;
}

/** What a payment's timer remembers of the looks that did not come to rest. */
export interface Wait {
  /** When this kind of waiting began, in milliseconds since the epoch. */
  readonly since: number;
  readonly tries: number;
  readonly why: string;
  /** The clocks of the other kinds of failure that the payment met since a look last came to rest. */
  readonly others?: Readonly<Record<string, Clock>>;
  readonly suspect?: Suspect;
  /** The PSP's id that a webhook named, while the payment has none. */
  readonly reference?: string;
  /** Who asked for the looks; absent: a webhook. */
  readonly asked?: Asked;
  /** The payment's horizon has passed: a look that finds it where it was is the last one, and leaves a dead letter. */
  readonly last?: true;
}

/** A job of a lane: look at this payment. */
export interface Look {
  readonly key: PaymentKey;
  /** The PSP's id that the webhook named. */
  readonly reference?: string;
  /** What the timer that asks for this look remembered. */
  readonly wait?: Wait;
  /** Who asked for it; absent: whoever the timer remembers, else a webhook. */
  readonly asked?: Asked;
}

/** A payment that needs a person, or an event whose payment was never found. */
export interface DeadLetter {
  readonly key: Target;
  /** The event that could not be placed, or the operation. */
  readonly event?: { readonly key: string; readonly type: string };
  /** The event as it was stored, so that it can be tried again. */
  readonly stored?: StoredEvent;
  readonly kind: string;
  readonly reason: string;
  /** When the trouble began and when it was given up, in milliseconds since the epoch. */
  readonly since: number;
  readonly at: number;
  readonly context?: Readonly<Record<string, Json>>;
}

/** How many jobs of a queue are in one state. */
export interface QueueCount {
  readonly queue: string;
  readonly state: string;
  readonly jobs: number;
}
