import { execFileSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse as parseYaml } from "yaml";
import { pageOfDelays } from "../scripts/delay-table.ts";
import { exampleWith, readmeOfPsps } from "../scripts/psp-table.ts";
import type { CommonConfig, RawRequest } from "../src/contract/adapter.ts";
import { causeWords } from "../src/alerts/names.ts";
import { findingNames } from "../src/contract/desired.ts";
import { loadAdapters } from "../src/adapters/registry.ts";
import { loadSimulator } from "../sandbox/kernel/load.ts";
import { createConfig, redacted } from "../src/config.ts";
import { createMeters } from "../src/lib/meters.ts";
import { stateOf } from "../src/norce/states.ts";

/** The README and the pages beside it; what is known of Norce and the PSPs is judged by `docs.test.ts`. */
const pages: Readonly<Record<string, string>> = Object.fromEntries(
  ["README.md", "ARCHITECTURE.md", "SECURITY.md", ...readdirSync("docs").map((name) => `docs/${name}`)]
    .filter((file) => file.endsWith(".md") && file !== "docs/norce.md")
    .map((file) => [file, readFileSync(file, "utf8")]),
);
const adapters = await loadAdapters();
const master = "signing-key-0001";
const document = {
  norce: { orderApi: "https://norce.example", token: "t" },
  merchants: {
    acme: { se: { "klarna-checkout": { adapterId: "a", apiUrl: "https://k.example", username: "u", password: "p" } } },
  },
};
const environment = { URL_SIGNING_KEYS: master };

/**
 * What the pages say already and the code does not do yet. Each list has to be exactly what is missing, so that whoever makes it true takes it
 * away here.
 */
const announced = {
  reasons: [] as readonly string[],
};

const files = readdirSync("src", { recursive: true, encoding: "utf8" }).filter(
  (file) => file.endsWith(".ts") && !file.endsWith(".test.ts"),
);
const textOf = (some: readonly string[]): string => some.map((file) => readFileSync(`src/${file}`, "utf8")).join("\n");
const sources = textOf(files);
/** The service without its adapters. */
const core = textOf(files.filter((file) => !file.startsWith("adapters/")));

/** What stands between a pair of markers, on whichever page has them. */
function marked(name: string): string {
  const places = Object.values(pages).flatMap((page) => page.split(`<!-- ${name}:begin -->\n`).slice(1));
  if (places.length !== 1) throw new Error(`${places.length} places are marked ${name}`);
  return places[0]?.split(`<!-- ${name}:end -->`)[0] ?? "";
}

