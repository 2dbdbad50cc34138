import { z } from "zod";

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

/** Names and values where there are some; a value that is no record has none, and hides nothing of its neighbours. */
export function entriesOf(value: unknown): [string, unknown][] {
  return isRecord(value) ? Object.entries(value) : [];
}

/** True for what YAML calls a mapping. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A fault for each text, however deep, that is a URL with a user name, a password or a query in it: URLs are printed. */
export function urlFaults(value: unknown, path: string): string[] {
  if (typeof value === "object" && value !== null)
    return Object.entries(value).flatMap(([name, item]) => urlFaults(item, path === "" ? name : `${path}.${name}`));
  const url = typeof value === "string" && /^https?:/i.test(value) ? URL.parse(value) : null;
  if (url === null) return [];
  return url.username + url.password + url.search + url.hash === "" ? [] : [`${path}: ${bareUrl}`];
}

const bareUrl = "must not have a user name, a password or a query in the URL, which is printed";

/** A URL of `http` or `https` that may be printed. */
export const httpUrl = z
  .url({ protocol: /^https?$/ })
  .refine((url) => urlFaults(url, "").length === 0, { error: bareUrl });

/** A whole number as text; empty counts as unset. */
export function wholeNumber(fallback: number, least: number, most: number): z.ZodType<number> {
  const numberFrom = (text: unknown): unknown => {
    if (text === undefined || text === "") return fallback;
    // `Number` would make 0 of a blank.
    return typeof text === "string" && /^\s*\d+\s*$/.test(text) ? Number(text) : text;
  };
  return z.preprocess(numberFrom, z.int("has to be a whole number").min(least).max(most));
}

/** A size such as `512kb`, in bytes. */
export function bytesFrom(text: string, context: z.core.$RefinementCtx): number {
  const match = /^(\d+)\s*(b|kb|mb)?$/i.exec(text.trim());
  const unit = { b: 1, kb: 1024, mb: 1024 * 1024 }[(match?.[2] ?? "b").toLowerCase()] ?? 1;
  const bytes = Number(match?.[1]) * unit;
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  context.addIssue({ code: "custom", message: "has to be a size such as 512kb or 1mb" });
  return z.NEVER;
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
