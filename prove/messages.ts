/** What is asked of the world around the service, which is a process of its own, and what it answers. */
export type WorldMessage =
  | {
      readonly ask: "open";
      readonly seed: number;
      readonly front: string;
      readonly signingKey: string;
      readonly adminToken: string;
      /** Adapter folders; none: every one that has a simulator. */
      readonly adapters: readonly string[];
    }
  | { readonly ask: "live"; readonly payments: number }
  | { readonly ask: "rest" }
  | { readonly ask: "progress" }
  | { readonly ask: "judge"; readonly excuses: readonly Excuse[] }
  | { readonly ask: "burst"; readonly payments: number };

/** Where the service finds Norce and the PSPs, and what it is configured with. */
export interface Where {
  readonly orderApi: string;
  readonly pspUrl: string;
  readonly token: string;
  readonly merchants: object;
}

/** A time in which the engine had promised less: what was acknowledged then may be lost. Milliseconds since the epoch. */
export interface Excuse {
  readonly from: number;
  readonly to: number;
  readonly why: string;
}

/** How far the world is. */
export interface Progress {
  readonly begun: number;
  readonly over: number;
  /** Lives that are over and at which Norce does not say yet what the PSP says. */
  readonly behind: number;
  readonly acknowledged: number;
  /** What went wrong on purpose with answers and deliveries, by kind. */
  readonly faults: Readonly<Record<string, number>>;
}

/** What has become of all that was acknowledged. */
export interface Verdict extends Progress {
  /** Webhooks that the PSPs saw a 2xx for, and looks that the service took. */
  readonly webhooks: number;
  readonly looks: number;
  readonly payments: number;
  /** Payments of which Norce says what the PSP says. */
  readonly right: number;
  /** Payments that differ, and of which the service's report tells by name. */
  readonly named: readonly string[];
  /** Payments that differ, of which the PSP has news that nobody ever acknowledged. */
  readonly untold: readonly string[];
  /** Payments that differ, whose news was acknowledged in a time for which the engine had promised less. */
  readonly promisedAway: readonly string[];
  /** Payments that differ though their news was acknowledged, and of which nobody tells. */
  readonly lost: readonly string[];
  /** Lines of one event that stand twice in a payment's log. */
  readonly doubledLines: readonly string[];
  readonly operations: {
    readonly asked: number;
    readonly carriedOut: number;
    readonly refused: number;
    /** Taken by the PSP, which carries it out later. */
    readonly accepted: number;
    /** Asked for, and not settled when the asker stopped waiting. */
    readonly unknown: number;
  };
  /** Payments from which an operation took more than was asked. */
  readonly doubledMoney: readonly string[];
}
