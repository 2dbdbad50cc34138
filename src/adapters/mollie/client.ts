import { WorkerError } from "../../lib/errors.ts";
import { type Http, pathOf } from "../../lib/http.ts";
import { codeAt } from "../../lib/judgement.ts";
import { readOrNull } from "../../lib/read.ts";
import type { AskContext, Json, LookContext } from "../../contract/adapter.ts";
import { type Config, modeOf } from "./config.ts";
import { type Mandate, mandateSchema, type Payment, paymentFrom, paymentSchema, type Snapshot } from "./schema.ts";

/** A payment's route, for logs and metrics. */
export const paymentRoute = "/v2/payments/{id}";

/** Mollie's API with the merchant's key. `apiUrl` is the host alone: `https://api.mollie.com`. */
export function httpFrom({ config, http }: AskContext<Config>): Http {
  return http({
    baseUrl: config.apiUrl,
    headers: { authorization: `Bearer ${config.apiKey}` },
    // Mollie has no codes: the field that is wrong says most (docs/psp/mollie.md, j).
    codeOf: codeAt("field"),
  });
}

/** What Mollie says now, with everything that happened to the payment in one answer; `null` where it does not know it. */
export async function fetchSnapshot(reference: string, context: LookContext<Config>): Promise<Snapshot | null> {
  // Nothing else is asked for: an id comes from a webhook that anybody may have sent.
  if (!/^tr_[A-Za-z0-9]+$/.test(reference)) return null;
  const payment = await readPayment(reference, context);
  if (payment === null) return null;
  insistOnMode(payment, context.config);
  const mandateRead = context.memory["mandate"] === "valid";
  const mandate = mandateRead || !mayHaveMandate(payment) ? null : await readMandate(payment, context);
  return { payment, mandate, mandateRead, seen: textsIn(context.memory["seen"]) };
}

async function readPayment(id: string, context: AskContext<Config>): Promise<Payment | null> {
  const question = {
    path: pathOf`/v2/payments/${id}`,
    route: paymentRoute,
    query: { embed: "refunds,captures,chargebacks" },
    signal: context.signal,
  };
  const answer = await readOrNull(httpFrom(context), question, paymentSchema, "a Mollie payment");
  return answer === null ? null : paymentFrom(answer);
}

/** Test money never counts for a live merchant, nor the other way round. */
function insistOnMode({ mode }: Payment, config: Config): void {
  if (mode === modeOf(config)) return;
  throw new WorkerError("Refused", "the Mollie payment is of another mode than the key", {
    context: { reason: "mode-differs", mode, expected: modeOf(config) },
  });
}

/** Whether the payment has made a mandate by which later ones can be charged (docs/psp/mollie.md, f). */
export function mayHaveMandate({ sequenceType, mandateOwner, mandateId, status }: Payment): boolean {
  const done = status === "paid" || status === "authorized";
  return done && sequenceType === "first" && mandateOwner !== undefined && mandateId !== undefined;
}

async function readMandate(
  { mandateOwner = "", mandateId = "" }: Payment,
  context: AskContext<Config>,
): Promise<Mandate | null> {
  const question = {
    path: pathOf`/v2/customers/${mandateOwner}/mandates/${mandateId}`,
    route: "/v2/customers/{id}/mandates/{id}",
    signal: context.signal,
  };
  const answer = await readOrNull(httpFrom(context), question, mandateSchema, "a Mollie mandate");
  // What is said of another mandate says nothing of this one.
  if (answer === null || answer.id !== mandateId) return null;
  const { status, details } = answer;
  return { status, brand: details?.cardLabel, ends: details?.cardExpiryDate };
}

function textsIn(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : [];
}
