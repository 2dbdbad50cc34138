import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";

/** A copy of this tree, for what writes into it. */
export interface Tree {
  readonly path: string;
  /** Runs a shell command in it. */
  run(line: string): Promise<{ readonly status: number; readonly printed: string }>;
  remove(): void;
}

const left: ReadonlySet<string> = new Set(["node_modules", ".git", ".data", ".cache"]);

/** What Node has compiled once it need not compile for the next process: a third of a start. */
export const compileCache = join(import.meta.dirname, "../../.cache/node");

/**
 * The embedded engine's WebAssembly is compiled anew by each process: optimizing it takes three seconds of a processor, more than any test
 * would ever get back. For the runner's own processes (vitest.config.ts) and those that tests start.
 */
export const quickWasm = "--liftoff-only";

/** Copies the tree, without its history; packages are shared. */
export function copyTree(): Tree {
  const path = mkdtempSync(join(tmpdir(), "norce-psp-tree-"));
  for (const name of readdirSync(".")) if (!left.has(name)) cpSync(name, join(path, name), { recursive: true });
  symlinkSync(join(process.cwd(), "node_modules"), join(path, "node_modules"));
  // Nothing of the machine's settings, nor of the test's own, reaches the commands.
  const environment = {
    HOME: process.env["HOME"] ?? "",
    PATH: [dirname(process.execPath), process.env["PATH"] ?? ""].join(delimiter),
    NO_COLOR: "1",
    NODE_COMPILE_CACHE: compileCache,
  };
  return {
    path,
    run: (line) =>
      new Promise((resolve) => {
        execFile("/bin/sh", ["-c", line], { cwd: path, env: environment }, (error, stdout, stderr) =>
          resolve({ status: error === null ? 0 : Number(error.code ?? 1), printed: stdout === "" ? stderr : stdout }),
        );
      }),
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}
