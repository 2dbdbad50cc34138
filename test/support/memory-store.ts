import type { Json } from "../../src/contract/adapter.ts";
import type { Kind, Store, Stored } from "../../src/queue/store.ts";

/** A state store in this process, without journals, for tests whose engine is none: the laws of the real ones are in `queue-store.test.ts`. */
export function createMemoryStore(): Store {
  const records = new Map<string, { readonly stored: Stored<Json>; readonly endsAt: number }>();
  let versions = 0;

  const nameOf = (kind: Kind, id: string): string => `${kind} ${id}`;
  const find = (name: string): Stored<Json> | undefined => {
    const record = records.get(name);
    return record === undefined || record.endsAt <= Date.now() ? undefined : record.stored;
  };
  const write = (kind: Kind, id: string, value: Json, ttlMs = Infinity): Stored<Json> => {
    versions += 1;
    const stored = { id, value, version: String(versions), writtenAt: Date.now() };
    records.set(nameOf(kind, id), { stored, endsAt: Date.now() + ttlMs });
    return stored;
  };
  const listed = (kind: Kind, prefix = ""): Stored<Json>[] =>
    [...records.keys()]
      .filter((name) => name.startsWith(nameOf(kind, prefix)))
      .map(find)
      .filter((stored) => stored !== undefined)
      .toSorted((left, right) => Number(right.version) - Number(left.version));
  return {
    get: async <Value extends Json>(kind: Kind, id: string) => find(nameOf(kind, id)) as Stored<Value> | undefined,
    async put(kind, id, value, ttlMs) {
      write(kind, id, value, ttlMs);
    },
    async putIfAbsent<Value extends Json>(kind: Kind, id: string, value: Value, ttlMs?: number) {
      const there = find(nameOf(kind, id));
      const stored = (there ?? write(kind, id, value, ttlMs)) as Stored<Value>;
      return { mine: there === undefined, stored };
    },
    async update(kind, id, version, value, ttlMs) {
      return find(nameOf(kind, id))?.version === version ? write(kind, id, value, ttlMs).version : undefined;
    },
    async extend(kind, id, version, ttlMs) {
      const stored = find(nameOf(kind, id));
      if (stored?.version !== version) return false;
      records.set(nameOf(kind, id), { stored, endsAt: Date.now() + ttlMs });
      return true;
    },
    async remove(kind, id, version) {
      const stored = find(nameOf(kind, id));
      if (stored === undefined || (version !== undefined && stored.version !== version)) return false;
      return records.delete(nameOf(kind, id));
    },
    async list<Value extends Json>(
      kind: Kind,
      { limit, before, prefix }: { readonly limit: number; readonly before?: string; readonly prefix?: string },
    ) {
      const older = listed(kind, prefix).filter(({ version }) => Number(version) < Number(before ?? Infinity));
      const page = older.slice(0, limit) as unknown as readonly Stored<Value>[];
      const last = older.length > limit ? page.at(-1)?.version : undefined;
      return { records: page, ...(last === undefined ? {} : { next: last }) };
    },
    count: async (kind) => listed(kind).length,
    async append() {
      throw new Error("nobody here keeps a journal");
    },
    entries: async () => [],
    payments: async () => [],
  };
}
