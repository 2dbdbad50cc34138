import { Job } from "bullmq";
import {
  mostHints,
  type NoteAsk,
  type NoteBounds,
  type Notes,
  type RawNote,
  type RawWait,
} from "../../src/queue/notes.ts";
import { newJobOf } from "./backend.ts";
import { appendTo } from "./records.ts";
import type { Link, TwinServer } from "./server.ts";

/** The notes of payments on the twin: each method is one round trip, and happens at once. */
export function createTwinNotes(server: TwinServer, link: Link): Notes {
  const { clock, notes } = server;
  const noteOf = (id: string): RawNote | undefined => {
    const kept = notes.get(id);
    return kept === undefined || kept.endsAt <= clock.now() ? undefined : kept.note;
  };
  const keep = (id: string, note: RawNote, endsAt: number, wait: RawWait | undefined): void => {
    server.prune();
    notes.set(id, { note, endsAt, ...(wait === undefined ? {} : { wait }) });
  };

  const noted = ({ of, asked, journal }: NoteAsk, { ttlMs, journal: bounds }: NoteBounds): void => {
    const { id } = of;
    if (asked?.version !== undefined || asked?.lastFrom !== undefined) {
      const before = noteOf(id);
      const { hint, ...said } = asked;
      const endsAt = Math.max(before === undefined ? 0 : (notes.get(id)?.endsAt ?? 0), clock.now() + ttlMs);
      keep(
        id,
        { ...before, ...said, hints: hintsWith(before?.hints ?? {}, hint, said.version) },
        endsAt,
        notes.get(id)?.wait,
      );
    }
    appendTo(server, of, journal, bounds);
  };

  return {
    async ask(asks, bounds) {
      const jobs = asks.map(({ job }) => {
        if (job === undefined) return undefined;
        const made = new Job(job.queue, "look", job.data, job.options, job.options.jobId);
        return { queue: job.queue.name, entry: newJobOf(made.asJSON(), made.id) };
      });
      return await link.call(jobs.some((job) => job !== undefined) ? "ask lane" : "ask note", () => {
        for (const ask of asks) noted(ask, bounds);
        return jobs.flatMap((job) => (job === undefined ? [] : [server.queue(job.queue).add(job.entry)]));
      });
    },
    read: async (id) =>
      await link.call("read note", () => {
        const note = noteOf(id);
        return note === undefined ? { hints: {} } : { ...note, hints: { ...note.hints } };
      }),
    settle: async (of, lock, { known, hints, announced, last, ttlMs, journal, wait }, bounds) =>
      await link.call("settle note", () => {
        const { id } = of;
        if (server.queue(lock.queue).lockOf(lock.id)?.token !== lock.token) return false;
        const before = noteOf(id);
        const left = { ...before?.hints };
        for (const [reference, read] of hints) if (left[reference] === read) delete left[reference];
        const { version, by, announcedAt, lastFrom } = before ?? {};
        const dealtWith = announced !== undefined && version === announced;
        const after: RawNote = {
          ...(dealtWith || version === undefined ? {} : { version }),
          ...(dealtWith || by === undefined ? {} : { by }),
          ...(dealtWith || announcedAt === undefined ? {} : { announcedAt }),
          ...(lastFrom === undefined || lastFrom === last ? {} : { lastFrom }),
          hints: left,
          ...(known === undefined ? {} : { known }),
        };
        const isEmpty = Object.keys(after).length === 1 && Object.keys(left).length === 0;
        const waits = waitAfter(notes.get(id)?.wait, before === undefined, wait);
        if (isEmpty) notes.delete(id);
        else if (before !== undefined || known !== undefined) keep(id, after, clock.now() + Math.ceil(ttlMs), waits);
        appendTo(server, of, journal, bounds);
        return true;
      }),
    waits: async () =>
      await link.call("waits note", () => {
        const waiting = [...notes.values()].flatMap(({ wait, endsAt }) =>
          wait === undefined || endsAt <= clock.now() ? [] : [{ ...wait, endsAt }],
        );
        return [...Map.groupBy(waiting, ({ group }) => group)].map(([group, of]) => ({
          group,
          count: of.length,
          since: Math.min(...of.map(({ since }) => since)),
          ends: Math.min(...of.map(({ endsAt }) => endsAt)),
        }));
      }),
  };
}

/** What a payment waits for after a look; while it stays in its group, the earliest time counts. */
function waitAfter(before: RawWait | undefined, isNew: boolean, wait: RawWait | null | undefined): RawWait | undefined {
  if (wait === undefined) return isNew ? undefined : before;
  if (wait === null) return undefined;
  if (before?.group !== wait.group || isNew) return wait;
  return { ...wait, since: Math.min(before.since, wait.since) };
}

/** With one hint more, which is the newest; the oldest give way. */
function hintsWith(
  hints: Readonly<Record<string, string>>,
  hint: string | undefined,
  version: string | undefined,
): Record<string, string> {
  if (hint === undefined || version === undefined) return { ...hints };
  const { [hint]: _known, ...others } = hints;
  return Object.fromEntries([...Object.entries(others), [hint, version] as const].slice(-mostHints));
}
