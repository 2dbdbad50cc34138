/** The README's table of PSPs and the example configuration, as the adapters' folders give them. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { type AnyAdapter, commonConfig, type DesiredPayment } from "../src/contract/adapter.ts";

/** A file as it is, and as the code says it should be; `undefined` where it has no place for that. */
export interface Generated {
  readonly file: string;
  readonly current: string;
  readonly generated: string | undefined;
}

const root = join(import.meta.dirname, "..");
const between = /(<!-- psps:begin -->\n)[^]*?(<!-- psps:end -->)/;
const heads = ["PSP", "folder", "webhooks", "proof", "truth", "recurring", "upsell", "operations", "proven against"];

/** The README with the table of PSPs made anew. */
export function readmeOfPsps(adapters: Iterable<AnyAdapter>): Generated {
  const file = join(root, "README.md");
  const current = readFileSync(file, "utf8");
  const rows = [...adapters].map(rowOf).toSorted(([left = ""], [right = ""]) => (left < right ? -1 : 1));
  const lines = [heads, heads.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |\n`).join("");
  const generated = between.test(current)
    ? current.replace(between, (_, begin: string, end: string) => `${begin}${lines}${end}`)
    : undefined;
  return { file, current, generated };
}

function rowOf(adapter: AnyAdapter): string[] {
  const { id, title, operations } = adapter;
  const webhooks = Object.entries(adapter.webhooks);
  const names = webhooks.map(([name, { scope }]) => (scope === "account" ? `\`${name}\` (account)` : `\`${name}\``));
  const told = desiredOf(id);
  const { repeat: _, patienceSeconds: _patience, mostTries: _tries, ...offered } = operations ?? { repeat: "never" };
  return [
    title,
    `[${id}](src/adapters/${id}/README.md)`,
    names.join(", ") || "–",
    [...new Set(webhooks.map(([, { verify }]) => verify.scheme))].join(", ") || "–",
    "fetch" in adapter ? "the PSP's API" : webhooks.length > 0 ? "its events" : "–",
    told.some(({ recurring }) => recurring !== undefined) ? "yes" : "–",
    told.some(({ upsell }) => upsell !== undefined) ? "yes" : "–",
    Object.keys(offered).join(", ") || "–",
    provenAgainst(id),
  ];
}

/**
 * What the folder's fixtures and vectors are, at best: what we composed is judged by the simulator alone; what was recorded is the PSP's own
 * (its libraries, its documentation); what is live came from an account. The first word of each `source.md` says so.
 */
function provenAgainst(folder: string): string {
  const path = join(root, "src/adapters", folder);
  const sources = readdirSync(path, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith("source.md"));
  const told = sources.map((name) => readFileSync(join(path, name), "utf8"));
  if (told.some((text) => text.startsWith("Live"))) return "live";
  return told.some((text) => text.startsWith("Recorded")) ? "recorded" : "simulator";
}

/** What Norce should say by the folder's fixtures. */
function desiredOf(folder: string): readonly DesiredPayment[] {
  const path = join(root, "src/adapters", folder, "fixtures");
  if (!existsSync(path)) return [];
  return readdirSync(path)
    .map((name) => join(path, name, "desired.json"))
    .filter((file) => existsSync(file))
    .map((file) => JSON.parse(readFileSync(file, "utf8")) as DesiredPayment | null)
    .filter((desired) => desired !== null);
}

/** The example configuration with an entry, commented out, for each adapter that has none yet. What somebody wrote stays. */
export function exampleWith(adapters: Iterable<AnyAdapter>): Generated {
  const file = join(root, "config.example.yaml");
  const current = readFileSync(file, "utf8");
  const missing = [...adapters].filter(({ id }) => !new RegExp(`^ {6}(# )?${id}:`, "m").test(current));
  return { file, current, generated: `${current.trimEnd()}\n${missing.map(entryOf).join("")}` };
}

/** Settings that have to be given, each from an environment variable of its own. */
function entryOf({ id, config }: AnyAdapter): string {
  const shape = config instanceof z.ZodObject ? (config.shape as Record<string, z.ZodType>) : {};
  const own = Object.entries(shape).filter(
    ([name, of]) => !(name in commonConfig.shape) && !of.safeParse(undefined).success,
  );
  const variable = (name: string): string =>
    `${id}_${name}`
      .replaceAll(/([a-z])([A-Z])/g, "$1_$2")
      .replaceAll("-", "_")
      .toUpperCase();
  return [
    "",
    `${id}:`,
    `  adapterId: acme_${id.replaceAll("-", "_")}_adapter`,
    `  apiUrl: https://api.${id}.example`,
    ...own.map(([name]) => `  ${name}: \${${variable(name)}}`),
  ]
    .map((line) => (line === "" ? "\n" : `      # ${line}\n`))
    .join("");
}
