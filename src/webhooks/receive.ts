/**
 * START HERE. What happens to a webhook while the PSP waits: route, verify, parse, persist, ack. Nothing of the payment is read or
 * changed: once it is stored, `workers/` takes over.
 */
import type { Ack } from "../contract/adapter.ts";
import type { Tracing } from "../lib/tracing.ts";
import type { StoredEvent } from "../queue/jobs.ts";
import { noRoomToAsk, NotTaken, onlyMethods } from "./answers.ts";
import type { StoreEvents } from "./store-together.ts";
import { type ProveParts, proveHead } from "./prove.ts";
import type { Head } from "./request.ts";
import { route, type WebhookRoute } from "./routes.ts";

/** What a webhook is received with. */
export interface ReceiveParts extends ProveParts {
  readonly store: StoreEvents;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly tracing?: Pick<Tracing, "here" | "span"> | undefined;
}

/** A webhook of which no more than the head has come. */
export interface Incoming {
  readonly to: WebhookRoute;
  readonly head: Head;
  /**
   * The body, once it is wanted: nobody waits for the body of what is refused by its head.
   * @param trusted whether the URL proved itself: strangers' bodies wait in a room of their own. @throws NotTaken
   */
  body(trusted: boolean): Promise<Buffer>;
}

/** What to answer, and what became of it. */
export interface Received {
  readonly ack: Ack;
  /** How many events were stored. */
  readonly events: number;
  /** The fingerprint of what proved it. */
  readonly by?: string | undefined;
  /** Why it was dropped: it can move nothing. */
  readonly dropped?: string | undefined;
}

/**
 * Proves a webhook, stores its events and says what to answer. Resolves only once the queue has every event.
 * @throws WorkerError `UnknownTarget`, `MalformedWebhook`, `UntrustedWebhook`, `QueueUnavailable`. @throws NotTaken. Nothing is acknowledged then.
 */
export async function receive(
  { config, files, store, now, tracing }: ReceiveParts,
  { to, head, body }: Incoming,
): Promise<Received> {
  const routed = route(config, to);
  const { target, webhook, rules, settings } = routed;
  onlyMethods(head, rules.method);
  const { trusted, prove } = await proveHead({ config, files }, routed, head);
  const request = { ...head, body: await body(trusted) };
  const proof = await prove(request);
  if (proof !== true && "drop" in proof) return { ack: rules.ack, events: 0, dropped: proof.drop };
  if (proof !== true && "busy" in proof) throw new NotTaken(noRoomToAsk);
  const told = proof === true ? {} : "by" in proof ? { by: proof.by } : { evidence: proof.later };
  const receivedAt = now();
  const trace = tracing?.here();
  const traced = trace === undefined ? {} : { trace };
  const events = rules
    .parse(request, target, settings)
    .map((event): StoredEvent => ({ target, webhook, receivedAt, event, ...told, ...traced }));
  await store(events);
  return { ack: rules.ack, events: events.length, by: told.by };
}
