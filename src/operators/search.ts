/** Reads what the service remembers of an order's payments. */
import type { PaymentKey } from "../contract/adapter.ts";
import type { Config } from "../config.ts";
import type { StoredEvent } from "../queue/jobs.ts";
import { pspAccountOf } from "../queue/references.ts";
import type { Seam } from "../queue/seam.ts";
import type { Question } from "./about.ts";
import { isSame, type Letter, type Read } from "./payment-standing.ts";
import { referenceIn } from "./timeline.ts";

/** What is searched. */
export interface SearchParts {
  readonly config: Pick<Config, "find">;
  readonly queue: Pick<Seam, "journal" | "looks" | "letters" | "operations" | "events" | "references" | "claims">;
}

/** The settings of one merchant's channel. */
export type Targets = Config["targets"];

/** How much is searched: letters, and of each queue events and operations that wait. */
export const most = { letters: 5_000, page: 500, jobs: 500 } as const;

/** All letters, newest first: of an event that was never placed only what it holds says whose it is. */
export async function searchLetters({
  queue,
}: SearchParts): Promise<{ letters: readonly Letter[]; truncated: boolean }> {
  const letters: Letter[] = [];
  let before: string | undefined;
  do {
    const page = await queue.letters.page(most.page, before);
    letters.push(...page.records.map(({ id: name, value }) => ({ ...value, id: name })));
    before = page.next;
  } while (before !== undefined && letters.length < most.letters);
  return { letters, truncated: before !== undefined };
}

/** Events that wait, of all adapters of the merchant's channel. */
export async function searchEvents(
  targets: Targets,
  { queue }: SearchParts,
): Promise<{ events: readonly StoredEvent[]; truncated: boolean }> {
  const adapters = [...new Set(targets.map(({ adapter }) => adapter.id))];
  const found = await Promise.all(adapters.map(async (adapter) => await queue.events.waiting(adapter, most.jobs)));
  return { events: found.flat(), truncated: found.some(({ length }) => length >= most.jobs) };
}

/** The payments that may be meant: whether anything is known of each is found by reading it. */
export async function keysOf(
  asked: Question,
  targets: Targets,
  others: readonly { readonly key: Partial<PaymentKey> }[],
  { queue }: SearchParts,
): Promise<readonly PaymentKey[]> {
  const { merchant, channel, order, payment, reference } = asked;
  if (reference !== undefined) {
    const led = await Promise.all(
      targets.flatMap((found) => {
        const adapter = found.adapter.id;
        const what = { account: pspAccountOf(found), reference };
        const account = { adapter, merchant, channel };
        return [queue.references.get(reference, account), queue.claims.holder(adapter, what)];
      }),
    );
    return distinct(led.filter((key) => key !== null));
  }
  const orderId = order ?? "";
  const known = await queue.journal.payments({ merchant, channel, orderId });
  const besides = others.flatMap(({ key }) => {
    const { adapter, paymentId } = key;
    const same = key.merchant === merchant && key.channel === channel && key.orderId === orderId;
    return !same || adapter === undefined || paymentId === undefined
      ? []
      : [{ adapter, merchant, channel, orderId, paymentId }];
  });
  // The index may have been lost: whoever names the payment is believed.
  const said =
    payment === undefined
      ? []
      : targets.map(({ adapter }) => ({ adapter: adapter.id, merchant, channel, orderId, paymentId: payment }));
  return distinct([...known, ...besides, ...said]).filter(({ paymentId }) => (payment ?? paymentId) === paymentId);
}

function distinct(keys: readonly PaymentKey[]): readonly PaymentKey[] {
  const byName = new Map(
    keys.map((key) => [JSON.stringify([key.adapter, key.merchant, key.channel, key.orderId, key.paymentId]), key]),
  );
  return [...byName.values()];
}

/** What is remembered of one payment. */
export async function read(
  key: PaymentKey,
  running: Awaited<ReturnType<Seam["operations"]["running"]>>,
  { config, queue }: SearchParts,
): Promise<Read> {
  const [entries, note, letter] = await Promise.all([
    queue.journal.read(key),
    queue.looks.read(key),
    queue.letters.of(key),
  ]);
  // Where no look has found it yet, what a webhook named.
  const reference = referenceIn(entries) ?? Object.keys(note.asked?.hints ?? {}).at(-1);
  const found = config.find(key);
  const holder =
    reference === undefined || found === undefined
      ? null
      : await queue.claims.holder(key.adapter, { account: pspAccountOf(found), reference });
  return { key, entries, note, letter, reference, holder, operations: running.filter((one) => isSame(one.key, key)) };
}

/** Whether anything is. */
export function isKnown({ entries, note, letter, operations }: Read): boolean {
  return (
    entries.length > 0 ||
    note.asked !== undefined ||
    note.known !== undefined ||
    letter !== undefined ||
    operations.length > 0
  );
}
