/**
 * The score card of one adapter: `npm run adapter:check -- <folder>`. Runs the laws of test/conformance, the folder's own tests, the type-check
 * and the lint, and says in plain words what is missing. Exits with 1 as long as something is.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { stripVTControlCharacters, styleText } from "node:util";
import { loadAdapters } from "../src/adapters/registry.ts";
import { loadSimulator } from "../sandbox/kernel/load.ts";
import { asked } from "./asked.ts";
import { folderFrom } from "./adapter-check/folder.ts";
import { type Facts, fileOfLaw, plain, type Verdict, verdictsOf } from "./adapter-check/laws.ts";
import { type FileReport, reportVariable } from "./adapter-check/reporter.ts";

const root = join(import.meta.dirname, "..");
const marks = { "✓": "green", "✗": "red", "–": "dim" } as const;
/** How much of what is missing is told of one law. */
const mostTold = 3;

/** What a program printed; a program that fails has printed why. */
async function output(
  program: string,
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<string> {
  // The programs are started by `env node`, which has to find the Node that runs this.
  const path = [dirname(process.execPath), process.env["PATH"] ?? ""].join(delimiter);
  return await new Promise((resolve) => {
    execFile(
      join(root, "node_modules/.bin", program),
      args,
      { cwd: root, env: { ...process.env, PATH: path, NO_COLOR: "1", ...environment }, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) =>
        resolve(error === null ? "" : stripVTControlCharacters(`${stdout}${stderr}`) || "failed"),
    );
  });
}

async function factsOf(folder: string): Promise<Facts> {
  const adapter = (await loadAdapters([folder])).get(folder);
  if (adapter === undefined) throw new Error(`there is no adapter folder ${folder}`);
  const fixtures = join(root, "src/adapters", folder, "fixtures");
  const cases = existsSync(fixtures) ? readdirSync(fixtures) : [];
  const simulator = await loadSimulator(folder, { timeScale: 0 });
  const purchase = { orderId: "o_1", paymentId: "p_1", amount: 100_00, currency: "SEK", callbackUrls: {} };
  return {
    adapter,
    fixtures: cases.length,
    requests: cases.filter((name) => existsSync(join(fixtures, name, "request.json"))).length,
    actions: simulator === undefined ? 0 : simulator.actions(simulator.open(purchase)).length,
  };
}

async function reportsOf(folder: string, where: readonly string[]): Promise<readonly FileReport[]> {
  const temporary = mkdtempSync(join(tmpdir(), "adapter-check-"));
  const file = join(temporary, "report.json");
  const reporter = `--reporter=${join(import.meta.dirname, "adapter-check/reporter.ts")}`;
  try {
    // The files share what they have loaded: half the time.
    const told = await output("vitest", ["run", "--no-isolate", ...where, reporter], {
      ADAPTERS: folder,
      [reportVariable]: file,
    });
    if (!existsSync(file)) throw new Error(`the laws could not be run:\n${told}`);
    return JSON.parse(readFileSync(file, "utf8")) as readonly FileReport[];
  } finally {
    rmSync(temporary, { recursive: true });
  }
}

/** The folder's own tests, as far as there are some. */
function ownTests(reports: readonly FileReport[]): Verdict {
  const own = reports.filter(({ file }) => file.startsWith("src/"));
  const tests = own.flatMap(({ tests: some }) => some);
  const failed = tests.filter(({ state }) => state === "failed");
  const missing = [
    ...own.flatMap(({ file, errors }) => errors.map((error) => `${file}: ${plain(error)}`)),
    ...failed.map(({ path, errors }) => `${path.join(", ")}: ${plain(errors[0] ?? "")}`),
  ];
  if (missing.length > 0) return { law: "its own tests", mark: "✗", note: "the *.test.ts beside the files", missing };
  return tests.length === 0
    ? { law: "its own tests", mark: "–", note: "there are none", missing }
    : { law: "its own tests", mark: "✓", note: `${tests.length} tests`, missing };
}

function checked(law: string, note: string, lines: readonly string[]): Verdict {
  return lines.length === 0
    ? { law, mark: "✓", note: "", missing: [] }
    : { law, mark: "✗", note, missing: lines.map((line) => line.slice(0, 240)) };
}

/** What the compiler and the linters say of the folder; what they say of others is not this adapter's. */
async function houseRules(folder: string): Promise<readonly Verdict[]> {
  const path = `src/adapters/${folder}`;
  const [said, format] = await Promise.all([
    output("oxlint", ["--type-aware", "--type-check", "--format=unix", path]),
    output("oxfmt", ["--check", path]),
  ]);
  const lines = said.split("\n").filter((line) => line !== "" && !/^\d+ problems?$/.test(line));
  const isType = (line: string): boolean => /\[Error\/typescript\(TS\d+\)\]$/.test(line);
  const [types = [], lint = []] = [true, false].map((wanted) => lines.filter((line) => isType(line) === wanted));
  return [
    checked("types", "npm run lint", types),
    checked("lint", "npm run lint", lint),
    checked("format", "npm run format", format === "" ? [] : ["run npm run format"]),
  ];
}

function print({ law, mark, note, missing }: Verdict): void {
  const tail = mark === "✗" ? `→ ${note}` : note;
  console.log(`  ${styleText(marks[mark], mark)} ${law.padEnd(30)}${styleText("dim", tail)}`.trimEnd());
  for (const line of missing.slice(0, mostTold)) console.log(`      ${line}`);
  if (missing.length > mostTold) console.log(`      and ${missing.length - mostTold} more`);
}

try {
  const usage = `npm run adapter:check -- <folder>               the score card of one adapter; npm run adapter:new -- <folder> begins one
npm run adapter:check -- <folder> --law <name>  one law of it, by its name there`;
  const { values, positionals } = asked(usage, { options: { law: { type: "string" } }, allowPositionals: true });
  const folder = await folderFrom(positionals);
  const { law } = values;
  const where = law === undefined ? ["test/conformance/", `src/adapters/${folder}/`] : [fileOfLaw(law)];
  const facts = await factsOf(folder);
  const [reports, rules] = await Promise.all([reportsOf(folder, where), law === undefined ? houseRules(folder) : []]);
  const verdicts = verdictsOf(facts, reports, law);
  const fulfilled = verdicts.filter(({ mark }) => mark === "✓").length;
  const idle = verdicts.filter(({ mark }) => mark === "–").length;
  console.log(`${styleText("bold", facts.adapter.title)}  src/adapters/${folder}\n`);
  for (const verdict of verdicts) print(verdict);
  console.log("");
  const rest = law === undefined ? [ownTests(reports), ...rules] : [];
  for (const verdict of rest) print(verdict);
  const broken = [...verdicts, ...rest].filter(({ mark }) => mark === "✗").length;
  const apply = verdicts.length - idle;
  console.log(
    `\n${fulfilled} of ${apply} laws${idle === 0 ? "" : `, ${idle} ${idle === 1 ? "does" : "do"} not apply`}`,
  );
  process.exitCode = broken === 0 ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
