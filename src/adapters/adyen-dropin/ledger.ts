import { WorkerError } from "../../lib/errors.ts";
import type { KeptEvent, Minor } from "../../contract/adapter.ts";
import { isMoneyCode, type MoneyCode } from "./codes.ts";
import { type Facts, factsSchema } from "./schema.ts";
import { instantOf, inTurn } from "./turns.ts";

/** One event that says something of the money, as the log keeps it. */
export interface Entry {
  readonly code: MoneyCode;
  readonly key: string;
  readonly at: string | null;
  readonly amount: Minor;
  /** Absent where the event names none. */
  readonly currency: string | undefined;
  readonly facts: Facts;
}

/** What became of one code under one reference: the newest word on it. */
export interface Word extends Entry {
  /** True where an older word said that it had succeeded. */
  readonly overturned: boolean;
}

/** One try to pay. Several may share a merchant reference; each has a reference of its own at Adyen. */
export interface Attempt {
  readonly reference: string;
  /** The newest word on the authorisation, where there is one. */
  readonly authorisation?: Word;
  /** The newest words of this code, oldest first. */
  words(...codes: readonly MoneyCode[]): readonly Word[];
  /** Those that happened. */
  done(...codes: readonly MoneyCode[]): readonly Word[];
}

/**
 * The attempts that the kept events tell of, in the order of their references. Of several events with the same code and reference the newest
 * counts (docs/psp/adyen.md, c).
 * @throws WorkerError `Unmapped` for a line of ours that cannot be read, or money whose amount Adyen did not say.
 */
export function attemptsIn(events: readonly KeptEvent[], now: number): readonly Attempt[] {
  const entries = entriesIn(events);
  const authorised = new Set(
    entries.flatMap(({ code, facts }) => (code === "AUTHORISATION" && facts.success ? (facts.payment ?? []) : [])),
  );
  const byPayment = new Map<string, Entry[]>();
  for (const entry of entries) {
    const payment = paymentOf(entry, authorised);
    if (payment === undefined) continue;
    byPayment.set(payment, [...(byPayment.get(payment) ?? []), entry]);
  }
  return [...byPayment]
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([reference, own]) => attemptFrom(reference, own, now));
}

/**
 * Which payment an event is about. Adyen's own example of EXPIRE names nothing but itself: then it is about the only one that was
 * authorised.
 */
function paymentOf({ code, facts }: Entry, authorised: ReadonlySet<string>): string | undefined {
  const { payment, pspReference } = facts;
  if (code !== "EXPIRE" || payment !== pspReference || payment === undefined || authorised.has(payment)) return payment;
  const [only] = authorised;
  return authorised.size === 1 ? only : payment;
}

/** Events that say something of the money, read back. */
export function entriesIn(events: readonly KeptEvent[]): readonly Entry[] {
  return events.flatMap(({ type: code, key, at, amount, currency, facts }) =>
    isMoneyCode(code) ? [insisted({ code, key, at, amount, currency, facts: factsOf(facts) })] : [],
  );
}

/** What our lines keep besides. @throws WorkerError `Unmapped` */
export function factsOf(facts: KeptEvent["facts"]): Facts {
  const result = factsSchema.safeParse(facts);
  if (result.success) return result.data;
  throw new WorkerError("Unmapped", "a kept event of adyen-dropin cannot be read");
}

const amountMatters: ReadonlySet<MoneyCode> = new Set([
  "AUTHORISATION",
  "AUTHORISATION_ADJUSTMENT",
  "CAPTURE",
  "CAPTURE_FAILED",
  "REFUND",
  "REFUND_FAILED",
  "REFUNDED_REVERSED",
]);

function insisted(entry: Entry): Entry {
  if (entry.facts.success && amountMatters.has(entry.code) && entry.currency === undefined)
    throw new WorkerError("Unmapped", "Adyen did not say an amount", { context: { type: entry.code } });
  return entry;
}

function attemptFrom(reference: string, entries: readonly Entry[], now: number): Attempt {
  const groups = Map.groupBy(entries, ({ code, facts, key }) =>
    JSON.stringify([subjectOf(code), facts.pspReference ?? key]),
  );
  const newest = inTurn([...groups.values()].flatMap((group) => newestOf(group) ?? []));
  const words: Attempt["words"] = (...codes) => newest.filter(({ code }) => codes.includes(code));
  const done: Attempt["done"] = (...codes) => words(...codes).filter(({ facts }) => facts.success);
  // The authorisation's own reference is the payment's.
  const told = words("AUTHORISATION").at(-1);
  const authorisation = told?.facts.success === true ? told : (provenBy(done, told, entries, now) ?? told);
  return { reference, ...(authorisation === undefined ? {} : { authorisation }), words, done };
}

/** A refund is one thing, whether it was asked for by that name or as a reversal: a later word on it has the same reference. */
function subjectOf(code: MoneyCode): MoneyCode {
  return code === "CANCEL_OR_REFUND" ? "REFUND" : code;
}

/** For how long a capture waits for the event of its authorisation. */
const patienceMs = 3_600_000;

/**
 * The authorisation that money proves: what was captured or refunded had been authorised, whatever a refusal with a later date says. Where no
 * word on it has come at all, it is awaited for an hour; then what was captured is what is known to have been authorised.
 */
function provenBy(
  done: Attempt["done"],
  told: Word | undefined,
  entries: readonly Entry[],
  now: number,
): Word | undefined {
  const captures = done("CAPTURE");
  const [proof] = [...captures, ...done("REFUND")];
  if (proof === undefined) return undefined;
  const granted = inTurn(entries.filter(({ code, facts }) => code === "AUTHORISATION" && facts.success)).at(-1);
  if (granted !== undefined) return { ...granted, overturned: false };
  if (told === undefined && now - instantOf(proof) < patienceMs) return undefined;
  const captured = captures.reduce((sum, { amount }) => sum + amount, 0);
  const { merchantReference: _ofTheCapture, ...facts } = proof.facts;
  const { currency } = proof;
  const word = told ?? { ...proof, facts };
  return {
    ...word,
    code: "AUTHORISATION",
    amount: Math.max(captured, proof.amount, told?.facts.amount ?? 0),
    currency,
    facts: { ...word.facts, success: true },
    overturned: false,
  };
}

/**
 * Adyen's clock counts in seconds. Where two words on the same thing share one, an authorisation that was given is the later one (a refusal is
 * followed by another try, never the other way round), and so is a modification that failed (it is accepted first).
 */
function newestOf(group: readonly Entry[]): Word | undefined {
  const [first, ...others] = inTurn(group);
  if (first === undefined) return undefined;
  const word = others.reduce((newest, entry) => {
    if (instantOf(entry) > instantOf(newest) || entry.facts.success === newest.facts.success) return entry;
    return entry.facts.success === (entry.code === "AUTHORISATION") ? entry : newest;
  }, first);
  return { ...word, overturned: !word.facts.success && group.some(({ facts }) => facts.success) };
}
