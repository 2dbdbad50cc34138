import type { z } from "zod";

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The document with `${VAR}` in every text taken from the environment: after parsing, so that no value can change the structure.
 * A variable that is not set is added to `faults` with its path.
 */
export function substitute(value: unknown, environment: Environment, path: string, faults: string[]): unknown {
  if (typeof value === "string") {
    return value.replaceAll(/\$\{([A-Za-z_]\w*)\}/g, (_, name: string) => {
      const found = environment[name];
      if (found === undefined || found === "") faults.push(`${path}: the environment variable ${name} is not set`);
      return found ?? "";
    });
  }
  if (Array.isArray(value))
    return value.map((item, index) => substitute(item, environment, `${path}.${index}`, faults));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [
        name,
        substitute(item, environment, path === "" ? name : `${path}.${name}`, faults),
      ]),
    );
  }
  return value;
}

/** The value, or `undefined` where it does not fit: then every fault is added to `faults` with its path. */
export function collect<T>(result: z.ZodSafeParseResult<T>, path: string, faults: string[]): T | undefined {
  if (result.success) return result.data;
  for (const issue of result.error.issues) {
    const at = [path, ...issue.path].filter((part) => part !== "").join(".");
    // A missing variable has been named already; its empty text would be named a second time.
    if (!faults.some((fault) => fault.startsWith(`${at}: the environment variable`)))
      faults.push(`${at === "" ? "config" : at}: ${issue.message}`);
  }
  return undefined;
}

/** Every fault of the configuration at once, each with its path. */
export class ConfigError extends Error {
  readonly faults: readonly string[];
  constructor(faults: readonly string[]) {
    super(
      `the configuration has ${faults.length === 1 ? "a fault" : `${faults.length} faults`}:\n${faults.map((fault) => `  - ${fault}`).join("\n")}`,
    );
    this.name = "ConfigError";
    this.faults = faults;
  }
}
