import { accessSync, constants, readdirSync } from "node:fs";
import { join } from "node:path";

/** Where a program is, on the PATH or in one of the folders; `undefined` where it is not installed. */
export function findBinary(name: string, folders: readonly string[] = []): string | undefined {
  const path = (process.env["PATH"] ?? "").split(":");
  return [...folders, ...path, "/usr/bin", "/usr/sbin", "/usr/local/bin", "/opt/homebrew/bin"]
    .map((folder) => join(folder, name))
    .find(executable);
}

/** Debian keeps PostgreSQL's server programs off the PATH, one folder per version. */
export function postgresFolders(): string[] {
  try {
    return readdirSync("/usr/lib/postgresql").map((version) => `/usr/lib/postgresql/${version}/bin`);
  } catch {
    return [];
  }
}

function executable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
