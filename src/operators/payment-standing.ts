/** What stands now of a payment: what it waits for, what needs a person, what is under way, and what can be done next. Pure. */
import type { PaymentKey } from "../contract/adapter.ts";
import type { Happenings } from "../queue/happenings.ts";
import type { JournalEntry } from "../queue/journal.ts";
import type { DeadLetter } from "../queue/jobs.ts";
import type { Note } from "../queue/note.ts";
import type { OperationState } from "../queue/operations.ts";
import { currencyIn } from "./timeline.ts";
import { isoOf } from "../lib/time.ts";
import { answerIn, duration, money, valuesOf } from "./sentences.ts";
import { needs, waits } from "./words.ts";

/** What was read of one payment. */
export interface Read {
  readonly key: PaymentKey;
  readonly entries: readonly JournalEntry[];
  readonly note: Note;
  readonly letter: Letter | undefined;
  readonly operations: readonly (OperationState & { readonly id: string })[];
  /** The PSP's id by which it is known, and whose that is. */
  readonly reference: string | undefined;
  readonly holder: PaymentKey | null;
}

/** A letter with the id by which a person deals with it. */
export type Letter = DeadLetter & { readonly id: string };

/** A payment as it stands now. Times in ISO 8601. */
export interface PaymentStanding {
  readonly adapter: string;
  readonly orderId: string;
  readonly paymentId: string;
  /** In a sentence. */
  readonly says: string;
  readonly reference?: string;
  /** Whose the reference is, where that is another payment. */
  readonly referenceOf?: PaymentKey;
  /** Norce's state as the last look left it. */
  readonly state?: string;
  readonly waits: readonly Waiting[];
  readonly nextLookAt?: string;
  /** Nothing may be written before. */
  readonly notBefore?: string;
  /** A look was asked for and is not over yet. */
  readonly asked?: { readonly by: string; readonly announcedAt?: string };
  readonly letter?: LetterTold;
  readonly operations: readonly OperationTold[];
}

/** One reason to wait. */
interface Waiting {
  readonly why: string;
  readonly says: string;
  readonly since: string;
  readonly tries?: number;
  readonly next?: string;
}

/** A letter as it is told. */
export interface LetterTold {
  readonly id: string;
  readonly kind: string;
  readonly reason: string;
  readonly says: string;
  readonly since: string;
  readonly at: string;
  /** The event or operation that it is about, where it is not the payment itself. */
  readonly of?: string;
}

interface OperationTold {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly askedAt: string;
  readonly sentAt?: string;
  readonly says: string;
}

/** A payment as it stands now. @param now milliseconds since the epoch. */
export function standingOf(read: Read, now: number): PaymentStanding {
  const { key, entries, note, letter, reference, holder } = read;
  const { asked, known } = note;
  const state = stateIn(entries);
  const waiting = waitingIn(note, entries);
  const nextLookAt = known?.timerAt;
  const operations = read.operations.map((one) => operationTold(one, now));
  const elsewhere = holder !== null && !isSame(holder, key);
  return {
    adapter: key.adapter,
    orderId: key.orderId,
    paymentId: key.paymentId,
    says: saysOf(read, waiting, now),
    ...(reference === undefined ? {} : { reference }),
    ...(elsewhere ? { referenceOf: holder } : {}),
    ...(state === undefined ? {} : { state }),
    waits: waiting,
    ...(nextLookAt === undefined ? {} : { nextLookAt: isoOf(nextLookAt) }),
    ...(known?.notBefore === undefined ? {} : { notBefore: isoOf(known.notBefore) }),
    ...(asked?.askedBy === undefined || !isAsked(read)
      ? {}
      : {
          asked: {
            by: asked.askedBy,
            ...(asked.announcedAt === undefined ? {} : { announcedAt: isoOf(asked.announcedAt) }),
          },
        }),
    ...(letter === undefined ? {} : { letter: letterTold(letter, currencyIn(entries)) }),
    operations,
  };
}

/** A letter as it is told. */
export function letterTold(
  { id, key, kind, reason, since, at, event, context = {} }: Letter,
  currency?: string,
): LetterTold {
  const why = context["reason"];
  const word = typeof why === "string" ? why : kind;
  const values = Object.entries(context).filter(([name]) => !unspoken.has(name));
  const facts = valuesOf(Object.fromEntries(values), currency);
  const says = needs[word] ?? reason;
  const of =
    event === undefined ? {} : { of: kind === "Operation" ? `${event.type} of ${key.paymentId ?? ""}` : event.type };
  return {
    id,
    kind,
    reason: typeof why === "string" ? why : reason,
    says: facts === "" ? says : `${says} (${facts})`,
    since: isoOf(since),
    at: isoOf(at),
    ...of,
  };
}

const unspoken: ReadonlySet<string> = new Set([
  "reason",
  "orderId",
  "paymentId",
  // It stands beside the payment.
  "reference",
  "method",
  "host",
  "notItsOwn",
  "maybeCarriedOut",
]);

/** Whether two names are one payment's. */
export function isSame(one: PaymentKey, other: PaymentKey): boolean {
  return (
    one.adapter === other.adapter &&
    one.merchant === other.merchant &&
    one.channel === other.channel &&
    one.orderId === other.orderId &&
    one.paymentId === other.paymentId
  );
}

