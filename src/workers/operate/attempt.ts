import type { OperationCall, OperationName, OperationResult } from "../../contract/adapter.ts";
import { majorFromMinor, minorFromMajor } from "../../lib/money.ts";
import type { CurrentPayment } from "../../norce/payment.ts";
import type { OperationOutcome, OperationState } from "../../queue/operations.ts";
import { bareOperationUrl } from "../../signatures/urls.ts";
import { givenUp, type Held } from "../job.ts";
import { once } from "../events/once.ts";
import { judgeAnswer } from "../look/binding.ts";
import { bindAnswer } from "../look/compare.ts";
import { observe, type Observed } from "../look/observe.ts";
import { open, type Opening } from "../look/open.ts";
import { referencesToAsk } from "../look/choose-attempt.ts";
import { coverAmount } from "../look/underpaid.ts";
import { stateOf } from "../../norce/states.ts";
import { decideSending, endKey, hasUnknownSending, isShown, noteSending, sendingKey } from "./decide.ts";
import { pauses } from "../patience.ts";
import { againLines, endedLines } from "../tell/operation-lines.ts";
import { isTurnedAway, kindOf, mayStillHappen, operationAgain, refusalOf } from "../retry.ts";
import type { OperateParts } from "./parts.ts";
import { amountOf, availableFor, insistCovered, insistPossible, refusal, sumsToBe } from "./possible.ts";

/** An operation that the PSP is told. */
export type Order = OperationState & { readonly name: OperationName };

/** What one attempt came to: an end, or a pause. */
export type Step =
  | { readonly end: OperationOutcome }
  | { readonly againMs: number }
  /** What was accepted was looked for. */
  | { readonly watched: true };

/** One job under work: what is known of the operation, and how that is written down before anything else is done. */
export interface Work {
  readonly id: string;
  readonly held: Held;
  /** What Norce's log is written with: that a line is under way is noted before it leaves. */
  readonly writing: Held;
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
    if (againMs === undefined) return { end: await giveUp(work.id, work.order, parts, work.writing) };
    const steps = { id: work.id, order: work.order, amount: sent?.amount };
    await parts.queue.journal.append(key, againLines(parts.now(), steps, parts.now() + againMs, error));
    // What was answered is waited for no longer.
    await work.note({ tries: tries + 1, ...(mayStillHappen(error) ? {} : { notBefore: undefined }) });
    return { againMs };
  }
}

/** Norce may not know what the truth refused: the payment is looked at. */
async function refuse({ id, order }: Work, reason: string, { queue, now }: OperateParts): Promise<OperationOutcome> {
  const journal = endedLines(now(), { id, order }, { is: "refused", reason });
  await queue.looks.ask([{ key: order.key, by: "operation", journal }], "patient");
  return { status: "refused", refusedBeforehand: true, reason };
}

/** One attempt, from the truth to the log. */
async function carryOut(work: Work, parts: OperateParts): Promise<OperationOutcome | "too-early"> {
  const { held, writing } = work;
  const { key, name, sent, announced, result: answered } = work.order;
  const opening = await open(key, parts, held);
  if (opening === null) throw refusal("not-in-norce");
  const { found, current } = opening;
  if (answered !== undefined) return await log(work, answered, current, parts);

  const { operations } = found.adapter;
  if (operations?.[name] === undefined) throw refusal("not-supported");
  const observed = await observeBound(opening, sent === undefined, parts);
  const { keys } = await opening.log;
  if (operations.repeat === "never" && hasUnknownSending(work.id, keys, announced === true)) {
    if (keys.has(sendingKey(work.id))) return await giveUp(work.id, work.order, parts, writing, true);
    throw refusal("another-outcome-unknown");
  }
  const sums = sumsToBe(observed.desired);
  switch (decideSending({ name, operations, sent, sums, settledMs: pauses.settledMs, now: parts.now() })) {
    case "done":
      return await log(work, { is: "done" }, current, parts);
    case "unknown":
      return await giveUp(work.id, work.order, parts, writing);
    case "wait":
      return "too-early";
    case "send": {
      const result = await send(work, opening, observed, parts);
      await work.note({ result });
      return await log(work, result, current, parts);
    }
  }
}

/**
 * The truth of the payment that is operated on. @param first nothing was sent yet: what a look would refuse is nothing to operate on. An answer
 * about another payment than was asked is nobody's truth, however often it was sent.
 */
async function observeBound(opening: Opening, first: boolean, parts: OperateParts): Promise<Observed> {
  const { found, current } = opening;
  const [reference] = referencesToAsk(current, [], "fold" in found.adapter);
  if (reference === undefined) throw refusal("no-reference");
  const observed = await observe(opening, reference);
  if (observed === null) throw refusal("not-at-psp");
  const other = judgeAnswer(found.adapter, reference, observed.desired);
  if (other !== undefined) throw other;
  if (!first) return observed;
  await bindAnswer(opening, [{ reference, answer: observed }], parts);
  const { currency } = observed.desired;
  if (currency !== current.currency)
    throw refusal("currency-differs", { norceCurrency: current.currency, pspCurrency: currency });
  return observed;
}

