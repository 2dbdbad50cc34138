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
import { actionsToPublish, type Publishing } from "./look/actions.ts";
import { type Changes, diff, refuseForeign, refuseOthers, refuseUnlike, type Verdict } from "./look/diff.ts";
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
  readonly observed: Observed;
  readonly found: AdapterSettings;
  readonly lookAgain: { readonly lookAgainMs?: number };
}

/** What a look needs; `oddity` is told of what a person should see although the look goes on. */
export interface ReconcileParts {
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
  if (verdict.is === "agreed") return { is: "unchanged", state: latest.state, ...lookAgain };
  if (verdict.is === "backwards") {
    const suspect = await suspicion(verdict.fingerprint, remembered, parts.now());
    const waitMs = suspect.at + suspicionMs - parts.now();
    if (waitMs > 0) return { is: "suspect", suspect, afterMs: waitMs };
  }
  const { changes } = verdict;
  await write(parts.norce, key, latest, changes, observed.afterWrite, guard, signal);
  await remember(key, found.adapter, observed.desired, parts);
  if (changes.payment?.record?.["amountAsked"] !== latest.record?.["amountAsked"]) parts.oddity(key, "amount-differs");
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
  const reference = folds ? "" : await referenceOf(look, current, remembered, parts);
  if (reference === undefined) return { is: "later", why: "no-reference" };

  const logRead = parts.norce.log(key, signal);
  const context = lookContext(key, current, parts.contexts(key, found, signal), logRead);
  const observed = await observe(found, reference, context);
  // Where nobody can be asked, nothing is awaited either: an event that comes will ask for the next look.
  if (observed === null) return folds ? { is: "unchanged", state: current.state } : { is: "later", why: "not-at-psp" };
  const { desired } = observed;
  // Events were placed by what the PSP proved; what was fetched by an id has to bear out whose it is.
  if (!folds) await refuseMistaken(key, current, desired, found, parts, signal);
  const logged = (await logRead).keys;
  const { states, version } = parts.config.norce;

  const verdictOn = (payment: CurrentPayment): Verdict => {
    const actions = actionsToPublish(payment.raw["actions"], publishingOf(key, found, desired, parts));
    return diff({ current: payment, logged, desired, states, version, actions, now: parts.now() });
  };
  const lookAgain = lookAgainMs(desired, parts.now());
  const first = verdictOn(current);
  // Asking the PSP took a while: what is replaced has to be what stands there now.
  const stale = first.is !== "agreed" && first.changes.payment !== undefined;
  const latest = stale ? ((await parts.norce.payment(key, signal)) ?? current) : current;
  const verdict = latest === current ? first : verdictOn(latest);
  return { verdict, latest, observed, found, lookAgain };
}

async function remember(
  key: PaymentKey,
  { rememberDays }: AnyAdapter,
  { reference, aliases = [] }: DesiredPayment,
  parts: ReconcileParts,
): Promise<void> {
  if (rememberDays === undefined) return;
  for (const id of [reference, ...aliases]) await parts.remember(key, id, rememberDays);
}

function movement(latest: CurrentPayment, changes: Changes): Movement {
  return { from: latest.state, to: changes.payment?.state ?? latest.state, wrote: wrote(changes) };
}

/**
 * The payment's own reference. Where it has none, what a webhook named serves until it is bound; where it has one, another one that a
 * webhook names is refused and counted.
 */
async function referenceOf(
  look: Look,
  current: CurrentPayment,
  remembered: Remembered,
  { oddity }: ReconcileParts,
): Promise<string | undefined> {
  if (current.reference === null) return look.reference ?? (await remembered())?.reference;
  if (look.reference !== undefined && look.reference !== current.reference) oddity(look.key, "reference-refused");
  return current.reference;
}

/** Refuses a PSP payment that is another order's. @throws WorkerError `Refused` */
export async function refuseMistaken(
  key: PaymentKey,
  current: CurrentPayment,
  desired: DesiredPayment,
  { settings }: AdapterSettings,
  { norce }: ReconcileParts,
  signal: AbortSignal,
): Promise<void> {
  const binding = current.reference === null;
  const byOrder = settings.merchantReference === "orderReference" || settings.merchantReference === "cartReference";
  refuseForeign(key, desired, settings, byOrder ? await norce.order(key, signal) : null, binding);
  if (binding) refuseUnlike(current, desired);
}

function publishingOf(
  key: PaymentKey,
  { adapter, settings }: AdapterSettings,
  { possible }: DesiredPayment,
  { config, now }: ReconcileParts,
): Publishing {
  const { operations } = adapter;
  const maker = { publicUrl: config.publicUrl, signingKey: config.urlSigningKeys[0] ?? "" };
  const offered = possible.filter((name) => operations?.[name] !== undefined);
  return { mode: settings.publishActions, key, adapterId: settings.adapterId, offered, maker, now: now() };
}

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
