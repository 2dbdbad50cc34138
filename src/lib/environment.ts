import { readFileSync } from "node:fs";
import { z } from "zod";
import { bytesFrom, httpUrl, wholeNumber } from "./document.ts";
import { isSecret, secretShape } from "./secret-shape.ts";

/** Everything that the environment says beside the configuration file; see `.env.example`. */
export type ServiceEnvironment = z.infer<typeof environmentSchema>;

const optionalText = z
  .string()
  .optional()
  .transform((text) => (text === undefined || text === "" ? undefined : text));

/** Fewer characters than this can be found by trying. */
const leastCharacters = 16;

/** Several in one variable. */
const listed = z
  .string()
  .default("")
  .transform((text) =>
    text
      .split(",")
      .map((secret) => secret.trim())
      .filter((secret) => secret !== ""),
  );

/** Several secrets in one variable, newest first. */
const secretList = listed.superRefine((secrets, context) => {
  for (const [index, secret] of secrets.entries()) {
    const fault = isSecret(secret)
      ? `has to be at least ${leastCharacters} characters long; npm run new-key makes one`
      : secretShape;
    if (!isSecret(secret) || secret.length < leastCharacters)
      context.addIssue({ code: "custom", message: `number ${index + 1} ${fault}` });
  }
});

const port = z
  .string()
  .regex(/^\s*\d{1,5}\s*$/, "has to be a port")
  .transform(Number)
  .pipe(z.int().max(65_535));

const switched = z.preprocess(
  (text) => (text === "" ? undefined : text),
  z
    .enum(["0", "1"], "has to be 1 or 0")
    .default("0")
    .transform((text) => text === "1"),
);

/** The environment variables, by name. A fault never quotes its value. */
export const environmentSchema = z
  .object({
    PORT: wholeNumber(3000, 0, 65_535),
    PUBLIC_URL: optionalText.pipe(httpUrl.optional()),
    REDIS_URL: optionalText.pipe(engineUrl(["redis:", "rediss:"], "redis:// or rediss://").optional()),
    QUEUE_URL: optionalText.pipe(engineUrl(["postgres:", "postgresql:"], "postgres://").optional()),
    QUEUE_GROUP: optionalText.pipe(
      z
        .string()
        .regex(/^[a-z][a-z0-9]{0,15}$/, "has to be up to sixteen small letters and digits, a letter first")
        .optional(),
    ),
    QUEUE_CA_FILE: optionalText.transform(fileText),
    QUEUE_TLS_INSECURE: switched,
    CONFIG_FILE: optionalText,
    URL_SIGNING_KEYS: secretList,
    ADMIN_TOKEN: secretList,
    WORKER_PORT: optionalText.pipe(port.optional()),
    LOG_LEVEL: z.preprocess(
      (text) => (text === "" ? undefined : text),
      z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]).default("info"),
    ),
    WORKER_CONCURRENCY: wholeNumber(16, 1, 1_000),
    SWEEP_INTERVAL_SECONDS: wholeNumber(60, 1, 86_400),
    BODY_LIMIT: z.preprocess(
      (text) => (text === "" ? undefined : text),
      z.string().default("256kb").transform(bytesFrom),
    ),
    JOURNAL_MB: wholeNumber(256, 1, 1_000_000),
    OTEL_EXPORTER_OTLP_ENDPOINT: optionalText.pipe(httpUrl.optional()),
    ALERT_URL: optionalText.pipe(httpsUrl().optional()),
    ALERT_SECRET: webhookSecrets(),
    ALERT_FORMAT: z.preprocess(
      (text) => (text === "" ? undefined : text),
      z.enum(["standard", "slack"]).default("standard"),
    ),
  })
  .superRefine((environment, context) => {
    if (environment.REDIS_URL !== undefined && environment.QUEUE_URL !== undefined)
      context.addIssue({ code: "custom", path: ["QUEUE_URL"], message: "set it or REDIS_URL, not both" });
  });

/** What the operator should hear at start-up, although the environment has no fault. */
export function environmentWarnings(environment: ServiceEnvironment): string[] {
  const { URL_SIGNING_KEYS: keys, QUEUE_TLS_INSECURE: insecure } = environment;
  return [...keyWarnings(keys), ...(insecure ? [anyCertificate] : []), ...alertWarnings(environment)];
}

const anyCertificate =
  "QUEUE_TLS_INSECURE: is 1; any certificate of the queue's server is believed, and whoever stands in between reads and changes everything; QUEUE_CA_FILE names whom to believe";

/** What is said of each master key that somebody who has one of its callback keys could find by trying. */
function keyWarnings(keys: readonly string[]): string[] {
  return keys.flatMap((key, index) =>
    key.length >= 32
      ? []
      : [
          `URL_SIGNING_KEYS: number ${index + 1} is shorter than 32 characters: callback keys that are handed out could be tried against it; npm run new-key makes one that cannot be guessed`,
        ],
  );
}

/** What is said of where alerts go. */
function alertWarnings({ ALERT_URL: url, ALERT_SECRET: secrets, ALERT_FORMAT: format }: ServiceEnvironment): string[] {
  if (url === undefined)
    return secrets.length === 0 ? [] : ["ALERT_SECRET: is set, and ALERT_URL is not: no alerts are sent"];
  // Who hosts an address of Slack's judges by the address alone.
  return secrets.length > 0 || format === "slack"
    ? []
    : ["ALERT_SECRET: is not set; alerts are sent unsigned, and the receiver cannot tell who sent them"];
}

/** An engine's address, or several with commas between them. It may hold a password, and is never told. */
function engineUrl(protocols: readonly string[], schemes: string): z.ZodType<string, string> {
  return z.string().superRefine((text, context) => {
    const fault = text
      .split(",")
      .map((part) => engineUrlFault(part.trim(), protocols, schemes))
      .find((found) => found !== undefined);
    if (fault !== undefined) context.addIssue({ code: "custom", message: fault });
  });
}

function engineUrlFault(text: string, protocols: readonly string[], schemes: string): string | undefined {
  if (!protocols.some((protocol) => text.startsWith(`${protocol}//`))) return `has to start with ${schemes}`;
  const url = URL.parse(text);
  // A sign of a password that was cut short, as by a slash or a question mark in it.
  const strayed = url === null || url.host === "" || /@/.test(url.pathname + url.search + url.hash);
  return strayed
    ? "is not a URL; what stands in a password beside letters and digits has to be percent-encoded"
    : undefined;
}

/** Where alerts go: the address itself is often the secret, so that no fault quotes it. */
function httpsUrl(): z.ZodType<string, string> {
  return z.string().refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), {
    error: "has to be a URL of https",
  });
}

/** As Standard Webhooks has them: 24 to 64 bytes in base64. */
const webhookSecret = /^whsec_(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Secrets that alerts are signed with, comma-separated: with each of them, so that receivers may change over one after the other. */
function webhookSecrets() {
  return listed.superRefine((secrets, context) => {
    for (const [index, secret] of secrets.entries()) {
      const bytes = Buffer.from(secret.slice("whsec_".length), "base64").length;
      if (webhookSecret.test(secret) && bytes >= 24 && bytes <= 64) continue;
      const message = `number ${index + 1} has to be whsec_ and 24 to 64 bytes in base64; npm run new-key -- --alerts makes one`;
      context.addIssue({ code: "custom", message });
    }
  });
}

function fileText(path: string | undefined, context: z.core.$RefinementCtx): string | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, "utf8");
  } catch {
    context.addIssue({ code: "custom", message: `${path} cannot be read` });
    return z.NEVER;
  }
}
