import type { DeadLetter, StoredEvent } from "../../queue/jobs.ts";
import type { Seam } from "../../queue/seam.ts";
import type { Shell } from "../job.ts";
import { buriedWith, receivedLine } from "../tell/lines.ts";
import type { Teller } from "../tell.ts";

/** What burying an event needs. */
interface BuryParts {
  readonly shell: Pick<Shell, "now">;
  readonly queue: Pick<Seam, "letters" | "journal">;
  readonly teller: Pick<Teller, "buried">;
}

/** Said of an event that nobody is configured for. */
export const notConfigured = "the event's adapter is not configured for its merchant and channel";

/** Whose letter an event's is. */
export function letterOf({ target, event: { key, type } }: StoredEvent): Pick<DeadLetter, "key" | "event"> {
  return { key: target, event: { key, type } };
}

/** Leaves a letter with the event in it, so that nothing is lost. */
export async function buryEvent(
  stored: StoredEvent,
  reason: string,
  message: string,
  { shell, queue, teller }: BuryParts,
): Promise<void> {
  const letter = { ...letterOf(stored), stored, kind: "Refused", reason: message, context: { reason } };
  const dated = { ...letter, since: stored.receivedAt, at: shell.now() };
  await queue.letters.put(dated);
  const { orderId, paymentId, ...account } = stored.target;
  if (orderId !== undefined && paymentId !== undefined) {
    const lines = [receivedLine(stored), buriedWith(dated.at, "Event", reason)];
    await queue.journal.append({ ...account, orderId, paymentId }, lines);
  }
  teller.buried(dated);
}
