import type { StoredEvent } from "../../queue/jobs.ts";
import { eventId } from "../../queue/names.ts";
import type { Locks } from "../../queue/locks.ts";
import { givenUp, type Held, provingFirst } from "../job.ts";
import { pauses } from "../patience.ts";
import { mayStillHappen } from "../retry.ts";

/**
 * Does something that may append an event's line to its payment's log, whoever tells of the event: two copies of it never append together. The
 * log has to be read inside. @returns `busy`: another copy is at it.
 */
export async function once<T>(
  event: Pick<StoredEvent, "target" | "event">,
  held: Held,
  locks: Locks,
  work: (held: Held) => Promise<T>,
): Promise<T | "busy"> {
  const lock = await locks.acquire(`event-${eventId(event)}`, pauses.eventLockMs);
  if (lock === undefined) return "busy";
  const proven = provingFirst(held, async () => {
    if (!(await lock.isMine())) throw givenUp("the event is another copy's by now");
  });
  try {
    const done = await work(proven);
    await lock.release();
    return done;
  } catch (error) {
    // What timed out may still be carried out: until then no other copy reads the log.
    if (!mayStillHappen(error)) await lock.release();
    throw error;
  }
}
