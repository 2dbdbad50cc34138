import { z } from "zod";
import { WorkerError } from "../../lib/errors.ts";
import { jsonFrom } from "../../lib/json.ts";
import { isoFrom } from "../../lib/time.ts";
import { sharedSecret } from "../../signatures/shared-secret.ts";
import type { LogLine, PspEvent, RawRequest, Webhook } from "../../contract/adapter.ts";
import { authorizationsOf } from "./authorization.ts";
import type { Config } from "./config.ts";
import { idShape } from "./schema.ts";

/** How long a webhook's URL may be (docs/psp/nexi.md, b). */
const longestUrl = 256;

/** The value that was given to Nexi when the payment was created, word for word: nothing of what is said is covered. */
const verify = sharedSecret<Config>({
  header: "authorization",
  values: ({ webhookSecret }, _request, target) => authorizationsOf(webhookSecret, target),
});

/** "Something happened to this payment": what is true is asked for (docs/psp/nexi.md, b). */
export const event: Webhook<Config> = {
  scope: "payment",
  method: "POST",
  verify,
  ack: { status: 200 },
  urlLimit: longestUrl,
  parse: ({ body }) => eventsIn(body).map(({ told }) => told),
};

/** The same for charges of a subscription, each a payment of its own, and where the payment-level URL would be too long. */
export const account: Webhook<Config> = {
  scope: "account",
  method: "POST",
  verify,
  ack: { status: 200 },
  urlLimit: longestUrl,
  parse: ({ body }) => eventsIn(body).map(({ told, reference }) => ({ ...told, clues: [{ reference }] })),
};

/** Fields over which nothing hangs: `""` is how Nexi says that there is none. */
const word = z
  .string()
  .regex(/^[\w.-]{1,64}$/)
  .optional()
  .catch(undefined);

const eventSchema = z.object({
  event: z.string().max(100),
  id: word,
  timestamp: z.string().max(64).optional().catch(undefined),
  data: z.unknown(),
});

const dataSchema = z.object({
  paymentId: z.string().regex(idShape),
  chargeId: word,
  error: z
    .object({
      code: z.union([z.string().regex(/^[\w.-]{1,64}$/), z.int().transform(String)]).catch("unknown"),
      source: word,
    })
    .optional()
    .catch(undefined),
});

interface Read {
  readonly told: PspEvent;
  readonly reference: string;
}

/**
 * None for events of something else than payments. The id of two events can be the same: only with the name it tells them apart
 * (docs/psp/nexi.md, c).
 */
function eventsIn(body: RawRequest["body"]): readonly Read[] {
  const { success, data: said } = eventSchema.safeParse(jsonFrom(body));
  if (!success) throw new WorkerError("MalformedWebhook", "the webhook is not an event of Nexi's");
  if (!/^payment\.[a-z0-9.]+$/.test(said.event)) return [];
  const { data } = dataSchema.safeParse(said.data);
  if (data === undefined) throw new WorkerError("MalformedWebhook", "the webhook names no payment of Nexi's");
  const reference = data.paymentId.toLowerCase();
  const line = lineOf(said.event, data);
  const told = {
    key: `${said.event}:${said.id ?? reference}`,
    type: said.event,
    at: isoFrom(said.timestamp) ?? null,
    reference,
    ...(line === undefined ? {} : { line }),
  };
  return [{ told, reference }];
}

/** Which operation an event says to have failed that no answer of Nexi's tells of later. */
const failures: Readonly<Record<string, LogLine["event"]>> = {
  "payment.reservation.failed": "process",
  "payment.charge.failed": "capture",
  "payment.charge.failed.v2": "capture",
  "payment.cancel.failed": "cancel",
};

/** Nexi tells of a failure once, by webhook. It moves no money: whoever invented one would have written a line for people, no more. */
function lineOf(type: string, { chargeId, error }: z.infer<typeof dataSchema>): LogLine | undefined {
  const failed = Object.hasOwn(failures, type) ? failures[type] : undefined;
  if (failed === undefined) return undefined;
  return {
    event: failed,
    pspStatus: "failed",
    amount: 0,
    success: false,
    errorDetail: error?.code ?? "unknown",
    facts: {
      ...(chargeId === undefined ? {} : { chargeId }),
      ...(error?.source === undefined ? {} : { source: error.source }),
    },
  };
}
