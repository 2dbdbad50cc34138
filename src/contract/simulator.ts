import type { CommonConfig, Json, Minor, Money, ProofContext, RawRequest } from "./adapter.ts";

/** A call to the PSP's API, as the simulator sees it. */
export interface SimulatedRequest {
  readonly method: string;
  /** Path without query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** What the simulated PSP answers. */
export interface SimulatedAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Json;
  /** Instead of `body` where the answer is no JSON: a certificate. */
  readonly text?: string;
}

/** A purchase that the demo or a test starts at the simulated PSP. */
export interface SimulatedPurchase {
  readonly orderId: string;
  readonly paymentId: string;
  readonly amount: Minor;
  readonly currency: string;
  /** Our signed callback URL per webhook, placeholders not yet filled in. */
  readonly callbackUrls: Readonly<Record<string, string>>;
  readonly recurring?: boolean;
}

/** A webhook that the simulated PSP wants sent: one attempt of it. */
export interface SimulatedWebhook {
  readonly webhook: string;
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Which of the PSP's webhooks this is an attempt of: the same for every attempt. */
  readonly id?: string;
  /** Norce's id of the payment that it is about, for whoever keeps count; the PSP sends what stands above and nothing else. */
  readonly about?: string;
}

/** What the service answered to a webhook; status 0 where it did not answer. */
export interface SimulatedAck {
  readonly status: number;
  /** `content-type`, where there was one. */
  readonly type?: string | undefined;
  readonly body: string;
}

/** What can happen to a payment's next webhook on its way. `reorder`: the webhooks that are due together go out the last one first. */
export const deliveryFaults = ["lose", "delay", "repeat", "reorder"] as const;

export type DeliveryFault = (typeof deliveryFaults)[number];

/** What a PSP holds of a payment: sums over its life, in minor units, as anybody who may ask it can know them. */
export interface StatedMoney extends Money {
  /** ISO 4217, upper case. */
  readonly currency: string;
}

/**
 * The PSP with a memory, for development, tests and demos, as those see it who run it: a `Simulation` on its kernel. It answers what
 * `client.ts` calls, and its shopper and portal can be told to act. It holds no timers: whoever runs it asks `due` what should be sent by
 * now, and says by `answered` what came of it.
 */
export interface Simulator {
  /** The adapter settings with which `client.ts` talks to this simulator; `apiUrl` is where it is served. */
  settings(apiUrl: string): Readonly<Record<string, Json>>;
  /** Form bodies come as text. */
  answer(request: SimulatedRequest): SimulatedAnswer;
  /** True for calls that only fetch an access token or a certificate: tests let them pass where the PSP is to fail. */
  readonly preliminary?: ((request: Pick<SimulatedRequest, "method" | "path">) => boolean) | undefined;
  /** True for calls that change nothing: every GET, what is preliminary, and what reads by another method. */
  isHarmless(request: Pick<SimulatedRequest, "method" | "path">): boolean;
  /** ISO 4217, upper case: what the PSP sells in. Absent: anything. */
  readonly currencies?: readonly string[] | undefined;
  /** Whether the PSP names what went back and failed: `reversal` of what `map` says. */
  readonly namesReversals?: boolean | undefined;
  /** Starts a purchase and says its reference. @throws Error where the PSP sells nothing in its currency. */
  open(purchase: SimulatedPurchase): string;
  /** What the shopper, the PSP or somebody in its portal can do now to this payment, by name: `pay`, `capture`. */
  actions(reference: string): readonly string[];
  /** Whether the action of this name takes an amount: then a part of what is there is possible as well. */
  takesAmount(action: string): boolean;
  /** Does it. @throws Error when the action is not possible now, or not for this amount. */
  act(reference: string, action: string, amount?: Minor): void;
  /** What the PSP holds of the payment; `null` before it holds anything. */
  money(reference: string): StatedMoney | null;
  /** Has something happen to the payment's next webhook on its way. */
  disturb(reference: string, fault: DeliveryFault): void;
  /**
   * Webhooks that the PSP's schedule says should have been sent by `now` (milliseconds), one attempt of each at a time. An attempt of which
   * nobody says what came of it counts as one that nobody answered.
   * @param underWay ids of webhooks of which an attempt is still on its way: they wait.
   */
  due(now: number, underWay?: ReadonlySet<string>): readonly SimulatedWebhook[];
  /** What came of an attempt. */
  answered(webhook: SimulatedWebhook, ack: SimulatedAck): void;
  /** How many of the payment's webhooks nobody has acknowledged: they are still to come, or were given up. */
  undelivered(reference: string): number;
  /** A line for people: what the PSP says of this payment. Two purchases to which the same happened read the same but for their ids. */
  describe(reference: string): string;
}

