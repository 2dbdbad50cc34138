import { cut } from "../../lib/text.ts";
import { happened, type Happenings, type PlacedBy } from "../../queue/happenings.ts";
import type { JournalLine, StoredEvent } from "../../queue/seam.ts";
import type { Outcome } from "../look/outcome.ts";
import type { Next } from "../retry.ts";
import type { Looked } from "./told.ts";
import { factsOf } from "./facts.ts";
import { metIn, valuesIn } from "./met.ts";

/** How much is told of a text that somebody else chose. */
const mostOfId = 64;
const mostOfText = 80;
/** How many names of what was written. */
const mostWritten = 6;

/** The journal's lines about a look: who asked, what the PSP and Norce said, what was written, and what comes next. Pure. */
export function linesOf(looked: Looked): readonly JournalLine[] {
  const { by, came, step, startedAt, now, hadLetter } = looked;
  const outcome = "outcome" in came && came.outcome.is !== "later" ? came.outcome : undefined;
  // Whoever asks by hand is told of the look that knew of it, and not of one that ran already.
  const asker = by === "operator" ? { by, began: startedAt } : { by };
  const lines: JournalLine[] = [];
  if (outcome !== undefined) lines.push(lookedLine(now, asker, outcome, step, hadLetter));
  if (outcome?.is === "written") lines.push(writtenLine(now, outcome));
  if (step.do === "wait") lines.push(waitedLine(looked, asker, step));
  // What the look itself says of a letter that stands already is enough.
  const told = outcome !== undefined && hadLetter && step.do === "bury" && step.grave.kind === "Attention";
  if (step.do === "bury" && !told) lines.push(buriedLine(now, step.grave, asker));
  return lines;
}

type Asker = Pick<Happenings["looked"], "by" | "began">;
type Compared = Exclude<Outcome, { is: "later" }>;

function lookedLine(at: number, asker: Asker, outcome: Compared, step: Next, hadLetter: boolean): JournalLine {
  const { psp, norce, found = [] } = outcome;
  const state = outcome.is === "written" ? outcome.from : outcome.state;
  const names = new Set(
    found.map(({ name, deadline }) => (deadline === undefined ? name : `${name}@${dayOf(deadline)}`)),
  );
  const facts = {
    ...asker,
    psp: psp && ([psp.phase, psp.currency, ...sumsOf(psp)] as const),
    norce: norceOf(state, norce),
    cleared: step.do === "rest" && hadLetter ? (true as const) : undefined,
    needs: outcome.attention?.reason,
    found: names.size === 0 ? undefined : cut([...names].join(" "), mostOfText),
  };
  const inSeconds = step.do === "wait" || step.at === undefined ? undefined : Math.round((step.at - at) / 1_000);
  const ref = psp && cut(psp.reference, mostOfId);
  const { began: _began, ...alike } = facts;
  return happened(at, "looked", { ...facts, in: inSeconds, ref }, JSON.stringify([alike, ref]));
}

function sumsOf({ authorized, captured, refunded, released }: NonNullable<Outcome["psp"]>): readonly number[] {
  const sums = [authorized, captured, refunded, released];
  return sums.slice(0, sums.findLastIndex((sum) => sum !== 0) + 1);
}

function norceOf(state: string, said: Outcome["norce"]): NonNullable<Happenings["looked"]["norce"]> {
  const { amount = null, since } = said ?? {};
  return since === undefined ? [state, amount] : [state, amount, Math.round(since / 1_000)];
}

function dayOf(deadline: string): string {
  return deadline.slice(0, "2026-01-31".length);
}

function writtenLine(at: number, outcome: Extract<Outcome, { is: "written" }>): JournalLine {
  const { from, to, wrote, norce, amount } = outcome;
  const more = wrote.length - mostWritten;
  return happened(at, "written", {
    from,
    to,
    amount: amount === undefined || norce === undefined ? undefined : [norce.amount, amount],
    wrote: cut(wrote.slice(0, mostWritten).join(" "), mostOfText),
    more: more > 0 ? more : undefined,
  });
}

function waitedLine(looked: Looked, asker: Asker, { at: until, known }: Extract<Next, { do: "wait" }>): JournalLine {
  const { now, came } = looked;
  const said = factsOf(looked)["why"];
  const why = typeof said === "string" ? said : "";
  const met = "error" in came ? metIn(came.error) : {};
  const tries = Object.values(known.clocks).find(({ dueAt }) => dueAt === until)?.tries;
  return happened(now, "waited", { ...asker, why, until, tries, ...met }, JSON.stringify([why, met.peer, met.status]));
}

function buriedLine(
  at: number,
  { kind, reason, context }: Extract<Next, { do: "bury" }>["grave"],
  asker: Asker,
): JournalLine {
  return buriedWith(at, kind, context["reason"] ?? reason, context, asker);
}

/** A look was given up whose worker died, or an event of this payment was. */
export function buriedWith(
  at: number,
  kind: string,
  why: unknown,
  context: Readonly<Record<string, unknown>> = {},
  asker: Partial<Asker> = {},
): JournalLine {
  const facts = { ...asker, kind, why: cut(String(why), mostOfText), ...metIn({ context }), ...valuesIn(context) };
  const { began: _began, by: _by, support: _support, ...alike } = facts as Happenings["buried"];
  return happened(at, "buried", facts, JSON.stringify(alike));
}

/** A webhook was received, and what proved it: the fingerprint of a secret, or nothing yet where that has to be asked. */
export function receivedLine({ receivedAt, webhook, event: { type, reference }, by }: StoredEvent): JournalLine {
  return happened(receivedAt, "received", { webhook, type: cut(type, mostOfText), by, ref: idOf(reference) });
}

/** An event that takes more than its URL was found to be this payment's. @param looks false: there is nothing to look at yet. */
export function placedLine(at: number, type: string, how: PlacedBy, looks: boolean, reference?: string): JournalLine {
  return happened(at, "placed", {
    type: cut(type, mostOfText),
    how,
    rests: looks ? undefined : true,
    ref: idOf(reference),
  });
}

function idOf(reference: string | undefined): string | undefined {
  return reference === undefined ? undefined : cut(reference, mostOfId);
}
