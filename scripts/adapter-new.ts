/**
 * Begins an adapter: `npm run adapter:new -- <folder> [--title …] [--truth …] [--scope …] [--proof …] [--webhook …]`. What is not said is
 * asked for where there is a terminal. The folder that it writes type-checks, and fails the laws with words that say what to write next.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { Script } from "node:vm";
import { asked } from "./asked.ts";

/** What is said of a new adapter. */
export interface Answers {
  readonly folder: string;
  readonly title: string;
  readonly truth: Truth;
  readonly scope: Scope;
  readonly proof: Proof;
  readonly webhook: string;
}

const truths = ["fetch", "fold"] as const;
const scopes = ["payment", "account"] as const;
const proofs = ["signed-url", "shared-secret", "hmac-body", "hmac-fields", "hmac-headers", "rsa-certificate"] as const;
/** Those that tell who calls, and nothing of what is said. */
const hints: readonly Proof[] = ["signed-url", "shared-secret"];
type Truth = (typeof truths)[number];
type Scope = (typeof scopes)[number];
type Proof = (typeof proofs)[number];

const root = join(import.meta.dirname, "..");
const adapters = join(root, "src/adapters");
const templates = join(import.meta.dirname, "adapter-new");

/** How each proof is written down: the settings it takes and how the verifier is made. */
interface ProofParts {
  readonly module: string;
  readonly maker: string;
  readonly verify: string;
  readonly secret: boolean;
  /** What the README says of it. */
  readonly trust: (title: string) => string;
  /** What the writer has to say of the PSP. */
  readonly note: string;
}

const secretsOf = "secrets: ({ webhookSecret }) => listOf(webhookSecret)";
const proofParts: Readonly<Record<Proof, ProofParts>> = {
  "signed-url": {
    module: "signed-url",
    maker: "signedUrl",
    verify: "signedUrl",
    secret: false,
    trust: (title) =>
      `${title} signs nothing: the URL carries \`sig\`, which makes the webhook a hint. Nothing is believed but what the API answers to our own credentials.`,
    note: "",
  },
  "shared-secret": {
    module: "shared-secret",
    maker: "sharedSecret",
    verify: 'sharedSecret({ header: "authorization", values: ({ webhookSecret }) => listOf(webhookSecret) })',
    secret: true,
    trust: (title) =>
      `${title} shows a static secret, \`webhookSecret\`, in a header: \`shared-secret\`. It fits any body, so that the webhook is a hint.`,
    note: "The header is this PSP's own.",
  },
  "hmac-body": {
    module: "hmac-body",
    maker: "hmacBody",
    verify: `hmacBody({ header: "x-signature", digest: ["hex"], key: "text", ${secretsOf} })`,
    secret: true,
    trust: (title) => `${title} signs the body: \`hmac-body\`, with \`webhookSecret\`.`,
    note: "Header, digest and key are this PSP's own; `read` says what the header holds where that is more than a signature.",
  },
  "hmac-fields": {
    module: "hmac-fields",
    maker: "hmacFields",
    verify: `hmacFields({ items: () => undefined, joint: ":", free: 0, digest: "base64", key: "text", ${secretsOf} })`,
    secret: true,
    trust: (title) => `${title} signs chosen fields: \`hmac-fields\`, with \`webhookSecret\`.`,
    note: "Nothing is proven before `items` says which fields are signed, and where the signature stands; forgery.ts then says the same to the law.",
  },
  "hmac-headers": {
    module: "hmac-headers",
    maker: "hmacHeaders",
    verify: `hmacHeaders({ head: () => undefined, bodyDigest: { header: "x-content-sha256", encoding: "base64" }, digest: "base64", key: "text", ${secretsOf} })`,
    secret: true,
    trust: (title) =>
      `${title} signs headers, one of them the digest of the body: \`hmac-headers\`, with \`webhookSecret\`.`,
    note: "Nothing is proven before `head` says what is signed, and where the signature stands; forgery.ts then says the same to the law.",
  },
  "rsa-certificate": {
    module: "rsa-certificate",
    maker: "rsaCertificate",
    verify: "rsaCertificate({ claim: () => undefined, evidence: () => null })",
    secret: false,
    trust: (title) =>
      `${title} signs with the key of a certificate, fetched from its own hosts only: \`rsa-certificate\`.`,
    note: "Nothing is proven before `claim` says what is signed, and where the certificate may lie; forgery.ts then says the same to the law.",
  },
};

const usage = `npm run adapter:new -- <folder> [--title <text>] --truth ${truths.join("|")} [--scope ${scopes.join("|")}]
  [--proof ${proofs.join("|")}] [--webhook <name>]`;

