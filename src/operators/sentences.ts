/** What the entries of a payment's journal say, each in a sentence. Pure; times stand beside the sentence, never in it. */
import { decimalFromMinor } from "../lib/money.ts";
import type { Happening, Happenings } from "../queue/happenings.ts";
import type { JournalEntry } from "../queue/journal.ts";
import { askers, needs, placings, waits } from "./words.ts";

/** What a sentence needs besides its entry. */
export interface Around {
  /** The payment's currency, where anything said it. */
  readonly currency?: string | undefined;
  /** The PSP's id by which the payment is known anyway: it is not said in each line. */
  readonly reference?: string | undefined;
  /** The entry that was written with it and follows it. */
  readonly next?: JournalEntry | undefined;
}

type Sentence<Kind extends Happening> = (facts: Partial<Happenings[Kind]>, around: Around) => string;

const sentences: { readonly [Kind in Happening]: Sentence<Kind> } = {
  received: ({ webhook = "", type = "", by, ref }, { reference }) => {
    const proof = by === undefined ? "its proof had to be asked for" : `proven by the key ${by}`;
    // Many are called just that.
    const what = webhook === "webhook" ? webhook : `webhook ${webhook}`;
    return joined([`${what} received${type === webhook ? "" : `: ${type}`}`, proof, named(ref, reference)]);
  },
  placed: ({ type = "", how = "", rests, ref }, { reference }) =>
    joined([
      `event ${type} is this payment's: ${placings[how] ?? how}`,
      named(ref, reference),
      rests === true ? "there is nothing to look at yet" : undefined,
    ]),
  asked: () => "an operator asked for a look",
  looked: lookedSentence,
  written: writtenSentence,
  waited: ({ by, why = "", tries, ...met }) => {
    const because = answerIn(met) ?? waits[why] ?? why;
    return joined([`${askedBy(by)}: waits, because ${because}`, tries === undefined ? undefined : `try ${tries}`]);
  },
  buried: ({ by, kind, why = "", peer, status, code, support, ...values }, { currency }) => {
    const word = needs[why] ?? (kind === "Refused" || kind === "Unmapped" ? undefined : needs[kind ?? ""]);
    const answer = answerIn({ peer, status, code, support });
    // What an answer's letter says is the answer itself.
    const what = word ?? (answer?.startsWith(why) === true ? answer : why);
    return joined([
      `${by === undefined ? "" : `${askedBy(by)}: `}given up, a letter stands: ${what}`,
      needs[why] === undefined || why.includes(" ") ? undefined : why,
      valuesOf(values, currency),
      what === answer ? undefined : answer,
    ]);
  },
  dismissed: ({ why = "", of, who }) => {
    const whose = of === undefined ? "the letter" : `the letter of ${of}`;
    const person = who === undefined ? "a person" : `whoever has the admin token ${who}`;
    return `${person} took ${whose} away: ${needs[why] ?? why}`;
  },
  operated: operatedSentence,
  previewed: ({ outcome = "", from, to, why, wrote }) => {
    if (outcome === "unchanged") return "a dry run: nothing would be written";
    if (outcome === "would-write" || outcome === "suspect")
      return joined([`a dry run: would write ${moved(from, to)}`, wrote === undefined ? undefined : listed(wrote)]);
    if (why === undefined) return "a dry run: it cannot be said now";
    return `a dry run: ${outcome === "later" ? `it would wait, because ${waits[why] ?? why}` : `it would be given up, ${needs[why] ?? why}`}`;
  },
};

/** What an entry says. Of a kind that is not known, as another version may have written it, its facts. */
export function sentenceOf({ kind, facts }: JournalEntry, around: Around): string {
  if (!Object.hasOwn(sentences, kind)) return `${kind} ${JSON.stringify(facts)}`;
  // The store's facts are what `happened` wrote, some left out.
  return (sentences[kind as Happening] as Sentence<Happening>)(facts, around);
}

/** An amount in major units with its currency. */
export function money(minor: number, currency: string | undefined): string {
  return currency === undefined ? `${minor} minor units` : `${numberOf(minor, currency)} ${currency}`;
}

function numberOf(minor: number, currency: string | undefined): string {
  return currency === undefined ? String(minor) : decimalFromMinor(minor, currency);
}

function lookedSentence(
  { by, psp, norce, cleared, needs: reason, found, in: seconds }: Partial<Happenings["looked"]>,
  { currency, next }: Around,
): string {
  const [phase, , ...sums] = psp ?? [];
  const pspSays =
    phase === undefined
      ? "the PSP says nothing of it"
      : `the PSP says ${[phase, ...sumsOf(sums, currency)].join(", ")}`;
  const [state, amount] = norce ?? [];
  const norceSays =
    state === undefined
      ? ""
      : `; Norce says ${state}${amount === null || amount === undefined ? "" : `, ${money(amount, currency)}`}`;
  return joined([
    `${askedBy(by)}: ${pspSays}${norceSays}: ${decision(reason, next)}`,
    found === undefined ? undefined : `to be seen: ${found.replaceAll(" ", ", ").replaceAll("@", " until ")}`,
    cleared === true ? "the letter is gone" : undefined,
    seconds === undefined ? undefined : `looks again in ${duration(seconds * 1_000)}`,
  ]);
}