/** A look is asked for, and nothing else says when it comes. What asked for a look that was given up is noted until one comes to rest. */
function isAsked({ note: { asked, known }, letter, entries }: Read): boolean {
  if (asked?.askedBy === undefined || known?.timerAt !== undefined) return false;
  const buried = entries.findLast(({ kind }) => kind === "buried");
  return letter === undefined || buried === undefined || (asked.announcedAt ?? 0) > buried.last;
}

function stateIn(entries: readonly JournalEntry[]): string | undefined {
  const last = entries.findLast(({ kind }) => kind === "written" || kind === "looked");
  if (last?.kind === "written") return (last.facts as Partial<Happenings["written"]>).to;
  return (last?.facts as Partial<Happenings["looked"]> | undefined)?.norce?.[0];
}

function waitingIn({ known }: Note, entries: readonly JournalEntry[]): readonly Waiting[] {
  const last = entries.findLast(({ kind }) => kind === "waited")?.facts as Partial<Happenings["waited"]> | undefined;
  const clocks = Object.entries(known?.clocks ?? {}).map(([why, { since, tries, dueAt }]) => ({
    why,
    // The clock knows the kind of trouble, the journal who answered what.
    says: (last?.why?.toLowerCase() === why ? answerIn(last) : undefined) ?? waits[why] ?? why,
    since: isoOf(since),
    tries,
    next: isoOf(dueAt),
  }));
  const { suspect, timerAt } = known ?? {};
  if (suspect !== undefined)
    return [...clocks, { why: "suspect", says: waits["suspect"] ?? "", since: isoOf(suspect.at) }];
  const turnedAway = timerAt === undefined ? undefined : lastTurnedAway(entries);
  return clocks.length > 0 || turnedAway === undefined ? clocks : [{ ...turnedAway, next: isoOf(timerAt ?? 0) }];
}

/** A look that met a closed gate has no clock of its own: the journal says why the payment waits, where its last look did not read it. */
function lastTurnedAway(entries: readonly JournalEntry[]): Waiting | undefined {
  const last = entries.findLast(({ kind }) => ends.has(kind));
  const { why } = (last?.facts ?? {}) as Partial<Happenings["waited"]>;
  if (last?.kind !== "waited" || why === undefined) return undefined;
  return { why, says: waits[why] ?? why, since: isoOf(last.first) };
}

/** What a look comes to. */
const ends: ReadonlySet<string> = new Set(["looked", "written", "waited", "buried"]);

function operationTold({ id, name, at, sent, outcome, valid }: Read["operations"][number], now: number): OperationTold {
  const status = outcome?.status ?? (sent === undefined ? (valid === true ? "running" : "queued") : "sent");
  const since = duration(now - (sent?.at ?? at));
  const words: Readonly<Record<string, string>> = {
    queued: `${name} was asked for ${since} ago and not begun`,
    running: `${name} was asked for ${since} ago, is possible, and not sent yet`,
    sent: `${name} was sent to the PSP ${since} ago; what came of it is not known yet`,
    accepted: `the PSP accepted the ${name} ${since} ago and carries it out later`,
  };
  return {
    id,
    name,
    status,
    askedAt: isoOf(at),
    ...(sent === undefined ? {} : { sentAt: isoOf(sent.at) }),
    says: words[status] ?? `${name}: ${status}`,
  };
}

function saysOf(read: Read, waiting: readonly Waiting[], now: number): string {
  const { entries, note, letter, key, holder } = read;
  const state = stateIn(entries);
  const amount = amountIn(entries);
  const unread = entries.some(({ kind }) => ends.has(kind))
    ? "no look could read all of it yet"
    : "no look has read it yet";
  const stands = state === undefined ? unread : `${state}${amount === undefined ? "" : `, ${amount}`}`;
  const [first] = waiting;
  const parts = [
    state === undefined && letter !== undefined ? undefined : stands,
    letter === undefined
      ? undefined
      : `a person is needed since ${duration(now - letter.since)} ago: ${letterTold(letter).says}`,
    first === undefined ? undefined : `waits for ${duration(now - Date.parse(first.since))} because ${first.says}`,
    isAsked(read) ? "a look is asked for" : undefined,
    holder !== null && !isSame(holder, key)
      ? `its reference belongs to payment ${holder.paymentId} of order ${holder.orderId}`
      : undefined,
  ].filter((part) => part !== undefined);
  const timer = note.known?.timerAt;
  const next =
    timer === undefined ? [] : [timer > now ? `next look in ${duration(timer - now)}` : "its next look is due"];
  return [
    ...parts,
    ...next,
    ...(parts.length === 1 && timer === undefined && letter === undefined ? ["at rest: nothing waits"] : []),
  ].join("; ");
}

function amountIn(entries: readonly JournalEntry[]): string | undefined {
  const currency = currencyIn(entries);
  const last = entries.findLast(({ kind, facts }) => (kind === "written" && "amount" in facts) || kind === "looked");
  const { norce, amount } = (last?.facts ?? {}) as {
    readonly norce?: readonly [string, number | null];
    readonly amount?: readonly [number, number];
  };
  const sum = amount?.[1] ?? norce?.[1];
  return typeof sum === "number" && currency !== undefined ? money(sum, currency) : undefined;
}
