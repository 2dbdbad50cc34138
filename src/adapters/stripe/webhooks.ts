import { z } from "zod";
import { jsonFrom } from "../../lib/json.ts";
import { WorkerError } from "../../lib/errors.ts";
import { saidTime } from "../../lib/said-time.ts";
import { hmacBody, type SignatureHeader } from "../../signatures/hmac-body.ts";
import { proven } from "../../signatures/proven.ts";
import type { Clue, PspEvent, RawRequest, Target, Webhook } from "../../contract/adapter.ts";
import { type Config, isLive } from "./config.ts";
import { echoesIn } from "./echoes.ts";
import { id } from "./schema.ts";

/** How old or how far ahead a signed time may be; Stripe's own libraries take five minutes. https://docs.stripe.com/webhooks/signature */
const toleranceSeconds = 300;

/** Objects that belong to a payment, by the beginning of their ids: charges (`py_` where no card was charged), refunds, disputes, reviews. */
const pieces = /^(ch|py|re|pyr|dp|du|prv|issfr)_/;
const payments = /^(pi|seti)_/;
/** A stored method or its mandate changed: the payment whose token it is. */
const methods = /^(payment_method\.(automatically_updated|updated|detached)|mandate\.updated)$/;

const idOf = z
  .union([id, z.object({ id }).transform((expanded) => expanded.id)])
  .nullish()
  .catch(undefined);

/** A snapshot event (`object: "event"`) or a thin one (`v2.core.event`), of which only what leads to a payment is read. */
const eventSchema = z.object({
  id,
  type: z.string().regex(/^[\w.]{1,100}$/),
  created: z
    .union([z.int().min(0).max(9_999_999_999), saidTime])
    .nullish()
    .catch(undefined),
  data: z
    .object({
      object: z.object({
        id: idOf,
        payment_intent: idOf,
        setup_intent: idOf,
        charge: idOf,
        payment_method: idOf,
        metadata: z.record(z.string(), z.unknown()).nullish().catch(undefined),
      }),
    })
    .nullish()
    .catch(undefined),
  related_object: z.object({ id }).nullish().catch(undefined),
});

/** For whom an event is: told before anything else is read of it. */
const addressSchema = z.object({
  livemode: z.boolean().nullish(),
  account: z.string().nullish(),
  // A thin event names the account so.
  context: z.string().nullish().catch(undefined),
});

/** Everything that Stripe sends to one endpoint. https://docs.stripe.com/webhooks */
export const webhook: Webhook<Config> = {
  scope: "account",
  method: "POST",
  verify: proven(
    hmacBody<Config>({
      header: "stripe-signature",
      read: signatureFrom,
      toleranceSeconds,
      digest: ["hex"],
      key: "text",
      secrets: ({ webhookSecret }) => [webhookSecret].flat(),
    }),
    isForUs,
  ),
  signed: "all",
  ack: { status: 200 },
  parse: eventsFrom,
};

/** `t=1767225600,v1=<hex>,v1=<hex>,v0=<hex>`: every `v1` counts, all other schemes are fakes for tests. Two times are two headers. */
function signatureFrom(header: string): SignatureHeader {
  const items = header.split(",").map((item) => {
    const at = item.indexOf("=");
    return { name: item.slice(0, at).trim(), value: item.slice(at + 1) };
  });
  const [time, another] = items.filter(({ name }) => name === "t");
  if (time === undefined || another !== undefined || !/^\d{1,12}$/.test(time.value)) return { signatures: [] };
  return {
    signatures: items.flatMap(({ name, value }) => (name === "v1" ? [value] : [])),
    before: `${time.value}.`,
    at: Number(time.value) * 1_000,
  };
}

/**
 * A live endpoint of a platform is sent the test events of its connected accounts, too, and those of every account: what is another mode's or
 * another account's is acknowledged, so that Stripe does not repeat it for days, and left.
 */
function isForUs({ body }: RawRequest, { config }: { readonly config: Config }): boolean | { readonly drop: string } {
  const address = addressSchema.safeParse(jsonFrom(body));
  // Not an event: `parse` says so.
  if (!address.success) return true;
  const { livemode, account, context } = address.data;
  if (typeof livemode === "boolean" && livemode !== isLive(config.apiKey)) return { drop: "other-mode" };
  const named = account ?? (context?.startsWith("acct_") === true ? context : undefined);
  return named === undefined || named === config.stripeAccount ? true : { drop: "other-account" };
}

function eventsFrom({ body }: RawRequest, _: Target, config: Config): readonly PspEvent[] {
  const event = eventSchema.safeParse(jsonFrom(body));
  if (!event.success) throw new WorkerError("MalformedWebhook", "the webhook is no event of Stripe's");
  const { id: key, type, created, data, related_object } = event.data;
  const object = data?.object;
  const own = object?.id ?? related_object?.id ?? undefined;
  const reference = [own, object?.payment_intent, object?.setup_intent].find(
    (candidate) => typeof candidate === "string" && payments.test(candidate),
  );
  const others = [own, object?.charge, methods.test(type) ? (object?.payment_method ?? own) : undefined];
  const clues: Clue[] = [
    ...echoesIn(object?.metadata, config).map((echo) => ({ echo })),
    ...[...new Set([reference, ...others])].flatMap((candidate) =>
      typeof candidate === "string" && leads(candidate, type) ? [{ reference: candidate }] : [],
    ),
  ];
  // Customers, invoices, payouts, a ping: nothing that belongs to a payment.
  if (!clues.some((clue) => "reference" in clue)) return [];
  return [{ key, type, at: timeOf(created), ...(typeof reference === "string" ? { reference } : {}), clues }];
}

function leads(candidate: string, type: string): boolean {
  return payments.test(candidate) || pieces.test(candidate) || methods.test(type);
}

function timeOf(created: number | string | null | undefined): string | null {
  if (created === null || created === undefined) return null;
  return new Date(typeof created === "number" ? created * 1_000 : created).toISOString();
}
