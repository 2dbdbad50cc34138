import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { findBinary } from "../test/support/binaries.ts";
import { folderOf } from "./servers.ts";

/** The machine's power, as far as an append-only file is concerned. */
export interface Power {
  /** For a redis-server that is to be pulled the plug of. */
  readonly environment: Readonly<Record<string, string>>;
  /** Cuts the append-only files of a server that was killed back to what had been synced. @returns how many bytes are gone. */
  cut(folder: string): number;
}

/** `undefined`: there is no C compiler, and so no way to know what had been synced. */
export function openPower(): Power | undefined {
  const compiler = findBinary("cc");
  if (compiler === undefined) return undefined;
  const library = join(folderOf("power"), "synced.so");
  execFileSync(compiler, ["-shared", "-fPIC", "-O1", "-o", library, join(import.meta.dirname, "synced.c"), "-ldl"]);
  return {
    environment: { LD_PRELOAD: library },
    cut(folder) {
      const appended = join(folder, "appendonlydir");
      const files = readdirSync(appended).filter((name) => name.endsWith(".incr.aof"));
      return files.reduce((gone, name) => gone + cutBack(join(appended, name)), 0);
    },
  };
}

function cutBack(file: string): number {
  const { size } = statSync(file);
  const synced = Math.min(size, syncedOf(file));
  if (synced < size) truncateSync(file, synced);
  return size - synced;
}

function syncedOf(file: string): number {
  try {
    return Number(readFileSync(`${file}.synced`, "utf8"));
  } catch {
    // Nobody has ever synced it.
    return 0;
  }
}