function decision(reason: string | undefined, next: JournalEntry | undefined): string {
  const person = reason === undefined ? "" : `a person is needed, ${needs[reason] ?? reason}`;
  if (next?.kind === "written") return `they differ, so Norce is written${person === "" ? "" : `; ${person}`}`;
  if (person !== "") return person;
  return next?.kind === "waited" ? "they differ" : "nothing to write";
}

const sumNames = ["authorised", "captured", "refunded", "released"];

/** The currency is said once, at the end. */
function sumsOf(sums: readonly number[], currency: string | undefined): readonly string[] {
  const said = sums.map((sum, at) => [sumNames[at] ?? "", sum] as const).filter(([, sum]) => sum !== 0);
  if (said.length === 0) return ["no money"];
  const last = said.length - 1;
  return said.map(([name, sum], at) => `${name} ${at === last ? money(sum, currency) : numberOf(sum, currency)}`);
}

function writtenSentence(
  { from, to, amount, wrote = "", more }: Partial<Happenings["written"]>,
  { currency }: Around,
): string {
  const [before, after] = amount ?? [];
  const sums =
    before === undefined || after === undefined || before === after
      ? undefined
      : `amount ${money(before, currency)} → ${money(after, currency)}`;
  return joined([`written to Norce: ${moved(from, to)}`, sums, listed(wrote, more)]);
}

function moved(from = "", to = ""): string {
  return from === to ? `stays ${to}` : `${from} → ${to}`;
}

const fields: ReadonlySet<string> = new Set([
  "state",
  "amount",
  "reference",
  "recurring",
  "upsell",
  "record",
  "actions",
]);

/** Fields first, then what stands in the transaction log. */
function listed(wrote: string, more = 0): string {
  const names = wrote.split(" ").filter((name) => name !== "");
  const own = names.filter((name) => fields.has(name));
  const lines = names.filter((name) => !fields.has(name) && name !== "afterWrite");
  const parts = [
    ...(own.length === 0 ? [] : [own.join(", ")]),
    ...(names.includes("afterWrite") ? ["the PSP was told"] : []),
    ...(lines.length === 0 ? [] : [`transactions ${lines.join(", ")}`]),
    ...(more === 0 ? [] : [`${more} more`]),
  ];
  return parts.join("; ");
}

function operatedSentence(
  { name = "", is, amount, currency, reason, pspId, times, ...met }: Partial<Happenings["operated"]>,
  around: Around,
): string {
  const what = amount === undefined ? name : `${name} of ${money(amount, currency ?? around.currency)}`;
  const known: Readonly<Record<string, string>> = {
    asked: `${what} was asked for`,
    sent: `${what} was sent to the PSP${times === undefined ? "" : `, ${times} times by then`}`,
    later: `${what} is tried again, because ${answerIn(met) ?? "something did not answer"}`,
    done: joined([`${what} is done`, pspId && `the PSP's id ${pspId}`]),
    accepted: joined([`the PSP accepted the ${what} and carries it out later`, pspId && `its id ${pspId}`]),
    refused: `${what} was refused: ${reason ?? "no reason was given"}`,
    unknown: `${what}: ${needs[reason ?? ""] ?? "nobody knows what came of it"}; look in the PSP's portal`,
    overdue: `${what}: ${needs["operation-overdue"]}`,
  };
  return known[is ?? ""] ?? what;
}

/** Who answered what in place of what was asked for. */
export function answerIn({
  peer,
  status,
  code,
  support,
}: Partial<Pick<Happenings["waited"], "peer" | "status" | "code" | "support">>): string | undefined {
  if (peer === undefined) return undefined;
  const answer = status === undefined ? `${peer} did not answer` : `${peer} answered ${status}`;
  const told = [code, support === undefined ? undefined : `support id ${support}`].filter((one) => one !== undefined);
  return told.length === 0 ? answer : `${answer} (${told.join(", ")})`;
}

/** Facts whose numbers are amounts in minor units. */
const amounts =
  /^(?:authorized|captured|refunded|released)(?:Before)?$|^(?:total|asked|amount|available|upperLimit|norceAmount|pspAmount)$/;

/** The values that differ, by name. */
export function valuesOf(values: Readonly<Record<string, unknown>>, currency: string | undefined): string {
  const { currency: own } = values;
  const unit = typeof own === "string" ? own : currency;
  return Object.entries(values)
    .filter(([name]) => name !== "currency")
    .map(([name, value]) =>
      typeof value === "number" && amounts.test(name) ? `${name} ${money(value, unit)}` : `${name} ${String(value)}`,
    )
    .join(", ");
}

function askedBy(by: string | undefined): string {
  return `asked by ${askers[by ?? ""] ?? "nobody that is known"}`;
}

function named(ref: string | undefined, known: string | undefined): string | undefined {
  return ref === undefined || ref === known ? undefined : `it names ${ref}`;
}

function joined(parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== "").join("; ");
}

/** How long something takes, in its two largest units at most. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return minutes < 10 && seconds % 60 > 0 ? `${minutes}m ${seconds % 60}s` : `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 > 0 ? `${hours}h ${minutes % 60}m` : `${hours}h`;
  return `${Math.floor(hours / 24)}d`;
}
