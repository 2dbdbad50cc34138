import type { DesiredPayment, PaymentKey } from "../../contract/adapter.ts";
import type { AdapterSettings } from "../../config.ts";
import type { WorkerError } from "../../lib/errors.ts";
import type { NorceClient } from "../../norce/client.ts";
import type { CurrentPayment } from "../../norce/payment.ts";
import type { NorceOrder } from "../../norce/schema.ts";
import { type Attempt, chooseAttempt, type Choice } from "./choose-attempt.ts";
import { judgeAnswer, judgeClaimant, type Names, readEchoes, wantsOrder } from "./binding.ts";
import { claimReference, type ClaimParts, renewClaim } from "./claim.ts";
import { readRecord } from "./record.ts";

/** What the PSP answered about one id. */
export interface Asked<Answer> {
  /** Empty where events are folded. */
  readonly reference: string;
  /** `null`: the PSP does not know it, or no event tells of it. */
  readonly answer: Answer | null;
}

/** Whose answer it is about. */
export interface Bindable {
  readonly key: PaymentKey;
  readonly found: AdapterSettings;
  /** The payment as Norce has it. */
  readonly current: CurrentPayment;
}

/** What binding asks besides. */
export interface BindParts extends Omit<ClaimParts, "norce"> {
  readonly norce: Pick<NorceClient, "order" | "payment">;
  /** What is bound already is claimed anew: the state store may have forgotten it. */
  readonly renews?: boolean;
}

/** What the answers come to: the one that is this payment's (`null`: nobody knows it yet), and what a person should see of the others. */
export interface Bound<Answer> extends Omit<Choice, "chosen"> {
  readonly answer: Answer | null;
}

/**
 * Which answer is this payment's, and that it is nobody else's. What is bound already is not judged again: what our own credentials read by
 * the bound id is stronger than a merchant reference that somebody changed at the PSP.
 * @param answers in the order of `referencesToAsk`.
 * @throws WorkerError `Refused` with the values that differ, or what Norce and the store throw.
 */
export async function bind<Answer extends { readonly desired: DesiredPayment }>(
  payment: Bindable,
  answers: readonly Asked<Answer>[],
  parts: BindParts,
): Promise<Bound<Answer>> {
  const { key, found, current } = payment;
  const order = readOnce(async () => await parts.norce.order(key, parts.via));
  const attempts: (Attempt & { readonly answer: Answer | null })[] = [];
  for (const [place, { reference, answer }] of answers.entries()) {
    const desired = answer?.desired ?? null;
    const refused = desired === null ? undefined : await judge(payment, reference, place, desired, order);
    attempts.push({ asked: reference, desired, answer, refused });
  }
  const { chosen, ...choice } = chooseAttempt(current, attempts);
  const { bound } = readRecord(current.record);
  const desired = chosen?.desired ?? null;
  if (desired !== null && desired.reference !== bound) await claimReference(key, desired.reference, found, parts);
  const besides =
    parts.renews === true && desired !== null && desired.reference === bound
      ? await renewClaim(key, bound, found, parts)
      : undefined;
  const findings = besides === undefined ? choice.findings : [...choice.findings, besides];
  return { answer: chosen?.answer ?? null, ...choice, findings };
}

async function judge(
  { key, found: { adapter, settings }, current }: Bindable,
  asked: string,
  place: number,
  desired: DesiredPayment,
  order: () => Promise<NorceOrder | null>,
): Promise<WorkerError | undefined> {
  const folds = "fold" in adapter;
  const { bound, provisional } = readRecord(current.record);
  const other = judgeAnswer(adapter, asked, desired);
  if (other !== undefined || desired.reference === bound) return other;
  const { echoes } = desired;
  const names: Omit<Names, "order"> = {
    key,
    merchantReference: settings.merchantReference,
    echoLength: adapter.echoLength,
  };
  const echoed = readEchoes(echoes, { ...names, order: wantsOrder(echoes, names) ? await order() : null });
  const vouched = folds || asked === current.reference || asked === bound;
  const replaces = bound !== undefined && place > 0 && !provisional;
  return judgeClaimant({ key, current, desired, echoed, vouched, replaces, rounding: adapter.rounding ?? 0 });
}

function readOnce<T>(read: () => Promise<T>): () => Promise<T> {
  let reading: Promise<T> | undefined;
  return async () => await (reading ??= read());
}
