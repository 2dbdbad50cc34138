import { randomUUID } from "node:crypto";
import type { Page, Stored } from "../store.ts";

/** Another one at each call, of 22 characters. Node draws UUIDs from a store of random bytes, which a few bytes at a time are ten times dearer without. */
export function newVersion(): string {
  return Buffer.from(randomUUID().replaceAll("-", ""), "hex").toString("base64url");
}

/** One record more was asked for than the page holds: it says whether there is a next one. */
export function pageOf<Listed>(records: readonly Stored<Listed>[], limit: number): Page<Listed> {
  const page = records.slice(0, limit);
  const last = page.at(-1);
  return records.length <= limit || last === undefined
    ? { records: page }
    : { records: page, next: `${last.writtenAt}:${last.id}` };
}

/** Where a page goes on, as the last one told it: the time and the id. Nothing for what none told: then it begins at the newest. */
export function placeIn(before: string): readonly [time: string, id: string] | readonly [] {
  const [, time, id = ""] = /^(\d{1,16}):(.*)$/s.exec(before) ?? [];
  // PostgreSQL takes neither a longer number nor a NUL.
  return time === undefined || id.includes("\u0000") ? [] : [time, id];
}
