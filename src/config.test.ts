import { expect, test } from "vitest";
import { loadAdapters } from "./adapters/registry.ts";
import { type Config, ConfigError, createConfig, redacted } from "./config.ts";

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
