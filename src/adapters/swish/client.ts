import { WorkerError } from "../../lib/errors.ts";
import { type Http, pathOf } from "../../lib/http.ts";
import { codeAt } from "../../lib/judgement.ts";
import { isObject } from "../../lib/json.ts";
import { readOrNull } from "../../lib/read.ts";
import type { AskContext, Json, LookContext } from "../../contract/adapter.ts";
import { identityOf, lifeOf } from "./certificate.ts";
import type { Config } from "./config.ts";
import { type Ended, idFrom, paymentAnswer, type Refund, refundAnswer, type Snapshot } from "./schema.ts";

/** A payment request's route, for logs and metrics. */
export const paymentRoute = "/api/v1/paymentrequests/{id}";

/** Swish's codes: a list of errors, of which the first says most (docs/psp/swish.md, j). */
const codeOf = codeAt(["0.errorCode", "errorCode"]);

/** Swish's API with the merchant's client certificate. `apiUrl` ends in `/swish-cpcapi`. */
export function httpFrom({ config, http }: AskContext<Config>): Http {
  return http({
    baseUrl: config.apiUrl,
    tls: identityOf(config),
    codeOf,
    classify(status, body, headers) {
      // The certificate is not this number's: a matter of the settings, of no payment's.
      if (status === 403 && (body === null || Array.isArray(body))) return "Unauthorized";
      const { code } = codeOf(body, headers);
      // Another refund of the payment is being carried out, or the bank stumbled: the same again in a moment.
      return status === 422 && (code === "RF09" || code === "FF10") ? "Unreachable" : undefined;
    },
  });
}

/** What Swish says now of the payment and of every refund that is known to have been asked for; `null` where it does not know the payment. */
export async function fetchSnapshot(reference: string, context: LookContext<Config>): Promise<Snapshot | null> {
  // Nothing else is asked for: an id comes from a webhook that anybody may have sent.
  const id = idFrom(reference);
  if (id === undefined) return null;
  const question = { path: pathOf`/api/v1/paymentrequests/${id}`, route: paymentRoute, signal: context.signal };
  const payment = await readOrNull(httpFrom(context), question, paymentAnswer, "a Swish payment request");
  if (payment === null) return null;
  insistOnPayee(payment.payeeAlias, context.config);
  const certificate = lifeOf(context.config) ?? null;
  const ended = endedIn(context.memory["ended"]);
  const of = payment.paymentReference ?? undefined;
  if (of === undefined) return { payment, ended, refunds: [], awaited: [], certificate };
  return { payment, ended, ...(await readRefunds(of, ended, context)), certificate };
}

/** A technical supplier's certificate opens several merchants' payments. */
function insistOnPayee(payeeAlias: string, config: Config): void {
  if (payeeAlias === config.payeeAlias) return;
  throw new WorkerError("Refused", "the Swish payment was made to another number", {
    context: { reason: "other-payee", expected: config.payeeAlias },
  });
}

/**
 * A payment does not say what was given back of it (docs/psp/swish.md, d): the ids of its refunds stand in the payment's log, where our
 * operations and Swish's callbacks left them. One after the other, as Swish asks.
 */
async function readRefunds(
  of: string,
  ended: readonly Ended[],
  context: LookContext<Config>,
): Promise<Pick<Snapshot, "refunds" | "awaited">> {
  const refunds: Refund[] = [];
  const awaited: string[] = [];
  for (const [id, at] of await askedFor(context)) {
    if (ended.some((one) => one.id === id)) continue;
    const refund = await readRefund(id, context);
    // What a callback names may be anything: only what gives back this payment's money counts.
    if (refund !== null && isSameId(refund.originalPaymentReference, of)) refunds.push(refund);
    if (refund === null && at !== null) awaited.push(at);
  }
  return { refunds, awaited };
}

/** The ids of refunds in the payment's log, and when we asked for them; `null` where somebody else did. */
async function askedFor(context: LookContext<Config>): Promise<ReadonlyMap<string, string | null>> {
  const asked = new Map<string, string | null>();
  for (const { type, at, facts } of await context.kept()) {
    const id = type === refundType ? idFrom(facts?.["refund"]) : undefined;
    if (id !== undefined) asked.set(id, asked.get(id) ?? at);
  }
  return asked;
}

/** The type of the events that name a refund. */
export const refundType = "refund";

/** One refund, `null` where Swish does not know it. @throws WorkerError */
export async function readRefund(id: string, context: AskContext<Config>): Promise<Refund | null> {
  const question = {
    path: pathOf`/api/v1/refunds/${id}`,
    route: "/api/v1/refunds/{id}",
    signal: context.signal,
  };
  const refund = await readOrNull(httpFrom(context), question, refundAnswer, "a Swish refund");
  if (refund === null || isSameId(refund.id, id)) return refund;
  throw new WorkerError("Refused", "swish answered about another refund", { context: { reason: "other-refund" } });
}

/** Whether two ids are the same to Swish. */
export function isSameId(asked: string, answered: string): boolean {
  return (idFrom(asked) ?? asked) === (idFrom(answered) ?? answered);
}

function endedIn(memory: Json | undefined): readonly Ended[] {
  if (!Array.isArray(memory)) return [];
  return memory.flatMap((item): Ended[] => {
    if (!isObject(item)) return [];
    const { id, is, amount, code } = item;
    const known = idFrom(id);
    if (known === undefined || (is !== "PAID" && is !== "ERROR") || !Number.isSafeInteger(amount)) return [];
    return [{ id: known, is, amount: Number(amount), ...(typeof code === "string" ? { code } : {}) }];
  });
}
