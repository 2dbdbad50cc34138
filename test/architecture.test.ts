import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { parseSync } from "oxc-parser";
import { expect, test } from "vitest";

const src = join(import.meta.dirname, "../src");

interface Import {
  /** A file below `src/`, or a package's name. */
  readonly from: string;
  readonly names: readonly string[];
  readonly typesOnly: boolean;
}

interface Source {
  readonly file: string;
  readonly text: string;
  readonly imports: readonly Import[];
  /** Exported functions, classes and constants that nothing explains; interfaces, where their members do not either. */
  readonly unexplained: readonly string[];
}

const sources = readdirSync(src, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts"))
  .map(sourceFrom);

/** The contract of an adapter: `adapter.ts` is what one imports, the others are its parts; and what a simulator is. */
const contract = ["contract/"];

/** What may be imported of ours, by the folder or file that imports: the first that fits decides. An adapter may import its own folder. */
const ours: readonly (readonly [string, readonly string[]])[] = [
  ["lib/", ["lib/"]],
  ["contract/", ["contract/", "lib/"]],
  ["signatures/", ["signatures/", "contract/", "lib/"]],
  ["adapters/registry.ts", contract],
  ["adapters/outside.ts", [...contract, "adapters/registry.ts"]],
  ["adapters/contexts.ts", [...contract, "lib/"]],
  ["adapters/_", [...contract, "signatures/", "lib/"]],
  ["adapters/", [...contract, "signatures/", "lib/"]],
  ["norce/", ["norce/", "contract/", "lib/"]],
  ["queue/", ["queue/", "contract/", "lib/"]],
  ["webhooks/", ["webhooks/", "queue/", "signatures/", "contract/", "config.ts", "lib/"]],
  [
    "operators/",
    ["operators/", "doctor/report.ts", "webhooks/", "queue/", "signatures/", "contract/", "config.ts", "lib/"],
  ],
  [
    "workers/",
    ["workers/", "queue/", "norce/", "adapters/contexts.ts", "signatures/urls.ts", "contract/", "config.ts", "lib/"],
  ],
  ["tracing/", ["tracing/", "lib/"]],
  ["alerts/", ["alerts/", "queue/", "contract/", "config.ts", "lib/"]],
  ["config.ts", ["contract/", "adapters/registry.ts", "adapters/outside.ts", "signatures/signing-keys.ts", "lib/"]],
  [
    "web.ts",
    [
      "operators/",
      "doctor/",
      "webhooks/",
      "alerts/",
      "queue/",
      "signatures/",
      "contract/",
      "config.ts",
      "process.ts",
      "standing-numbers.ts",
      "lib/",
    ],
  ],
  [
    "worker.ts",
    [
      "workers/",
      "alerts/",
      "queue/",
      "norce/",
      "adapters/contexts.ts",
      "signatures/urls.ts",
      "contract/",
      "config.ts",
      "current-config.ts",
      "health.ts",
      "process.ts",
      "standing-numbers.ts",
      "lib/",
    ],
  ],
  ["doctor/", ["doctor/", "norce/", "adapters/contexts.ts", "signatures/", "contract/", "config.ts", "lib/"]],
  ["cli/", ["cli/", "doctor/", "contract/", "adapters/", "norce/", "signatures/", "config.ts", "lib/"]],
  ["start.ts", [""]],
  [
    "",
    [
      "contract/",
      "adapters/registry.ts",
      "queue/",
      "config.ts",
      "current-config.ts",
      "exit.ts",
      "standing-numbers.ts",
      "lib/",
    ],
  ],
];

/** Who may import a package that belongs to one place. */
const packages: Readonly<Record<string, readonly string[]>> = {
  axios: ["lib/http.ts"],
  "p-queue": ["lib/budget.ts"],
  "p-retry": ["lib/http.ts", "queue/"],
  pino: ["lib/log.ts"],
  "prom-client": ["lib/meters.ts", "lib/gauges.ts"],
  express: ["webhooks/", "operators/", "sandbox/"],
  commander: ["cli/"],
  "@commander-js/extra-typings": ["cli/"],
  bullmq: ["queue/"],
  standardwebhooks: ["alerts/"],
  jose: ["signatures/"],
  "@opentelemetry/api": ["tracing/"],
  "@opentelemetry/sdk-trace": ["tracing/"],
  "@opentelemetry/exporter-trace-otlp-http": ["tracing/"],
  ioredis: ["queue/engines/redis"],
  pg: ["queue/engines/"],
  "@electric-sql/pglite": ["queue/engines/embedded"],
};

test("imports point one way, as the tree is laid out", () => {
  const strayed = sources.flatMap(({ file, imports }) => {
    // A folder that begins with an underscore is shared by the products of one PSP, whose folders begin with its name.
    const folder = /^adapters\/(_?)([^/]+)\//.exec(file)?.[2];
    const own = folder === undefined ? [] : [`${dirname(file)}/`, `adapters/_${folder.split("-")[0]}/`];
    const allowed = [...(ours.find(([importer]) => file.startsWith(importer))?.[1] ?? []), ...own];
    return imports
      .filter(({ from }) => from.endsWith(".ts") && !allowed.some((part) => from.startsWith(part)))
      .map(({ from }) => `${file} imports ${from}`);
  });
  expect(strayed).toEqual([]);
});

test("production never loads a simulator", () => {
  const loading = sources.filter(
    ({ file, imports }) =>
      basename(file) !== "simulator.ts" && imports.some(({ from }) => /adapters\/.*simulator\.ts$/.test(from)),
  );
  expect(loading.map(({ file }) => file)).toEqual([]);
});

test("production knows nothing of what simulates it", () => {
  const knowing = sources.filter(({ imports }) => imports.some(({ from }) => /(^|\/)simulate\//.test(from)));
  expect(knowing.map(({ file }) => file)).toEqual([]);
});

test("nothing imports in a circle, not even types", () => {
  const importsOf = new Map(sources.map(({ file, imports }) => [file, imports.map(({ from }) => from)]));
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (file: string, way: readonly string[]): void => {
    if (way.includes(file)) circles.push([...way.slice(way.indexOf(file)), file].join(" -> "));
    else if (!done.has(file)) {
      for (const next of importsOf.get(file) ?? []) visit(next, [...way, file]);
      done.add(file);
    }
  };
  for (const { file } of sources) visit(file, []);
  expect(circles).toEqual([]);
});

test("a package that belongs to one place is imported nowhere else", () => {
  const strayed = sources.flatMap(({ file, imports }) =>
    imports
      .filter(({ from, typesOnly }) => {
        if (from === "express" && file === "web.ts") return !typesOnly;
        return packages[from]?.every((place) => !file.startsWith(place)) === true;
      })
      .map(({ from }) => `${file} imports ${from}`),
  );
  expect(strayed).toEqual([]);
});

test("nobody but workers/retry.ts decides about retrying, nobody but config.ts and process.ts reads the environment", () => {
  // Nobody gives up by throwing.
  const names = sources.flatMap(({ imports }) => imports.flatMap((imported) => imported.names));
  expect(names).not.toContain("UnrecoverableError");
  const workers = sources.filter(({ file }) => file.startsWith("workers/"));
  // What an error's kind means; and how long anything waits: numbers stand in patience.ts, made of its units.
  const judges = workers.filter(({ text }) =>
    /isWorkerError\(|error\.kind|instanceof WorkerError|attemptsStarted/.test(text),
  );
  expect(judges.map(({ file }) => file)).toEqual(["workers/retry.ts"]);
  const pauses = workers.filter(({ text }) =>
    /\bconst \w*Ms\b[^=\n]*= *\d|\bset(?:Timeout|Interval)\([^\n]*, *\d/.test(text),
  );
  expect(pauses.map(({ file }) => file)).toEqual([]);
  const readers = sources.filter(({ text }) => /process\.env\b/.test(text)).map(({ file }) => file);
  expect(readers.filter((file) => file !== "config.ts" && file !== "process.ts")).toEqual([]);
});

test("what has to be pure asks neither the clock nor chance", () => {
  const pure = /^(workers\/look\/diff|workers\/retry|norce\/states|adapters\/.+\/(map|webhooks|transactions))\.ts$/;
  const impure = sources.filter(
    ({ file, text }) => pure.test(file) && /Date\.now|new Date\(\)|Math\.random|performance\./.test(text),
  );
  expect(impure.map(({ file }) => file)).toEqual([]);
});

test("everything that is exported is explained", () => {
  expect(sources.flatMap(({ file, unexplained }) => unexplained.map((what) => `${file}: ${what}`))).toEqual([]);
});

test("files say in their names what they are about, and can be read in one go", () => {
  const vague = sources.filter(({ file }) => ["utils", "helpers", "common", "types"].includes(basename(file, ".ts")));
  const long = sources.filter(
    ({ file, text }) => basename(file) !== "simulator.ts" && text.trimEnd().split("\n").length > 300,
  );
  expect([...vague, ...long].map(({ file }) => file)).toEqual([]);
});

test("there is something to check", () => {
  expect(sources.map(({ file }) => file)).toEqual(expect.arrayContaining(["start.ts", "workers/look/diff.ts"]));
  expect(sources.flatMap(({ imports }) => imports).length).toBeGreaterThan(sources.length);
});

function sourceFrom(file: string): Source {
  const text = readFileSync(join(src, file), "utf8");
  const { module, program, comments } = parseSync(file, text);
  const resolved = (from: string): string => (from.startsWith(".") ? join(dirname(file), from) : from);
  const documented = (start: number): boolean =>
    comments.some(
      ({ type, value, start: from, end }) =>
        type === "Block" && value.startsWith("*") && from < start && /^(\s|\/\/.*\n)*$/.test(text.slice(end, start)),
    );
  const exported = program.body.flatMap((node) =>
    node.type === "ExportNamedDeclaration" && node.declaration !== null ? [{ node, declares: node.declaration }] : [],
  );
  return {
    file,
    text,
    imports: [
      ...module.staticImports.map(({ moduleRequest, entries }) => ({
        from: resolved(moduleRequest.value),
        names: entries.map(({ importName }) => importName.name ?? ""),
        typesOnly: entries.every(({ isType }) => isType),
      })),
      ...module.staticExports.flatMap(({ entries }) =>
        entries.flatMap(({ moduleRequest, isType }) =>
          moduleRequest === null ? [] : [{ from: resolved(moduleRequest.value), names: [], typesOnly: isType }],
        ),
      ),
    ],
    unexplained: exported
      .filter(({ node, declares }) => {
        if (declares.type === "TSTypeAliasDeclaration" || documented(node.start)) return false;
        const inside = comments.some(({ start, end }) => start > node.start && end < node.end);
        return declares.type !== "TSInterfaceDeclaration" || !inside;
      })
      .map(({ declares }) => text.slice(declares.start, declares.end).split(/[({=]/)[0]?.trim() ?? ""),
  };
}

test("what comes from outside is parsed where its depth is bounded: by `lib/json.ts`, and by nobody else", () => {
  const outside = ["adapters/", "webhooks/", "signatures/"];
  const ownTools = /(?:simulator[\w-]*|forgery)\.ts$/;
  const parsing = sources.filter(
    ({ file, text }) =>
      outside.some((folder) => file.startsWith(folder)) && !ownTools.test(file) && text.includes("JSON.parse("),
  );
  expect(parsing.map(({ file }) => file)).toEqual([]);
});
