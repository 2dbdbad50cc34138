import type { Json, PspEvent, Target } from "../contract/adapter.ts";

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
  /** Where its webhook was received, for traces. */
  readonly trace?: string | undefined;
  /**
   * What proves the webhook, where it could not be proven when it came: it does nothing before that. On its way to the inbox the evidence itself,
   * in a queue the name of the record that holds it.
   */
  readonly evidence?: Json;
}

/** A job of `inbox`: the events that arrived together, or one that waits there because nobody here is configured for it (yet). */
export interface InboxJob {
  readonly events: readonly StoredEvent[];
  readonly alone?: boolean;
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
