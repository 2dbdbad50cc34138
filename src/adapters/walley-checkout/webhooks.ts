import { z } from "zod";
import { WorkerError } from "../../lib/errors.ts";
import { isObject, jsonFrom } from "../../lib/json.ts";
import { isoFrom } from "../../lib/time.ts";
import { signedUrl } from "../../signatures/signed-url.ts";
import type { Clue, LogLine, PspEvent, RawRequest, Webhook } from "../../contract/adapter.ts";
import { type Config, environmentOf } from "./config.ts";
import { orderOfCharge } from "./kept.ts";
import { configuredProofs } from "./proof.ts";
import { idShape, present } from "./schema.ts";

const idPlaceholder = "{checkout.id}";
/** The second is how Walley's module for WooCommerce calls it. */
const idParameters = ["privateId", "private-id"] as const;

/**
 * "Something changed": a GET without a body, sent when a purchase is complete, when a review or a signature has ended, and when a payment link
 * was cancelled. Whoever opens the URL sends it too, a link scanner as well: it only asks for a look.
 * https://payments.collectorbank.se/docs/checkout/notificationcallback
 */
export const notification: Webhook<Config> = {
  scope: "payment",
  method: "GET",
  verify: signedUrl,
  ack: { status: 200 },
  placeholders: { privateId: idPlaceholder },
  parse: (request, { orderId = "", paymentId = "" }) => {
    const reference = sessionIn(request);
    return [
      {
        // Walley sends no event id, and nothing that tells one notification from the next.
        key: JSON.stringify([orderId, paymentId, "notification", reference ?? ""]),
        type: "notification",
        at: null,
        ...(reference === undefined ? {} : { reference }),
      },
    ];
  },
};

/**
 * The preview product: events of a whole store, chosen in Merchant Hub. They say where to look; what an authorisation of a saved token came
 * to, which nobody can be asked, is kept as a line. https://dev.walleypay.com/docs/webhooks/overview
 */
export const webhook: Webhook<Config> = {
  scope: "account",
  method: "POST",
  verify: configuredProofs,
  ack: { status: 200 },
  parse: (request, _, config) => {
    const told = bodyIn(request);
    // Merchant Hub's test button sends samples, and a test store's events are none of a live payment's.
    return isElsewhere(request, config) ? [] : eventsFrom(told);
  },
};

/** The session that Walley wrote into our URL. Left out: an empty one, and a placeholder that nobody filled in. */
function sessionIn({ query }: RawRequest): string | undefined {
  const named = idParameters.flatMap((name) => query.getAll(name)).filter((id) => id !== "" && id !== idPlaceholder);
  const [id, other] = new Set(named);
  if (other !== undefined) throw new WorkerError("MalformedWebhook", "the notification names two sessions");
  if (id !== undefined && !idShape.test(id)) throw new WorkerError("MalformedWebhook", "this is no id of Walley's");
  return id;
}

const id = z.string().regex(idShape).nullish().catch(undefined);
const word = z
  .string()
  .regex(/^\w{1,64}$/)
  .nullish()
  .catch(undefined);
const count = z.int().nonnegative().max(1_000).nullish().catch(undefined);

/** Names are lower case here: the prose writes them so, the samples with capitals (docs/psp/walley.md, b3). */
const bodySchema = z.object({
  type: z.string(),
  timestamp: z.string().nullish().catch(undefined),
  payload: z.record(z.string(), z.unknown()).nullish(),
});
const payloadSchema = z.object({
  orderid: id,
  authorizationid: id,
  // What Walley echoes of ours: 50 characters at most.
  reference: z
    .string()
    .regex(/^\P{Cc}{1,64}$/u)
    .nullish()
    .catch(undefined),
  reason: word,
  currentattempt: count,
  maxattempt: count,
});

interface Told {
  readonly type: string;
  readonly at: string | null;
  readonly payload: z.infer<typeof payloadSchema>;
}

function bodyIn({ body }: RawRequest): Told {
  const result = bodySchema.safeParse(lowerCased(jsonFrom(body)));
  if (!result.success) throw new WorkerError("MalformedWebhook", "the webhook is not what Walley documents");
  const { type, timestamp, payload } = result.data;
  // The type ends up in logs and counters, so that only what looks like a type passes.
  const known = /^walley(:[\w-]{1,30}){1,3}$/.test(type) ? type : "unknown";
  return { type: known, at: isoFrom(timestamp) ?? null, payload: payloadSchema.parse(lowerCased(payload ?? {})) };
}

function eventsFrom({ type, at, payload }: Told): readonly PspEvent[] {
  const { orderid, authorizationid, reference } = payload;
  const clues: Clue[] = [
    ...[reference].filter((echo) => typeof echo === "string").map((echo) => ({ echo })),
    // GUIDs count in any case (docs/psp/walley.md, h): they are remembered in lower case.
    ...[orderid, authorizationid]
      .filter((named) => typeof named === "string")
      .map((named) => ({ reference: named.toLowerCase() })),
  ];
  // Names nothing that could be looked at.
  if (clues.length === 0) return [];
  const line = lineOf(type, payload);
  const key = JSON.stringify([type, orderid ?? "", authorizationid ?? "", reference ?? "", at ?? ""]);
  return [{ key, type, at, clues, ...(line === undefined ? {} : { line }) }];
}

/**
 * What became of an authorisation, and which order it came to: no answer of Walley's tells. It moves no money, which an order's alone does.
 */
function lineOf(type: string, payload: Told["payload"]): LogLine | undefined {
  const { authorizationid: authorizationId, orderid: orderId, reason } = payload;
  if (type === orderOfCharge && typeof authorizationId === "string" && typeof orderId === "string")
    return { event: "process", pspStatus: "order", amount: 0, success: true, facts: { authorizationId, orderId } };
  const [, what] = /^walley:authorization:(created|authorized|retrying|failed)$/.exec(type) ?? [];
  if (what === undefined) return undefined;
  const { currentattempt: attempt, maxattempt: attempts } = payload;
  const success = what === "created" || what === "authorized";
  return {
    event: "process",
    pspStatus: what,
    amount: 0,
    success,
    ...(success || typeof reason !== "string" ? {} : { errorDetail: reason }),
    facts: present({ authorizationId, attempt, attempts }),
  };
}

/** True where the webhook says that it is of the other of Walley's environments. */
function isElsewhere({ headers }: RawRequest, config: Config): boolean {
  const environment = environmentOf(config);
  const live = headers["walley-live"]?.toLowerCase();
  return (environment === "live" && live === "false") || (environment === "test" && live === "true");
}

/** The object with the names of its fields in lower case; anything else as it is. */
function lowerCased(value: unknown): unknown {
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name.toLowerCase(), inner]));
}
