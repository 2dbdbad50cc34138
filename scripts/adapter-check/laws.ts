import type { AnyAdapter } from "../../src/contract/adapter.ts";
import type { FileReport, TestReport } from "./reporter.ts";

/** What there is to judge in an adapter's folder. */
export interface Facts {
  readonly adapter: AnyAdapter;
  /** How many fixtures there are, and how many of them show a webhook as it is sent. */
  readonly fixtures: number;
  readonly requests: number;
  /** What can be done to a new purchase at the simulated PSP. */
  readonly actions: number;
}

/** A law of test/conformance, as the score card tells it. */
interface Law {
  readonly name: string;
  /** Which file of test/conformance judges it, and which of its tests where there are several laws in it. */
  readonly file: string;
  readonly mine?: (test: TestReport) => boolean;
  /** What it takes before it can say anything. */
  readonly needs?: readonly Need[];
  /** Why it is nobody's business here. */
  readonly idle?: (adapter: AnyAdapter) => string | undefined;
  /** What to write, and where. */
  readonly write: string;
}

/** How one law fared. */
export interface Verdict {
  readonly law: string;
  readonly mark: "✓" | "✗" | "–";
  /** Why it does not apply, or how much was checked. */
  readonly note: string;
  /** What is missing, in plain words. */
  readonly missing: readonly string[];
}

type Need = keyof Omit<Facts, "adapter">;

const needs: Readonly<Record<Need, string>> = {
  fixtures: "there is no fixture yet to judge it by",
  requests: "no fixture shows a webhook yet: there is no fixtures/<case>/request.json",
  actions: "nothing can happen yet in the simulator: it has no actions",
};

const unheard = ({ webhooks }: AnyAdapter): string | undefined =>
  Object.keys(webhooks).length === 0 ? "nobody calls: there is no webhook" : undefined;
const unasked = (adapter: AnyAdapter): string | undefined =>
  "fold" in adapter ? "nobody is asked: the events are the truth" : undefined;
const untold = ({ operations }: AnyAdapter): string | undefined =>
  operations === undefined ? "there are no operations" : undefined;
const keys = ({ path }: TestReport): boolean => / the same keys|survive JSON/.test(path.join(" "));

const unexamined = ({ probe, registrations }: AnyAdapter): string | undefined =>
  probe === undefined && registrations === undefined
    ? "nobody is asked whether the account is as it should be"
    : undefined;

/** The laws in the order in which an adapter comes to fulfil them. */
const laws: readonly Law[] = [
  { name: "belongs", file: "belongs", write: "steps 2 and 8: index.ts, config.ts, README.md" },
  {
    name: "failures are classified",
    file: "failures",
    needs: ["fixtures"],
    idle: unasked,
    write: "step 3: client.ts asks by context.http",
  },
  {
    name: "mapping is pure and total",
    file: "mapping",
    needs: ["fixtures"],
    write: "step 4: map.ts (or fold.ts), and the enums of schema.ts",
  },
  {
    name: "every wait has an end",
    file: "waits",
    needs: ["fixtures"],
    write: "step 4: map.ts (or fold.ts) ends what is overdue, or tells of it in findings",
  },
  {
    name: "lenient where no money hangs",
    file: "lenient",
    needs: ["actions"],
    idle: unasked,
    write: "step 4: decides in index.ts, and a schema.ts that reads everything else past",
  },
  {
    name: "answers are checked",
    file: "answers",
    needs: ["actions"],
    write: "step 4: map.ts says which payment the answer is about, and what of ours it gives back",
  },
  {
    name: "convergence",
    file: "convergence",
    needs: ["actions"],
    write: "step 5: simulator.ts, and what map.ts makes of it",
  },
  {
    name: "proof",
    file: "proof",
    idle: unheard,
    write: "steps 6 and 7: verify in webhooks.ts, and a request.json",
  },
  {
    name: "parsing is total",
    file: "parsing",
    mine: (test) => !keys(test),
    needs: ["requests"],
    idle: unheard,
    write: "step 6: parse in webhooks.ts",
  },
  {
    name: "keys",
    file: "parsing",
    mine: keys,
    needs: ["requests"],
    idle: unheard,
    write: "step 6: the key of each event in webhooks.ts",
  },
  {
    name: "trust is per field",
    file: "trust",
    needs: ["requests"],
    idle: unheard,
    write: "step 6: what a webhook's proof covers is said by signed in webhooks.ts",
  },
  { name: "ack", file: "ack", needs: ["requests"], idle: unheard, write: "step 6: ack in webhooks.ts" },
  {
    name: "order does not matter",
    file: "order",
    needs: ["actions"],
    idle: unheard,
    write: "steps 5 and 6: what simulator.ts sends and webhooks.ts reads",
  },
  {
    name: "golden",
    file: "golden",
    write: "step 7: fixtures/",
  },
  {
    name: "secrets stay secret",
    file: "secrets",
    needs: ["fixtures", "actions"],
    write: "steps 2 and 3: index.ts lists secrets, schema.ts drops what is personal",
  },
  {
    name: "operations",
    file: "operations",
    idle: untold,
    write: '"Operations": operations.ts, and simulator.ts that answers it',
  },
  {
    name: "account",
    file: "account",
    idle: unexamined,
    write: '"Does the credential work": probe and registrations, and simulator.ts that answers them',
  },
];

