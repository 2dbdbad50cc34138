import { createHash, randomUUID } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pino } from "pino";
import { openEmbedded } from "../../src/queue/engines/embedded.ts";

const root = join(import.meta.dirname, "../..");
/** What an empty database looks like depends on these. */
const sources = ["package-lock.json", "src/queue/engines/embedded.ts", "src/queue/engines/postgres-schema.ts"];

/**
 * Lays an empty queue of the embedded engine into a folder. Making one takes a processor for seconds, copying one next to nothing: the
 * first that is asked for is kept in `.cache`.
 */
export async function layEmbedded(dataDir: string): Promise<void> {
  const hash = createHash("sha256");
  for (const file of sources) hash.update(readFileSync(join(root, file)));
  const model = join(root, ".cache/embedded", hash.digest("hex").slice(0, 16));
  if (!existsSync(model)) await makeModel(model);
  cpSync(model, dataDir, { recursive: true });
}

async function makeModel(model: string): Promise<void> {
  const made = `${model}-${randomUUID()}`;
  mkdirSync(made, { recursive: true });
  await (await openEmbedded({ dataDir: made }, pino({ level: "silent" }))).close();
  try {
    renameSync(made, model);
  } catch {
    // Another test file was quicker, and made the same.
    rmSync(made, { recursive: true });
  }
}
