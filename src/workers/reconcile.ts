/**
 * THEN HERE. What a look at one payment does, whoever asked for it: observe (PSP), map, read (Norce), diff, write. At most one look
 * per payment runs at a time; that is the lane's promise, and what makes a PUT without ETag safe.
 */
import type { AnyAdapter, DesiredPayment, PaymentKey } from "../contract/adapter.ts";
import type { AdapterSettings, Config } from "../config.ts";
import { WorkerError } from "../lib/errors.ts";
import type { NorceClient } from "../norce/client.ts";
import type { CurrentPayment } from "../norce/payment.ts";
import type { PaymentState } from "../norce/states.ts";
import type { Look, Suspect } from "../queue/queues.ts";
import type { Publishing } from "./look/actions.ts";
import { referencesToAsk } from "./look/attempt.ts";
import { type Asked, bind, type BindParts } from "./look/bind.ts";
import { refuseOthers } from "./look/binding.ts";
import { type Changes, diff, diffGone, type Verdict } from "./look/diff.ts";
import type { Guard } from "./guard.ts";
import { type ContextFactory, lookContext, type Observed, observe } from "./look/observe.ts";
import { write } from "./look/write.ts";

/** What was written, or would be. */
interface Movement {
  readonly from: PaymentState;
  readonly to: PaymentState;
  /** Names of the payment's fields, and keys of transactions. */
  readonly wrote: readonly string[];
}

/** What a look came to. Waiting is an outcome, not an error. */
export type Outcome =
  | ({ readonly is: "written"; readonly lookAgainMs?: number } & Movement)
  | { readonly is: "unchanged"; readonly state: PaymentState; readonly lookAgainMs?: number }
  | { readonly is: "later"; readonly why: "not-in-norce" | "no-reference" | "not-at-psp" }
  /** Money or phase would move backwards: to be confirmed by a second look. */
  | { readonly is: "suspect"; readonly suspect: Suspect; readonly afterMs: number };

/** What a look would come to. */
export type Preview =
  | { readonly outcome: "unchanged" }
  | { readonly outcome: "later"; readonly why: string }
  | ({ readonly outcome: "would-write" | "suspect" } & Movement);

interface Compared {
  readonly verdict: Verdict;
  /** The payment as it stands, to be replaced. */
  readonly latest: CurrentPayment;
  readonly observed: Pick<Observed, "afterWrite"> & { readonly desired?: DesiredPayment };
  readonly found: AdapterSettings;
  readonly lookAgain: { readonly lookAgainMs?: number };
}

/** What a look needs; `oddity` is told of what a person should see although the look goes on. */
export interface ReconcileParts extends Pick<BindParts, "claims"> {
  readonly config: Config;
  readonly norce: NorceClient;
  readonly contexts: ContextFactory;
  /** Remembers which payment the PSP's ids belong to. */
  readonly remember: (key: PaymentKey, reference: string, days: number) => Promise<void>;
  readonly now: () => number;
  readonly oddity: (key: PaymentKey, reason: string) => void;
}

/** What the payment's timer remembers; read only where it decides something. */
export type Remembered = () => Promise<{ readonly reference?: string; readonly suspect?: Suspect } | undefined>;

/** Two looks have to be this far apart before a move backwards is believed: PSP reads lag. */
const suspicionMs = 60_000;

/**
 * Makes Norce say what the PSP says of one payment.
 * @throws WorkerError of any kind of the table of errors; nothing is written after a `Refused`.
 */
export async function reconcile(
  look: Look,
  remembered: Remembered,
  parts: ReconcileParts,
  guard: Guard,
  signal: AbortSignal,
): Promise<Outcome> {
  const { key } = look;
  const compared = await compare(look, remembered, parts, signal);
  if ("is" in compared) return compared;
  const { verdict, latest, observed, found, lookAgain } = compared;
  // A cache may have been lost: the sweep's looks fill it again.
  if ((look.asked ?? look.wait?.asked) === "sweep") await remember(key, found.adapter, observed.desired, parts);
  tell(key, verdict, parts);
  if (verdict.is === "agreed") return { is: "unchanged", state: latest.state, ...lookAgain };
  if (verdict.is === "backwards") {
    const suspect = await suspicion(verdict.fingerprint, remembered, parts.now());
    const waitMs = suspect.at + suspicionMs - parts.now();
    if (waitMs > 0) return { is: "suspect", suspect, afterMs: waitMs };
  }
  const { changes } = verdict;
  await write(parts.norce, key, latest, changes, observed.afterWrite, guard, signal);
  await remember(key, found.adapter, observed.desired, parts);
  return { is: "written", ...movement(latest, changes), ...lookAgain };
}

/** What a look would write now, and nothing written. @throws WorkerError as `reconcile`. */
export async function preview(look: Look, parts: ReconcileParts, signal: AbortSignal): Promise<Preview> {
  const compared = await compare(look, async () => undefined, parts, signal);
  if ("is" in compared)
    return compared.is === "later" ? { outcome: "later", why: compared.why } : { outcome: "unchanged" };
  const { verdict, latest } = compared;
  if (verdict.is === "agreed") return { outcome: "unchanged" };
  return { outcome: verdict.is === "backwards" ? "suspect" : "would-write", ...movement(latest, verdict.changes) };
}

