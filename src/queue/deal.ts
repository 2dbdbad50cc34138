import type { PaymentKey } from "../contract/adapter.ts";
import type { Inbox } from "./event-queues.ts";
import type { DeadLetter } from "./jobs.ts";
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