/** The rows of the table between a pair of markers, cells without backquotes. */
function rows(name: string): string[][] {
  const lines = marked(name)
    .split("\n")
    .filter((line) => line.startsWith("| "));
  return lines.slice(2).map((line) =>
    line
      .slice(2, -2)
      .split(/ \| /)
      .map((cell) => cell.replaceAll("`", "").replaceAll("\\|", "|").trim()),
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

describe("settings.md", () => {
  test("the table of the environment names every variable that is read, and no other", () => {
    const read = new Set<string>();
    const watched = new Proxy<Record<string, string>>(
      { ...environment },
      {
        get(target, name) {
          if (typeof name === "string" && /^[A-Z]/.test(name)) read.add(name);
          return Reflect.get(target, name) as unknown;
        },
      },
    );
    createConfig(watched, document, adapters);
    expect(firstColumn("environment")).toEqual([...read].toSorted());
  });

  test("the defaults in the tables are the defaults", () => {
    const config = createConfig(environment, document, adapters);
    const told = rows("environment").map(([name = "", , fallback = ""]) => [name, fallback] as const);
    const actual: Readonly<Record<string, string>> = {
      PORT: String(config.port),
      PUBLIC_URL: config.publicUrl.replace(String(config.port), "$PORT"),
      CONFIG_FILE: "config.yaml",
      URL_SIGNING_KEYS: "required",
      LOG_LEVEL: config.logLevel,
      WORKER_CONCURRENCY: String(config.workerConcurrency),
      BODY_LIMIT: `${config.bodyLimitBytes / 1024}kb`,
      SWEEP_INTERVAL_SECONDS: String(config.sweepIntervalSeconds),
      QUEUE_TLS_INSECURE: "0",
      JOURNAL_MB: "256",
      ALERT_FORMAT: "standard",
    };
    const others = told.filter(([name, fallback]) => fallback !== (actual[name] ?? "unset"));
    expect(others.map(([name]) => name)).toEqual([]);
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
    const { norce } = redacted(createConfig(environment, budgeted, adapters));
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
      const settings = others[name] ?? { ...usual, [name]: "a-text" };
      const merchants = { acme: { se: { "klarna-checkout": settings } } };
      const config = createConfig(environment, { ...document, merchants }, adapters);
      return config.warnings.filter((warning) => !warning.startsWith("URL_SIGNING_KEYS"));
    };
    for (const name of firstColumn("klarna-checkout")) expect(warnings(name), name).toEqual([]);
    expect(warnings("noSuchSetting")).toHaveLength(1);
  });
});

describe("http.md and connect-a-merchant.md", () => {
  test("the snippets and the examples sign as they are told to", () => {
    const keys = new Map<string, string>();
    for (const [what = "", key = "", text = "", result = ""] of rows("vectors")) {
      const lines = text.split("⏎").map((line) => line.trim());
      const made = createHmac("sha256", keys.get(key) ?? key)
        .update(lines.join("\n"), "utf8")
        .digest("base64url");
      expect(made, what).toBe(result);
      if (what.endsWith(" key")) keys.set(what, made);
    }
    const ofPush = rows("vectors").find(([what]) => what === "sig of one payment's webhook")?.[3] ?? "";
    const script = execFileSync(process.execPath, ["--input-type=module", "-e", fenced("signature")], {
      encoding: "utf8",
    });
    expect(script.trim()).toBe(ofPush);
    expect(fenced("signature-shell")).toContain(`openssl dgst -sha256 -hmac ${keys.get("callback key")} -binary`);
    expect(fenced("callback-key").trimEnd().split("\n").at(-1)).toBe(keys.get("callback key"));
    expect(fenced("callback-url")).toContain(`sig=${ofPush}&`);
  });

  test("the service makes the URLs that the page shows", () => {
    const printed = execFileSync(
      process.execPath,
      ["src/cli/callback-url.ts", "klarna-checkout", "acme", "se", "o_1", "p_1"],
      {
        env: { ...process.env, ...environment, PUBLIC_URL: "https://psp.example.com" },
        encoding: "utf8",
      },
    );
    expect(fenced("callback-url").split("\n").slice(1).join("\n")).toBe(printed);
  });

  test("the first webhook is sent to a URL of ours, with everything filled in", () => {
    const inner = /"\$\((.+)\)"$/.exec(fenced("first-webhook").trim())?.[1] ?? "";
    const command = inner.replace("npm run --silent callback-url --", `"${process.execPath}" src/cli/callback-url.ts`);
    const told = execFileSync("/bin/sh", ["-c", command], {
      env: { ...process.env, ...environment, PUBLIC_URL: "http://localhost:3000" },
      encoding: "utf8",
    });
    const url = new URL(told.trim());
    expect(url.pathname).toBe("/klarna-checkout/api/checkout/v1/callback/orders/o_1/payments/p_1/push");
    const { parse } = adapters.get("klarna-checkout")?.webhooks["push"] ?? {};
    const target = { adapter: "klarna-checkout", merchant: "acme", channel: "se", orderId: "o_1", paymentId: "p_1" };
    const request: RawRequest = {
      method: "POST",
      url: url.pathname + url.search,
      query: url.searchParams,
      headers: {},
      body: Buffer.alloc(0),
    };
    expect(parse?.(request, target, {})).toHaveLength(1);
  });

  test("the routes in the table are those of the app", () => {
    const app = textOf(["webhooks/app.ts", "webhooks/routes.ts", "operators/routes.ts"]);
    const told = rows("routes").map(([route = ""]) => /^(?:GET|POST) ([^?]*)/.exec(route)?.[1]?.split(" ")[0] ?? "");
    const named = found(/(?:^ +|\w+: |\.(?:get|post|use|all)\()"(\/[^"]*)"/gm, app).map((path) =>
      path.replace("orders/:orderId/payments/:paymentId", "{payment}").replaceAll(/:(\w+)/g, "{$1}"),
    );
    expect(named).not.toHaveLength(0);
    const plain = new Set(told.map((path) => path.replace(/\{(?:\w+\|)+\w+\}$|refresh$/, "{operation}")));
    expect([...plain].toSorted()).toEqual([...new Set(named)].toSorted());
  });
});

