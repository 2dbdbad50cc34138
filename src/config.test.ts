import { expect, test } from "vitest";
import { loadAdapters } from "./adapters/registry.ts";
import { type Config, ConfigError, createConfig, redacted, urlMakerFrom } from "./config.ts";
import { keyWarnings } from "./lib/document.ts";

const adapters = await loadAdapters();
const environment = {
  URL_SIGNING_KEYS: "key-2,key-1",
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
    urlSigningKeys: ["key-2", "key-1"],
    adminToken: undefined,
    logLevel: "info",
    workerConcurrency: 16,
    bodyLimitBytes: 1024 * 1024,
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
  expect(text).not.toContain("key-1");
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

test("the operator hears of a signing key that can be guessed, but not the key", () => {
  const warningsWith = (keys: string): readonly string[] => {
    const { urlSigningKeys } = createConfig({ ...environment, URL_SIGNING_KEYS: keys }, document, adapters);
    return keyWarnings("URL_SIGNING_KEYS", urlSigningKeys);
  };
  expect(warningsWith("signing-key-1,12345678")).toEqual([]);
  const warnings = warningsWith("signing-key-1,canary1,canary2");
  expect(warnings).toEqual([
    expect.stringMatching(/^URL_SIGNING_KEYS: number 2 /),
    expect.stringMatching(/^URL_SIGNING_KEYS: number 3 /),
  ]);
  expect(warnings.join("\n")).not.toContain("canary");
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
  expect(() => urlMakerFrom({ ...environment, PUBLIC_URL: secret })).toThrow(/PUBLIC_URL: must not have/);
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
