import type { DesiredPayment } from "../../contract/adapter.ts";
import type { CurrentPayment } from "../../norce/payment.ts";
import type { Seam } from "../../queue/seam.ts";
import { horizonOf } from "../retry.ts";
import type { Publishing } from "./actions.ts";
import { lookAgainMs } from "./again.ts";
import { referencesToAsk } from "./choose-attempt.ts";
import { type Asked, bind, type Bound } from "./bind.ts";
import { diff, diffGone, type Verdict } from "./diff.ts";
import { observe, type Observed } from "./observe.ts";
import type { Opening, OpenParts } from "./open.ts";
import type { Rest } from "./outcome.ts";
import { timeOf } from "./record.ts";

/** What a comparison needs besides. */
export interface CompareParts extends OpenParts {
  /** Which payment the PSP's ids belong to. */
  readonly queue: Pick<Seam, "claims">;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** What Norce says, what the PSP says, and the difference; or why there is nothing to compare. */
export interface Compared {
  readonly verdict: Verdict | { readonly is: "later"; readonly why: "no-reference" | "not-at-psp" };
  /** The payment as it stands, to be replaced. */
  readonly latest: CurrentPayment;
  /** What the PSP must be told once Norce has been written. */
  readonly afterWrite: () => Promise<void>;
  readonly rest: Rest;
}

/** What the payment's note asks for. */
export interface Wish {
  /** Ids that webhooks named, newest last. */
  readonly hints: readonly string[];
  /** The sweep asks: what the state store may have forgotten is told it again. */
  readonly renews?: boolean;
  /** The last look: afterwards nobody renews what is published of the payment. */
  readonly isLast?: boolean;
}

/**
 * Asks the PSP and compares.
 * @throws WorkerError `Refused` with a `reason` and the values that differ: a person has to look.
 */
export async function compare(opening: Opening, wish: Wish, parts: CompareParts): Promise<Compared> {
  const { found, current } = opening;
  const folds = "fold" in found.adapter;
  const references = referencesToAsk(current, wish.hints, folds);
  if (references.length === 0) return nothing(current, "no-reference", {});
  const answers = await ask(opening, references);
  const bound = await bindAnswer(opening, answers, parts, wish.renews);
  const isUnknown = !folds && answers.every(({ answer }) => answer === null);
  const told: Rest = { ...restFrom(bound), ...(isUnknown ? { unknownAtPsp: true } : {}) };
  if (bound.answer !== null) return await difference(opening, bound.answer, told, wish, parts);
  // Where nobody can be asked, nothing is awaited either: an event that comes will ask for the next look.
  const norce = saidBy(current);
  if (folds)
    return { verdict: { is: "agreed", findings: [] }, latest: current, afterWrite: rests, rest: { ...told, norce } };
  const verdict = diffGone({ current, states: parts.config.norce.states, now: parts.now() });
  if (verdict === undefined) return nothing(current, "not-at-psp", told);
  return { verdict, latest: current, afterWrite: rests, rest: { ...merge(told, verdict, {}), norce } };
}

/** What Norce said besides the state. */
function saidBy({ amount, record }: CurrentPayment): NonNullable<Rest["norce"]> {
  const since = timeOf(record?.["since"]);
  return { amount, ...(since === undefined ? {} : { since }) };
}

/** Asks the PSP about each id, one after the other: what is remembered was said of the first. */
async function ask(opening: Opening, references: readonly string[]): Promise<readonly Asked<Observed>[]> {
  const answers: Asked<Observed>[] = [];
  for (const [place, reference] of references.entries()) {
    const of = place === 0 ? opening : { ...opening, context: { ...opening.context, memory: {} } };
    answers.push({ reference, answer: await observe(of, reference) });
  }
  return answers;
}

/** Which answer is this payment's. @throws WorkerError `Refused` where none may be. */
export async function bindAnswer(
  { key, found, current, held }: Opening,
  answers: readonly Asked<Observed>[],
  { norce, queue }: Pick<CompareParts, "norce" | "queue">,
  renews = false,
): Promise<Bound<Observed>> {
  return await bind({ key, found, current }, answers, { norce, claims: queue.claims, via: held, renews });
}

async function difference(
  opening: Opening,
  observed: Observed,
  told: Rest,
  { isLast = false }: Wish,
  parts: CompareParts,
): Promise<Compared> {
  const { key, found, current, held } = opening;
  const { desired } = observed;
  const { keys: logged } = await opening.log;
  const { states, version } = parts.config.norce;
  const facts = {
    logged,
    desired,
    states,
    version,
    rounding: found.adapter.rounding ?? 0,
    folds: "fold" in found.adapter,
  };
  const publish = publishingOf(opening, isLast, parts);
  const verdictOn = (payment: CurrentPayment): Verdict =>
    diff({ ...facts, current: payment, publish, now: parts.now() });
  const first = verdictOn(current);
  // Asking the PSP took a while: what is replaced has to be what stands there now.
  const stale = first.is !== "agreed" && first.changes.payment !== undefined;
  const latest = stale ? ((await parts.norce.payment(key, held)) ?? current) : current;
  const verdict = latest === current ? first : verdictOn(latest);
  const { phase, currency, money, reference, aliases = [] } = desired;
  const said = { ids: [reference, ...aliases], psp: { ...money, phase, currency, reference }, norce: saidBy(latest) };
  const rest = { ...merge(told, verdict, againIn(desired, latest, found, parts.now())), ...said };
  return { verdict, latest, afterWrite: observed.afterWrite, rest };
}

function nothing(current: CurrentPayment, why: "no-reference" | "not-at-psp", rest: Rest): Compared {
  return { verdict: { is: "later", why }, latest: current, afterWrite: rests, rest };
}

async function rests(): Promise<void> {}

function restFrom({ findings, attention, judged }: Bound<Observed>): Rest {
  return { found: findings, judged, ...(attention === undefined ? {} : { attention }) };
}

/** What binding and comparing have to say; of two times the sooner one. */
function merge(told: Rest, { findings, attention, lookAgainMs: soon }: Verdict, again: { lookAgainMs?: number }): Rest {
  const times = [soon, again.lookAgainMs].filter((time) => time !== undefined);
  return {
    ...told,
    found: [...(told.found ?? []), ...findings],
    ...(attention === undefined || told.attention !== undefined ? {} : { attention }),
    ...(times.length === 0 ? {} : { lookAgainMs: Math.min(...times) }),
  };
}

/** How its actions are published; the last look withdraws them. */
function publishingOf(
  { key, found: { adapter, settings } }: Opening,
  isLast: boolean,
  { config }: OpenParts,
): Omit<Publishing, "now"> {
  const { operations } = adapter;
  const maker = { publicUrl: config.publicUrl, keys: config.signingKeys };
  const offered = operationNames.filter((name) => operations?.[name] !== undefined && !isLast);
  return { mode: settings.publishActions, key, adapterId: settings.adapterId, offered, maker };
}

const operationNames = ["capture", "cancel", "refund"] as const;

function againIn(
  desired: DesiredPayment,
  current: CurrentPayment,
  { adapter }: Opening["found"],
  now: number,
): { lookAgainMs?: number } {
  const inMs = lookAgainMs(desired, current, horizonOf(adapter.horizonDays?.unsettled, 30), now);
  return inMs === undefined ? {} : { lookAgainMs: inMs };
}
