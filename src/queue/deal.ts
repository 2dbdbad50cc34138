import type { PaymentKey } from "../contract/adapter.ts";
import { cut } from "../lib/text.ts";
import type { Inbox } from "./event-queues.ts";
import { happened } from "./happenings.ts";
import type { DeadLetter } from "./jobs.ts";
import type { Journal } from "./journal.ts";
import { reasonOf } from "./letter-filter.ts";
import type { Letters } from "./letters.ts";
import type { Stored } from "./store.ts";

/** What letters are dealt with by. */
export interface DealParts {
  readonly letters: Pick<Letters, "remove">;
  readonly inbox: Pick<Inbox, "add">;
  /** Asks for looks as an operator does. */
  readonly look: (keys: readonly PaymentKey[]) => Promise<unknown>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/**
 * Tries letters again: a payment is looked at, which takes its letter away where it ends well; an event is placed as if it came now. What an
 * operation came to is not asked a second time: its payment is looked at, and its letter stays until a person takes it away.
 */
export async function retryLetters(
  found: readonly Stored<DeadLetter>[],
  { letters, inbox, look, now }: DealParts,
): Promise<void> {
  await look(
    found.flatMap(({ value: { key, stored } }) => {
      const { orderId, paymentId } = key;
      return stored !== undefined || orderId === undefined || paymentId === undefined
        ? []
        : [{ ...key, orderId, paymentId }];
    }),
  );
  for (const { id, version, value } of found) {
    if (value.stored === undefined) continue;
    await inbox.add([{ ...value.stored, receivedAt: now() }]);
    // Only what was read: the event may have come to grief again before this line.
    await letters.remove(id, version);
  }
}

/** What letters are taken away by. */
interface DismissParts extends Pick<DealParts, "letters" | "now"> {
  readonly journal: Pick<Journal, "append">;
  /** The fingerprint of the admin token by which a person asked for it. */
  readonly who?: string | undefined;
}

/** How much is told of a reason. */
const mostOfReason = 80;

/**
 * Takes letters away that a person has dealt with, and says so in their payments' journals. Only what was read: its trouble may have come back
 * meanwhile, and is another one then.
 */
export async function dismissLetters(
  found: readonly Stored<DeadLetter>[],
  { letters, journal, now, who }: DismissParts,
): Promise<void> {
  await Promise.all(
    found.map(async ({ id, version, value }) => {
      const { orderId, paymentId, ...account } = value.key;
      if (!(await letters.remove(id, version)) || orderId === undefined || paymentId === undefined) return;
      const why = cut(reasonOf(value), mostOfReason);
      const line = happened(now(), "dismissed", { why, of: value.event?.type, who });
      await journal.append({ ...account, orderId, paymentId }, [line]);
    }),
  );
}
