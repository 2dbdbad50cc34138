/** Adapters from elsewhere: modules outside the tree, held to the contract that the compiler holds a folder to. */
import { existsSync } from "node:fs";
import { registerHooks } from "node:module";
import { isAbsolute, join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import { type AnyAdapter, commonConfig } from "../contract/adapter.ts";
import type { Adapters } from "./registry.ts";

/** How long a module from outside may take to load. */
const loadingMs = 10_000;

/** What came of loading modules from outside the tree. */
export interface Outside {
  /** Those that were known before, and those that fit. */
  readonly adapters: Adapters;
  /** What keeps the others from fitting, each with its module. */
  readonly faults: readonly string[];
}

/**
 * Adds the adapters of modules outside the tree, held to the contract that the compiler holds a folder to.
 * @param modules names of npm packages, and paths: to a file, or to a folder with an `index.ts` or `index.js`.
 * @param base what paths are relative to.
 */
export async function loadOutside(modules: readonly string[], base: string, known: Adapters): Promise<Outside> {
  if (modules.length > 0) shareContract();
  const adapters = new Map(known);
  const faults: string[] = [];
  for (const [index, name] of modules.entries()) {
    const place = `adapters.${index} (${name})`;
    const found = await candidatesIn(name, base);
    if (typeof found === "string") faults.push(`${place}: ${found}`);
    else {
      for (const [position, candidate] of found.entries()) {
        const misfits = misfitsOf(candidate, adapters);
        const of = found.length > 1 ? `${place}, adapter ${position + 1}` : place;
        if (misfits.length === 0) adapters.set((candidate as AnyAdapter).id, candidate as AnyAdapter);
        faults.push(...misfits.map((misfit) => `${of}: ${misfit}`));
      }
    }
  }
  return { adapters, faults };
}

/** What a module exports as adapters, or why there is nothing. */
async function candidatesIn(name: string, base: string): Promise<readonly unknown[] | string> {
  let module: { readonly default?: unknown; readonly adapters?: unknown };
  try {
    module = (await inTime(import(specifierOf(name, base)))) as typeof module;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING")
      return "is TypeScript below node_modules, which Node does not run: the package has to ship JavaScript";
    return `cannot be loaded: ${reasonOf(error, name, base)}`;
  }
  if (Array.isArray(module.adapters))
    return module.adapters.length === 0 ? "exports an empty list `adapters`" : (module.adapters as readonly unknown[]);
  return module.default === undefined
    ? "exports no adapter: neither a default nor a list `adapters`"
    : [module.default];
}

/** A module that waits for something while it is loaded would hold up the start without a word. */
async function inTime<T>(loading: Promise<T>): Promise<T> {
  const given = new AbortController();
  const late = pause(loadingMs, undefined, { signal: given.signal }).then(() => {
    throw new Error(`it was still loading after ${loadingMs / 1000} seconds`);
  });
  try {
    return await Promise.race([loading, late]);
  } finally {
    given.abort();
  }
}

/** Why a module cannot be loaded, in words for whoever named it. */
function reasonOf(error: unknown, name: string, base: string): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  if (code === "ERR_UNSUPPORTED_DIR_IMPORT") return "the folder has neither an index.ts nor an index.js: name the file";
  if (code === "ERR_MODULE_NOT_FOUND" && !isPath(name) && existsSync(resolve(base, name)))
    return "there is no such package: a path begins with ./";
  // Who looked for it is told only where that is not us.
  return error.message.split("\n")[0]?.replace(` imported from ${import.meta.filename}`, "") ?? "";
}

function specifierOf(name: string, base: string): string {
  if (!isPath(name)) return name;
  const path = resolve(base, name);
  const index = ["index.ts", "index.js"].map((file) => join(path, file)).find((file) => existsSync(file));
  return pathToFileURL(index ?? path).href;
}

function isPath(name: string): boolean {
  return isAbsolute(name) || /^\.{1,2}([/\\]|$)/.test(name);
}

const ours = "norce-psp-worker/";
let isShared = false;

/** Wherever a module lies, the contract that it imports by our name is this process's own: an error class is the same class for both. */
function shareContract(): void {
  if (isShared) return;
  isShared = true;
  registerHooks({
    resolve: (specifier, context, next) =>
      next(specifier, specifier.startsWith(ours) ? { ...context, parentURL: import.meta.url } : context),
  });
}

const call = z.custom<unknown>((value) => typeof value === "function", "has to be a function");
const days = z.number().positive().optional();

const printable = z.string().regex(/^[\x20-\x7e]+$/, "has to be printable ASCII: it stands in a header");

const whole = z.int().positive().optional();
const paths = z.array(z.string());

const webhookShape = z.object({
  scope: z.enum(["payment", "account"]),
  method: z.enum(["GET", "POST"]),
  verify: z.object({ trust: z.enum(["proven", "hint"]), scheme: z.string().min(1), check: call }),
  ack: z
    .object({ status: z.int().min(200).max(299), type: printable.optional(), body: z.string().optional() })
    .refine(({ status, body = "" }) => status !== 204 || body === "", "204 has no body"),
  refusals: z.record(z.string(), z.int().min(400).max(599)).optional(),
  placeholders: z.record(z.string(), z.string()).optional(),
  signed: z.union([z.enum(["all", "none"]), paths]).optional(),
  bodyLimitBytes: whole,
  urlLimit: whole,
  parse: call,
  proveLater: call.optional(),
});

