import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { loadAdapters } from "../src/adapters/registry.ts";
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

const sources = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts") && !file.startsWith("sandbox"))
  .map((file) => readFileSync(`src/${file}`, "utf8"))
  .join("\n");

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

function found(pattern: RegExp): string[] {
  return [...new Set([...sources.matchAll(pattern)].map(([, name = ""]) => name))];
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
  });
  const optional = [...rows("file"), ...rows("klarna-checkout")].filter(
    ([, , fallback]) => !/required|unset/.test(fallback ?? ""),
  );
  expect(Object.fromEntries(optional.map(([name, , fallback]) => [name, fallback]))).toEqual({
    "norce.version": config.norce.version,
    "norce.states": config.norce.states,
    merchantReference: config.targets[0]?.settings.merchantReference,
  });
});

test("the settings in the tables are those that are taken", () => {
  const { norce } = redacted(createConfig({ URL_SIGNING_KEYS: "k" }, document, adapters));
  expect(firstColumn("file")).toEqual(
    Object.keys(norce as object)
      .map((name) => `norce.${name}`)
      .toSorted(),
  );
  const warnings = (name: string): readonly string[] => {
    const settings = { ...document.merchants.acme.se["klarna-checkout"], [name]: "orderId" };
    const other = {
      ...document,
      merchants: {
        acme: {
          se: {
            "klarna-checkout":
              name === "apiKey" ? { adapterId: "a", apiUrl: "https://k.example", apiKey: "k" } : settings,
          },
        },
      },
    };
    return createConfig({ URL_SIGNING_KEYS: "k" }, name === "apiUrl" ? document : other, adapters).warnings;
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
  expect(firstColumn("reasons")).toEqual(found(/(?:refusal\(\s*|reason: )"([a-z-]+)"/g).toSorted());
  expect(firstColumn("oddities")).toEqual(found(/oddity\((?:\w+\.)?key, "([a-z-]+)"\)/g).toSorted());
});

test("the log lines in the table are those that are written", () => {
  const messages = found(
    /"((?:webhook|payment|operation|queue|config|web|worker|process|credential|job|request)\.[a-z]+(?:-[a-z]+)*)"/g,
  );
  // Made from the outcome of a look.
  const outcomes = ["written", "unchanged", "later", "dead"].map((outcome) => `payment.${outcome}`);
  const written = new Set(
    [...messages, ...outcomes].filter((message) => !existsSync(message) && !message.endsWith(".yaml")),
  );
  expect(firstColumn("log")).toEqual([...written].toSorted());
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
  for (const [, file = ""] of `${readme}${architecture}`.matchAll(/\]\(((?!http|#)[^)]+)\)/g))
    expect(existsSync(file), file).toBe(true);
  for (const adapter of adapters.keys()) expect(readme).toContain(`src/adapters/${adapter}/README.md`);
});
