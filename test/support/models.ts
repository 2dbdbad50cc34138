import { execFile } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { pino } from "pino";
import { openEmbedded } from "../../src/queue/engines/embedded.ts";

const root = join(import.meta.dirname, "../..");
const run = promisify(execFile);

/** What an empty queue of the embedded engine looks like depends on these. */
const sources = ["package-lock.json", "src/queue/engines/embedded.ts", "src/queue/engines/postgres-schema.ts"];

/** Who owns a database's files, where that is not who runs the tests. */
interface Account {
  readonly uid?: number;
  readonly gid?: number;
}

/** Lays an empty queue of the embedded engine into a folder. Making one takes a processor for seconds, copying one next to nothing. */
export async function layEmbedded(dataDir: string): Promise<void> {
  const hash = createHash("sha256");
  for (const file of sources) hash.update(readFileSync(join(root, file)));
  const model = await modelOf("embedded", hash.digest("hex"), async (made) => {
    mkdirSync(made);
    await (await openEmbedded({ dataDir: made }, pino({ level: "silent" }))).close();
  });
  cpSync(model, dataDir, { recursive: true });
}

/**
 * Lays an empty PostgreSQL database into a folder. Making one takes a processor for more than a second, during which nothing else happens in
 * this process, copying one a tenth of it.
 * @param program the `postgres` that will run on it. @param account whose it has to be.
 */
export async function layDatabase(program: string, data: string, account: Account): Promise<void> {
  const initdb = program.replace(/postgres$/, "initdb");
  const { size, mtimeMs } = statSync(initdb);
  const kind = createHash("sha256")
    .update(JSON.stringify([initdb, size, mtimeMs, account]))
    .digest("hex");
  const model = await modelOf("postgres", kind, async (made) => {
    // The account need not be able to reach this tree.
    const folder = mkdtempSync(join(tmpdir(), "norce-psp-"));
    if (account.uid !== undefined) chownSync(folder, account.uid, account.gid ?? account.uid);
    const fresh = join(folder, "data");
    await run(initdb, ["-D", fresh, "-A", "trust", "-U", "test", "--no-sync"], account);
    await copyWithOwners(fresh, made);
    rmSync(folder, { recursive: true });
  });
  await copyWithOwners(model, data);
}

/** Where the model of a kind lies: the first that is asked for is made, and kept in `.cache`. */
async function modelOf(name: string, kind: string, make: (path: string) => Promise<void>): Promise<string> {
  const model = join(root, ".cache", name, kind.slice(0, 16));
  if (existsSync(model)) return model;
  const made = `${model}-${randomUUID()}`;
  mkdirSync(dirname(made), { recursive: true });
  await make(made);
  try {
    renameSync(made, model);
  } catch {
    // Another test file was quicker, and made the same.
    rmSync(made, { recursive: true });
  }
  return model;
}

async function copyWithOwners(from: string, to: string): Promise<void> {
  await run("cp", ["-a", from, to]);
}
