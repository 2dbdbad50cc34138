import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { findBinary } from "../test/support/binaries.ts";
import { answers } from "../test/support/engines.ts";

/** A server's process: it ends and comes back on the same port with the same files. */
export interface Server {
  end(signal: NodeJS.Signals): Promise<void>;
  start(): Promise<void>;
  freeze(): void;
  thaw(): void;
}

/** Whose process it is, and what stands in its environment besides ours. */
interface ServerOptions {
  readonly uid?: number;
  readonly gid?: number;
  readonly env?: Readonly<Record<string, string>> | undefined;
}

/** A server that has not been started. */
export function serverOf(
  command: string,
  parameters: readonly string[],
  port: number,
  { env, ...account }: ServerOptions = {},
): Server {
  let child: ChildProcess | undefined;
  return {
    async start() {
      const started = spawn(command, parameters, { ...account, env: { ...process.env, ...env }, stdio: "ignore" });
      child = started;
      process.once("exit", () => started.kill("SIGKILL"));
      for (let tries = 0; !(await answers(port)); tries += 1) {
        if (tries > 400) throw new Error(`${command} does not listen on ${port}`);
        await pause(25);
      }
    },
    async end(signal) {
      const ending = child;
      if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
      const exited = new Promise((done) => ending.once("exit", done));
      ending.kill("SIGCONT");
      ending.kill(signal);
      await exited;
    },
    freeze: () => void child?.kill("SIGSTOP"),
    thaw: () => void child?.kill("SIGCONT"),
  };
}

/** Ends it, and starts it again after a while. */
export async function endFor(server: Server, signal: NodeJS.Signals, downMs: number): Promise<void> {
  await server.end(signal);
  await pause(downMs);
  await server.start();
}

/** Stops it for a while, with everything that it holds. */
export async function freezeFor(server: Server, ms: number): Promise<void> {
  server.freeze();
  await pause(ms);
  server.thaw();
}

/** @throws Error in plain words. */
export function programOf(name: string, folders: readonly string[] = []): string {
  const found = findBinary(name, folders);
  if (found === undefined) throw new Error(`${name} is not installed`);
  return found;
}

/** A folder of its own. */
export function folderOf(name: string): string {
  return mkdtempSync(join(tmpdir(), `norce-psp-prove-${name}-`));
}
