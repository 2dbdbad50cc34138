import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { z } from "zod";
import type { AnyAdapter, CommonConfig, PaymentKey } from "./contract/adapter.ts";
import { loadOutside, type Outside } from "./adapters/outside.ts";
import { type Adapters, loadAdapters } from "./adapters/registry.ts";
import { type ProxyEnvironment, proxyEnvOf, proxyFaults } from "./lib/agents.ts";
import { budgetSettings } from "./lib/budget.ts";
import {
  collect,
  ConfigError,
  entriesOf,
  type Environment,
  httpUrl,
  isRecord,
  substitute,
  urlFaults,
} from "./lib/document.ts";
import { environmentSchema, environmentWarnings, type ServiceEnvironment } from "./lib/environment.ts";
import { keyedFingerprint } from "./lib/fingerprint.ts";
import { managedWarnings, sharedPaymentFaults } from "./lib/managed-adapters.ts";
import { secretFaults } from "./lib/secret-shape.ts";
import { readYamlFile } from "./lib/yaml-file.ts";
import { createSigningKeys, type SigningKeys } from "./signatures/signing-keys.ts";

/** One merchant channel's settings of one adapter, already validated by the adapter's own schema. */
export interface AdapterSettings {
  readonly adapter: AnyAdapter;
  readonly settings: CommonConfig;
}

/** Everything the service is told from outside, validated. */
export interface Config {
  readonly port: number;
  /** The one interface that is listened on; `undefined`: all of them. */
  readonly host?: string | undefined;
  readonly publicUrl: string;
  readonly redisUrl: string | undefined;
  readonly queueUrl: string | undefined;
  /** Where the embedded engine lives; and whether the queue is the sandbox's, apart from a real one and empty at each start. */
  readonly engine: { readonly dataDir: string; readonly sandbox?: boolean; readonly group?: string | undefined };
  /** How the engine's server is known, where the machine's own authorities do not know it: PEM; `insecure` believes anybody. */
  readonly queueTls: { readonly ca: string | undefined; readonly insecure: boolean };
  /** The keys of signed URLs, derived from `URL_SIGNING_KEYS`. */
  readonly signingKeys: SigningKeys;
  /** Any of them; none: what is the operator's is off. */
  readonly adminTokens: readonly string[];
  /** Where the worker process tells how it is; `undefined`: nowhere. */
  readonly workerPort: number | undefined;
  /** How much all journals together may take. */
  readonly journalBytes: number;
  /** Where alerts are sent, and what they are signed with, newest first; none: they are not signed. */
  readonly alerts:
    | { readonly url: string; readonly format: "standard" | "slack"; readonly secrets: readonly string[] }
    | undefined;
  /** Somebody said where traces are sent; OpenTelemetry's own packages read the rest. */
  readonly traced: boolean;
  readonly logLevel: string;
  readonly workerConcurrency: number;
  readonly bodyLimitBytes: number;
  /** The pace of the background sweep. */
  readonly sweepIntervalSeconds: number;
  readonly norce: z.infer<typeof norceSchema>;
  readonly proxies: ProxyEnvironment;
  readonly adapters: Adapters;
  /** The settings for a merchant's channel and adapter; `undefined` where the merchant has not configured it. */
  find(target: Pick<PaymentKey, "adapter" | "merchant" | "channel">): AdapterSettings | undefined;
  /** Every configured target with its settings, in the order of the file. */
  readonly targets: readonly (Pick<PaymentKey, "merchant" | "channel"> & AdapterSettings)[];
  /** Tells one configuration from another, and nothing of what is in it. */
  readonly fingerprint: string;
  /** What the operator should hear at start-up. */
  readonly warnings: readonly string[];
}

/** The Order API takes either of a primary and a secondary token: the first is used until it is refused. */
const tokens = z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]);

const norceSchema = z.strictObject({
  /** Base URL of the Order API, for example `https://acme.api-se.norce.tech/checkout/order`. */
  orderApi: httpUrl,
  token: tokens,
  version: z.enum(["v0", "v1"]).default("v0"),
  states: z.enum(["ten", "twelve"]).default("ten"),
  ...budgetSettings,
});

/** Merchants' and channels' names stand in signed texts, line by line. */
const printable = z.string().regex(/^[^\p{C}\p{Zl}\p{Zp}]+$/u, "must be printable");
/** A channel: its adapters by folder, and what holds for all of them. */
const channelSchema = z
  .object({
    /** Another one revokes the channel's callback and operation keys, and no others. */
    keyGeneration: z.union([z.int().transform(String), printable]).optional(),
  })
  .catchall(z.record(z.string(), z.unknown()));
