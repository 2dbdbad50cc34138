import { existsSync } from "node:fs";
import { join } from "node:path";
import { adapterFolders } from "../../src/adapters/registry.ts";

/** The folder that is asked for, also as a path. @throws Error that says which there are. */
export async function folderFrom(given: readonly string[]): Promise<string> {
  const [first, ...more] = given;
  const folder = first?.replace(/^(\.\/)?src\/adapters\//, "").replace(/\/+$/, "");
  const folders = await adapterFolders();
  if (folder !== undefined && more.length === 0 && folders.includes(folder)) {
    if (existsSync(join(import.meta.dirname, "../../src/adapters", folder, "index.ts"))) return folder;
    throw new Error(`there is no src/adapters/${folder}/index.ts`);
  }
  const why = folder === undefined || more.length > 0 ? "which folder?" : `there is no adapter folder ${folder}.`;
  throw new Error(
    `adapter:check: ${why} Those that there are: ${folders.join(", ")}\nnpm run adapter:check -- <folder>; npm run adapter:new -- <folder> begins one`,
  );
}
