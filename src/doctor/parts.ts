import type { PaymentKey } from "../contract/adapter.ts";
import type { ContextFactory } from "../adapters/contexts.ts";
import type { Config } from "../config.ts";
import type { Transport } from "../lib/transport.ts";

/** One merchant's channel at one PSP. */
export type Account = Pick<PaymentKey, "adapter" | "merchant" | "channel">;

/** When a webhook of an account last came, by the key that proved it. */
export interface Arrival {
  readonly webhook: string;
  /** The fingerprint of the secret; absent where nothing proved it. */
  readonly by?: string | undefined;
  /** Milliseconds since the epoch, by the service's clock. */
  readonly at: number;
}

/** What only the running service can tell. */
export interface ServiceSelf {
  readonly engine: {
    readonly kind: string;
    readonly level: string;
    readonly says: string;
    readonly faults: readonly string[];
  };
  readonly workers: number;
  /** Fingerprints of its master keys. */
  readonly masters: readonly string[];
}

/** The running service. Each rejects with a WorkerError `Unreachable`, or with an error in plain words, where it does not tell. */
export interface ServiceView {
  self(): Promise<ServiceSelf>;
  arrivals(account: Account): Promise<readonly Arrival[]>;
}

/** What is asked for. */
export interface Wishes {
  readonly merchant?: string | undefined;
  readonly channel?: string | undefined;
  readonly adapter?: string | undefined;
  /** Registers webhooks that are missing, and repairs those that are wrong. */
  readonly fix?: boolean;
  /** Has PSPs send their test webhook, and waits until it has come. */
  readonly test?: boolean;
}

/** What the doctor examines, and with what. */
export interface DoctorParts {
  readonly config: Config;
  readonly transport: Transport;
  readonly service: ServiceView;
  /** Unix milliseconds. */
  readonly now?: () => number;
  /** How long a check may take, in milliseconds. */
  readonly longestMs?: number;
  /** How long a PSP's test webhook is waited for, in milliseconds. */
  readonly testMs?: number;
}

/** What one check learns and others judge. */
export interface Notes {
  /** By how much the clock of a host was ahead of ours, in milliseconds, at each of its answers. */
  readonly clocks: Map<string, number[]>;
  /** Whether what was asked is for real money. */
  readonly modes: { readonly account: Account; readonly live: boolean; readonly says: string }[];
}

/** What checks are made with. */
export interface Tools extends Required<Omit<DoctorParts, "longestMs">> {
  readonly contexts: ContextFactory;
  readonly notes: Notes;
  readonly wishes: Wishes;
}

/** A target of the configuration. */
export type ConfiguredTarget = Config["targets"][number];

/** Whose target it is. */
export function accountOf({ adapter, merchant, channel }: ConfiguredTarget): Account {
  return { adapter: adapter.id, merchant, channel };
}

/** The place of an account's settings in `config.yaml`. */
export function settingsOf({ adapter, merchant, channel }: Account): string {
  return `merchants.${merchant}.${channel}.${adapter}`;
}
