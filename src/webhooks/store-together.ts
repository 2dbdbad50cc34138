import type { StoredEvent } from "../queue/jobs.ts";

/** Stores events; resolves once the queue has every one of them. */
export type StoreEvents = (events: readonly StoredEvent[]) => Promise<void>;

const maxEvents = 100;
const maxBytes = 256 * 1024;
/** How many groups are on their way to the queue before the next one waits for company. */
const maxUnderWay = 2;
/** The longest that a group waits for those before it: a queue that hangs must not hold up the refusal. */
const longestWaitMs = 10;

interface Group {
  readonly events: StoredEvent[];
  bytes: number;
  readonly stored: PromiseWithResolvers<void>;
  timer?: NodeJS.Timeout;
}

/**
 * Lets events that arrive together share one job: a queue's cost is per job, so that a burst costs little more than a single webhook.
 * Together is the same turn of the event loop, or while two groups are on their way. A group holds at most 100 events or 256 kB.
 * @param add stores one group; rejects with `QueueUnavailable`.
 */
export function storeTogether(add: (events: readonly StoredEvent[]) => Promise<void>): StoreEvents {
  let open: Group | undefined;
  let underWay = 0;

  const flush = (group: Group): void => {
    clearTimeout(group.timer);
    if (open === group) open = undefined;
    underWay += 1;
    add(group.events)
      .finally(() => {
        underWay -= 1;
        if (open !== undefined) flush(open);
      })
      .then(group.stored.resolve, group.stored.reject);
  };

  const join = (event: StoredEvent): Group => {
    const bytes = sizeOf(event);
    if (open !== undefined && open.bytes + bytes > maxBytes) flush(open);
    const group = (open ??= openGroup());
    group.events.push(event);
    group.bytes += bytes;
    if (group.events.length >= maxEvents) flush(group);
    return group;
  };

  const openGroup = (): Group => {
    const group: Group = { events: [], bytes: 0, stored: Promise.withResolvers() };
    setImmediate(() => {
      if (open !== group) return;
      if (underWay < maxUnderWay) flush(group);
      else group.timer = setTimeout(() => flush(group), longestWaitMs);
    });
    return group;
  };

  return async (events) => {
    const groups = new Set(events.map(join));
    await Promise.all([...groups].map((group) => group.stored.promise));
  };
}

/** About how many bytes an event is as JSON; counting its texts costs less than writing it twice. */
function sizeOf({ target, webhook, event, evidence }: StoredEvent): number {
  // Few events carry a line or evidence; those are worth the counting.
  if (event.line !== undefined || evidence !== undefined) return JSON.stringify([target, event, evidence]).length + 200;
  const texts = [...Object.values(target), webhook, event.key, event.type, event.reference ?? ""];
  return texts.reduce((sum, text) => sum + text.length, 200);
}
