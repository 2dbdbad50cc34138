/** The table of delays in docs/errors-and-retries.md, from the numbers that the service goes by. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { patience } from "../src/workers/patience.ts";
import type { Generated } from "./psp-table.ts";

/** How a kind of waiting is told, where the numbers have it. */
interface Pauses {
  readonly firstMs: number;
  readonly longestMs: number;
  readonly limitMs?: number;
  readonly limitTries?: number;
}

const between = /(<!-- patience:begin -->\n)[^]*?(<!-- patience:end -->)/;
const heads = ["what happened", "first pause", "longest pause", "given up after"];

/** What each kind of waiting is, in the order of the page: a kind that is added has to be told before this compiles. */
const told: Readonly<Record<keyof typeof patience, string>> = {
  notYet:
    "not there yet: Norce has no such payment (`not-in-norce`), it has no reference (`no-reference`), or the PSP does not know it (`not-at-psp`)",
  unreachable: "`Unreachable`: network, timeout, 5xx, 429",
  unauthorized: "`Unauthorized`: 401, our credentials are wrong",
  conflict: "`Conflict`: 409 or 412, or somebody else changed the payment at the same time",
  operation: "an operation whose PSP stumbles",
  unmapped: "`Unmapped`: a status or shape that this version does not know; asked for once more",
  bug: "`Bug`: an error of ours",
};

/** Where the end is no number of the policy's. */
const ends: Readonly<Partial<Record<keyof typeof patience, string>>> = {
  unauthorized: "the payment's horizon: 30 days, unless its adapter says otherwise",
};

/** What is not waited for. */
const atOnce = ["`Refused`: 400, 403, 404, 410, 422, or a rule of the service"];

/** The page with the table made anew. */
export function pageOfDelays(): Generated {
  const file = join(import.meta.dirname, "../docs/errors-and-retries.md");
  const current = readFileSync(file, "utf8");
  const kinds = Object.keys(told) as (keyof typeof patience)[];
  const rows = [
    ...kinds.map((kind) => [told[kind], ...numbersOf(patience[kind], ends[kind])]),
    ...atOnce.map((what) => [what, "–", "–", "at once"]),
  ];
  const table = [heads, heads.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |\n`).join("");
  const generated = between.test(current)
    ? current.replace(between, (_, begin: string, end: string) => `${begin}${table}${end}`)
    : undefined;
  return { file, current, generated };
}

function numbersOf({ firstMs, longestMs, limitMs, limitTries }: Pauses, end?: string): string[] {
  const limit = limitMs === undefined ? `${limitTries} ${limitTries === 1 ? "repeat" : "repeats"}` : span(limitMs);
  return [span(firstMs), span(longestMs), end ?? limit];
}

function span(ms: number): string {
  if (ms >= 3_600_000) return `${ms / 3_600_000} h`;
  return ms >= 60_000 ? `${ms / 60_000} min` : `${ms / 1_000} s`;
}