/** How long a name may be: it stands in URLs, in the names of queues and of files. */
const longest = 60;

/** What keeps the answers from making sense, in plain words. */
export function faultsOf({ folder, truth, proof, webhook }: Answers): readonly string[] {
  const faults = [
    isName(folder)
      ? ""
      : `${JSON.stringify(folder)} is no name for a folder: lower case letters, digits and single hyphens (kebab-case), at most ${longest}, such as example-pay`,
    existsSync(join(adapters, folder)) && folder !== "" ? `src/adapters/${folder} is there already` : "",
    isName(webhook)
      ? ""
      : `${JSON.stringify(webhook)} is no name for a webhook: it stands in its URL, such as push, and looks like a folder's`,
    truth === "fold" && hints.includes(proof)
      ? `where events are the truth each of them has to be proven, and ${proof} tells only who calls: choose another --proof, or --truth fetch`
      : "",
  ];
  return faults.filter((fault) => fault !== "");
}

function isName(text: string): boolean {
  return text.length <= longest && /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(text);
}

/** The files of the folder, by name. */
export function filesFor(answers: Answers): Readonly<Record<string, string>> {
  const from = (folder: string): [string, string][] =>
    readdirSync(join(templates, folder)).map((file) => [
      file.replace(/\.txt$/, ""),
      readFileSync(join(templates, folder, file), "utf8"),
    ]);
  const forgery = join(templates, "forgery", `${answers.proof}.ts.txt`);
  const values = valuesFor(answers);
  return Object.fromEntries(
    [
      ...from("common"),
      ...from(answers.truth),
      // Of the other proofs nobody knows what is signed before the verifier says it.
      ...(existsSync(forgery) ? [["forgery.ts", readFileSync(forgery, "utf8")] as const] : []),
    ].map(([file, text]) => [
      file,
      text.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => {
        const value = values[name];
        if (value === undefined) throw new Error(`${file} wants ${name}, which nobody says`);
        return value;
      }),
    ]),
  );
}

