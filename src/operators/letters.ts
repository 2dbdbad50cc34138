/** What people on call do with dead letters: find them, and have them tried again or taken away, one or ten thousand. */
import type { PaymentKey } from "../contract/adapter.ts";
import type { Errand, Errands, LetterDeed } from "../queue/errands.ts";
import type { DeadLetter } from "../queue/jobs.ts";
import { isMeant, type LetterFilter, type LetterSubject, reasonOf, subjectOf } from "../queue/letter-filter.ts";
import type { Letters } from "../queue/letters.ts";
import type { Page, Stored } from "../queue/store.ts";
import { answeredWithin } from "../queue/within.ts";
import type { Operations } from "../webhooks/operations.ts";
import { previewsOf, type Would } from "./preview.ts";
import { isoOf } from "../lib/time.ts";

/** What letters are found and dealt with by. */
export interface LetterParts {
  readonly letters: Pick<Letters, "page" | "stored">;
  readonly errands: Errands;
  readonly operations: Operations;
  /** Whether the service works for that merchant's channel and adapter. */
  readonly isConfigured: (key: DeadLetter["key"]) => boolean;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** A letter as it is told: no event's content, times as ISO 8601. */
export interface ListedLetter {
  readonly id: string;
  readonly about: LetterSubject;
  readonly adapter: string;
  readonly merchant: string;
  readonly channel: string;
  readonly orderId?: string;
  readonly paymentId?: string;
  readonly kind: string;
  /** In a word, where there is one. */
  readonly reason: string;
  /** In a sentence. */
  readonly says: string;
  readonly since: string;
  readonly at: string;
  /** What happened, or which operation it was. */
  readonly event?: string;
  readonly operationId?: string;
}

/** Some letters, newest first. */
export interface LetterList {
  readonly letters: readonly ListedLetter[];
  /** What to ask for as `before` to read on; absent at the end. */
  readonly next?: string;
}

/** How many letters there are of a kind. */
export interface LetterCount {
  readonly about: LetterSubject;
  readonly adapter: string;
  readonly kind: string;
  readonly reason: string;
  readonly letters: number;
}

/** What would be done. */
export interface Rehearsal {
  readonly deed: LetterDeed;
  readonly total: number;
  /** Of these a retry leaves those alone that nobody is configured for. */
  readonly notConfigured: number;
  /** Most first. */
  readonly counts: readonly LetterCount[];
  /** What looks at the newest payments among them would write now. Of a dismissal: none. */
  readonly would: readonly Would[];
}

/** Letters are read in pages of so many, and of no fewer. */
const pageSize = 500;
const smallestPage = 50;
/** A hundred thousand letters take some time. */
const longestMs = 30_000;

/** The newest letters that are meant. @param limit how many are enough: there are up to 50 more. @throws WorkerError `QueueUnavailable` */
export async function listLetters(
  { letters }: Pick<LetterParts, "letters">,
  filter: LetterFilter,
  limit: number,
  before?: string,
): Promise<LetterList> {
  const found: ListedLetter[] = [];
  const deadline = Date.now() + longestMs;
  let from = before;
  for (;;) {
    // All of a page is told: the next one begins right behind it.
    const size = Math.min(Math.max(limit - found.length, smallestPage), pageSize);
    const page = await answeredWithin(longestMs, letters.page(size, from));
    found.push(...meant(filter, page).map(listedFrom));
    if (page.next === undefined) return { letters: found };
    if (found.length >= limit || Date.now() > deadline) return { letters: found, next: page.next };
    from = page.next;
  }
}

/** What a deed would be done to, and with the newest payments what a look would write. @param previews of how many. */
export async function rehearse(
  parts: LetterParts,
  deed: LetterDeed,
  filter: LetterFilter,
  previews: number,
): Promise<Rehearsal> {
  const counts = new Map<string, LetterCount>();
  const payments: { readonly id: string; readonly key: PaymentKey }[] = [];
  let [total, notConfigured] = [0, 0];
  for await (const page of pagesMeant(parts, filter)) {
    total += page.length;
    for (const { id, value } of page) {
      const { key, kind } = value;
      const [about, reason] = [subjectOf(value), reasonOf(value)];
      const name = JSON.stringify([about, key.adapter, kind, reason]);
      counts.set(name, { about, adapter: key.adapter, kind, reason, letters: (counts.get(name)?.letters ?? 0) + 1 });
      const { orderId, paymentId } = key;
      if (about !== "event" && !parts.isConfigured(key)) notConfigured += 1;
      else if (about === "payment" && payments.length < previews && orderId !== undefined && paymentId !== undefined)
        payments.push({ id, key: { ...key, orderId, paymentId } });
    }
  }
  return {
    deed,
    total,
    notConfigured,
    counts: [...counts.values()].toSorted((one, other) => other.letters - one.letters),
    would: deed === "retry" ? await previewsOf(payments, parts.operations) : [],
  };
}

/** Has a deed done to all letters that are meant. @param who the fingerprint of the admin token of whoever asks. */
export async function askForErrand(
  parts: LetterParts,
  deed: LetterDeed,
  filter: LetterFilter,
  who: string,
): Promise<Errand> {
  const total = filter.ids?.length ?? (await countMeant(parts, filter));
  return await parts.errands.ask({ deed, filter, total, who });
}

/** How many letters are there that are meant. */
export async function countMeant(parts: Pick<LetterParts, "letters">, filter: LetterFilter): Promise<number> {
  let count = 0;
  for await (const page of pagesMeant(parts, filter)) count += page.length;
  return count;
}

async function* pagesMeant(
  { letters }: Pick<LetterParts, "letters">,
  filter: LetterFilter,
): AsyncGenerator<readonly Stored<DeadLetter>[], void, void> {
  if (filter.ids !== undefined) {
    const found = await answeredWithin(longestMs, Promise.all(filter.ids.map((id) => letters.stored(id))));
    yield found.filter((one) => one !== undefined);
    return;
  }
  let before: string | undefined;
  do {
    const page = await answeredWithin(longestMs, letters.page(pageSize, before));
    yield meant(filter, page);
    before = page.next;
  } while (before !== undefined);
}

function meant(filter: LetterFilter, { records }: Page<DeadLetter>): readonly Stored<DeadLetter>[] {
  return records.filter(({ id, value }) => isMeant(filter, id, value));
}

/** A letter as it is told. */
function listedFrom({ id, value }: Pick<Stored<DeadLetter>, "id" | "value">): ListedLetter {
  const { key, kind, reason, since, at, context, event } = value;
  const operationId = context?.["operationId"];
  return {
    id,
    about: subjectOf(value),
    ...key,
    kind,
    reason: reasonOf(value),
    says: reason,
    since: isoOf(since),
    at: isoOf(at),
    ...(event === undefined ? {} : { event: event.type }),
    ...(typeof operationId === "string" ? { operationId } : {}),
  };
}
