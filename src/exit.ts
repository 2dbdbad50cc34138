import { ConfigError } from "./config.ts";
import { isWorkerError } from "./lib/errors.ts";

/** Says why a process cannot run, in plain words for what a person can mend, and exits with 1. */
export function exitWith(error: unknown): never {
  const told = error instanceof ConfigError || isWorkerError(error);
  console.error(told ? error.message : error);
  process.exit(1);
}
