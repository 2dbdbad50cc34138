import { wellFormedJson } from "../../lib/text.ts";
import { Job } from "bullmq";
import { mostHints, type NoteAsk, type NoteBounds, type Notes, type RawNote } from "../notes.ts";
import { createTrimming, type Sql, textsOf } from "./postgres-store.ts";

/** What of BullMQ's backend turns a job into an entry of its own statement for many adds. */
interface AddingBackend {
  toBatchEntry(queue: string, job: ReturnType<Job["asJSON"]>, jobId: string | undefined, parent: object): object;
}

/** BullMQ's function for adds to several queues rides in our statement: this is the only place that knows it. */
const statements = {
  ask: `WITH asked AS MATERIALIZED (SELECT psp_ask($1::jsonb) AS notes)
SELECT added.id FROM asked, add_flow($2::jsonb) AS added(id)`,
  note: "SELECT psp_ask($1::jsonb)",
  read: "SELECT * FROM psp_note WHERE id = $1 AND expires_at > psp_now()",
  settle: "SELECT psp_settle($1::jsonb, $2, $3, $4, $5::jsonb) AS settled",
  waits: `
SELECT wait_group, count(*)::integer AS count, min(wait_since) AS since, min(expires_at) AS ends FROM psp_note
 WHERE wait_group IS NOT NULL AND expires_at > psp_now() GROUP BY wait_group`,
} as const;

/** The notes in the connection's schema. */
export function createPostgresNotes(sql: Sql, trim: ReturnType<typeof createTrimming>): Notes {
  return {
    async ask(asks, bounds) {
      // All processes take the locks of several payments in the same order.
      const ordered = asks.toSorted((one, other) => (one.of.id < other.of.id ? -1 : 1));
      const noted = ordered.filter(({ asked, journal }) => asked !== undefined || journal.length > 0);
      const adding = ordered.filter(({ job }) => job !== undefined);
      const notes = wellFormedJson(askedOf(noted, bounds));
      if (adding.length === 0) {
        await sql(statements.note, [notes]);
        return [];
      }
      const { rows } = await sql(statements.ask, [notes, wellFormedJson(adding.map(entryOf))]);
      if (rows.length !== adding.length) throw new Error("the database left an answer out");
      const ids = new Map(adding.map((ask, at) => [ask, idOf(rows[at]?.["id"])]));
      await trim(
        asks.flatMap(({ journal }) => journal),
        bounds.journal,
      );
      return asks.flatMap((ask) => ids.get(ask) ?? []);
    },
    async read(id) {
      const [row] = (await sql(statements.read, [id])).rows;
      return row === undefined ? { hints: {} } : noteOf(row);
    },
    async settle(of, lock, { known, hints, announced, last, ttlMs, journal, wait }, bounds) {
      const look = {
        known,
        hints,
        announced,
        last,
        ttl: Math.ceil(ttlMs),
        most: bounds.most,
        journalTtl: bounds.ttlMs,
        journal: textsOf(journal),
        ...(wait === undefined ? {} : { group: wait?.group ?? null, since: wait?.since ?? null }),
      };
      const { queue, id, token } = lock;
      const { rows } = await sql(statements.settle, [wellFormedJson(of), queue, id, token, wellFormedJson(look)]);
      await trim(journal, bounds);
      return rows[0]?.["settled"] === true;
    },
    async waits() {
      const { rows } = await sql(statements.waits);
      return rows.map(({ wait_group: group, count, since, ends }) => ({
        group: String(group),
        count: Number(count),
        since: Number(since),
        ends: Number(ends),
      }));
    },
  };
}

function entryOf({ job }: NoteAsk): object | undefined {
  if (job === undefined) return undefined;
  const { queue, data, options } = job;
  const { backend } = queue as unknown as { readonly backend: AddingBackend };
  const made = new Job(queue, "look", data, options, options.jobId);
  return backend.toBatchEntry(queue.name, made.asJSON(), made.id, {});
}

/** @throws Error for the negative numbers by which BullMQ's function refuses. */
function idOf(answer: unknown): string {
  if (typeof answer !== "string" || answer.startsWith("-"))
    throw new Error(`the look was not added (${String(answer)})`);
  return answer;
}

function askedOf(asks: readonly NoteAsk[], { ttlMs, journal }: NoteBounds): object {
  return {
    mostHints,
    ttl: ttlMs,
    most: journal.most,
    journalTtl: journal.ttlMs,
    asks: asks.map((ask) => ({ ...ask.of, ...ask.asked, journal: textsOf(ask.journal) })),
  };
}

function noteOf(row: Record<string, unknown>): RawNote {
  const { version, asked_by: by, announced_at: announcedAt, last_from: lastFrom, known } = row;
  const hints = row["hints"] as Record<string, readonly [number, string]>;
  return {
    hints: Object.fromEntries(Object.entries(hints).map(([reference, [, value]]) => [reference, value])),
    ...(typeof version === "string" ? { version } : {}),
    ...(typeof by === "string" ? { by } : {}),
    ...(announcedAt === null ? {} : { announcedAt: Number(announcedAt) }),
    ...(lastFrom === null ? {} : { lastFrom: Number(lastFrom) }),
    ...(typeof known === "string" ? { known } : {}),
  };
}
