import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse as parseYaml } from "yaml";
import { exampleWith, readmeOfPsps } from "../scripts/psp-table.ts";
import type { CommonConfig } from "../src/contract/adapter.ts";
import { loadAdapters, loadSimulator } from "../src/adapters/registry.ts";
import { createConfig, redacted } from "../src/config.ts";
import { createMeters } from "../src/lib/meters.ts";
import { patience } from "../src/workers/retry.ts";

const readme = readFileSync("README.md", "utf8");
const architecture = readFileSync("ARCHITECTURE.md", "utf8");
const adapters = await loadAdapters();
const vector = "OtaiNCimIMTfRoZbwRpYw_ArdGV3k6CxeSdbovrVQRk";
const document = {
  norce: { orderApi: "https://norce.example", token: "t" },
  merchants: {
    acme: { se: { "klarna-checkout": { adapterId: "a", apiUrl: "https://k.example", username: "u", password: "p" } } },
  },
};

const files = readdirSync("src", { recursive: true, encoding: "utf8" }).filter(
  (file) => file.endsWith(".ts") && !file.endsWith(".test.ts") && !file.startsWith("sandbox"),
);
const textOf = (some: readonly string[]): string => some.map((file) => readFileSync(`src/${file}`, "utf8")).join("\n");
const sources = textOf(files);
/** The service without its adapters. */
const core = textOf(files.filter((file) => !file.startsWith("adapters/")));

/** What stands between a pair of markers. */
function marked(name: string): string {
  const text = readme.split(`<!-- ${name}:begin -->\n`)[1]?.split(`<!-- ${name}:end -->`)[0];
  if (text === undefined) throw new Error(`README.md has no place marked ${name}`);
  return text;
}

/** The rows of the table between a pair of markers, cells without backquotes. */
function rows(name: string): string[][] {
  const lines = marked(name)
    .split("\n")
    .filter((line) => line.startsWith("| "));
  return lines.slice(2).map((line) =>
    line
      .slice(2, -2)
      .split(" | ")
      .map((cell) => cell.replaceAll("`", "").trim()),
  );
}

function firstColumn(name: string): string[] {
  return rows(name)
    .map(([cell = ""]) => cell)
    .toSorted();
}

/** The code inside a fence between a pair of markers. */
function fenced(name: string): string {
  return /```\w*\n([\s\S]*?)```/.exec(marked(name))?.[1] ?? "";
}

function found(pattern: RegExp, text = sources): string[] {
  return [...new Set([...text.matchAll(pattern)].map(([, name = ""]) => name))];
}

test("the table of the environment names every variable that is read, and no other", () => {
  const read = new Set<string>();
  const environment = new Proxy<Record<string, string>>(
    { URL_SIGNING_KEYS: "k" },
    {
      get(target, name) {
        if (typeof name === "string" && /^[A-Z]/.test(name)) read.add(name);
        return Reflect.get(target, name) as unknown;
      },
    },
  );
  createConfig(environment, document, adapters);
  expect(firstColumn("environment")).toEqual([...read].toSorted());
});

test("the defaults in the tables are the defaults", () => {
  const config = createConfig({ URL_SIGNING_KEYS: "k" }, document, adapters);
  const told = Object.fromEntries(rows("environment").map(([name, , fallback]) => [name, fallback]));
  expect(told).toEqual({
    PORT: String(config.port),
    PUBLIC_URL: config.publicUrl.replace(String(config.port), "$PORT"),
    REDIS_URL: "unset",
    QUEUE_URL: "unset",
    CONFIG_FILE: "config.yaml",
    URL_SIGNING_KEYS: "required",
    ADMIN_TOKEN: "unset",
    LOG_LEVEL: config.logLevel,
    WORKER_CONCURRENCY: String(config.workerConcurrency),
    BODY_LIMIT: `${config.bodyLimitBytes / 1024 / 1024}mb`,
    SWEEP_INTERVAL_SECONDS: String(config.sweepIntervalSeconds),
  });
  const optional = [...rows("file"), ...rows("klarna-checkout")].filter(
    ([, , fallback]) => !/required|unset/.test(fallback ?? ""),
  );
  expect(Object.fromEntries(optional.map(([name, , fallback]) => [name, fallback]))).toEqual({
    "norce.version": config.norce.version,
    "norce.states": config.norce.states,
    merchantReference: config.targets[0]?.settings.merchantReference,
    publishActions: config.targets[0]?.settings.publishActions,
  });
});

