import { readdir } from "node:fs/promises";
import type { AnyAdapter } from "../contract/adapter.ts";

/** The adapters by folder name; those from outside the tree by their id. */
export type Adapters = ReadonlyMap<string, AnyAdapter>;

/**
 * Finds the adapters: every folder beside this file is one, unless only some are asked for. Nothing is registered by hand, so that adding a PSP touches one folder.
 * @throws Error naming the folder whose adapter does not say the folder's name as its id.
 */
export async function loadAdapters(folders?: readonly string[]): Promise<Adapters> {
  const adapters = await Promise.all(
    (folders ?? (await adapterFolders())).map(async (folder) => [folder, await loadAdapter(folder)] as const),
  );
  return new Map(adapters);
}

/** The adapter folders' names, sorted. A folder that begins with an underscore is what products of one PSP share. */
export async function adapterFolders(): Promise<string[]> {
  const entries = await readdir(import.meta.dirname, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith("_"))
    .map((entry) => entry.name)
    .toSorted();
}

async function loadAdapter(folder: string): Promise<AnyAdapter> {
  const module = (await import(`./${folder}/index.ts`)) as { default: AnyAdapter };
  if (module.default.id !== folder) throw new Error(`adapter folder ${folder} says its id is ${module.default.id}`);
  return module.default;
}
