/** What every command has in common: how it is called, what it prints, how it ends. */
import { Command } from "@commander-js/extra-typings";
import { CommanderError, InvalidArgumentError } from "commander";
import { z } from "zod";
import { ConfigError } from "../config.ts";
import { isWorkerError, type WorkerError } from "../lib/errors.ts";

/** How a command ends: all is well, a person is needed, it was called wrongly, or what it asks did not answer. */
export const exits = { fine: 0, attention: 1, usage: 2, unreachable: 3 } as const;

/** What a person who called a command has to know. */
export class Usage extends Error {}

/** A command by its name in package.json; it explains itself with `--help`, and where it was called wrongly. */
export function commandNamed(name: string, about: string): Command {
  return new Command(`npm run ${name} --`)
    .description(about)
    .configureOutput({ writeErr: (text) => console.error(text.trimEnd()) })
    .showHelpAfterError("(--help says more)")
    .addHelpText("after", "\nExit codes: 0 fine, 1 a person is needed, 2 called wrongly, 3 not reachable.")
    .exitOverride();
}

/** Runs a command with the process's parameters; `process.exitCode` is 0 where its action sets nothing else. */
export async function run(command: { parseAsync(): Promise<unknown> }): Promise<void> {
  try {
    await command.parseAsync();
  } catch (error) {
    process.exitCode = tell(error);
  }
}

/** Says why a command did not do what it was called for; the exit code. */
function tell(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exits.fine : exits.usage;
  if (error instanceof Usage || error instanceof ConfigError) {
    console.error(error.message);
    return exits.usage;
  }
  console.error(isWorkerError(error) ? `${error.message}${addressOf(error)}` : error);
  return exits.unreachable;
}

/** Whom it was that did not answer as it should, where the message does not say it, and what it answered. */
function addressOf({ context: { host, status, code } }: WorkerError): string {
  const facts = [host, status, code].filter((one) => one !== undefined);
  return facts.length === 0 ? "" : ` (${facts.join(", ")})`;
}

/** Reads a day: `2026-01-31`. @throws InvalidArgumentError */
export function day(text: string): string {
  if (!z.iso.date().safeParse(text).success) throw new InvalidArgumentError("It has to be a day, such as 2026-01-31.");
  return text;
}

const momentSchema = z.union([
  z.iso.date(),
  z.iso.datetime({ offset: true }),
  z.iso.datetime({ offset: true, precision: -1 }),
]);

/** Reads a day or a time: `2026-01-31`, `2026-01-31T09:00Z`. @throws InvalidArgumentError */
export function moment(text: string): string {
  if (!momentSchema.safeParse(text).success)
    throw new InvalidArgumentError("It has to be a day, such as 2026-01-31, or a time, such as 2026-01-31T09:00Z.");
  return text;
}
