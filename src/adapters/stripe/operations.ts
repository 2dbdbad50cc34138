import { z } from "zod";
import { isWorkerError } from "../../lib/errors.ts";
import { pathOf } from "../../lib/http.ts";
import { readAs } from "../../lib/read.ts";
import type { LookContext, OperationCall, OperationResult, Operations } from "../../contract/adapter.ts";
import { ownOf } from "./amounts.ts";
import { type Fields, post } from "./client.ts";
import type { Config } from "./config.ts";
import { fetchSnapshot } from "./fetch.ts";
import { isMulticapture } from "./map.ts";
import { id, type IntentSnapshot, type Snapshot } from "./schema.ts";
import { sumsOf } from "./sums.ts";

const intentRoute = "/v1/payment_intents/{id}";

/** Reasons of our own, where Stripe is not asked. */
const ours = {
  /** A setup intent holds no money. */
  nothingHeld: "nothing-held",
  /** Stripe takes no such amount: a third decimal, or a fraction of a currency that it counts in whole units. */
  precision: "amount-precision",
} as const;

const refundSchema = z.object({ id, status: z.string().nullish().catch(undefined) });

/**
 * What Stripe can be told. A repeated key is answered with what the first request came to, for 24 hours.
 * https://docs.stripe.com/api/idempotent_requests
 */
export const operations = {
  repeat: { idempotencyKeyHours: 24 },
  // A bank may take its time over a refund.
  patienceSeconds: 14 * 24 * 60 * 60,

  async capture(call: OperationCall, truth: Snapshot, context: LookContext<Config>) {
    if ("setup" in truth) return refused(ours.nothingHeld);
    const amount = ownOf(call.amount, call.currency);
    if (amount === undefined) return refused(ours.precision);
    // Without multicapture there is one capture, and what it leaves is let go: Stripe knows no other way to capture a part.
    const keepsRest = !call.whole && isMulticapture(sumsOf(truth).charge);
    return await tell(call, truth, context, {
      path: pathOf`/v1/payment_intents/${truth.intent.id}/capture`,
      route: `${intentRoute}/capture`,
      fields: { amount_to_capture: amount, ...(keepsRest ? { final_capture: false } : {}) },
      resultFrom: done,
    });
  },

  async cancel(call: OperationCall, truth: Snapshot, context: LookContext<Config>) {
    if ("setup" in truth) return refused(ours.nothingHeld);
    return await tell(call, truth, context, {
      path: pathOf`/v1/payment_intents/${truth.intent.id}/cancel`,
      route: `${intentRoute}/cancel`,
      fields: { cancellation_reason: "requested_by_customer" },
      resultFrom: done,
    });
  },

  async refund(call: OperationCall, truth: Snapshot, context: LookContext<Config>) {
    if ("setup" in truth) return refused(ours.nothingHeld);
    const amount = ownOf(call.amount, call.currency);
    if (amount === undefined) return refused(ours.precision);
    return await tell(call, truth, context, {
      path: "/v1/refunds",
      route: "/v1/refunds",
      fields: { payment_intent: truth.intent.id, amount, ...marksOf(call, truth, context) },
      resultFrom: refundResult,
    });
  },
} satisfies Operations<Config, Snapshot>;

/** Whose refund it is, for people in the dashboard and for its webhooks; `operation` tells it from what Stripe itself lets go. */
function marksOf(
  { id: operation }: OperationCall,
  { echoes }: IntentSnapshot,
  { config }: LookContext<Config>,
): Fields {
  const [echo] = echoes;
  return {
    "metadata[operation]": operation,
    ...(echo === undefined ? {} : { [`metadata[${config.metadataField}]`]: echo }),
  };
}

interface Telling {
  readonly path: string;
  readonly route: string;
  readonly fields: Fields;
  readonly resultFrom: (body: unknown) => OperationResult;
}

/** @throws WorkerError `Unreachable` where the outcome is unknown, and whatever says nothing of the operation: credentials, a lock. */
async function tell(
  call: OperationCall,
  truth: IntentSnapshot,
  context: LookContext<Config>,
  { path, route, fields, resultFrom }: Telling,
): Promise<OperationResult> {
  try {
    return resultFrom(await post(context, { path, route, fields, key: call.id }));
  } catch (error) {
    if (!isWorkerError(error, "Refused") || error.context["route"] !== route) throw error;
    const reason = String(error.context["code"] ?? error.context["status"]);
    return already.has(reason) && (await isReached(call, truth, context)) ? done() : refused(reason);
  }
}

/** What Stripe refuses because it is done already, or because the intent has gone on: its sums tell which (docs/psp/stripe.md, j). */
const already: ReadonlySet<string> = new Set([
  "charge_already_captured",
  "charge_already_refunded",
  "payment_intent_unexpected_state",
]);

/** Whether the sums have moved since as far as the operation moves them. */
async function isReached(call: OperationCall, before: IntentSnapshot, context: LookContext<Config>): Promise<boolean> {
  const now = await fetchSnapshot(before.intent.id, context);
  if (now === null || "setup" in now || now.intent.id !== before.intent.id) return false;
  const [was, is] = [sumsOf(before), sumsOf(now)];
  switch (call.name) {
    case "capture":
      return is.money.captured >= was.money.captured + call.amount;
    case "cancel":
      return is.money.released >= was.money.released + call.amount;
    case "refund":
      return is.money.refunded + is.underWay >= was.money.refunded + was.underWay + call.amount;
  }
}

/** The answer is the intent as it is now, which the next look reads anyway. */
function done(): OperationResult {
  return { is: "done" };
}

/** The answer is the refund; where the request was a repeat, as it was at first. */
function refundResult(body: unknown): OperationResult {
  const { id: pspId, status } = readAs(refundSchema, body, "a Stripe refund");
  if (status === "failed" || status === "canceled") return refused(status);
  return { is: status === "succeeded" ? "done" : "accepted", pspId };
}

function refused(reason: string): OperationResult {
  return { is: "refused", reason };
}
