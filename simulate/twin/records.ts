import type { Json } from "../../src/contract/adapter.ts";
import { newVersion, pageOf, placeIn } from "../../src/queue/engines/records.ts";
import {
  gaveWayText,
  type JournalBounds,
  type JournalText,
  mostPayments,
  type PaymentName,
  type Store,
  type Stored,
} from "../../src/queue/store.ts";
import type { Link, TwinServer } from "./server.ts";

/** The state store on the twin. */
export function createTwinStore(server: TwinServer, link: Link): Store {
  const { clock } = server;
  const find = (kind: string, id: string): Stored<Json> | undefined => {
    const record = server.kind(kind).get(id);
    return record === undefined || record.endsAt <= clock.now() ? undefined : record.stored;
  };
  const write = (kind: string, id: string, version: string, value: string, ttlMs = 0): Stored<Json> => {
    server.prune();
    const stored = { id, version, value: JSON.parse(value) as Json, writtenAt: clock.now() };
    server.kind(kind).set(id, { stored, endsAt: ttlMs > 0 ? clock.now() + Math.ceil(ttlMs) : Infinity });
    return stored;
  };
  const copied = <Value>(stored: Stored<Json> | undefined): Stored<Value> | undefined =>
    stored === undefined ? undefined : { ...stored, value: JSON.parse(JSON.stringify(stored.value)) as Value };
  const call = <T>(name: string, kind: string, effect: () => T): Promise<T> => link.call(`${name} ${kind}`, effect);

  return {
    get: async <Value extends Json>(kind: string, id: string) =>
      await call("get", kind, () => copied<Value>(find(kind, id))),
    async put(kind, id, value, ttlMs) {
      const [version, text] = [newVersion(), JSON.stringify(value)];
      await call("put", kind, () => void write(kind, id, version, text, ttlMs));
    },
    async putIfAbsent<Value extends Json>(kind: string, id: string, value: Value, ttlMs?: number) {
      const [version, text] = [newVersion(), JSON.stringify(value)];
      return await call("put-if-absent", kind, () => {
        const stored = find(kind, id) ?? write(kind, id, version, text, ttlMs);
        return { mine: stored.version === version, stored: copied<Value>(stored) as Stored<Value> };
      });
    },
    async update(kind, id, expected, value, ttlMs) {
      const [version, text] = [newVersion(), JSON.stringify(value)];
      return await call("update", kind, () =>
        find(kind, id)?.version === expected ? write(kind, id, version, text, ttlMs).version : undefined,
      );
    },
    extend: async (kind, id, version, ttlMs) =>
      await call("extend", kind, () => {
        const stored = find(kind, id);
        if (stored?.version !== version) return false;
        server.kind(kind).set(id, { stored, endsAt: clock.now() + Math.ceil(ttlMs) });
        return true;
      }),
    remove: async (kind, id, version = "") =>
      await call("remove", kind, () => {
        const stored = find(kind, id);
        if (stored === undefined || (version !== "" && stored.version !== version)) return false;
        return server.kind(kind).delete(id);
      }),
    list: async <Value extends Json>(
      kind: string,
      {
        limit,
        before = "",
        prefix = "",
      }: { readonly limit: number; readonly before?: string; readonly prefix?: string },
    ) =>
      await call("list", kind, () => {
        const [from = "Infinity", last = ""] = placeIn(before);
        const found = [...server.kind(kind).keys()]
          .filter((id) => id.startsWith(prefix))
          .map((id) => copied<Value>(find(kind, id)))
          .filter((stored) => stored !== undefined)
          .filter(({ writtenAt, id }) => writtenAt < Number(from) || (writtenAt === Number(from) && id < last))
          .toSorted((one, other) => other.writtenAt - one.writtenAt || (one.id < other.id ? 1 : -1));
        return pageOf(found.slice(0, limit + 1), limit);
      }),
    count: async (kind) =>
      await call(
        "count",
        kind,
        () => [...server.kind(kind).keys()].filter((id) => find(kind, id) !== undefined).length,
      ),
    async append(of, lines, bounds) {
      if (lines.length > 0) await call("append", "journal", () => appendTo(server, of, lines, bounds));
    },
    entries: async (id) =>
      await call("entries", "journal", () => {
        const journal = server.journals.get(id);
        return journal === undefined || journal.endsAt <= clock.now() ? [] : journal.entries;
      }),
    payments: async (order) =>
      await call("payments", "journal", () =>
        [...server.journals.values()]
          .filter((journal) => journal.order === order && journal.endsAt > clock.now())
          .map(({ payment }) => payment)
          .slice(-mostPayments),
      ),
  };
}

/** Adds lines to a journal; neighbours that are alike become one entry, and the oldest give way. */
export function appendTo(
  server: TwinServer,
  { id, order, payment }: PaymentName,
  lines: readonly JournalText[],
  bounds: JournalBounds,
): void {
  if (lines.length === 0) return;
  const now = server.clock.now();
  const before = server.journals.get(id);
  const entries = before === undefined || before.endsAt <= now ? [] : [...before.entries];
  for (const { at, like, text } of lines) {
    const [, count, first, alike] = /^(\d+);(\d+);\d+;([^;]*);/.exec(entries.at(-1) ?? "") ?? [];
    if (alike === like) entries[entries.length - 1] = `${Number(count) + 1};${first};${at};${like};${text}`;
    else entries.push(`1;${at};${at};${like};${text}`);
  }
  server.journals.delete(id);
  const written = { entries: bounded(entries, bounds.most), order, payment, endsAt: now + bounds.ttlMs };
  server.journals.set(id, written);
  trim(server, bounds.allBytes);
}

/** The oldest entries become one that counts them. */
function bounded(entries: readonly string[], most: number): readonly string[] {
  if (entries.length <= most) return entries;
  const gone = entries.slice(0, entries.length - most + 1).map((entry) => entry.split(";").slice(0, 3).map(Number));
  const count = gone.reduce((sum, [times = 0]) => sum + times, 0);
  const [first, last] = [gone[0]?.[1] ?? 0, gone.at(-1)?.[2] ?? 0];
  return [`${count};${first};${last};;${gaveWayText}`, ...entries.slice(entries.length - most + 1)];
}

/** Journals that were not written for the longest time give way. They are few here: measuring them all costs nothing. */
function trim({ journals }: TwinServer, allBytes: number): void {
  if (journals.size * 40_000 < allBytes) return;
  const size = (entries: readonly string[]): number =>
    entries.reduce((sum, entry) => sum + Buffer.byteLength(entry), 0);
  let total = [...journals.values()].reduce((sum, { entries }) => sum + size(entries), 0);
  for (const [id, { entries }] of journals) {
    if (total <= allBytes || journals.size <= 1) return;
    total -= size(entries);
    journals.delete(id);
  }
}