/**
 * What a simulator's author writes: `simulator.ts` exports `simulate`, which gets the kernel and says what is peculiar to its PSP. Everything
 * else (routing, credentials, bodies, ids, tokens, idempotent answers, schedules, acknowledgements, pages, faults of delivery) is the
 * kernel's. A simulator imports this file, `lib/`, `signatures/` and its own folder; production never loads it.
 *
 * ```ts
 * export function simulate(kernel: Kernel<Held>): Simulation<Held> {
 *   return {
 *     settings: () => ({ apiKey: "simulated-key" }),
 *     refuse: ({ headers }) => (headers["x-api-key"] === "simulated-key" ? undefined : { status: 401 }),
 *     routes: { "GET /orders/{id}": ({ part }) => shown(kernel.find(part("id"))) },
 *     open: (payment) => ({ payment, reference: payment.uuid(), authorized: 0 }),
 *     actions: { pay: { possible: (held) => held.authorized === 0, act: (held) => pay(held) } },
 *     money: (held) => (held.authorized === 0 ? null : { ... }),
 *     describe: (held) => "...",
 *   };
 * }
 * ```
 */
export type Simulate<Held extends SimulatedHeld> = (kernel: Kernel<Held>) => Simulation<Held>;

/** What a simulation keeps of one payment, besides what is its own. */
export interface SimulatedHeld {
  readonly payment: SimulatedPayment;
  /** The PSP's id of it: what `open` answers. */
  readonly reference: string;
}

/** One payment at the kernel: whose it is, ids counted for it alone, and the way to the service. */
export interface SimulatedPayment {
  readonly purchase: SimulatedPurchase;
  /** Counts from 1 in the order of purchases. */
  readonly number: number;
  /** 1, 2, 3 … of each kind: two payments to which the same happened have the same counts. */
  count(kind?: string): number;
  /** An id in the shape of a UUID, no other payment's. */
  uuid(): string;
  /** Has a webhook sent. Where the purchase gave no URL for it nothing is sent. */
  send(outgoing: OutgoingWebhook): void;
}

/** What the kernel gives a simulation. */
export interface Kernel<Held extends SimulatedHeld> {
  /** Unix milliseconds: the one clock that a simulation has. */
  now(): number;
  /** From 0 to 1: the one source of chance that a simulation has. */
  random(): number;
  /** ISO 8601, so many milliseconds from now. */
  time(afterMs?: number): string;
  /** Where the simulator is served, for links in its answers; known once its settings were asked for. */
  apiUrl(): string;
  /** 1, 2, 3 … of each kind, for what belongs to no payment: correlation ids. */
  count(kind?: string): number;
  /** An id in the shape of a UUID for what belongs to no payment. */
  uuid(): string;
  /** An access token that lives so long. It outlives the simulator that granted it. */
  grant(lifeMs: number): string;
  /** Whether a text is an access token that was granted and still lives; a leading `Bearer ` is read past. */
  isGranted(token: string | undefined): boolean;
  /** The payment of this reference. */
  find(reference: string): Held | undefined;
  /** Every payment, the oldest first. */
  all(): readonly Held[];
  /** Has a webhook sent that belongs to no payment, to the URL that is registered for it: a test. */
  send(url: string, outgoing: OutgoingWebhook): void;
  /** A list inside an answer, in whichever order whoever runs the simulator wants it: PSPs promise none. */
  listed<Item>(items: readonly Item[]): Item[];
  /** One page of a list that is served in pages, and where the next one begins; whoever runs the simulator may want pages of one. */
  page<Item>(items: readonly Item[], from: number, most: number): { readonly items: Item[]; readonly next?: number };
}