function valuesFor({ folder, title, truth, scope, proof, webhook }: Answers): Readonly<Record<string, string>> {
  const { module, maker, verify, secret, trust, note } = proofParts[proof];
  const camelCase = webhook.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  // `return` is a webhook's name in a URL, and none in the language.
  const webhookName = isTaken(camelCase) ? `${camelCase}Webhook` : camelCase;
  const imported = secret ? "type Config, listOf" : "type Config";
  return {
    folder,
    title: title.replaceAll(/["\\`$]/g, "").replaceAll(/\s+/g, " "),
    kind: truth === "fetch" ? "FetchAdapter" : "FoldAdapter",
    truth:
      truth === "fetch"
        ? "its API is the truth, and a webhook only says where to look."
        : "nobody can be asked, so that its proven events, kept in the payment's log, are the truth.",
    webhook,
    webhookName,
    webhookKey: webhookName === webhook ? webhook : `"${webhook}"`,
    webhookEntry: webhookName === webhook ? webhook : `"${webhook}": ${webhookName}`,
    belongs: scope === "payment" ? "belongs to one payment" : "one for the whole account",
    trust: trust(title),
    scope,
    settings: secret
      ? "  /** Proves its webhooks; several while it is being changed, newest first. */\n  webhookSecret: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]),\n"
      : "",
    listOf: secret
      ? '\n/** One secret or several, as a list. */\nexport function listOf(secrets: string | readonly string[]): readonly string[] {\n  return typeof secrets === "string" ? [secrets] : secrets;\n}\n'
      : "",
    settingRows: secret ? "| `webhookSecret` | proves its webhooks; one, or a list while it is being changed |\n" : "",
    secrets: secret ? '"apiKey", "webhookSecret"' : '"apiKey"',
    simulatedSettings: secret ? ', webhookSecret: "simulated-secret"' : "",
    verifyImport: `import { ${maker} } from "../../signatures/${module}.ts";\n`,
    verify,
    proofNote: note === "" ? "" : ` ${note}`,
    webhookType: truth === "fetch" ? "Webhook" : "ProvenWebhook",
    configType: proof === "signed-url" ? "unknown" : "Config",
    configImport: proof === "signed-url" ? "" : `import { ${imported} } from "./config.ts";\n`,
  };
}

/** Whether a constant cannot be called so: the language or one of the files has the name already. */
function isTaken(name: string): boolean {
  const ours = [
    "config",
    "fetchSnapshot",
    "map",
    "fold",
    "listOf",
    ...Object.values(proofParts).map(({ maker }) => maker),
  ];
  try {
    // Parsed, never run: nobody keeps a list of the language's words better than the language.
    const parsed = new Script(`"use strict"; const ${name} = 1;`);
    return !(parsed instanceof Script) || ours.includes(name) || name === "await";
  } catch {
    return true;
  }
}

/** What to do once the folder is there. */
function nextSteps({ folder, truth }: Answers): string {
  const then =
    truth === "fetch" ? "schema.ts and client.ts (steps 2 and 3)" : "webhooks.ts and fold.ts (steps 2, 6 and 4)";
  const steps = [
    ["src/contract/adapter.ts", "the contract, one page; CONTRIBUTING.md goes through it in eight steps"],
    [`src/adapters/${folder}/config.ts`, `what a merchant has to give; then ${then}`],
    [`npm run adapter:check -- ${folder}`, "what the laws make of it, as often as you like"],
  ] as const;
  const width = Math.max(...steps.map(([where]) => where.length));
  const lines = steps.map(([where, what], index) => `  ${index + 1}. ${where.padEnd(width)}  ${what}`);
  return [`src/adapters/${folder} is written. Next:`, ...lines].join("\n");
}

type Given = Readonly<Partial<Record<keyof Answers, string>>>;

/** What was given, and for the rest what somebody says, or what is usual. */
async function answersFrom(given: Given): Promise<Answers> {
  const terminal = process.stdin.isTTY && process.stdout.isTTY;
  const lines = terminal ? createInterface({ input: process.stdin, output: process.stdout }) : undefined;
  const ask = async (name: keyof Answers, question: string, usual: string): Promise<string> => {
    const said = given[name] ?? (await lines?.question(`${question}${usual === "" ? "" : ` [${usual}]`} `)) ?? "";
    return said.trim() === "" ? usual : said.trim();
  };
  const choose = async <Choice extends string>(
    name: keyof Answers,
    question: string,
    choices: readonly Choice[],
    usual?: Choice,
  ): Promise<Choice> => {
    const said = await ask(name, `${question} ${choices.join(" | ")}`, usual ?? "");
    const choice = choices.find((one) => one === said);
    if (choice === undefined) {
      const wanted = `--${name} has to be one of ${choices.join(", ")}`;
      throw new Refusal([said === "" ? wanted : `${wanted}, not ${JSON.stringify(said)}`]);
    }
    return choice;
  };
  try {
    const folder = await ask("folder", "Folder, in kebab-case:", "");
    // Whoever runs it to see what it wants is told all of it.
    if (folder === "") throw new Refusal(["which folder?"]);
    const title = await ask("title", "The PSP's product, for people:", titleFrom(folder));
    const truth = await choose(
      "truth",
      "Can the PSP be asked what is true (fetch), or are its events all there is (fold)?",
      truths,
    );
    const scope = await choose(
      "scope",
      "Does a webhook's URL name the payment, or the account only?",
      scopes,
      "payment",
    );
    const possible = proofs.filter((proof) => truth === "fetch" || !hints.includes(proof));
    const proof = await choose("proof", "How is a webhook proven?", terminal ? possible : proofs, possible[0]);
    const webhook = await ask("webhook", "The webhook's name in its URL:", scope === "payment" ? "push" : "webhook");
    return { folder, title, truth, scope, proof, webhook };
  } finally {
    lines?.close();
  }
}

function titleFrom(folder: string): string {
  return folder
    .split("-")
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join(" ");
}

/** What a person has to say otherwise. */
class Refusal extends Error {
  constructor(faults: readonly string[]) {
    super([...faults.map((fault) => `adapter:new: ${fault}`), usage].join("\n"));
  }
}

if (import.meta.main) {
  const text = { type: "string" } as const;
  const options = { title: text, truth: text, scope: text, proof: text, webhook: text };
  try {
    const { values, positionals } = asked(usage, { options, allowPositionals: true });
    const [folder, ...more] = positionals;
    if (more.length > 0) throw new Refusal([`one folder at a time, and not ${more.join(", ")} too`]);
    const answers = await answersFrom({ ...values, ...(folder === undefined ? {} : { folder }) });
    const faults = faultsOf(answers);
    if (faults.length > 0) throw new Refusal(faults);
    const path = join(adapters, answers.folder);
    mkdirSync(path);
    try {
      for (const [file, content] of Object.entries(filesFor(answers))) writeFileSync(join(path, file), content);
      execFileSync(join(root, "node_modules/.bin/oxfmt"), [path], { cwd: root, stdio: "ignore" });
    } catch (error) {
      // Half a folder would be in the way of the next attempt.
      rmSync(path, { recursive: true });
      throw error;
    }
    console.log(nextSteps(answers));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