/** One verdict per law, and per further file of laws that the runner found. */
export function verdictsOf(facts: Facts, reports: readonly FileReport[], only?: string): readonly Verdict[] {
  const chosen = laws.filter(({ name }) => name === only);
  const judged = reports.filter(({ file }) => file.startsWith("test/conformance/"));
  const others = judged
    .filter(({ name }) => !laws.some((law) => law.file === name))
    .map(({ name }): Law => ({ name, file: name, write: `test/conformance/${name}.test.ts` }));
  return (only === undefined ? [...laws, ...others] : chosen).map((law) => verdictOf(law, facts, judged));
}

/** The file of test/conformance that judges a law, by the law's name on the score card. @throws Error that says which there are. */
export function fileOfLaw(name: string): string {
  const law = laws.find((one) => one.name === name);
  if (law === undefined)
    throw new Error(
      `adapter:check: there is no law ${name}. Those that there are: ${laws.map((one) => one.name).join(", ")}`,
    );
  return `test/conformance/${law.file}.test.ts`;
}

function verdictOf(law: Law, facts: Facts, reports: readonly FileReport[]): Verdict {
  const report = reports.find(({ name }) => name === law.file);
  const tests = (report?.tests ?? []).filter((test) => law.mine?.(test) ?? true);
  const failed = tests.filter(({ state }) => state === "failed");
  const passed = tests.filter(({ state }) => state === "passed").length;
  const lacking = (law.needs ?? []).filter((need) => facts[need] === 0).map((need) => needs[need]);
  const begun = (report?.errors ?? []).filter((error) => !/^No test found|^Cannot read properties of/.test(error));
  const idle = law.idle?.(facts.adapter);
  if (idle !== undefined && failed.length === 0) return { law: law.name, mark: "–", note: idle, missing: [] };
  const missing = [...new Set([...lacking, ...begun.map(firstLine), ...wordsOf(failed)])];
  if (missing.length === 0 && passed > 0)
    return { law: law.name, mark: "✓", note: passed === 1 ? "1 check" : `${passed} checks`, missing };
  const told = missing.length === 0 ? ["nothing was there to be checked"] : missing;
  return { law: law.name, mark: "✗", note: `CONTRIBUTING.md, ${law.write}`, missing: told };
}

/** What the failed tests say, the same words only once. */
function wordsOf(failed: readonly TestReport[]): string[] {
  const byWords = new Map<string, string[]>();
  for (const { path, errors } of failed) {
    const words = plain(errors[0] ?? "failed without a word");
    byWords.set(words, [...(byWords.get(words) ?? []), path.join(", ")]);
  }
  return [...byWords].map(([words, [first = "", ...more]]) => {
    // What tells by itself what to do needs no name of a test.
    if (/^(add|run|write|say|explain|put|nobody) /.test(words)) return words;
    return `${first}${more.length === 0 ? "" : ` (and ${more.length} more)`}: ${words}`;
  });
}

/** An assertion's first line in plain words: ours where there are some, without the runner's. */
export function plain(message: string): string {
  const [first = "", second = ""] = message.split("\n");
  const deep = reasonIn(second);
  if (deep !== undefined) return deep;
  const [, ours = "", theirs = ""] = /^(?:\w*Error: )?([^]*?)(?:^|: )(expected [^]*)$/.exec(first) ?? [];
  const told = theirs === "" ? first : ours === "" ? theirs : isOrder(ours) ? ours : `${ours}: ${theirs}`;
  return told.replace(/ \/\/ Object\.is equality$/, "").slice(0, 240);
}

function isOrder(words: string): boolean {
  return /^(add|run|write|say|explain|put) |no actions/.test(words);
}

/** What went wrong in a look, from the log line that follows in the message. */
function reasonIn(line: string): string | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const { error, reason } = JSON.parse(line) as { error?: { message?: string }; reason?: string };
    return error?.message ?? reason;
  } catch {
    return undefined;
  }
}

function firstLine(text: string): string {
  return text.split("\n")[0] ?? "";
}
