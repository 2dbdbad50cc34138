import { ConfigError } from "./config.ts";
import { isWorkerError } from "./lib/errors.ts";

/** What a person who called a command has to know. */
export class Usage extends Error {}

/** Says why a process cannot run, in plain words for what a person can mend, and exits with 1. */
export function exitWith(error: unknown): never {
  const told = error instanceof ConfigError || error instanceof Usage || isWorkerError(error);
  console.error(told ? error.message : error);
  process.exit(1);
}
