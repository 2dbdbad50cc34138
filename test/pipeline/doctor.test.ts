import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadAdapters } from "../../src/adapters/registry.ts";
import { createConfig } from "../../src/config.ts";
import type { Finding, Report } from "../../src/doctor/report.ts";
import { createLog } from "../../src/lib/log.ts";
import { createMeters } from "../../src/lib/meters.ts";
import { openEngine } from "../../src/queue/engine.ts";
import { createSeam } from "../../src/queue/seam.ts";
import { callbackUrl } from "../../src/signatures/urls.ts";
import { startWeb } from "../../src/web.ts";
import { startWorker } from "../../src/worker.ts";
import { startSandbox } from "../../sandbox/sandbox.ts";
import { layEmbedded } from "../support/models.ts";
import { freePort } from "../support/ports.ts";
import { signingKeysOf } from "../support/signing.ts";
import { compileCache } from "../support/tree.ts";
import { until } from "../support/until.ts";

const root = join(import.meta.dirname, "../..");
const master = "a-master-key-that-is-long-enough-for-everybody";
const adminToken = "an-admin-token-of-ours";
const account = { merchant: "demo", channel: "se" };
type Settings = Record<string, Record<string, unknown>>;

let folder = "";
let environment: Record<string, string> = {};
let document: { norce: Record<string, unknown>; merchants: Record<string, Record<string, Settings>> };
let close = async (): Promise<void> => undefined;
const adapters = await loadAdapters();

/** Runs the command in the merchant's folder. */
async function doctor(...parameters: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const env = { PATH: process.env["PATH"] ?? "", NODE_COMPILE_CACHE: compileCache, ...environment };
  return await new Promise((resolve) => {
    const file = join(root, "src/cli/doctor.ts");
    const child = execFile(process.execPath, [file, ...parameters], { cwd: folder, env }, (_, out, err) =>
      resolve({ code: child.exitCode ?? -1, out, err }),
    );
  });
}

async function examined(...parameters: readonly string[]): Promise<Report & { readonly code: number }> {
  const { code, out, err } = await doctor("--json", ...parameters);
  expect(err).toBe("");
  return { code, ...(JSON.parse(out) as Report) };
}

function about({ findings }: Report, check: string, adapter?: string): readonly Finding[] {
  return findings.filter((one) => one.check === check && one.adapter === adapter);
}

/** What a person has to do. */
function attention({ findings }: Report): readonly string[] {
  return findings
    .filter(({ is }) => is === "attention")
    .map(({ check, adapter, says }) => `${adapter ?? check}: ${says}`);
}

function configure(changes: (settings: Settings) => void): void {
  const settings = structuredClone(document.merchants["demo"]?.["se"] ?? {});
  changes(settings);
  writeFileSync(join(folder, "config.yaml"), JSON.stringify({ ...document, merchants: { demo: { se: settings } } }));
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "norce-psp-doctor-"));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  environment = { PORT: String(port), PUBLIC_URL: url, URL_SIGNING_KEYS: master, ADMIN_TOKEN: adminToken };
  const sandbox = await startSandbox({
    callbackBase: url,
    urlSigningKeys: [master],
    adminToken,
    adapters,
    terminal: { write: () => undefined } as never,
  });
  document = structuredClone(sandbox.document) as unknown as typeof document;
  const config = createConfig(environment, sandbox.document, adapters);
  await layEmbedded(join(folder, ".data"));
  const log = createLog("silent");
  const meters = createMeters();
  const engine = await openEngine({ dataDir: join(folder, ".data") }, log);
  const queue = createSeam(engine);
  const worker = startWorker({ config, engine, queue, log, meters });
  const web = await startWeb({ config, engine, queue, log, meters });
  await until(async () => (await queue.heartbeats.list()).length > 0, "the worker to be there");
  close = async () => {
    await Promise.all([web.close(), worker.close(), sandbox.close()]);
    await engine.close();
    rmSync(folder, { recursive: true, force: true });
  };
}, 300_000);
afterAll(() => close());

