import type { OperationCall, OperationName, OperationResult } from "../../contract/adapter.ts";
import { majorFromMinor, minorFromMajor } from "../../lib/money.ts";
import type { CurrentPayment } from "../../norce/payment.ts";
import type { OperationOutcome, OperationState } from "../../queue/operation-records.ts";
import type { Seam } from "../../queue/seam.ts";
import { bareOperationUrl } from "../../signatures/urls.ts";
import { refusal as refuseWith } from "../found.ts";
import type { Held, Shell } from "../job.ts";
import { bindAnswer, type CompareParts } from "../look/compare.ts";
import { observe } from "../look/observe.ts";
import { open } from "../look/open.ts";
import { pauses } from "../patience.ts";
import type { Teller } from "../tell.ts";
import { operatedLine } from "../tell/lines.ts";
import { isTurnedAway, kindOf, operationAgain, refusalOf } from "../retry.ts";
import { amountOf, availableFor, insistPossible, sumMovedBy, sumsToBe } from "./possible.ts";

/** What operations need. */
export interface OperateParts extends CompareParts {
  readonly shell: Shell;
  readonly queue: Pick<Seam, "operations" | "turn" | "looks" | "letters" | "claims">;
  readonly teller: Teller;
  readonly concurrency: number;
}

/** An operation that the PSP is told. */
export type Order = OperationState & { readonly name: OperationName };

/** What one attempt came to: an end, or a pause. */
export type Step = { readonly end: OperationOutcome } | { readonly againMs: number };

/** One job under work: what is known of the operation, and how that is written down before anything else is done. */
export interface Work {
  readonly id: string;
  readonly held: Held;
  order: Order;
  note(more: Partial<Order>): Promise<void>;
  /** It was sent in vain: nothing was carried out. */
  unsent(): Promise<void>;
}

/** One attempt. @throws what cannot be written down. */
export async function attempt(work: Work, parts: OperateParts): Promise<Step> {
  try {
    const end = await carryOut(work, parts);
    return end === "too-early" ? { againMs: pauses.settledMs } : { end };
  } catch (error) {
    const { key, name, sent, tries } = work.order;
    parts.teller.met(key, error);
    // Refused before anything was sent: nothing has happened. Once it was sent, a truth that cannot be read tells nothing.
    const reason = refusalOf(error);
    if (reason !== undefined && sent === undefined) return { end: await refuse(work, reason, parts) };
    const againMs = operationAgain(error, tries, parts.shell.random());
    parts.teller.operated({ key, operation: name, operationId: work.id, is: "later", error, facts: { againMs } });
    if (againMs === undefined) return { end: await giveUp(work.id, work.order, parts, work.held) };
    await work.note({ tries: tries + 1 });
    return { againMs };
  }
}

/** Norce may not know what the truth refused: the payment is looked at. */
async function refuse({ order: { key } }: Work, reason: string, { queue }: OperateParts): Promise<OperationOutcome> {
  await queue.looks.ask([{ key, by: "operation" }], "patient");
  return { status: "refused", refusedBeforehand: true, reason };
}

/** One attempt, from the truth to the log. */
async function carryOut(work: Work, parts: OperateParts): Promise<OperationOutcome | "too-early"> {
  const { held } = work;
  const { key, name, amount: asked, sent, result: answered } = work.order;
  const opening = await open(key, parts, held);
  if (opening === null) throw refusal("not-in-norce");
  const { found, current, context } = opening;
  if (answered !== undefined) return await log(work, answered, current, parts);

  const { operations } = found.adapter;
  const tell = operations?.[name];
  if (operations === undefined || tell === undefined) throw refusal("not-supported");
  const reference = "fold" in found.adapter ? "" : current.reference;
  if (reference === null) throw refusal("no-reference");
  const observed = await observe(opening, reference);
  if (observed === null) throw refusal("not-at-psp");
  const { desired, truth } = observed;
  if (sent === undefined) {
    // What a look would refuse is nothing to operate on.
    await bindAnswer(opening, [{ reference, answer: observed }], parts);
    if (desired.currency !== current.currency) throw refusal("currency-differs");
  }

  if (sent !== undefined) {
    // What is shown may be another operation's doing, and nothing else would tell them apart.
    if (operations.repeat === "never") return await giveUp(work.id, work.order, parts, held);
    const shown = sumMovedBy(name, sumsToBe(desired)) >= sumMovedBy(name, sent.before) + sent.amount;
    if (shown) return await log(work, { is: "done" }, current, parts);
    if (operations.repeat === "look-first" && parts.now() - sent.at < pauses.settledMs) return "too-early";
  }
  const amount = sent?.amount ?? amountOf(name, asked, desired);
  // A repeat says what was said first, whatever is available by now.
  const whole = sent?.whole ?? amount === availableFor(name, desired);
  const call: OperationCall = { name, id: work.id, amount, currency: desired.currency, whole, now: parts.now() };
  if (sent === undefined) insistPossible(call, desired);
  await work.note({ valid: true, sent: { at: parts.now(), before: sent?.before ?? sumsToBe(desired), amount, whole } });
  // What was found just now, not what was noted before.
  const memory = { ...context.memory, ...desired.attributes, ...desired.memory };
  const result = await tellPsp(work, sent === undefined, () => tell(call, truth as never, { ...context, memory }));
  await work.note({ result });
  return await log(work, result, current, parts);
}

