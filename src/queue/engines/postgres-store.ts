import { wellFormedJson } from "../../lib/text.ts";
import type { Json } from "../../contract/adapter.ts";
import { type JournalBounds, type JournalText, mostPayments, type Store, type Stored } from "../store.ts";
import { trimJournals } from "./postgres-schema.ts";
import { newVersion, pageOf, placeIn } from "./records.ts";

/** One statement on the engine. */
export type Sql = (
  text: string,
  parameters?: readonly unknown[],
) => Promise<{ readonly rows: readonly Record<string, unknown>[] }>;

interface Row {
  readonly id: string;
  readonly version: string;
  readonly value: string;
  /** A bigint comes as text from one driver and as a number from the other. */
  readonly written_at: string | number;
}

/** After how much was written, as a part of the bound, all journals are measured again. */
const trimPart = 64;

/** Keeps all journals of a process's engine to their bound: measuring them at each line would cost more than writing it. */
export function createTrimming(sql: Sql): (lines: readonly JournalText[], bounds: JournalBounds) => Promise<void> {
  let written = 0;
  return async (lines, { allBytes }) => {
    written += lines.reduce((sum, { text, like }) => sum + Buffer.byteLength(text) + like.length + 30, 0);
    if (written === 0 || written < allBytes / trimPart) return;
    written = 0;
    await sql(trimJournals, [allBytes]);
  };
}

const record = "id, version, value, written_at";
const standing = "kind = $1 AND id = $2 AND (expires_at IS NULL OR expires_at > psp_now())";
const ends = (ttl: string): string => `CASE WHEN ${ttl}::bigint > 0 THEN psp_now() + ${ttl}::bigint END`;

const insert = `
INSERT INTO psp_record AS r (kind, id, version, value, written_at, expires_at)
VALUES ($1, $2, $3, $4, psp_now(), ${ends("$5")})
ON CONFLICT (kind, id) DO UPDATE SET
  version = EXCLUDED.version, value = EXCLUDED.value, written_at = EXCLUDED.written_at, expires_at = EXCLUDED.expires_at`;

const statements = {
  get: `SELECT ${record} FROM psp_record WHERE ${standing}`,
  put: insert,
  // Where somebody else's insert is under way, this sees neither theirs nor its own, and is repeated.
  putIfAbsent: `
WITH mine AS (${insert} WHERE r.expires_at <= psp_now() RETURNING ${record})
SELECT ${record} FROM mine
UNION ALL SELECT ${record} FROM psp_record WHERE ${standing} AND NOT EXISTS (SELECT 1 FROM mine)`,
  update: `
UPDATE psp_record SET version = $4, value = $5, written_at = psp_now(), expires_at = ${ends("$6")}
 WHERE ${standing} AND version = $3 RETURNING id`,
  extend: `UPDATE psp_record SET expires_at = psp_now() + $4::bigint WHERE ${standing} AND version = $3 RETURNING id`,
  remove: `DELETE FROM psp_record WHERE ${standing} AND ($3 = '' OR version = $3) RETURNING id`,
  list: `
SELECT ${record} FROM psp_record
 WHERE kind = $1 AND (expires_at IS NULL OR expires_at > psp_now()) AND starts_with(id, $5)
   AND ($3::bigint IS NULL OR (written_at, id) < ($3::bigint, $4))
 ORDER BY written_at DESC, id DESC LIMIT $2`,
  count: `
SELECT count(*)::integer AS count FROM psp_record WHERE kind = $1 AND (expires_at IS NULL OR expires_at > psp_now())`,
  append: "SELECT psp_append($1::jsonb, $2::jsonb, $3, $4)",
  entries: "SELECT entries FROM psp_journal WHERE id = $1 AND expires_at > psp_now()",
  payments: `
SELECT payment FROM psp_journal WHERE order_id = $1 AND expires_at > psp_now() ORDER BY written_at DESC LIMIT ${mostPayments}`,
} as const;

/** The state store in the connection's schema. */
export function createPostgresStore(sql: Sql, trim: ReturnType<typeof createTrimming>): Store {
  const rows = async (statement: keyof typeof statements, ...parameters: readonly unknown[]): Promise<readonly Row[]> =>
    (await sql(statements[statement], parameters)).rows as unknown as readonly Row[];
  const was = async (statement: keyof typeof statements, ...parameters: readonly unknown[]): Promise<boolean> =>
    (await rows(statement, ...parameters)).length > 0;

  return {
    async get(kind, id) {
      const [row] = await rows("get", kind, id);
      return row === undefined ? undefined : recordOf(row);
    },
    async put(kind, id, value, ttlMs = 0) {
      await rows("put", kind, id, newVersion(), wellFormedJson(value), Math.ceil(ttlMs));
    },
    async putIfAbsent(kind, id, value, ttlMs = 0) {
      const version = newVersion();
      for (;;) {
        const [row] = await rows("putIfAbsent", kind, id, version, wellFormedJson(value), Math.ceil(ttlMs));
        if (row !== undefined) return { mine: row.version === version, stored: recordOf<typeof value>(row) };
      }
    },
    async update(kind, id, expected, value, ttlMs = 0) {
      const version = newVersion();
      const written = await was("update", kind, id, expected, version, wellFormedJson(value), Math.ceil(ttlMs));
      return written ? version : undefined;
    },
    extend: async (kind, id, version, ttlMs) => await was("extend", kind, id, version, Math.ceil(ttlMs)),
    remove: async (kind, id, version = "") => await was("remove", kind, id, version),
    async list<Listed extends Json>(
      kind: string,
      { limit, before = "", prefix = "" }: { limit: number; before?: string; prefix?: string },
    ) {
      const [from = null, last = null] = placeIn(before);
      const found = await rows("list", kind, limit + 1, from, last, prefix);
      return pageOf(found.map(recordOf<Listed>), limit);
    },
    async count(kind) {
      const [row] = (await sql(statements.count, [kind])).rows;
      return Number(row?.["count"]);
    },
    async append(of, lines, bounds) {
      if (lines.length === 0) return;
      await sql(statements.append, [wellFormedJson(of), wellFormedJson(textsOf(lines)), bounds.most, bounds.ttlMs]);
      await trim(lines, bounds);
    },
    async entries(id) {
      const [row] = (await sql(statements.entries, [id])).rows;
      return (row?.["entries"] ?? []) as readonly string[];
    },
    async payments(order) {
      return (await sql(statements.payments, [order])).rows.map(({ payment }) => String(payment));
    },
  };
}

/** Lines as the functions in the database take them. */
export function textsOf(lines: readonly JournalText[]): string[] {
  return lines.flatMap(({ at, like, text }) => [String(at), like, text]);
}

function recordOf<Read>({ id, version, value, written_at }: Row): Stored<Read> {
  return { id, value: JSON.parse(value) as Read, version, writtenAt: Number(written_at) };
}
