import { z } from "zod";
import { WorkerError } from "../../lib/errors.ts";
import { pathOf } from "../../lib/http.ts";
import { insistOnAsked, readOrNull } from "../../lib/read.ts";
import type { AskContext, Json, LookContext } from "../../contract/adapter.ts";
import { httpFrom, listAll } from "./client.ts";
import { type Config, isLive } from "./config.ts";
import { echoesIn } from "./echoes.ts";
import {
  countedFrom,
  disputeSchema,
  intentSchema,
  type IntentSnapshot,
  refundSchema,
  reviewSchema,
  setupSchema,
  type SetupSnapshot,
  type Snapshot,
  type Upsold,
  withHolder,
} from "./schema.ts";

const intentRoute = "/v1/payment_intents/{id}";
/** How many upsells that Norce shows as under way are asked for at one look. */
const mostUpsells = 10;

const standingSchema = z.object({ transactions: z.array(z.object({ id: z.string(), state: z.string() })).catch([]) });

/**
 * What Stripe says now; `null` where it does not know the intent. An uncaptured payment is one GET; once something is captured its refunds are
 * listed as well, its disputes where it has any, and its review where it names one.
 */
export async function fetchSnapshot(reference: string, context: LookContext<Config>): Promise<Snapshot | null> {
  return reference.startsWith("seti_") ? await fetchSetup(reference, context) : await fetchIntent(reference, context);
}

async function fetchIntent(reference: string, context: LookContext<Config>): Promise<IntentSnapshot | null> {
  const found = await readOrNull(
    httpFrom(context),
    {
      path: pathOf`/v1/payment_intents/${reference}`,
      route: intentRoute,
      query: { "expand[0]": "latest_charge", "expand[1]": "payment_method" },
      signal: context.signal,
    },
    intentSchema,
    "a Stripe payment intent",
  );
  if (found === null) return null;
  const { metadata, livemode, ...intent } = withHolder(found);
  insistMode(livemode, context.config);
  const charge = typeof intent.latest_charge === "object" ? intent.latest_charge : null;
  const isCaptured = charge !== null && charge.amount_captured > 0;
  const of = { payment_intent: intent.id };
  const [refunds, disputes, review, upsells] = await Promise.all([
    isCaptured ? listAll(context, "/v1/refunds", of, refundSchema.extend(whose)) : [],
    isCaptured && charge.disputed !== false ? listAll(context, "/v1/disputes", of, disputeSchema.extend(whose)) : [],
    reviewOf(intent.review, context),
    upsellsIn(context.payment.upsell, context),
  ]);
  const counted = countedFrom(context.memory["counted"]);
  return {
    intent,
    refunds: belongingTo(intent.id, refunds),
    disputes: belongingTo(intent.id, disputes),
    review,
    upsells,
    counted,
    echoes: echoesIn(metadata, context.config),
  };
}

/** Whose a refund or a dispute is, where it says so. */
const whose = {
  payment_intent: z
    .string()
    .regex(/^pi_\w+$/)
    .nullish()
    .catch(undefined),
};

/** The items of a list that was asked for by an intent. @throws WorkerError `Refused` where one of them is another's */
function belongingTo<Item extends { readonly payment_intent?: string | null | undefined }>(
  asked: string,
  items: readonly Item[],
): Omit<Item, "payment_intent">[] {
  return items.map(({ payment_intent: answered, ...item }) => {
    if (answered !== undefined && answered !== null)
      insistOnAsked(asked, answered, { peer: "Stripe", thing: "intent" });
    return item;
  });
}

async function fetchSetup(reference: string, context: LookContext<Config>): Promise<SetupSnapshot | null> {
  const found = await readOrNull(
    httpFrom(context),
    {
      path: pathOf`/v1/setup_intents/${reference}`,
      route: "/v1/setup_intents/{id}",
      query: { "expand[0]": "payment_method" },
      signal: context.signal,
    },
    setupSchema,
    "a Stripe setup intent",
  );
  if (found === null) return null;
  const { metadata, livemode, ...setup } = withHolder(found);
  insistMode(livemode, context.config);
  return { setup, currency: context.payment.currency, echoes: echoesIn(metadata, context.config) };
}

/** A payment of the other mode is none of this merchant's money, whatever says so. */
function insistMode(livemode: boolean | null | undefined, { apiKey }: Config): void {
  if (typeof livemode === "boolean" && livemode !== isLive(apiKey))
    throw new WorkerError("Refused", "the payment is of Stripe's other mode", {
      context: { reason: "live-mode-differs", livemode },
    });
}

async function reviewOf(
  review: string | null | undefined,
  context: AskContext<Config>,
): Promise<IntentSnapshot["review"]> {
  if (review === null || review === undefined) return null;
  const question = { path: pathOf`/v1/reviews/${review}`, route: "/v1/reviews/{id}", signal: context.signal };
  // A review that Stripe does not show is one that nobody has closed.
  const unseen = { id: review, object: "review", open: true } as const;
  const found = await readOrNull(httpFrom(context), question, reviewSchema, "a Stripe review");
  return found?.id === review ? found : unseen;
}

/** What became of the intents that Norce shows as upsells under way. @param upsell as Norce has it */
async function upsellsIn(upsell: Json, context: AskContext<Config>): Promise<readonly Upsold[]> {
  const { data } = standingSchema.safeParse(upsell);
  const open = (data?.transactions ?? []).filter(
    ({ id, state }) => /^pi_\w{1,250}$/.test(id) && state !== "completed" && state !== "failed",
  );
  const read = await Promise.all(
    open.slice(0, mostUpsells).map(({ id }) => {
      const question = { path: pathOf`/v1/payment_intents/${id}`, route: intentRoute, signal: context.signal };
      return readOrNull(httpFrom(context), question, intentSchema, "a Stripe payment intent");
    }),
  );
  // An answer about another intent says nothing of the one that was asked for.
  return read.flatMap((intent, index) =>
    intent === null || intent.id !== open[index]?.id ? [] : [{ id: intent.id, status: intent.status }],
  );
}