describe("errors-and-retries.md", () => {
  test("the delays in the table are those of retry.ts", () => {
    const { current, generated } = pageOfDelays();
    expect(current, "run npm run adapter:table").toBe(generated);
    expect(rows("patience").find(([what]) => what?.startsWith("Unauthorized"))?.[3]).toMatch(/^the payment's horizon/);
  });

  test("the kinds in the table are those that there are", () => {
    const kinds = found(/^ {2}\| "(\w+)";? \/\//gm, readFileSync("src/lib/errors.ts", "utf8"));
    expect(firstColumn("kinds")).toEqual(kinds.toSorted());
  });
});

test("the states in the table are those of states.ts", () => {
  const sums = (authorized: number, captured: number, refunded: number, released: number) => {
    return { authorized, captured, refunded, released };
  };
  const nothing = sums(0, 0, 0, 0);
  const cases = {
    created: ["created", nothing],
    paying: ["paying", nothing],
    review: ["review", nothing],
    awaiting: ["awaiting", nothing],
    "confirmed, A = 0": ["confirmed", nothing],
    "confirmed, M > 0": ["confirmed", sums(100, 40, 40, 0)],
    "confirmed, M = 0, C > R": ["confirmed", sums(100, 60, 20, 40)],
    "confirmed, M = 0, C > 0, R ≥ C": ["confirmed", sums(100, 60, 60, 40)],
    "confirmed, C = 0, all of A released": ["confirmed", sums(100, 0, 0, 100)],
    declined: ["declined", nothing],
    failed: ["failed", nothing],
  } as const;
  const told = rows("states").map(([what = "", ten, twelve]) => [what.split(":")[0], ten, twelve]);
  expect(told).toEqual(
    Object.entries(cases).map(([what, [phase, money]]) => [
      what,
      stateOf(phase, money, "ten"),
      stateOf(phase, money, "twelve"),
    ]),
  );
});

describe("operate.md", () => {
  test("the reasons that are explained are those that the code gives", () => {
    const cells = [...firstColumn("reasons"), ...firstColumn("not-possible")];
    const explained = new Set(cells.flatMap((cell) => cell.split(", ")));
    // What an adapter refuses for a reason of its PSP's stands in its own README.
    const given = found(/(?:refusal\(\s*|reason: )"([a-z-]+)"/g, core);
    for (const reason of given) expect([...explained]).toContain(reason);
    const made = ["nothing-to-capture", "nothing-to-cancel", "nothing-to-refund"];
    const unknown = [...explained].filter((reason) => !made.includes(reason) && !core.includes(`"${reason}"`));
    expect(unknown.toSorted()).toEqual(announced.reasons);
    for (const oddity of firstColumn("oddities")) expect(core, oddity).toContain(`"${oddity}"`);
    const kept = found(/teller\.found\(key, \{ name: "([a-z-]+)"/g, core);
    const told = [...firstColumn("oddities"), ...firstColumn("drift")];
    for (const name of kept) expect(told).toContain(name);
  });

  test("the names that the report tells are those that the code gives", () => {
    const told = firstColumn("drift").flatMap((cell) => cell.split(", and ")[0]?.split(", ") ?? []);
    for (const name of told) expect(core, name).toContain(`"${name}"`);
  });

  test("the causes of alerts are told by name, and lead to a heading of this page", () => {
    const told = firstColumn("causes").flatMap((cell) => cell.split(", "));
    expect(told.toSorted()).toEqual(Object.keys(causeWords).toSorted());
    const headings = [...(pages["docs/operate.md"] ?? "").matchAll(/^#{2,3} (.+)$/gm)].map(([, heading = ""]) =>
      heading.toLowerCase().replaceAll(" ", "-"),
    );
    for (const { heading } of Object.values(causeWords)) expect(headings).toContain(heading);
  });

  test("bad news has its names", () => {
    expect(firstColumn("bad-news")).toEqual(findingNames.toSorted());
  });

  test("the log lines in the table are those that are written", () => {
    const messages = found(
      /"((?:webhook|event|payment|operation|queue|config|web|worker|process|credential|operator|job|request|sweep|drift|ledger|gate|peer|errand|alert)\.[a-z]+(?:-[a-z]+)*)"/g,
      // An adapter logs nothing, and has words of its PSP's that look the same.
      core,
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
});

test("scripts that are named exist, and the README names every adapter", () => {
  const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as { scripts: Record<string, string> };
  const named = Object.values(pages).flatMap((page) => found(/npm run (?:--silent )?([a-z][\w:-]*)/g, page));
  const missing = [...new Set(named)].filter((name) => scripts[name] === undefined);
  expect(missing.toSorted()).toEqual([]);
  for (const adapter of adapters.keys()) expect(pages["README.md"]).toContain(`src/adapters/${adapter}/README.md`);
});

test("what people search for stands on the pages, beside our own words", () => {
  const all = Object.values(pages).join("\n").toLowerCase();
  for (const word of [
    "idempotency key",
    "backoff",
    "jitter",
    "circuit breaker",
    "dead letter",
    "reconciliation",
    "rate limit",
    "replay",
  ])
    expect(all).toContain(word);
});

test("the README stays short, and names every page", () => {
  const readme = pages["README.md"] ?? "";
  expect(readme.split("\n").length).toBeLessThanOrEqual(130);
  for (const page of Object.keys(pages)) if (page !== "README.md") expect(readme).toContain(`](${page}`);
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