/** Tells the PSP, once everything that has to be known of it stands where it survives. */
async function send(
  work: Work,
  opening: Opening,
  { desired, truth }: Observed,
  parts: OperateParts,
): Promise<OperationResult> {
  const { found, current, context } = opening;
  const { operations, rounding = 0 } = found.adapter;
  const { name, amount: asked, sent } = work.order;
  const tell = operations?.[name];
  if (operations === undefined || tell === undefined) throw refusal("not-supported");
  const now = parts.now();
  const amount = sent?.amount ?? amountOf(name, asked, desired);
  const said = { before: sumsToBe(desired), amount, whole: amount === availableFor(name, desired) };
  const next = noteSending(sent, said, now);
  const call: OperationCall = { name, id: work.id, amount, currency: desired.currency, whole: next.whole, now };
  if (sent === undefined) {
    insistPossible(call, desired);
    insistCovered(name, coverAmount(current, desired, stateOf(desired.phase, desired.money, "ten"), rounding, now));
  }
  if (operations.repeat === "never") await announce(work, opening, call, parts);
  await work.note({ valid: true, sent: next });
  // What was found just now, not what was noted before.
  const memory = desired.memory ?? context.memory;
  const result = await tellPsp(work, sent === undefined, () => tell(call, truth as never, { ...context, memory }));
  if (result.is !== "refused" || sent === undefined) return result;
  // A repeat that is refused may be refused because the first one was carried out after all.
  const shown = await observeBound(opening, false, parts);
  return isShown(name, sent, sumsToBe(shown.desired)) ? { is: "done" } : result;
}

/**
 * Norce's log says that it is being sent, before it is: an engine that comes back empty does not send it again. That the log may say so is
 * written down first.
 */
async function announce(work: Work, opening: Opening, call: OperationCall, { norce }: OperateParts): Promise<void> {
  const { key, announced } = work.order;
  const sendingLine = sendingKey(work.id);
  if (announced !== true) await work.note({ announced: true });
  else if ((await norce.log(key, work.held)).keys.has(sendingLine)) return;
  const line = {
    key: sendingLine,
    event: "paymentAction",
    pspEvent: call.name,
    pspStatus: "sending",
    amount: call.amount,
    success: true,
    facts: { operationId: work.id },
  } as const;
  await norce.appendTransaction(key, opening.current.currency, line, work.writing);
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
  { id, writing, order }: Pick<Work, "id" | "writing" | "order">,
  end: OperationEnd,
  { adapterId, currency }: CurrentPayment,
  { norce, queue, config, now }: OperateParts,
): Promise<OperationOutcome> {
  const { key, name, amount: asked, sent } = order;
  const { keys } = await norce.log(key, writing);
  const amount = sent?.amount ?? minorFromMajor(asked ?? 0, currency);
  const said = end.is === "done" || end.is === "accepted";
  const reason = "reason" in end ? { reason: end.reason } : {};
  const ids = said && end.pspId !== undefined ? { pspId: end.pspId } : {};
  const event = "event" in end ? end.event : undefined;
  if (event !== undefined && !keys.has(event.key)) {
    const kept = await once({ target: key, event }, writing, queue.locks, async (proven) => {
      const read = await norce.log(key, proven);
      if (!read.keys.has(event.key)) await norce.appendEvent(key, event, proven);
    });
    // A webhook that tells of it is at it, or whoever was died: nobody else may be left who would keep it.
    if (kept === "busy") throw givenUp("the line of what the operation was told is being written");
  }
  if (!keys.has(endKey(id))) {
    const transaction = {
      key: endKey(id),
      event: "paymentAction",
      pspEvent: name,
      pspStatus: end.is,
      amount,
      success: said,
      ...("reason" in end ? { errorDetail: end.reason } : {}),
      facts: { operationId: id, ...ids },
      action: { adapterId: adapterId ?? "", type: name, url: bareOperationUrl(config.publicUrl, key, name) },
    } as const;
    await norce.appendTransaction(key, currency, transaction, writing);
  }
  const journal = endedLines(now(), { id, order, amount, currency }, { is: end.is, ...reason, ...ids });
  await queue.looks.ask([{ key, by: "operation", journal }], "patient");
  return { status: end.is, amount: majorFromMinor(amount, currency), ...reason, ...ids };
}

/**
 * Nobody knows whether it was carried out, or it could not be sent for days: a person has to look. The letter says so for certain; the
 * payment's log only where Norce can be reached now.
 * @param writing what the log is written with; absent where the job is nobody's any more: then the log is not written.
 * @param wasSent also where its record has forgotten it.
 */
export async function giveUp(
  id: string,
  order: Order,
  parts: OperateParts,
  writing?: Held,
  wasSent = order.sent !== undefined,
): Promise<OperationOutcome> {
  const { key, name, sent } = order;
  const { queue, norce, teller, now } = parts;
  const reason = wasSent ? "outcome-unknown" : "could-not-be-sent";
  const letter = {
    key,
    event: { key: endKey(id), type: name },
    kind: "Operation",
    reason: wasSent ? "nobody knows what came of the operation" : "the operation could not be sent",
    since: sent?.at ?? now(),
    at: now(),
    context: { reason, operationId: id },
  };
  await queue.letters.put(letter);
  teller.buried(letter);
  try {
    const current = writing === undefined ? null : await norce.payment(key, writing);
    if (writing !== undefined && current !== null)
      return await log({ id, writing, order }, { is: "unknown", reason }, current, parts);
  } catch (error) {
    teller.operated({ key, operation: name, operationId: id, is: "unlogged", error });
  }
  const steps = { id, order, amount: sent?.amount };
  await queue.journal.append(key, endedLines(now(), steps, { is: "unknown", reason }));
  return { status: "unknown", reason };
}

/** What the PSP answered, or that nobody knows. */
type OperationEnd = OperationResult | { readonly is: "unknown"; readonly reason: string };
