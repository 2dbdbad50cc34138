import { expect, test } from "vitest";
import { loadAdapters } from "./adapters/registry.ts";
import { type Config, ConfigError, createConfig, redacted, serviceFrom } from "./config.ts";

const adapters = await loadAdapters();
const environment = {
  URL_SIGNING_KEYS: "a-signing-key-of-32-characters-2,a-signing-key-of-32-characters-1",
  KLARNA_PASSWORD: "canary-password",
  NORCE_TOKEN: "canary-token",
};
const klarna = {
  adapterId: "acme_klarna_adapter",
  apiUrl: "https://api.playground.klarna.com",
  username: "PK1",
  password: "${KLARNA_PASSWORD}",
};
const document = {
  norce: { orderApi: "https://acme.api-se.playground.norce.tech/checkout/order", token: "${NORCE_TOKEN}" },
  merchants: { acme: { se: { "klarna-checkout": klarna } } },
};

function faultsOf(env: Record<string, string>, file: unknown): readonly string[] {
  try {
    createConfig(env, file, adapters);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

test("the documented defaults hold", () => {
  const config: Config = createConfig(environment, document, adapters);
  expect(config).toMatchObject({
    port: 3000,
    publicUrl: "http://localhost:3000",
    adminTokens: [],
    workerPort: undefined,
    journalBytes: 256 * 1024 * 1024,
    alerts: undefined,
    queueTls: { ca: undefined, insecure: false },
    logLevel: "info",
    workerConcurrency: 16,
    bodyLimitBytes: 256 * 1024,
    norce: { version: "v0", states: "ten" },
  });
  expect(config.find({ adapter: "klarna-checkout", merchant: "acme", channel: "se" })?.settings).toMatchObject({
    password: "canary-password",
  });
  expect(config.find({ adapter: "klarna-checkout", merchant: "acme", channel: "no" })).toBeUndefined();
});

test("every fault is told at once, each with its path", () => {
  const faults = faultsOf(
    { PORT: "http", BODY_LIMIT: "much", QUEUE_URL: "mysql://x" },
    {
      norce: { orderApi: "acme", token: "${NOWHERE}", version: "v2" },
      merchants: { acme: { se: { "klarna-checkout": { adapterId: "" }, "no-such-psp": {} } } },
    },
  );
  for (const path of [
    "PORT",
    "BODY_LIMIT",
    "QUEUE_URL",
    "norce.orderApi",
    "norce.token",
    "norce.version",
    "merchants.acme.se.klarna-checkout.apiUrl",
    "merchants.acme.se.no-such-psp",
  ]) {
    expect(faults.join("\n")).toContain(path);
  }
});

test("adapters' faults are told with merchant and channel", () => {
  const faults = faultsOf(environment, {
    ...document,
    merchants: { acme: { se: { "klarna-checkout": { adapterId: "" }, "no-such-psp": {} } } },
  });
  expect(faults.join("\n")).toContain("merchants.acme.se.klarna-checkout.adapterId");
  expect(faults.join("\n")).toContain("merchants.acme.se.klarna-checkout.apiUrl");
  expect(faults.join("\n")).toContain("merchants.acme.se.no-such-psp");
});

test("a missing secret stops the process", () => {
  expect(faultsOf({ ...environment, KLARNA_PASSWORD: "" }, document).join("\n")).toContain("KLARNA_PASSWORD");
  expect(faultsOf({ ...environment, URL_SIGNING_KEYS: "" }, document).join("\n")).toContain("URL_SIGNING_KEYS");
});

test("it prints itself without its secrets", () => {
  const config = createConfig({ ...environment, ADMIN_TOKEN: "canary-admin-token-1" }, document, adapters);
  const text = JSON.stringify(redacted(config));
  expect(text).not.toContain("canary");
  expect(text).not.toContain("signing-key");
  expect(text).toContain("https://api.playground.klarna.com");
});

test("the operator hears of settings that nobody reads and of Norce's own adapter ids", () => {
  const doubtful = { ...klarna, adapterId: "klarna_checkout_adapter", termsUrl: "https://acme.example/terms" };
  const config = createConfig(
    environment,
    { ...document, merchants: { acme: { 1: { "klarna-checkout": doubtful } } } },
    adapters,
  );
  expect(config.warnings.join("\n")).toContain("merchants.acme.1.klarna-checkout.termsUrl");
  expect(config.warnings.join("\n")).toContain("managed adapters");
});

test("a value from the environment cannot change the document's structure", () => {
  const config = createConfig({ ...environment, KLARNA_PASSWORD: 'x"}, evil: {"' }, document, adapters);
  expect(config.targets).toHaveLength(1);
});

test("two adapters of a merchant's channel cannot own the same payments", () => {
  const both = { "klarna-checkout": klarna, "klarna-payments": klarna };
  const faults = faultsOf(environment, { ...document, merchants: { acme: { se: both } } });
  expect(faults).toHaveLength(1);
  for (const name of Object.keys(both)) expect(faults[0]).toContain(`merchants.acme.se.${name}.adapterId`);
  expect(faults[0]).not.toContain("acme_klarna_adapter");
  // Elsewhere it is another channel's payments.
  const apart = { acme: { se: { "klarna-checkout": klarna }, no: { "klarna-payments": klarna } } };
  expect(faultsOf(environment, { ...document, merchants: apart })).toEqual([]);
});

test("that two adapters own the same payments is told also where something else is wrong with them", () => {
  const incomplete = { adapterId: klarna.adapterId };
  const merchants = { acme: { se: { "klarna-checkout": incomplete, "klarna-payments": incomplete } } };
  const told = faultsOf(environment, { ...document, merchants }).join("\n");
  expect(told).toMatch(/klarna-payments\.adapterId: .*merchants\.acme\.se\.klarna-checkout\.adapterId/);
  expect(told).toContain("merchants.acme.se.klarna-payments.apiUrl");
});

test.each([null, "text", 5, ["list"], true])(
  "a merchant that is %j hides nothing of what is wrong elsewhere",
  (wrong) => {
    const faulty = { "klarna-checkout": { adapterId: "" }, "no-such-psp": {} };
    const merchants = {
      a: wrong,
      b: { no: wrong, se: { ...faulty, "klarna-payments": wrong } },
      c: { se: faulty },
    };
    const told = faultsOf(environment, { ...document, merchants });
    for (const path of ["a", "b.no", "b.se.klarna-payments"])
      expect(told.filter((fault) => fault.startsWith(`merchants.${path}: `))).toHaveLength(1);
    for (const channel of ["b.se", "c.se"])
      for (const name of ["klarna-checkout.adapterId", "klarna-checkout.apiUrl", "no-such-psp"])
        expect(told.join("\n")).toContain(`merchants.${channel}.${name}: `);
  },
);

test.each(["PORT", "WORKER_CONCURRENCY", "SWEEP_INTERVAL_SECONDS"])(
  "%s has to be a whole number, unless empty",
  (name) => {
    for (const wrong of [" ", "\t", "1e3", "0x10", "1.5", "-1", "one"])
      expect(faultsOf({ ...environment, [name]: wrong }, document)).toEqual([expect.stringMatching(`^${name}: `)]);
    expect(faultsOf({ ...environment, [name]: "" }, document)).toEqual([]);
    expect(faultsOf({ ...environment, [name]: "80" }, document)).toEqual([]);
  },
);

test("a signing key and an admin token that can be guessed are faults, and a short key is a warning; neither is told", () => {
  const environmentWith = (name: string, secrets: string) => ({ ...environment, [name]: secrets });
  for (const name of ["URL_SIGNING_KEYS", "ADMIN_TOKEN"]) {
    const faults = faultsOf(environmentWith(name, `${"canary-".repeat(5)},canary-of-15-ch`), document);
    expect(faults).toEqual([expect.stringMatching(new RegExp(`^${name}: number 2 has to be at least 16 characters`))]);
    expect(faults.join("\n")).not.toContain("canary");
    expect(faultsOf(environmentWith(name, "a-text-of-16-cha"), document)).toEqual([]);
  }
  const { warnings } = createConfig(
    environmentWith("URL_SIGNING_KEYS", `${"a".repeat(32)},${"canary-".repeat(4)}`),
    document,
    adapters,
  );
  expect(warnings).toEqual([expect.stringMatching(/^URL_SIGNING_KEYS: number 2 is shorter than 32 characters/)]);
  expect(warnings.join("\n")).not.toContain("canary");
});

test.each([
  ["ADMIN_TOKEN", `canary-token-of-ours\u0007`],
  ["URL_SIGNING_KEYS", `canary-token\n-of-ours-and-more`],
  ["NORCE_TOKEN", "canary\n"],
  ["NORCE_TOKEN", " canary"],
  ["KLARNA_PASSWORD", "canary "],
  ["KLARNA_PASSWORD", "can\u200bary"],
  ["REDIS_URL", "redis://canary:canary#canary@127.0.0.1"],
  ["REDIS_URL", "redis://canary:12/canary@127.0.0.1"],
  ["REDIS_URL", "canary"],
  ["QUEUE_URL", "postgres://canary:ca?nary@127.0.0.1/q"],
  ["ALERT_URL", "canary"],
  ["ALERT_FORMAT", "canary"],
  ["ALERT_SECRET", "canary"],
  ["ALERT_SECRET", "whsec_Y2FuYXJ5"],
  ["WORKER_PORT", "canary"],
  ["JOURNAL_MB", "canary"],
  ["QUEUE_TLS_INSECURE", "canary"],
  ["QUEUE_GROUP", "Canary}"],
])("%s has a shape, and a value that has another is never told", (name, value) => {
  const faults = faultsOf({ ...environment, [name]: value }, document);
  expect(faults).toHaveLength(1);
  expect(faults[0]).not.toContain("canary");
  expect(faults[0]).toMatch(/^(norce\.token|merchants\.acme\.se\.klarna-checkout\.password|[A-Z_]+): /);
});

test("a channel's key generation revokes its keys alone", () => {
  const merchants = (generation: object) => ({
    acme: { se: { ...generation, "klarna-checkout": klarna }, no: { "klarna-checkout": klarna } },
  });
  const keyOf = (generation: object, channel: string) =>
    createConfig(environment, { ...document, merchants: merchants(generation) }, adapters).signingKeys.of("callback", {
      merchant: "acme",
      channel,
    })[0].text;
  expect(keyOf({ keyGeneration: 2 }, "se")).not.toBe(keyOf({}, "se"));
  expect(keyOf({ keyGeneration: 2 }, "se")).toBe(keyOf({ keyGeneration: "2" }, "se"));
  expect(keyOf({ keyGeneration: 2 }, "no")).toBe(keyOf({}, "no"));
  expect(faultsOf(environment, { ...document, merchants: merchants({ keyGeneration: "a\nb" }) })).toEqual([
    expect.stringMatching(/^merchants\.acme\.se\.keyGeneration: /),
  ]);
});

test("a URL with a query in it is a fault, and is never printed", () => {
  const settings = { ...klarna, apiUrl: "https://klarna.example/?canary=1" };
  const faults = faultsOf(environment, { ...document, merchants: { acme: { se: { "klarna-checkout": settings } } } });
  expect(faults).toEqual([expect.stringMatching(/^merchants\.acme\.se\.klarna-checkout\.apiUrl: must not have/)]);
  expect(faults.join("\n")).not.toContain("canary");
});

test("Norce's token may be two, a primary and a secondary", () => {
  const norce = { ...document.norce, token: ["${NORCE_TOKEN}", "another"] };
  expect(createConfig(environment, { ...document, norce }, adapters).norce.token).toEqual(["canary-token", "another"]);
});

test("a URL with a user name or a password in it is a fault, and is never printed", () => {
  const secret = "https://canary-user:canary-password@acme.example/path";
  const settings = { ...klarna, apiUrl: secret, more: { urls: ["https://canary-user@acme.example"] } };
  const faults = faultsOf(
    { ...environment, PUBLIC_URL: secret, FROM_OUTSIDE: secret },
    {
      norce: { ...document.norce, orderApi: "${FROM_OUTSIDE}" },
      merchants: { acme: { se: { "klarna-checkout": settings } } },
    },
  );
  const path = "merchants.acme.se.klarna-checkout";
  expect(faults.map((fault) => fault.replace(/: .*/, "")).toSorted()).toEqual([
    "PUBLIC_URL",
    `${path}.apiUrl`,
    `${path}.more.urls.0`,
    "norce.orderApi",
  ]);
  expect(faults.join("\n")).not.toContain("canary");
  expect(() => serviceFrom({ ...environment, PUBLIC_URL: secret })).toThrow(/PUBLIC_URL: must not have/);
});

test("a URL with a user name in it is told of where it does not fit besides", () => {
  const settings = { ...klarna, apiUrl: "ftp://canary:canary@acme.example" };
  const merchants = { acme: { se: { "klarna-checkout": settings } } };
  const told = faultsOf(environment, { ...document, merchants }).join("\n");
  expect(told).toContain("merchants.acme.se.klarna-checkout.apiUrl");
  expect(told).not.toContain("canary");
});

test("an engine's URL may have its password in it, and so may a password look like a URL", () => {
  const queue = { REDIS_URL: "redis://user:password@127.0.0.1" };
  expect(faultsOf({ ...environment, ...queue, KLARNA_PASSWORD: "https://a:b@c" }, document)).toEqual([]);
});

test("who believes any certificate of the queue's server hears of it", () => {
  const warned = (insecure: string): readonly string[] =>
    createConfig({ ...environment, QUEUE_TLS_INSECURE: insecure }, document, adapters).warnings.filter((warning) =>
      warning.startsWith("QUEUE_TLS_INSECURE"),
    );
  expect([warned("1"), warned("0"), warned("")].map(({ length }) => length)).toEqual([1, 0, 0]);
});

test("alerts are signed with each of their secrets, and who sends them unsigned hears of it", () => {
  const secrets = ["whsec_bmV3ZXItc2VjcmV0LW9mLTI0LWJ5dGVz", "whsec_b2xkZXItc2VjcmV0LW9mLTI0LWJ5dGVz"];
  const url = "https://hooks.example/canary-in-path";
  const warned = (env: Record<string, string>): readonly string[] =>
    createConfig({ ...environment, ...env }, document, adapters).warnings.filter((warning) =>
      warning.startsWith("ALERT_SECRET"),
    );
  const config = createConfig({ ...environment, ALERT_URL: url, ALERT_SECRET: secrets.join(", ") }, document, adapters);
  expect(config.alerts).toEqual({ url, format: "standard", secrets });
  expect(JSON.stringify(redacted(config))).not.toMatch(/canary-in-path|whsec_/);
  expect(warned({ ALERT_URL: url, ALERT_SECRET: secrets.join(",") })).toEqual([]);
  expect(warned({ ALERT_URL: url })).toHaveLength(1);
  expect(warned({ ALERT_URL: url, ALERT_FORMAT: "slack" })).toEqual([]);
  expect(warned({ ALERT_SECRET: secrets[0] ?? "" })).toHaveLength(1);
});