/** What the compiler would say of a folder, for modules that it never saw. */
const adapterShape = z.object({
  id: z.string().regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, "has to be lower case letters, digits and single hyphens"),
  title: z.string().trim().min(1),
  config: z.custom<z.ZodObject>((value) => value instanceof z.ZodObject, "has to be a zod object"),
  secrets: z.array(z.string()),
  webhooks: z.record(z.string(), webhookShape),
  fetch: call.optional(),
  map: call.optional(),
  fold: call.optional(),
  afterWrite: call.optional(),
  operations: z
    .strictObject({
      repeat: z.union([
        z.enum(["idempotency-key", "look-first", "never"]),
        z.strictObject({ idempotencyKeyHours: z.number().positive() }),
      ]),
      patienceSeconds: z.number().positive().optional(),
      mostTries: z.int().positive().optional(),
      capture: call.optional(),
      cancel: call.optional(),
      refund: call.optional(),
    })
    .optional(),
  rememberDays: days,
  horizonDays: z.object({ unsettled: days, refund: days }).optional(),
  rounding: z.int().nonnegative().optional(),
  echoLength: whole,
  decides: paths.optional(),
  sameId: call.optional(),
  resolve: call.optional(),
  probe: call.optional(),
  registrations: z
    .object({
      webhooks: z.array(z.string()),
      list: call,
      unavailable: call.optional(),
      faultOf: call.optional(),
      register: call.optional(),
      repair: call.optional(),
      test: call.optional(),
    })
    .optional(),
});

type Candidate = { readonly [Field in keyof z.infer<typeof adapterShape>]?: unknown };

/** A setting with such a name is a secret. */
const secretive = /secret|password|passphrase|token|key|hmac|signature|credential|private/i;

/** Everything that keeps a value from being an adapter beside the known ones, in words for whoever wrote it. */
export function misfitsOf(value: unknown, known: Adapters): readonly string[] {
  if (typeof value !== "object" || value === null) return ["an adapter has to be an object"];
  try {
    return misfitsIn(value, known);
  } catch (error) {
    return [`cannot be read: ${error instanceof Error ? error.message : String(error)}`];
  }
}

function misfitsIn(value: object, known: Adapters): readonly string[] {
  const candidate: Candidate = value;
  const issues = adapterShape.safeParse(value).error?.issues ?? [];
  const { id, config } = candidate;
  return [
    ...issues.map(({ path, message }) => `${path.join(".")}: ${message}`),
    ...(typeof id === "string" && known.has(id) ? [`id: ${id} is taken by another adapter`] : []),
    ...(config instanceof z.ZodObject ? misfitsOfSettings(config, candidate.secrets) : []),
    ...misfitsOfWhole(candidate),
  ];
}

function misfitsOfSettings(config: z.ZodObject, secrets: unknown): string[] {
  const settings = Object.keys(config.shape);
  const missing = Object.keys(commonConfig.shape).filter((name) => !settings.includes(name));
  const listed: readonly unknown[] = Array.isArray(secrets) ? secrets : [];
  return [
    ...(missing.length > 0 ? [`config: has to be commonConfig.extend({…}); ${missing.join(", ")} is missing`] : []),
    ...(config.safeParse({}).success ? ["config: takes settings in which nothing is set"] : []),
    ...listed
      .filter((name) => !settings.includes(String(name)))
      .map((name) => `secrets: ${String(name)} is no setting`),
    ...listed
      .filter((name) => hasDefault(config.shape[String(name)]))
      .map((name) => `secrets: ${String(name)} has a default`),
    ...settings
      .filter((name) => secretive.test(name) && !listed.includes(name))
      .map((name) => `secrets: ${name} is a secret by its name, and is not listed`),
  ];
}

function hasDefault(setting: unknown): boolean {
  return setting instanceof z.ZodType && setting.safeParse(undefined).data !== undefined;
}

/** The names of the webhooks, and where truth lives: in the PSP's API, or in its proven events. */
function misfitsOfWhole({ fetch, map, fold, afterWrite, webhooks }: Candidate): string[] {
  const named = Object.entries((webhooks ?? {}) as Readonly<Record<string, { verify?: { trust?: unknown } }>>);
  const nameless = named
    .filter(([name]) => !/^[a-z][\w-]*$/.test(name))
    .map(([name]) => `webhooks.${name}: is no name for a URL`);
  if (fold === undefined)
    return [...nameless, ...(fetch === undefined || map === undefined ? ["has to have fetch and map, or fold"] : [])];
  const asked = fetch !== undefined || map !== undefined || afterWrite !== undefined;
  const hints = named.filter(([, webhook]) => webhook?.verify?.trust === "hint");
  return [
    ...nameless,
    ...(asked ? ["fold: excludes fetch, map and afterWrite"] : []),
    ...hints.map(([name]) => `webhooks.${name}.verify: is a hint; where events are folded each has to be proven`),
  ];
}