/** What Norce says, what the PSP says, and the difference; or why there is nothing to compare. */
async function compare(
  look: Look,
  remembered: Remembered,
  parts: ReconcileParts,
  signal: AbortSignal,
): Promise<Compared | Extract<Outcome, { is: "later" | "unchanged" }>> {
  const { key } = look;
  const found = parts.config.find(key);
  if (found === undefined)
    throw new WorkerError("Refused", "the payment's adapter is not configured", {
      context: { reason: "not-configured" },
    });
  const current = await parts.norce.payment(key, signal);
  if (current === null) return { is: "later", why: "not-in-norce" };
  refuseOthers(current, found.settings);
  const folds = "fold" in found.adapter;
  const references = referencesToAsk(current, await hintsOf(look, current, remembered), folds);
  if (references.length === 0) return { is: "later", why: "no-reference" };

  const logRead = parts.norce.log(key, signal);
  const context = lookContext(key, current, parts.contexts(key, found, signal), logRead);
  const answers: Asked<Observed>[] = [];
  for (const [place, reference] of references.entries()) {
    // What is remembered was said of the one that counts.
    const of = place === 0 ? context : { ...context, memory: {} };
    answers.push({ reference, answer: await observe(found, reference, of) });
  }
  const { answer: observed, findings, attention } = await bind({ key, found, current }, answers, { ...parts, signal });
  for (const { name } of [...findings, ...(attention === undefined ? [] : [{ name: attention.reason }])])
    parts.oddity(key, name);
  const { states, version } = parts.config.norce;
  if (observed === null) {
    // Where nobody can be asked, nothing is awaited either: an event that comes will ask for the next look.
    if (folds) return { is: "unchanged", state: current.state };
    const verdict = diffGone({ current, states, now: parts.now() });
    if (verdict === undefined) return { is: "later", why: "not-at-psp" };
    return { verdict, latest: current, observed: { afterWrite: async () => undefined }, found, lookAgain: {} };
  }
  const { desired } = observed;
  const logged = (await logRead).keys;
  const publish = publishingOf(key, found, parts);
  const rounding = found.adapter.rounding ?? 0;

  const verdictOn = (payment: CurrentPayment): Verdict =>
    diff({ current: payment, logged, desired, states, version, rounding, folds, publish, now: parts.now() });
  const first = verdictOn(current);
  // Asking the PSP took a while: what is replaced has to be what stands there now.
  const stale = first.is !== "agreed" && first.changes.payment !== undefined;
  const latest = stale ? ((await parts.norce.payment(key, signal)) ?? current) : current;
  const verdict = latest === current ? first : verdictOn(latest);
  const lookAgain = soonest(lookAgainMs(desired, parts.now()), verdict.lookAgainMs);
  return { verdict, latest, observed, found, lookAgain };
}

function tell(key: PaymentKey, { findings, attention }: Verdict, { oddity }: ReconcileParts): void {
  for (const { name } of findings) oddity(key, name);
  if (attention !== undefined) oddity(key, attention.reason);
}

async function remember(
  key: PaymentKey,
  { rememberDays }: AnyAdapter,
  desired: DesiredPayment | undefined,
  parts: ReconcileParts,
): Promise<void> {
  if (rememberDays === undefined || desired === undefined) return;
  const { reference, aliases = [] } = desired;
  for (const id of [reference, ...aliases]) await parts.remember(key, id, rememberDays);
}

function movement(latest: CurrentPayment, changes: Changes): Movement {
  return { from: latest.state, to: changes.payment?.state ?? latest.state, wrote: wrote(changes) };
}

/** What webhooks have named; where the payment has a reference, only what this look was asked for with. */
async function hintsOf(look: Look, current: CurrentPayment, remembered: Remembered): Promise<readonly string[]> {
  const hint = look.reference ?? (current.reference === null ? (await remembered())?.reference : undefined);
  return hint === undefined ? [] : [hint];
}

function soonest(again: { lookAgainMs?: number }, otherMs: number | undefined): { lookAgainMs?: number } {
  if (otherMs === undefined) return again;
  return { lookAgainMs: Math.min(again.lookAgainMs ?? otherMs, otherMs) };
}

function publishingOf(
  key: PaymentKey,
  { adapter, settings }: AdapterSettings,
  { config }: ReconcileParts,
): Omit<Publishing, "now"> {
  const { operations } = adapter;
  const maker = { publicUrl: config.publicUrl, keys: config.signingKeys };
  const offered = operationNames.filter((name) => operations?.[name] !== undefined);
  return { mode: settings.publishActions, key, adapterId: settings.adapterId, offered, maker };
}

const operationNames = ["capture", "cancel", "refund"] as const;

/** The suspicion that stands, or a new one where the last look saw something else. */
async function suspicion(fingerprint: string, remembered: Remembered, now: number): Promise<Suspect> {
  const earlier = (await remembered())?.suspect;
  return earlier?.fingerprint === fingerprint ? earlier : { fingerprint, at: now };
}

function lookAgainMs({ lookAgain }: DesiredPayment, now: number): { lookAgainMs?: number } {
  if (lookAgain === undefined) return {};
  if ("afterSeconds" in lookAgain) return { lookAgainMs: lookAgain.afterSeconds * 1_000 };
  if ("growing" in lookAgain) return { lookAgainMs: growingPauseMs(now - Date.parse(lookAgain.growing)) };
  const inMs = Date.parse(lookAgain.at) - now;
  // A time that has passed was looked at just now; a PSP that does not move on is the sweep's, not a busy loop's.
  return Number.isNaN(inMs) || inMs <= 0 ? {} : { lookAgainMs: inMs };
}

/** A quarter of the age: seconds at first, six hours at most. What cannot be read is old. */
function growingPauseMs(ageMs: number): number {
  return Number.isNaN(ageMs) ? longestPauseMs : Math.min(Math.max(Math.round(ageMs / 4), 5_000), longestPauseMs);
}

const longestPauseMs = 6 * 60 * 60_000;

/** What was written, in names: fields of the payment and keys of transactions. */
function wrote({ payment, transactions, afterWrite }: Changes): string[] {
  return [...Object.keys(payment ?? {}), ...(afterWrite ? ["afterWrite"] : []), ...transactions.map(({ key }) => key)];
}
