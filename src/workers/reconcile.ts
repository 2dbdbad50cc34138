/**
 * THEN HERE. What a look at one payment does, whoever asked for it: open (read Norce), compare (ask the PSP, map, bind, diff), write. At most
 * one look per payment runs at a time; that is the lane's promise, and what makes a PUT without ETag safe. What follows from the outcome (a
 * timer, a letter, the note) is `look/looks.ts`'s, by the policy of `retry.ts`.
 */
import type { PaymentKey } from "../contract/adapter.ts";
import type { Note } from "../queue/note.ts";
import type { Held } from "./job.ts";
import { compare, type CompareParts, type Wish } from "./look/compare.ts";
import { open } from "./look/open.ts";
import type { Movement, Outcome } from "./look/outcome.ts";
import { movementOf, write } from "./look/write.ts";
import { isLast, suspect } from "./retry.ts";

/** A payment that is looked at, and what is noted of it. */
export interface Look {
  readonly key: PaymentKey;
  readonly note: Note;
  /** What Norce is written with: that a write is under way is noted before it leaves. */
  readonly writing: Held;
}

/**
 * Makes Norce say what the PSP says of one payment.
 * @throws WorkerError of any kind of the table of errors; nothing is written after a `Refused`.
 */
export async function reconcile({ key, note, writing }: Look, parts: CompareParts, held: Held): Promise<Outcome> {
  const opening = await open(key, parts, held);
  if (opening === null) return { is: "later", why: "not-in-norce" };
  const { verdict, latest, afterWrite, rest } = await compare(opening, wishOf(note, parts.now()), parts);
  if (verdict.is === "later") return { is: "later", why: verdict.why, ...rest };
  if (verdict.is === "agreed") return { is: "unchanged", state: latest.state, ...rest };
  if (verdict.is === "backwards") {
    const suspicion = suspect(verdict.fingerprint, note, parts.now());
    if (!suspicion.agrees) return { is: "suspect", state: latest.state, suspect: suspicion.is, ...rest };
  }
  await write(parts.norce, key, latest, verdict.changes, afterWrite, writing);
  const { amount } = verdict.changes.payment ?? {};
  const movement = { ...movementOf(latest, verdict.changes), ...(amount === undefined ? {} : { amount }) };
  return { is: "written", ...movement, ...rest };
}

/** What a look would come to. */
export type Preview =
  | { readonly outcome: "unchanged" }
  | { readonly outcome: "later"; readonly why: string }
  | ({ readonly outcome: "would-write" | "suspect" } & Movement);

/** What a look would write now, and nothing written. @throws WorkerError as `reconcile`. */
export async function preview(key: PaymentKey, parts: CompareParts, held: Held): Promise<Preview> {
  const opening = await open(key, parts, held);
  if (opening === null) return { outcome: "later", why: "not-in-norce" };
  const { verdict, latest } = await compare(opening, { hints: [] }, parts);
  if (verdict.is === "later") return { outcome: "later", why: verdict.why };
  if (verdict.is === "agreed") return { outcome: "unchanged" };
  const outcome = verdict.is === "backwards" ? "suspect" : "would-write";
  return { outcome, ...movementOf(latest, verdict.changes) };
}

/** The PSP's ids that webhooks named and nobody has answered about, and who asks. */
function wishOf(note: Note, now: number): Wish {
  const { hints = {}, askedBy } = note.asked ?? {};
  return { hints: Object.keys(hints), renews: askedBy === "sweep", isLast: isLast(note, now) };
}
