import type { Json, PaymentKey } from "../src/contract/adapter.ts";

export const adapter = "klarna-checkout";
export const adapterId = "acme_klarna_adapter";
export const signingKey = "bench-signing-key";

/** What the benchmark asks of Norce and Klarna. */
export type PeersMessage =
  | { readonly ask: "where" }
  | { readonly ask: "reset"; readonly latencyMs: number }
  | { readonly ask: "pay"; readonly count: number }
  | { readonly ask: "applied"; readonly keys: readonly PaymentKey[] }
  | { readonly ask: "counts" };

export interface PeersReady {
  readonly norceUrl: string;
  readonly pspUrl: string;
  readonly token: string;
  readonly settings: Readonly<Record<string, Json>>;
}

export interface Payment {
  readonly key: PaymentKey;
  readonly reference: string;
}

export interface Paid {
  readonly payments: readonly Payment[];
}

export interface Applied {
  /** Payments that are not reserved with exactly one transaction. */
  readonly missing: number;
  /** When each was written, in milliseconds since the epoch; 0 where it was not. */
  readonly writtenAt: readonly number[];
}

/** Requests that came in since the last reset; Klarna's since its start. */
export interface Counts {
  readonly norce: number;
  readonly psp: number;
}
