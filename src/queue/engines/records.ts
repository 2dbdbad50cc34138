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