/** A PSP on the kernel: what is peculiar to it. */
export interface Simulation<Held extends SimulatedHeld> {
  /** Adapter settings besides `apiUrl`, with which `client.ts` talks to what is served there. */
  settings(apiUrl: string): Readonly<Record<string, Json>>;
  /** ISO 4217, upper case: what the PSP sells in. Absent: anything. */
  readonly currencies?: readonly string[] | undefined;
  /** Whether the PSP names what went back and failed, so that Norce may follow at the first look. */
  readonly namesReversals?: boolean | undefined;
  /** What a call is answered whose credentials are not right; `undefined` lets it pass. */
  refuse?(request: SimulatedRequest): SimulatedAnswer | undefined;
  /** Calls that fetch an access token or a certificate: answered without `refuse`, and let pass by tests in which the PSP fails. */
  readonly grants?: Routes | undefined;
  /** By method and path: `GET /orders/{id}/captures`. Written segments win over `{names}`. A path that is not here is `unknown`. */
  readonly routes: Routes;
  /** More of them: what only reads, although it is no GET. */
  readonly reads?: Routes | undefined;
  /** Default: 404 without a body. */
  readonly unknown?: SimulatedAnswer | undefined;
  /** How the PSP answers a request whose key it has seen. Absent: it carries it out again. */
  readonly idempotency?: Idempotency | undefined;
  /** A purchase begins. */
  open(payment: SimulatedPayment): Held;
  /**
   * What the shopper, the PSP or somebody in its portal can do, by name. What takes, gives back or releases money as an operation does is
   * called `capture`, `refund` and `cancel`; the names that PSPs share stand in `sandbox/scenarios.ts`.
   */
  readonly actions: Readonly<Record<string, SimulatedAction<Held>>>;
  /** What the PSP holds of the payment now, `null` before it holds anything. The law "money is stated" compares Norce with it after every action. */
  money(held: Held): StatedMoney | null;
  /** A line for people. */
  describe(held: Held): string;
}

/** What answers, by method and path template. */
export type Routes = Readonly<Record<string, (call: SimulatedCall) => SimulatedAnswer>>;

/** A call that found its route. */
export interface SimulatedCall extends SimulatedRequest {
  /** What stands in the path where the template has a name. */
  part(name: string): string;
  /** The fields of the body, from JSON or a form; none where it is something else. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Something that can be done to a payment. */
export interface SimulatedAction<Held> {
  possible(held: Held): boolean;
  /** Where the action takes an amount: the most that is possible now, and what is meant where none is given (default: the most). */
  readonly amount?: { most(held: Held): Minor; usual?(held: Held): Minor } | undefined;
  /** @param amount in minor units, checked by the kernel; 0 where the action takes none. */
  act(held: Held, amount: Minor): void;
}

/** How a PSP answers a request whose key it has seen: as it did the first time, the whole answer. Never for GET. */
export interface Idempotency {
  /** The header that carries the key, lower case. */
  readonly header: string;
  /** For how long a key is known. Absent: for ever. */
  readonly windowMs?: number | undefined;
  /** Which answers are kept. Default: every one. */
  keeps?(answer: SimulatedAnswer): boolean;
  /** What a repeat is answered where that is not the first answer as it was. */
  repeated?(first: SimulatedAnswer, request: SimulatedRequest): SimulatedAnswer;
}

/** A webhook as a simulation gives it to the kernel. */
export interface OutgoingWebhook {
  readonly webhook: string;
  /** Default: POST. */
  readonly method?: "GET" | "POST" | undefined;
  /** JSON, or a text as it is. Default: empty. */
  readonly body?: Json | undefined;
  /** Made anew for each attempt, for signatures over the time. Default: JSON's content type where there is a body. */
  headers?(body: string): Readonly<Record<string, string>>;
  /** What the PSP puts in the place of its placeholders in our URL. */
  readonly placeholders?: Readonly<Record<string, string>> | undefined;
  /** When it is attempted, in milliseconds from now, until it is delivered. Default: once, at once. */
  readonly schedule?: readonly number[] | undefined;
  /** Which answer the PSP takes for delivered. Default: any 2xx. A PSP that wants exact bytes takes no others. */
  delivered?(ack: SimulatedAck): boolean;
  /** Asked before each attempt: true where there is nothing to tell any more. */
  isOver?(): boolean;
}

/** A webhook that is proven, and what its verifier knows. */
export interface ProvenRequest {
  readonly request: RawRequest;
  readonly context: ProofContext<CommonConfig>;
}

/**
 * What the proof of a webhook promises, told by whoever knows what the PSP signs, so that the law "proof" can try to break it. An adapter
 * whose webhooks are proven by more than their URL exports `forgeries`, by webhook name, from its `forgery.ts`.
 */
export interface Forgery {
  /** What proving would fetch, by its URL. */
  readonly files?: Readonly<Record<string, string>>;
  /** One byte changed in each part that is signed, by the part's name. */
  forged(proof: ProvenRequest): Readonly<Record<string, ProvenRequest>>;
  /** The signature replaced; `undefined` leaves it out. */
  signed(proof: ProvenRequest, change: (signature: string) => string | undefined): ProvenRequest;
  /** The settings hold other secrets, newest first; `own` is the one that the webhook was signed with. */
  secrets(proof: ProvenRequest, secrets: (own: string) => readonly string[]): ProvenRequest;
}