test("the settings in the tables are those that are taken", () => {
  const budgeted = { ...document, norce: { ...document.norce, requestsPerSecond: 0.5, concurrency: 2 } };
  const { norce } = redacted(createConfig({ URL_SIGNING_KEYS: "k" }, budgeted, adapters));
  expect(firstColumn("file")).toEqual(
    Object.keys(norce as object)
      .map((name) => `norce.${name}`)
      .toSorted(),
  );
  const usual: Record<string, unknown> = document.merchants.acme.se["klarna-checkout"];
  const { username: _username, password: _password, ...bare } = usual;
  const others: Record<string, Record<string, unknown>> = {
    apiUrl: usual,
    apiKey: { ...bare, apiKey: "k" },
    merchantReference: { ...usual, merchantReference: "orderId" },
    publishActions: { ...usual, publishActions: "bearer" },
    requestsPerSecond: { ...usual, requestsPerSecond: 0.5 },
    concurrency: { ...usual, concurrency: 2 },
  };
  const warnings = (name: string): readonly string[] => {
    const settings = others[name] ?? { ...usual, [name]: "a text" };
    const merchants = { acme: { se: { "klarna-checkout": settings } } };
    return createConfig({ URL_SIGNING_KEYS: "k" }, { ...document, merchants }, adapters).warnings;
  };
  for (const name of firstColumn("klarna-checkout")) expect(warnings(name), name).toEqual([]);
  expect(warnings("noSuchSetting")).toHaveLength(1);
});

test("the delays in the table are those of retry.ts", () => {
  const told = rows("patience").map(([what = "", ...pauses]) => [what.split(":")[0], ...pauses]);
  const numbers = ({
    firstMs,
    longestMs,
    limitMs,
    limitTries,
  }: {
    firstMs: number;
    longestMs: number;
    limitMs?: number;
    limitTries?: number;
  }): string[] => [
    span(firstMs),
    span(longestMs),
    limitMs !== undefined ? span(limitMs) : limitTries !== undefined ? `${limitTries} repeats` : "never",
  ];
  expect(told).toEqual([
    ["not there yet", ...numbers(patience.notYet)],
    ["Unreachable", ...numbers(patience.unreachable)],
    ["Unauthorized", ...numbers(patience.unauthorized)],
    ["Conflict", ...numbers(patience.conflict)],
    ["Bug", ...numbers(patience.bug)],
    ["Refused", "–", "–", "at once"],
    ["Unmapped", "–", "–", "at once"],
  ]);
});

function span(ms: number): string {
  if (ms >= 3_600_000) return `${ms / 3_600_000} h`;
  return ms >= 60_000 ? `${ms / 60_000} min` : `${ms / 1_000} s`;
}

