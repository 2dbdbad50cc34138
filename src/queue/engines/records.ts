import { randomBytes } from "node:crypto";
import type { Page, Stored } from "../store.ts";

/** Another one at each call. */
export function newVersion(): string {
  return randomBytes(9).toString("base64url");
}

/** One record more was asked for than the page holds: it says whether there is a next one. */
export function pageOf<Listed>(records: readonly Stored<Listed>[], limit: number): Page<Listed> {
  const page = records.slice(0, limit);
  const last = page.at(-1);
  return records.length <= limit || last === undefined
    ? { records: page }
    : { records: page, next: `${last.writtenAt}:${last.id}` };
}