test("a wrong credential, a wrong token of Norce's and a webhook at an old URL are found, and nothing else of what can be asked", async () => {
  const mollie = document.merchants["demo"]?.["se"]?.["mollie"] ?? {};
  const hook = await registerAtMollie(mollie);
  document.norce["token"] = [document.norce["token"], "another-token"];
  document.merchants["demo"] = { se: { ...document.merchants["demo"]?.["se"] } };
  configure((settings) => {
    Object.assign(settings["klarna-checkout"] ?? {}, { password: "another" });
    Object.assign(settings["mollie"] ?? {}, { webhookSecret: hook.webhookSecret });
  });
  const report = await examined();
  expect(report.code).toBe(1);
  expect(about(report, "credentials", "klarna-checkout")).toMatchObject([
    {
      is: "attention",
      says: "Klarna does not take username and password",
      todo: expect.stringContaining("merchants.demo.se.klarna-checkout"),
    },
  ]);
  expect(about(report, "Norce")).toMatchObject([
    { is: "fine", says: expect.stringContaining("norce.token, number 1") },
    { is: "attention", says: "it does not take norce.token, number 2" },
  ]);
  expect(about(report, "webhooks", "mollie")).toMatchObject([
    {
      is: "attention",
      says: expect.stringContaining("it leads to https://before.example.com"),
      todo: expect.stringContaining("--fix"),
    },
  ]);
  // Every other credential is taken, and every other webhook of those that can be asked is simply not registered.
  const others = attention(report).filter((one) => !/^(klarna-checkout|Norce|mollie|queue):/.test(one));
  expect(others.filter((one) => !one.endsWith("is not registered"))).toEqual([]);
  expect(report.findings.filter(({ is }) => is === "unreachable")).toEqual([]);
  expect(about(report, "PUBLIC_URL")).toMatchObject([{ is: "fine" }]);
  expect(about(report, "clock")).toMatchObject([{ is: "fine" }]);
  expect(about(report, "queue")).toMatchObject([{ is: "attention", says: expect.stringContaining("for development") }]);
  const secrets = ["another-token", master, adminToken, hook.webhookSecret];
  for (const secret of secrets) expect(JSON.stringify(report)).not.toContain(secret);
}, 300_000);

test("what is registered wrongly is repaired, the PSP's test then comes and is proven, and a second time there is nothing to do", async () => {
  const fixed = await examined("--adapter", "mollie", "--fix");
  expect(about(fixed, "webhooks", "mollie")).toMatchObject([
    { is: "fine", says: expect.stringContaining("before, event is registered, but") },
  ]);
  expect(fixed.code).toBe(0);
  const tested = await examined("--adapter", "mollie", "--test", "--wait", "3");
  // The service that runs has another secret than the command: it refuses what the PSP sends.
  expect(about(tested, "webhooks", "mollie")).toMatchObject([
    { is: "fine" },
    { is: "attention", says: expect.stringContaining("did not come") },
  ]);
  const svea = await examined("--adapter", "svea-checkout", "--fix", "--test");
  expect(about(svea, "webhooks", "svea-checkout")).toMatchObject([
    { is: "fine", says: expect.stringContaining("webhook is registered") },
    { is: "fine", says: expect.stringContaining(`proven by the key ${signingKeysOf(master).masters[0] ?? ""}`) },
  ]);
  expect(svea.code).toBe(0);
  expect((await examined("--adapter", "svea-checkout")).code).toBe(0);
}, 300_000);

test("a secret that a PSP tells once is told once, and where to put it", async () => {
  const { code, out } = await doctor("--adapter", "vipps-mobilepay", "--fix");
  expect(out).toMatch(
    /^✗ demo\/se vipps-mobilepay, webhooks: webhook is registered|^✓ demo\/se vipps-mobilepay, webhooks: webhook is registered/m,
  );
  expect(out).toContain("    merchants.demo.se.vipps-mobilepay.webhookSecret: simulated-secret-1");
  expect(code).toBe(1);
  const again = await doctor("--adapter", "vipps-mobilepay", "--fix");
  expect(again.out).not.toContain("simulated-secret");
  expect(again.code).toBe(0);
}, 300_000);

test("whoever does not answer is told as such", async () => {
  configure((settings) => void Object.assign(settings["nexi-checkout"] ?? {}, { apiUrl: "http://127.0.0.1:9" }));
  const { code, out } = await doctor("--adapter", "nexi-checkout");
  expect(out).toContain("? demo/se nexi-checkout, credentials: Nexi did not answer when asked with secretKey");
  expect(code).toBe(3);
  expect((await doctor("--adapter", "no-such-psp")).code).toBe(2);
}, 300_000);

/** As an earlier installation of this service would have, at another address. */
async function registerAtMollie({ apiUrl, apiKey }: Record<string, unknown>): Promise<{ webhookSecret: string }> {
  const mollie = adapters.get("mollie");
  if (mollie === undefined) throw new Error("there is no mollie");
  const maker = { publicUrl: "https://before.example.com", keys: signingKeysOf(master) };
  const answer = await fetch(`${String(apiUrl)}/v2/webhooks`, {
    method: "POST",
    headers: { authorization: `Bearer ${String(apiKey)}`, "content-type": "application/json" },
    body: JSON.stringify({
      name: "before",
      url: callbackUrl(maker, mollie, { adapter: "mollie", ...account }, "event"),
      eventTypes: ["payment.paid"],
    }),
  });
  return (await answer.json()) as { webhookSecret: string };
}
