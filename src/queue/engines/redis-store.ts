import type { Cluster, Redis } from "ioredis";
import type { Json } from "../../contract/adapter.ts";
import { gaveWayText, type JournalText, type Kind, kinds, type Store, type Stored } from "../store.ts";
import { newVersion, pageOf, placeIn } from "./records.ts";
import {
  appendJournal,
  changeRecord,
  countRecords,
  listRecords,
  listWaits,
  settleNote,
  writeRecord,
} from "./redis-scripts.ts";

type Value = string | number;

/** A connection that knows our scripts. */
export type Scripted = (Redis | Cluster) & {
  pspWrite(record: string, index: string, ...rest: readonly Value[]): Promise<string | null>;
  pspChange(record: string, index: string, ...rest: readonly Value[]): Promise<number>;
  pspList(index: string, ...rest: readonly Value[]): Promise<string[]>;
  pspCount(index: string): Promise<number>;
  pspAppend(journal: string, index: string, ...rest: readonly Value[]): Promise<null>;
  pspSettle(
    note: string,
    lock: string,
    journal: string,
    index: string,
    waits: string,
    token: string,
    look: string,
  ): Promise<number>;
  pspWaits(waits: string): Promise<string[]>;
};

/** Teaches a connection our scripts. The driver sends their hash, and their text where the server has forgotten it. */
export function defineScripts(connection: Redis | Cluster): Scripted {
  const scripts: readonly (readonly [string, number, string])[] = [
    ["pspWrite", 2, writeRecord],
    ["pspChange", 2, changeRecord],
    ["pspList", 1, listRecords],
    ["pspCount", 1, countRecords],
    ["pspAppend", 2, appendJournal],
    ["pspSettle", 5, settleNote],
    ["pspWaits", 1, listWaits],
  ];
  for (const [name, numberOfKeys, lua] of scripts) connection.defineCommand(name, { numberOfKeys, lua });
  return connection as Scripted;
}

/** Where a payment's journal stands. */
export const journalKey = (prefix: string, id: string): string => `${prefix}:store:journal:${id}`;
/** What knows of all journals. */
export const journalIndex = (prefix: string): string => `${prefix}:store-index:journal`;

/** The state store under a prefix. */
export function createRedisStore(connection: Scripted, prefix: string): Store {
  const beginning = (kind: Kind): string => `${prefix}:store:${kind}:`;
  const index = (kind: Kind): string => `${prefix}:store-index:${kind}`;
  const listed = (kind: Kind, id: string): string => (kinds[kind].listed ? id : "");

  const write = async (
    mode: "put" | "absent" | "update",
    [kind, id]: readonly [Kind, string],
    value: Json,
    { version = newVersion(), expected = "", ttlMs = 0 }: { version?: string; expected?: string; ttlMs?: number },
  ): Promise<string | null> =>
    await connection.pspWrite(
      `${beginning(kind)}${id}`,
      index(kind),
      mode,
      version,
      expected,
      JSON.stringify(value),
      Math.ceil(ttlMs),
      listed(kind, id),
    );

  const change = async (kind: Kind, id: string, version: string, ttlMs: number): Promise<boolean> =>
    (await connection.pspChange(`${beginning(kind)}${id}`, index(kind), version, ttlMs, listed(kind, id))) === 1;

  return {
    async get(kind, id) {
      const text = await connection.get(`${beginning(kind)}${id}`);
      return text === null ? undefined : recordOf(id, text);
    },
    async put(kind, id, value, ttlMs = 0) {
      await write("put", [kind, id], value, { ttlMs });
    },
    async putIfAbsent(kind, id, value, ttlMs = 0) {
      const version = newVersion();
      const text = await write("absent", [kind, id], value, { version, ttlMs });
      if (text === null) throw new Error("nothing stands where something was put");
      const stored = recordOf<typeof value>(id, text);
      return { mine: stored.version === version, stored };
    },
    async update(kind, id, expected, value, ttlMs = 0) {
      const version = newVersion();
      return (await write("update", [kind, id], value, { version, expected, ttlMs })) === null ? undefined : version;
    },
    extend: async (kind, id, version, ttlMs) => await change(kind, id, version, Math.ceil(ttlMs)),
    remove: async (kind, id, version = "") => await change(kind, id, version, 0),
    async list<Listed extends Json>(
      kind: Kind,
      { limit, before = "", prefix: start = "" }: { limit: number; before?: string; prefix?: string },
    ) {
      const [from = "", last = ""] = placeIn(before);
      const found = await connection.pspList(index(kind), beginning(kind), limit + 1, from, last, start);
      const records = found.flatMap((id, at) => (at % 2 === 0 ? [recordOf<Listed>(id, found[at + 1] ?? "")] : []));
      return pageOf(records, limit);
    },
    count: async (kind) => await connection.pspCount(index(kind)),
    async append({ id, order, payment }, lines, { most, ttlMs, allBytes }) {
      if (lines.length === 0) return;
      const parts = lines.flatMap(({ at, like, text }: JournalText) => [at, like, text]);
      const bounds = [most, ttlMs, allBytes] as const;
      const [key, all] = [journalKey(prefix, id), journalIndex(prefix)];
      await connection.pspAppend(key, all, id, order, payment, ...bounds, ...parts);
    },
    entries: async (id) => await connection.lrange(journalKey(prefix, id), 0, -1),
    async payments(order) {
      const entries = await connection.lrange(journalKey(prefix, order), 0, -1);
      return entries.map((entry) => entry.split(";").slice(4).join(";")).filter((text) => text !== gaveWayText);
    },
  };
}

function recordOf<Read>(id: string, text: string): Stored<Read> {
  const [, version = "", writtenAt = "", value = "null"] = /^(\S+) (\d+) (.*)$/s.exec(text) ?? [];
  return { id, value: JSON.parse(value) as Read, version, writtenAt: Number(writtenAt) };
}