/** What the PSP answered; that it refuses is an answer. */
async function tellPsp(work: Work, first: boolean, tell: () => Promise<OperationResult>): Promise<OperationResult> {
  try {
    return await tell();
  } catch (error) {
    // An earlier attempt stays sent, whatever became of this one.
    if (first && isTurnedAway(error)) await work.unsent();
    const reason = refusalOf(error);
    if (reason === undefined || kindOf(error) !== "Refused") throw error;
    return { is: "refused", reason };
  }
}

/** Leaves the outcome in the payment's log, once, and asks for a look. */
async function log(
  { id, held, order }: Pick<Work, "id" | "held" | "order">,
  end: OperationEnd,
  { adapterId, currency }: CurrentPayment,
  { norce, queue, config, now }: OperateParts,
): Promise<OperationOutcome> {
  const { key, name, amount: asked, sent } = order;
  const { keys } = await norce.log(key, held);
  const amount = sent?.amount ?? minorFromMajor(asked ?? 0, currency);
  const said = end.is === "done" || end.is === "accepted";
  const reason = "reason" in end ? { reason: end.reason } : {};
  const ids = said && end.pspId !== undefined ? { pspId: end.pspId } : {};
  if (said && end.event !== undefined && !keys.has(end.event.key)) await norce.appendEvent(key, end.event, held);
  if (!keys.has(`operation:${id}`)) {
    const transaction = {
      key: `operation:${id}`,
      event: "paymentAction",
      pspEvent: name,
      pspStatus: end.is,
      amount,
      success: said,
      ...("reason" in end ? { errorDetail: end.reason } : {}),
      facts: { operationId: id, ...ids },
      action: { adapterId: adapterId ?? "", type: name, url: bareOperationUrl(config.publicUrl, key, name) },
    } as const;
    await norce.appendTransaction(key, currency, transaction, held);
  }
  await queue.looks.ask([{ key, by: "operation", journal: [operatedLine(now(), name, end.is, id)] }], "patient");
  return { status: end.is, amount: majorFromMinor(amount, currency), ...reason, ...ids };
}

/**
 * Nobody knows whether it was carried out, or it could not be sent for days: a person has to look. The letter says so for certain; the
 * payment's log only where Norce can be reached now.
 * @param held absent where the job is nobody's any more: then the log is not written.
 */
export async function giveUp(id: string, order: Order, parts: OperateParts, held?: Held): Promise<OperationOutcome> {
  const { key, name, sent } = order;
  const { queue, norce, teller, now } = parts;
  const reason = sent === undefined ? "could-not-be-sent" : "outcome-unknown";
  const letter = {
    key,
    event: { key: `operation:${id}`, type: name },
    kind: "Operation",
    reason: sent === undefined ? "the operation could not be sent" : "nobody knows what came of the operation",
    since: sent?.at ?? now(),
    at: now(),
    context: { reason, operationId: id },
  };
  await queue.letters.put(letter);
  teller.buried(letter);
  try {
    const current = held === undefined ? null : await norce.payment(key, held);
    if (held !== undefined && current !== null)
      return await log({ id, held, order }, { is: "unknown", reason }, current, parts);
  } catch (error) {
    teller.operated({ key, operation: name, operationId: id, is: "unlogged", error });
  }
  return { status: "unknown", reason };
}

/** What the PSP answered, or that nobody knows. */
type OperationEnd = OperationResult | { readonly is: "unknown"; readonly reason: string };

/** An operation that is not possible, by its reason. */
function refusal(reason: string): Error {
  return refuseWith(reason, "the operation is not possible");
}