test("the reasons that are explained are those that the code gives", () => {
  const cells = [...firstColumn("reasons"), ...firstColumn("not-possible")];
  const explained = new Set(cells.flatMap((cell) => cell.split(", ")));
  // What an adapter refuses for a reason of its PSP's stands in its own README.
  const given = found(/(?:refusal\(\s*|reason: )"([a-z-]+)"/g, core);
  for (const reason of given) expect([...explained]).toContain(reason);
  const made = ["nothing-to-capture", "nothing-to-cancel", "nothing-to-refund"];
  for (const reason of explained) expect(made.includes(reason) || core.includes(`"${reason}"`), reason).toBe(true);
  expect(firstColumn("oddities")).toEqual(found(/oddity\((?:\w+\.)?key, "([a-z-]+)"\)/g).toSorted());
});

test("the log lines in the table are those that are written", () => {
  const messages = found(
    /"((?:webhook|event|payment|operation|queue|config|web|worker|process|credential|job|request|sweep|drift|ledger|gate)\.[a-z]+(?:-[a-z]+)*)"/g,
  );
  // Made from the outcome of a look.
  const outcomes = ["written", "unchanged", "later", "dead"].map((outcome) => `payment.${outcome}`);
  const written = new Set(
    [...messages, ...outcomes].filter((message) => !existsSync(message) && !message.endsWith(".yaml")),
  );
  expect([...firstColumn("log"), ...firstColumn("sweep-log")].toSorted()).toEqual([...written].toSorted());
});

test("the metrics in the table exist, with their types", async () => {
  const existing = [...(await createMeters().text()).matchAll(/^# TYPE (norce_psp_\w+) (\w+)/gm)].map(
    ([, name, type]) => `${name} ${type}`,
  );
  expect(
    rows("metrics")
      .map(([name, type]) => `${name} ${type}`)
      .toSorted(),
  ).toEqual(existing.toSorted());
});

test("the snippets sign as the service does", () => {
  const script = execFileSync(process.execPath, ["--input-type=module", "-e", fenced("signature")], {
    encoding: "utf8",
  });
  expect(script.trim()).toBe(vector);
  expect(fenced("signature-shell")).toContain("openssl dgst -sha256 -hmac signing-key-1");
  const environment = { ...process.env, URL_SIGNING_KEYS: "signing-key-1", PUBLIC_URL: "https://psp.example.com" };
  const printed = execFileSync(
    process.execPath,
    ["src/cli/callback-url.ts", "klarna-checkout", "acme", "se", "o_1", "p_1"],
    {
      env: environment,
      encoding: "utf8",
    },
  );
  expect(fenced("callback-url").split("\n").slice(1).join("\n")).toBe(printed);
});

test("scripts and files that are named exist", () => {
  const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as { scripts: Record<string, string> };
  for (const [, name = ""] of readme.matchAll(/npm run (?:--silent )?([a-z][\w:-]*)/g))
    expect(Object.keys(scripts)).toContain(name);
  for (const [, file = ""] of `${readme}${architecture}`.matchAll(/\]\(((?!http|#)[^)#]+)/g))
    expect(existsSync(file), file).toBe(true);
  for (const adapter of adapters.keys()) expect(readme).toContain(`src/adapters/${adapter}/README.md`);
});

test("the table of PSPs is what the adapters' folders say", () => {
  const { current, generated } = readmeOfPsps(adapters.values());
  expect(current, "run npm run adapter:table").toBe(generated);
});

test("config.example.yaml has an entry for each adapter, and no other, with settings that the adapter takes", async () => {
  const { current, generated } = exampleWith(adapters.values());
  expect(current, "run npm run adapter:table").toBe(generated);
  // Entries of PSPs that not everybody has stand behind "# ".
  const active = current.replaceAll(/^( {6})# ( *[\w-]+:(?: |$))/gm, "$1$2");
  const { merchants } = parseYaml(active) as typeof document;
  const entries = Object.entries(merchants.acme.se) as [string, Record<string, unknown>][];
  expect(entries.map(([folder]) => folder).toSorted()).toEqual([...adapters.keys()].toSorted());
  for (const [folder, entry] of entries) {
    const simulated = (await loadSimulator(folder, { timeScale: 0 }))?.settings("https://psp.example") ?? {};
    // What comes from the environment has the shape of the simulator's own.
    const filled = Object.entries(entry).map(([name, value]) => [
      name,
      /^\$\{\w+\}$/.test(String(value)) ? (simulated[name] ?? "a-secret") : value,
    ]);
    const settings = Object.fromEntries(filled) as Record<string, unknown>;
    const result = adapters.get(folder)?.config.safeParse(settings);
    expect(result?.error?.issues ?? [], folder).toEqual([]);
    const taken = result?.data as CommonConfig;
    for (const name of Object.keys(entry)) expect(taken, `${folder} has no setting ${name}`).toHaveProperty(name);
  }
});