const fileSchema = z.strictObject({
  norce: norceSchema,
  /** Adapters outside the tree: npm packages, and paths relative to the file. */
  adapters: z.array(z.string().min(1)).default([]),
  merchants: z.record(printable, z.record(printable, channelSchema)),
});

export { ConfigError, type Environment } from "./lib/document.ts";

/** The environment, with `.env` laid under it where there is one. */
export function processEnvironment(): Environment {
  if (existsSync(".env")) process.loadEnvFile(".env");
  return process.env;
}

/** The configuration file to read, or `undefined` where none was named and the default one is not there. */
export function configFileOf(environment: Environment): string | undefined {
  const named = environment["CONFIG_FILE"];
  if (named !== undefined && named !== "") return named;
  return existsSync("config.yaml") ? "config.yaml" : undefined;
}

/** @throws ConfigError where it cannot be read or is not YAML. */
function readConfigFile(environment: Environment): unknown {
  return readYamlFile(configFileOf(environment) ?? "config.yaml");
}

/** The configuration, with the adapters of the tree and those that the file names. @throws ConfigError with every fault. */
export async function readConfig(environment: Environment): Promise<Config> {
  const document = readConfigFile(environment);
  const { adapters, faults } = await adaptersNamed(environment, document);
  return createConfig(environment, document, adapters, faults);
}

/** The adapters alone, for who needs no configuration file. @throws ConfigError where there is one whose modules do not fit. */
export async function readAdapters(environment: Environment): Promise<Adapters> {
  if (configFileOf(environment) === undefined) return await loadAdapters();
  const { adapters, faults } = await adaptersNamed(environment, readConfigFile(environment));
  if (faults.length > 0) throw new ConfigError(faults);
  return adapters;
}

async function adaptersNamed(environment: Environment, document: unknown): Promise<Outside> {
  const { data } = fileSchema
    .pick({ adapters: true })
    .strip()
    .safeParse(substitute(document, environment, "", []));
  const base = dirname(resolve(configFileOf(environment) ?? ""));
  return await loadOutside(data?.adapters ?? [], base, await loadAdapters());
}

/**
 * Validates environment and configuration document together.
 * @param document the parsed `config.yaml`; `${VAR}` in it is taken from the environment.
 * @param found what is known to be wrong already.
 * @throws ConfigError with every fault, each with its path.
 */
export function createConfig(
  environment: Environment,
  document: unknown,
  adapters: Adapters,
  found: readonly string[] = [],
): Config {
  const faults: string[] = [...found];
  const warnings: string[] = [];
  const env = collect(environmentSchema.safeParse(environment), "", faults);
  if (env?.URL_SIGNING_KEYS.length === 0) faults.push(noSigningKey);
  faults.push(...proxyFaults(environment));
  const substituted = substitute(document, environment, "", faults);
  const file = collect(fileSchema.safeParse(substituted), "", faults);
  // Not what the schema made of it: one fault must not hide the others.
  const { merchants, norce } = isRecord(substituted) ? substituted : {};
  if (isRecord(norce)) faults.push(...secretFaults(norce["token"], "norce.token"));
  const targets = targetsFrom(merchants, adapters, faults, warnings);
  if (faults.length > 0 || env === undefined || file === undefined) throw new ConfigError([...new Set(faults)]);
  const { ALERT_URL: url, ALERT_FORMAT: format, ALERT_SECRET: secrets } = env;
  const alerts = url === undefined ? undefined : { url, format, secrets };
  const byTarget = new Map(targets.map((target) => [targetId({ ...target, adapter: target.adapter.id }), target]));
  return {
    port: env.PORT,
    publicUrl: publicUrlOf(env),
    redisUrl: env.REDIS_URL,
    queueUrl: env.QUEUE_URL,
    engine: { dataDir: ".data", group: env.QUEUE_GROUP },
    queueTls: { ca: env.QUEUE_CA_FILE, insecure: env.QUEUE_TLS_INSECURE },
    signingKeys: createSigningKeys(
      env.URL_SIGNING_KEYS,
      ({ merchant, channel }) => file.merchants[merchant]?.[channel]?.keyGeneration,
    ),
    adminTokens: env.ADMIN_TOKEN,
    workerPort: env.WORKER_PORT,
    journalBytes: env.JOURNAL_MB * 1024 * 1024,
    alerts,
    traced: env.OTEL_EXPORTER_OTLP_ENDPOINT !== undefined,
    logLevel: env.LOG_LEVEL,
    workerConcurrency: env.WORKER_CONCURRENCY,
    bodyLimitBytes: env.BODY_LIMIT,
    sweepIntervalSeconds: env.SWEEP_INTERVAL_SECONDS,
    norce: file.norce,
    proxies: proxyEnvOf(environment),
    adapters,
    find: (target) => byTarget.get(targetId(target)),
    targets,
    fingerprint: keyedFingerprint(env.URL_SIGNING_KEYS.join(), [env.ADMIN_TOKEN, alerts, substituted]),
    warnings: [...environmentWarnings(env), ...warnings],
  };
}

