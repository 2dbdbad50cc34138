/** One payment's journal as a timeline for people: oldest first, each entry with its sentence, and holes shown as holes. Pure. */
import type { Json, PaymentKey } from "../contract/adapter.ts";
import { majorFromMinor } from "../lib/money.ts";
import type { Happenings } from "../queue/happenings.ts";
import type { JournalEntry } from "../queue/journal.ts";
import { gaveWay } from "../queue/store.ts";
import { sentenceOf } from "./sentences.ts";
import { isoOf } from "../lib/time.ts";

/** What happened to one payment. */
export interface TimelineEntry {
  /** ISO 8601; of the first one, where several were alike. */
  readonly at: string;
  /** Of the last one, where there were several. */
  readonly last?: string;
  /** How many they were, where that is not one. */
  readonly count?: number;
  readonly adapter: string;
  readonly orderId: string;
  readonly paymentId: string;
  /** A kind of the journal's lines, or `hole`. */
  readonly kind: string;
  /** What it means. Times are in the fields beside. */
  readonly says: string;
  /** Until when it waits, ISO 8601. */
  readonly until?: string;
  /** By name; amounts in major units. */
  readonly facts: Readonly<Record<string, Json>>;
}

/** What says that something was before the journal begins. Times in milliseconds since the epoch. */
export interface Earlier {
  /** The oldest time that the payment's note or letter names. */
  readonly since?: number | undefined;
  /** Something is known of the payment: a note, a letter, a claim. */
  readonly known: boolean;
}

/** What two clocks may differ by before one of them speaks of an earlier time. */
const slackMs = 60_000;

/** @param now milliseconds since the epoch: where nothing is left, that is when the hole ends. */
export function timelineOf(
  key: PaymentKey,
  entries: readonly JournalEntry[],
  earlier: Earlier,
  now: number,
): readonly TimelineEntry[] {
  const currency = currencyIn(entries);
  const reference = referenceIn(entries);
  const of = { adapter: key.adapter, orderId: key.orderId, paymentId: key.paymentId };
  const told = entries.map((entry, at): TimelineEntry & { readonly first: number } => {
    const next = entries[at + 1];
    const around = { currency, reference, next: next?.last === entry.last ? next : undefined };
    const until = entry.facts["until"];
    const several = entry.count === 1 ? {} : { last: isoOf(entry.last), count: entry.count };
    const hole = entry.kind === gaveWay;
    return {
      first: entry.first,
      at: isoOf(entry.first),
      ...several,
      ...of,
      kind: hole ? "hole" : entry.kind,
      says: hole ? `${counted(entry.count)} gave way here: a journal holds 200` : sentenceOf(entry, around),
      ...(typeof until === "number" ? { until: isoOf(until) } : {}),
      facts: readable(entry.facts, currency),
    };
  });
  const hole = holeBefore(entries, earlier, now);
  const first = hole === undefined ? [] : [{ first: -1, ...hole, ...of, kind: "hole", facts: {} }];
  // An operation's steps are written down at its end, with the times at which they were.
  return [...first, ...told]
    .toSorted((one, other) => one.first - other.first)
    .map(({ first: _first, ...entry }) => entry);
}

/** The PSP's id by which the payment was known last: as a look found it, or else as anything named it. */
export function referenceIn(entries: readonly JournalEntry[]): string | undefined {
  const named = entries.filter(({ facts }) => typeof facts["ref"] === "string");
  const ref = (named.findLast(({ kind }) => kind === "looked") ?? named.at(-1))?.facts["ref"];
  return typeof ref === "string" ? ref : undefined;
}

/** The currency that the PSP's answers, or operations, named last. */
export function currencyIn(entries: readonly JournalEntry[]): string | undefined {
  return entries
    .toReversed()
    .flatMap(({ kind, facts }): unknown[] => {
      if (kind === "looked") return [(facts as Partial<Happenings["looked"]>).psp?.[1]];
      return kind === "operated" ? [facts["currency"]] : [];
    })
    .find((one): one is string => typeof one === "string");
}

/** What is missing before the first entry, where anything says so; an entry that counts what gave way says it itself. */
function holeBefore(
  entries: readonly JournalEntry[],
  { since, known }: Earlier,
  now: number,
): Pick<TimelineEntry, "at" | "says"> | undefined {
  const [first] = entries;
  if (first === undefined) {
    if (!known) return undefined;
    return { at: isoOf(since ?? now), says: `something happened, and the journal has nothing of it: ${whyLost}` };
  }
  if (first.kind === gaveWay) return undefined;
  const stood = standingBefore(entries);
  const times = [since, stood].filter((time) => time !== undefined && time < first.first - slackMs);
  if (times.length === 0 && stood === undefined) return undefined;
  const at = times.length === 0 ? first.first : Math.min(...times.filter((time) => time !== undefined));
  const what = stood === undefined ? "it was in trouble before" : "this service had written it before";
  return { at: isoOf(at), says: `${what}, and the journal has nothing of that: ${whyLost}` };
}

const whyLost = "it is older than 90 days, gave way to newer ones (JOURNAL_MB), or the queue's store was lost";

/** Since when the payment stood as we had written it, where the journal's first look found it so and no entry tells of the writing. */
function standingBefore(entries: readonly JournalEntry[]): number | undefined {
  const looked = entries.findIndex(({ kind }) => kind === "looked");
  const written = entries.findIndex(({ kind }) => kind === "written");
  if (looked === -1 || (written !== -1 && written < looked)) return undefined;
  const { norce } = (entries[looked]?.facts ?? {}) as Partial<Happenings["looked"]>;
  const since = norce?.[2];
  return since === undefined ? undefined : since * 1_000;
}

/** Facts in the units of people. */
function readable(facts: JournalEntry["facts"], currency: string | undefined): Readonly<Record<string, Json>> {
  const { until: _until, psp, norce, amount, ...others } = facts;
  const own = typeof facts["currency"] === "string" ? facts["currency"] : currency;
  const major = (minor: unknown): Json =>
    typeof minor === "number" && own !== undefined ? majorFromMinor(minor, own) : ((minor ?? 0) as Json);
  const said: Record<string, Json> = { ...others };
  if (Array.isArray(psp)) {
    const [phase, unit, authorized, captured, refunded, released] = psp as readonly Json[];
    said["psp"] = {
      phase: phase ?? null,
      currency: unit ?? null,
      authorized: major(authorized),
      captured: major(captured),
      refunded: major(refunded),
      released: major(released),
    };
  }
  if (Array.isArray(norce)) {
    const [state, sum, since] = norce as readonly Json[];
    said["norce"] = {
      state: state ?? null,
      ...(typeof sum === "number" ? { amount: major(sum) } : {}),
      ...(typeof since === "number" ? { since: isoOf(since * 1_000) } : {}),
    };
  }
  if (Array.isArray(amount)) said["amount"] = { from: major(amount[0]), to: major(amount[1]) };
  else if (amount !== undefined) said["amount"] = major(amount);
  return said;
}

function counted(entries: number): string {
  return entries === 1 ? "one line" : `${entries} lines`;
}
