/**
 * Writes each adapter's table "status to state" into its README, from its fixtures, so that it cannot say anything else than the
 * code does: `node scripts/adapter-table.ts [--check] [folder…]`. Without a folder also what is said of all of them together: the README's
 * table of PSPs, an example of each configuration, and the table of delays.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { AnyAdapter, DesiredPayment, DesiredTransaction, Json, KeptEvent } from "../src/contract/adapter.ts";
import { loadAdapters } from "../src/adapters/registry.ts";
import { paymentStates, stateOf } from "../src/norce/states.ts";
import { asked } from "./asked.ts";
import { pageOfDelays } from "./delay-table.ts";
import { exampleWith, readmeOfPsps } from "./psp-table.ts";

/** An adapter's README as it is, and as its fixtures say it should be. */
export interface Readme {
  readonly file: string;
  readonly current: string;
  /** The same as `current` where the table is true; `undefined` where the README has no markers to put it between. */
  readonly generated: string | undefined;
}

interface Row {
  readonly name: string;
  readonly says: string;
  /** `null` where a fold says nothing of the payment. */
  readonly desired: DesiredPayment | null;
}

const folders = join(import.meta.dirname, "../src/adapters");
const between = /(<!-- table:begin -->\n)[^]*?(<!-- table:end -->)/;
const heads = ["fixture", "the PSP says", "phase", "A", "C", "R", "V", "ten states", "twelve states", "transactions"];

/** The adapter's README with the table made anew. */
export function readmeOf(adapter: AnyAdapter): Readme {
  const file = join(folders, adapter.id, "README.md");
  const current = readFileSync(file, "utf8");
  const generated = between.test(current)
    ? current.replace(between, (_, begin: string, end: string) => `${begin}${tableFrom(rowsOf(adapter))}${end}`)
    : undefined;
  return { file, current, generated };
}

function rowsOf(adapter: AnyAdapter): Row[] {
  const path = join(folders, adapter.id, "fixtures");
  const rows = (existsSync(path) ? readdirSync(path) : []).map((name): Row => {
    const read = (file: string): unknown => {
      const full = join(path, name, file);
      return existsSync(full) ? JSON.parse(readFileSync(full, "utf8")) : undefined;
    };
    const said = statusesIn((read("snapshot.json") ?? null) as Json);
    const kept = (read("kept.json") ?? []) as readonly KeptEvent[];
    const events = kept.map(({ type, success }) => `\`${type}\`${success ? "" : " (failed)"}`);
    // That the code says the same is the golden law's.
    return { name, says: [...said, ...events].join(", ") || "–", desired: read("desired.json") as Row["desired"] };
  });
  return rows.toSorted((left, right) => progress(left) - progress(right) || (left.name < right.name ? -1 : 1));
}

function tableFrom(rows: readonly Row[]): string {
  const lines = rows.map(({ name, says, desired }) => {
    if (desired === null) return [name, says, ...heads.slice(2).map(() => "–")];
    const { phase, money, transactions } = desired;
    const sums = [money.authorized, money.captured, money.refunded, money.released].map(String);
    const states = [`\`${stateOf(phase, money, "ten")}\``, `\`${stateOf(phase, money, "twelve")}\``];
    return [name, says, phase, ...sums, ...states, transactions.map(transactionText).join(", ") || "–"];
  });
  return [heads, heads.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}

/** The PSP's own words in a snapshot, wherever a field is called some kind of status. */
function statusesIn(value: Json, path: readonly string[] = []): string[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [];
  return Object.entries(value).flatMap(([name, inner]: [string, Json]) =>
    typeof inner === "string" && /(status|state|current)$/i.test(name)
      ? [`${[...path, name].join(".")} \`${inner}\``]
      : statusesIn(inner, [...path, name]),
  );
}

function transactionText({ event, amount, success }: DesiredTransaction): string {
  return `${event} ${amount}${success ? "" : " (failed)"}`;
}

/** In the order in which a payment moves. */
function progress({ desired }: Row): number {
  if (desired === null) return -1;
  const { phase, money } = desired;
  const order = ["intent", "processing", "pending", "confirmed", "reserved", "captured", "credited", "removed"];
  const state = stateOf(phase, money, "ten");
  return order.includes(state) ? order.indexOf(state) : order.length + paymentStates.indexOf(state);
}

if (import.meta.main) {
  const usage =
    "npm run adapter:table -- [--check] [folders...]  writes the tables that are made from the code, or says which are not true";
  const { values, positionals } = asked(usage, { options: { check: { type: "boolean" } }, allowPositionals: true });
  const adapters = await loadAdapters(positionals.length > 0 ? positionals : undefined);
  const everybodys =
    positionals.length > 0 ? [] : [readmeOfPsps(adapters.values()), exampleWith(adapters.values()), pageOfDelays()];
  for (const { file, current, generated } of [...[...adapters.values()].map(readmeOf), ...everybodys]) {
    if (generated === undefined) throw new Error(`${file} has no markers to put a table between`);
    if (generated === current) continue;
    if (values.check === true) {
      console.error(`${file} is not what the code says; run npm run adapter:table`);
      process.exitCode = 1;
    } else {
      writeFileSync(file, generated);
      console.log(`${file}: written`);
    }
  }
}