/**
 * Where the service is reached, the newest admin token, and the master keys of signed URLs; needs no configuration file.
 * @throws ConfigError where the environment is faulty.
 */
export function serviceFrom(environment: Environment): {
  readonly publicUrl: string;
  readonly adminToken: string | undefined;
  readonly masters: readonly string[];
} {
  const faults: string[] = [];
  const env = collect(environmentSchema.safeParse(environment), "", faults);
  if (env?.URL_SIGNING_KEYS.length === 0) faults.push(noSigningKey);
  if (env === undefined || faults.length > 0) throw new ConfigError(faults);
  return { publicUrl: publicUrlOf(env), adminToken: env.ADMIN_TOKEN[0], masters: env.URL_SIGNING_KEYS };
}

const noSigningKey = "URL_SIGNING_KEYS: is not set; callback URLs could not be proven";

function publicUrlOf({ PUBLIC_URL, PORT }: ServiceEnvironment): string {
  return (PUBLIC_URL ?? `http://localhost:${PORT}`).replace(/\/+$/, "");
}

/** What may be printed of the configuration: every secret is replaced, nothing else is left out. */
export function redacted(config: Config): Readonly<Record<string, unknown>> {
  return {
    fingerprint: config.fingerprint,
    port: config.port,
    publicUrl: config.publicUrl,
    queue: config.redisUrl !== undefined ? "redis" : config.queueUrl !== undefined ? "postgres" : "embedded",
    signingKeys: config.signingKeys.masters,
    adminTokens: config.adminTokens.length,
    workerPort: config.workerPort,
    alerts: config.alerts?.format,
    workerConcurrency: config.workerConcurrency,
    bodyLimitBytes: config.bodyLimitBytes,
    sweepIntervalSeconds: config.sweepIntervalSeconds,
    norce: { ...config.norce, token: "[redacted]" },
    proxies: Object.keys(config.proxies), // an address may hold a password
    adapters: config.targets.map(({ adapter, merchant, channel, settings }) => ({
      adapter: adapter.id,
      merchant,
      channel,
      ...withoutSecrets(adapter, settings),
    })),
  };
}

function withoutSecrets(adapter: AnyAdapter, settings: CommonConfig): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [
      name,
      adapter.secrets.includes(name) && value !== undefined ? "[redacted]" : value,
    ]),
  );
}

type Target = Config["targets"][number];

function targetsFrom(merchants: unknown, adapters: Adapters, faults: string[], warnings: string[]): Target[] {
  const targets: Target[] = [];
  for (const [merchant, channels] of entriesOf(merchants)) {
    for (const [channel, byAdapter] of entriesOf(channels)) {
      faults.push(...sharedPaymentFaults(byAdapter, `merchants.${merchant}.${channel}`));
      for (const [folder, given] of entriesOf(byAdapter)) {
        if (!isRecord(given)) continue;
        const path = `merchants.${merchant}.${channel}.${folder}`;
        const adapter = adapters.get(folder);
        if (adapter === undefined) {
          faults.push(`${path}: there is no such adapter; there are ${[...adapters.keys()].join(", ")}`);
          continue;
        }
        for (const secret of adapter.secrets) faults.push(...secretFaults(given[secret], `${path}.${secret}`));
        const printed = entriesOf(given).filter(([setting]) => !adapter.secrets.includes(setting));
        faults.push(...urlFaults(Object.fromEntries(printed), path));
        const settings = collect(adapter.config.safeParse(given), path, faults) as CommonConfig | undefined;
        if (settings === undefined) continue;
        warnings.push(...unknownSettings(given, settings, path), ...managedWarnings(settings.adapterId, path));
        targets.push({ adapter, merchant, channel, settings });
      }
    }
  }
  return targets;
}

function unknownSettings(given: Record<string, unknown>, settings: CommonConfig, path: string): string[] {
  return Object.keys(given)
    .filter((name) => !(name in settings))
    .map((name) => `${path}.${name}: is not a setting of this adapter and is ignored`);
}

/** Merchants and channels come from YAML keys and URLs; a control character in one would be somebody else's. */
function targetId({ adapter, merchant, channel }: Pick<PaymentKey, "adapter" | "merchant" | "channel">): string {
  return `${adapter}\n${merchant}\n${channel}`;
}
