import { z } from "zod";
import { WorkerError } from "../../lib/errors.ts";
import { formFrom } from "../../lib/form.ts";
import { jsonFrom } from "../../lib/json.ts";
import { saidTime } from "../../lib/said-time.ts";
import { listOf } from "../../lib/secrets.ts";
import type { PspEvent, RawRequest, Webhook } from "../../contract/adapter.ts";
import { hmacBody } from "../../signatures/hmac-body.ts";
import { signedUrl } from "../../signatures/signed-url.ts";
import type { Config } from "./config.ts";

const ack = { status: 200 } as const;

/**
 * "Something happened to this payment": a form with its id, the same for whatever happened, signed by nobody (docs/psp/mollie.md, b.1). Our
 * signature in the URL keeps strangers out; what is true is asked for.
 */
export const payment: Webhook<Config> = {
  scope: "payment",
  method: "POST",
  verify: signedUrl,
  ack,
  parse: ({ body }) => [eventOf(idIn(body))],
};

/** The same for charges of a subscription, each a payment that nobody has seen before: its metadata says whose it is. */
export const charge: Webhook<Config> = {
  scope: "account",
  method: "POST",
  verify: signedUrl,
  ack,
  parse({ body }) {
    const id = idIn(body);
    return [{ ...eventOf(id), clues: [{ reference: id }] }];
  },
};

/** Mollie's signed webhooks: events of payments, refunds, captures and chargebacks (docs/psp/mollie.md, b.2). Others are of no concern. */
export const event: Webhook<Config> = {
  scope: "account",
  method: "POST",
  verify: hmacBody({
    header: "x-mollie-signature",
    // While the secret is replaced two signatures come, in one header or in two that Node joins.
    read: (header) => ({ signatures: header.split(",").map((signature) => signature.trim().replace(/^sha256=/, "")) }),
    digest: ["hex"],
    key: "text",
    secrets: ({ webhookSecret }) => listOf(webhookSecret),
  }),
  signed: "all",
  ack,
  parse: eventsIn,
};

function eventOf(id: string): PspEvent {
  return { key: id, type: "payment", at: null, reference: id };
}

/** @throws WorkerError `MalformedWebhook` */
function idIn(body: Buffer): string {
  const { id = "" } = formFrom(body);
  if (/^tr_[A-Za-z0-9]{1,64}$/.test(id)) return id;
  throw new WorkerError("MalformedWebhook", "the webhook names no Mollie payment");
}

const eventSchema = z.object({
  id: z
    .string()
    .min(1)
    .max(200)
    .regex(/^[\w.:-]+$/),
  type: z.string().max(100),
  /** Of an event about a payment it is there; of a test (`POST /v2/webhooks/{id}/ping`) it is not documented. */
  entityId: z.string().max(200).optional(),
  createdAt: saidTime.optional().catch(undefined),
});

/** The kinds of events that are about a payment. */
const concerning = /^(payment|refund|chargeback|capture)\./;

function eventsIn({ body }: RawRequest): readonly PspEvent[] {
  const value = jsonFrom(body);
  const { success, data } = eventSchema.safeParse(value);
  if (!success) throw new WorkerError("MalformedWebhook", "the webhook is not an event of Mollie's");
  if (!concerning.test(data.type)) return [];
  if (data.entityId === undefined) throw new WorkerError("MalformedWebhook", "the event names nothing");
  const reference = paymentIn(value);
  const told = { key: data.id, type: data.type, at: data.createdAt ?? null };
  // Without the payment's id it is asked for (resolve).
  return [reference === undefined ? told : { ...told, reference, clues: [{ reference }] }];
}

const placesSchema = z.object({
  entityId: z.string().optional().catch(undefined),
  _embedded: z
    .object({
      entity: z
        .object({ paymentId: z.string().optional().catch(undefined) })
        .optional()
        .catch(undefined),
    })
    .optional()
    .catch(undefined),
  _links: z
    .object({
      entity: z
        .object({ href: z.string().optional().catch(undefined) })
        .optional()
        .catch(undefined),
    })
    .optional()
    .catch(undefined),
});

/** The payment that an event is about: what it names, what the embedded entity belongs to, or what its link leads through. */
export function paymentIn(told: unknown): string | undefined {
  const { data } = placesSchema.safeParse(told);
  const { entityId, _embedded: embedded, _links: links } = data ?? {};
  const linked = /\/payments\/(tr_[A-Za-z0-9]+)/.exec(links?.entity?.href ?? "")?.[1];
  return [entityId, embedded?.entity?.paymentId, linked].find(
    (id) => id !== undefined && /^tr_[A-Za-z0-9]{1,64}$/.test(id),
  );
}
