import type { StoredEvent } from "../queue/queues.ts";

/** Stores events; resolves once the queue has every one of them. */
export type Inbox = (events: readonly StoredEvent[]) => Promise<void>;

const maxEvents = 100;
const maxBytes = 256 * 1024;

interface Group {
  readonly events: StoredEvent[];
  bytes: number;
  readonly stored: PromiseWithResolvers<void>;
}

/**
 * Lets events that arrive in the same turn of the event loop share one job: a queue's cost is per job, so that a burst costs little
 * more than a single webhook. A group holds at most 100 events or 256 kB; nobody waits for a group to fill.
 * @param add stores one group; rejects with `QueueUnavailable`.
 */
export function createInbox(add: (events: readonly StoredEvent[]) => Promise<void>): Inbox {
  let open: Group | undefined;

  const flush = (group: Group): void => {
    if (open === group) open = undefined;
    add(group.events).then(group.stored.resolve, group.stored.reject);
  };

  const join = (event: StoredEvent): Group => {
    const bytes = JSON.stringify(event).length;
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
      if (open === group) flush(group);
    });
    return group;
  };

  return async (events) => {
    const groups = new Set(events.map(join));
    await Promise.all([...groups].map((group) => group.stored.promise));
  };
}
