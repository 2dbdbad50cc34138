import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { until } from "../test/support/until.ts";
import { loadAdapters } from "./adapters/registry.ts";
import { type Config, createConfig } from "./config.ts";
import { type CurrentConfig, keepConfig, watchConfig } from "./current-config.ts";
import { createMeters } from "./lib/meters.ts";

const adapters = await loadAdapters(["klarna-checkout"]);
const environment = { URL_SIGNING_KEYS: "canary-signing-key-of-32-characters", ADMIN_TOKEN: "canary-admin-token" };
const account = { merchant: "acme", channel: "se", adapter: "klarna-checkout" };
const documentWith = (password: string): object => ({
  norce: { orderApi: "https://norce.example", token: "canary-token" },
  merchants: {
    acme: { se: { "klarna-checkout": { adapterId: "a", apiUrl: "https://k.example", username: "u", password } } },
  },
});

let env: Record<string, string> = environment;
let password = "canary-one";
const read = async (): Promise<Config> => createConfig(env, documentWith(password), adapters);

let lines: Record<string, unknown>[] = [];
let meters = createMeters();
let kept: CurrentConfig;
const said = (message: string): Record<string, unknown>[] => lines.filter(({ msg }) => msg === message);

beforeEach(async () => {
  [env, password, lines, meters] = [environment, "canary-one", [], createMeters()];
  const log = pino({ base: null }, { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) });
  kept = keepConfig(await read(), { read, log, meters, now: () => 1_000 });
});

const passwordIn = (config: Config): unknown =>
  (config.find(account)?.settings as { password?: unknown } | undefined)?.password;

test("what is read anew counts for whoever asks, and not for who took what counted before", async () => {
  const before = kept.current();
  const { fingerprint } = kept.config;
  let changes = 0;
  kept.changed(() => (changes += 1));
  password = "canary-two";
  env = { ...environment, ADMIN_TOKEN: "canary-admin-token,canary-second-token" };
  await kept.reload();
  expect([passwordIn(kept.config), passwordIn(kept.current()), passwordIn(before)]).toEqual([
    "canary-two",
    "canary-two",
    "canary-one",
  ]);
  expect([kept.config.adminTokens.length, before.adminTokens.length, changes]).toEqual([2, 1, 1]);
  expect(kept.config.fingerprint).not.toBe(fingerprint);
  expect(said("config.reloaded")).toMatchObject([{ fingerprint: kept.config.fingerprint, before: fingerprint }]);
  expect(await meters.text()).toContain(
    `norce_psp_config_loaded_timestamp_seconds{fingerprint="${kept.config.fingerprint}"} 1`,
  );
  expect(JSON.stringify(lines)).not.toContain("canary");
});

test("the same text has the same fingerprint, in every process", async () => {
  expect((await read()).fingerprint).toBe(kept.config.fingerprint);
  await kept.reload();
  expect(said("config.reloaded")).toMatchObject([
    { fingerprint: kept.config.fingerprint, before: kept.config.fingerprint },
  ]);
});

test("what is faulty is refused with all its faults, and the old one stays", async () => {
  password = " canary with blanks ";
  env = { ...environment, ADMIN_TOKEN: "canary-short", BODY_LIMIT: "much" };
  await kept.reload();
  expect(passwordIn(kept.config)).toBe("canary-one");
  const [refused] = said("config.refused");
  expect(refused).toMatchObject({ level: 50, stays: kept.config.fingerprint });
  expect(refused?.["faults"]).toHaveLength(3);
  expect(said("config.reloaded")).toEqual([]);
  expect(JSON.stringify(lines)).not.toContain("canary");
  expect(await meters.text()).toContain('norce_psp_config_reloads_total{result="refused"} 1');
  [env, password] = [environment, "canary-two"];
  await kept.reload();
  expect(passwordIn(kept.config)).toBe("canary-two");
});

test("what a process has made itself from stays, and is named", async () => {
  env = { ...environment, PORT: "4000", WORKER_CONCURRENCY: "3", REDIS_URL: "redis://:canary@redis" };
  await kept.reload();
  expect(kept.config).toMatchObject({ port: 3000, workerConcurrency: 16, redisUrl: undefined });
  expect(said("config.reloaded")).toMatchObject([{ restart: ["port", "publicUrl", "redisUrl", "workerConcurrency"] }]);
  expect(JSON.stringify(lines)).not.toContain("canary");
});

describe("a configuration that is watched", () => {
  const folder = (): string => {
    const made = mkdtempSync(join(tmpdir(), "norce-psp-config-"));
    onTestFinished(() => rmSync(made, { recursive: true, force: true }));
    return made;
  };
  const watched = (file: string): { readonly reloads: () => number } => {
    let reloads = 0;
    const end = watchConfig(
      () => [file],
      async () => void (reloads += 1),
      { everyMs: 20 },
    );
    onTestFinished(end);
    return { reloads: () => reloads };
  };

  test("is read anew once its file says something else, and stays so", async () => {
    const file = join(folder(), "config.yaml");
    writeFileSync(file, "one");
    const { reloads } = watched(file);
    writeFileSync(file, "one");
    writeFileSync(file, "two");
    await until(() => reloads() === 1, "the first change");
    rmSync(file);
    await until(() => reloads() === 2, "that it is gone");
    writeFileSync(file, "three");
    await until(() => reloads() === 3, "that it is back");
  });

  test("is read anew on SIGHUP, also where nothing has changed", async () => {
    const file = join(folder(), "config.yaml");
    writeFileSync(file, "one");
    const { reloads } = watched(file);
    process.emit("SIGHUP");
    process.emit("SIGHUP");
    expect(reloads()).toBe(2);
  });
});
