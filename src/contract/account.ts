import type { AskContext } from "./context.ts";

/** What a harmless question with one merchant's credentials came to. */
export interface ProbeResult {
  /** `refused`: the PSP does not take the credential. `unreachable`: it did not answer. */
  readonly is: "works" | "refused" | "unreachable";
  /** One sentence for people: what was asked and what that shows. No secret. */
  readonly says: string;
  /** When something of the credential ends (a certificate), ISO 8601. */
  readonly expires?: string | undefined;
  /** Whether what was asked is for real money, where its address or its key says so. */
  readonly live?: boolean | undefined;
}

/**
 * Asks the PSP something harmless with each credential of one merchant's settings, by the setting's name. What it asks changes nothing there,
 * and does not ask a payment that exists. @throws nothing but bugs.
 */
export type Probe<Config> = (context: AskContext<Config>) => Promise<readonly ProbeResult[]>;

/** A webhook as the PSP has it registered. */
export interface Registration {
  /** The PSP's id of it. */
  readonly id: string;
  readonly url: string;
  /** The PSP's words for what it sends there. */
  readonly events: readonly string[];
  readonly active: boolean;
}

/** A webhook as it should be registered. */
export interface WantedRegistration {
  /** Our webhook's name. */
  readonly webhook: string;
  readonly url: string;
}

/** The PSP's API for the webhooks that it sends, where its sheet documents one. Each may be absent. @throws WorkerError */
export interface Registrations<Config> {
  /** Our account-level webhooks that the PSP has to know. */
  readonly webhooks: readonly string[];
  /** Why these settings are not enough to ask: `managementApiKey is not set`. Absent: they always are. */
  unavailable?(config: Config): string | undefined;
  list(context: AskContext<Config>): Promise<readonly Registration[]>;
  /** Whether a registration is what it should be, apart from its URL; a reason where not. */
  faultOf?(registration: Registration, wanted: WantedRegistration, config: Config): string | undefined;
  register?(wanted: WantedRegistration, context: AskContext<Config>): Promise<Registered>;
  repair?(registration: Registration, wanted: WantedRegistration, context: AskContext<Config>): Promise<Registered>;
  /** Has the PSP send its test webhook. */
  test?(registration: Registration, context: AskContext<Config>): Promise<void>;
}

/** What registering came to; what the PSP tells only once, and what the settings have to hold from now on, is for the operator to store. */
export interface Registered {
  readonly id: string;
  readonly secret?: { readonly setting: string; readonly value: string } | undefined;
}
