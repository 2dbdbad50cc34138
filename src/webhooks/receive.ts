/**
 * START HERE. What happens to a webhook while the PSP waits: route, verify, parse, persist, ack. Nothing of the payment is read or
 * changed: once it is stored, `workers/` takes over.
 */
import type { Ack, ProofContext, RawRequest, Target, Webhook } from "../contract/adapter.ts";
import type { AdapterSettings, Config } from "../config.ts";
import { WorkerError } from "../lib/errors.ts";
import type { StoredEvent } from "../queue/queues.ts";
import { signedUrl } from "../signatures/signed-url.ts";
import type { Inbox } from "./inbox.ts";
import type { Head } from "./request.ts";

/** Where a webhook was sent to, as its URL says. */
export interface WebhookRoute {
  readonly target: Target;
  readonly webhook: string;
}

/** What to answer, and how many events were stored. */
export interface Received {
  readonly ack: Ack;
  readonly events: number;
}

/** A route that leads somewhere: whose settings and whose rules apply. */
export interface Routed extends WebhookRoute, AdapterSettings {
  readonly rules: Webhook<unknown>;
}

/** Finds what a webhook's URL names. @throws WorkerError `UnknownTarget`, `MalformedWebhook`. */
export function route(config: Config, { target, webhook }: WebhookRoute): Routed {
  const ids = target.paymentId === undefined ? [] : [target.orderId ?? "", target.paymentId];
  if (!ids.every(isId)) throw new WorkerError("MalformedWebhook", "an id in the URL is malformed");
  const found = config.find(target);
  const rules = found?.adapter.webhooks[webhook] as Webhook<unknown> | undefined;
  const scope = target.paymentId === undefined ? "account" : "payment";
  if (found === undefined || rules?.scope !== scope) {
    throw new WorkerError("UnknownTarget", "no such adapter, merchant, channel or webhook");
  }
  return { target, webhook, rules, ...found };
}

/**
 * Proves what can be proven before the body has come: where the URL is signed, nobody waits for the body of one that is not ours.
 * @returns whether that is all the proof there is: others have something to say of the body, or of its headers, besides.
 * @throws WorkerError `UntrustedWebhook`.
 */
export async function proveUrl(config: Config, to: Routed, head: Head): Promise<boolean> {
  const { verify } = to.rules;
  if (verify.scheme !== signedUrl.scheme) return false;
  if ((await signedUrl.check({ ...head, body: noBody }, proofFor(config, to))) !== true) throw notProven();
  return verify === signedUrl;
}

const noBody = Buffer.alloc(0);

/**
 * Proves a webhook, stores its events and says what to answer. Resolves only once the queue has every event.
 * @param byUrl `proveUrl` found that the URL is all the proof there is, and that it is good.
 * @throws WorkerError `MalformedWebhook`, `UntrustedWebhook`, `QueueUnavailable`; nothing is acknowledged then.
 */
export async function receive(
  config: Config,
  inbox: Inbox,
  to: Routed,
  request: RawRequest,
  now: number,
  byUrl: boolean,
): Promise<Received> {
  const { target, webhook, rules, settings } = to;
  const proven = byUrl || (await rules.verify.check(request, proofFor(config, to)));
  if (proven === false) throw notProven();
  const evidence = proven === true ? {} : { evidence: proven.later };
  const events = rules
    .parse(request, target, settings)
    .map((event): StoredEvent => ({ target, webhook, receivedAt: now, event, ...evidence }));
  await inbox(events);
  return { ack: rules.ack, events: events.length };
}

function proofFor({ urlSigningKeys }: Config, { settings, target, webhook }: Routed): ProofContext<unknown> {
  return { config: settings, target, webhook, urlSigningKeys };
}

function notProven(): WorkerError {
  return new WorkerError("UntrustedWebhook", "the webhook could not be proven");
}

/** Ids are opaque, but none has control characters, which could forge a signed text, and none climbs a path. */
export function isId(id: string): boolean {
  return id.length > 0 && id.length <= 200 && id !== "." && id !== ".." && !controls.test(id);
}

/** Unicode's control characters, and its two line separators. */
const controls = /[\p{Cc}\u2028\u2029]/u;
