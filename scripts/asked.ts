import { parseArgs, type ParseArgsConfig } from "node:util";

/**
 * What a developer's script is asked for: as `parseArgs` reads it. `--help` prints the usage and ends; what is not understood is told in a line,
 * with the usage, and ends with 2.
 */
export function asked<const Config extends ParseArgsConfig>(
  usage: string,
  config: Config,
): ReturnType<typeof parseArgs<Config>> {
  // Asked for before anything else is read: `--help` is no fault beside another one.
  if ((config.args ?? process.argv.slice(2)).some((one) => one === "--help" || one === "-h")) {
    console.log(usage);
    process.exit(0);
  }
  try {
    return parseArgs(config);
  } catch (error) {
    const [what] = (error instanceof Error ? error.message : String(error)).split(". ");
    console.error(`${what ?? ""}\n${usage}`);
    process.exit(2);
  }
}
