/**
 * A process of its own: sends bodies that nobody signed to each webhook of each adapter, and prints what each cost, as JSON. Bodies are as large
 * as is taken, deep, wide, or full of items.
 */
import type { CommonConfig } from "../../src/contract/adapter.ts";
import { type Config, createConfig } from "../../src/config.ts";
import { receive } from "../../src/webhooks/receive.ts";
import { forgeryOf } from "./forgeries.ts";
import { filesOf, fixtureSigningKey, urlProofOf } from "./signing.ts";
import { loadSubjects, receivedFrom, type RequestFixture, type Subject } from "./subjects.ts";

/** What came of one kind of body at one webhook. */
export interface Cost {
  readonly webhook: string;
  readonly body: string;
  readonly bytes: number;
  /** Processor time of the cheapest of five, in milliseconds. */
  readonly ms: number;
  /** How often the whole body was parsed. */
  readonly parsed: number;
  readonly stored: number;
  /** Why it was refused or dropped. */
  readonly outcome: string;
}

const otherSecret = "ab".repeat(32);
let parsed = 0;
const parse = JSON.parse.bind(JSON);
JSON.parse = ((text: string, reviver?: Parameters<typeof JSON.parse>[1]) => {
  if (text.length > 10_000) parsed += 1;
  return parse(text, reviver) as unknown;
}) as typeof JSON.parse;

const costs: Cost[] = [];
for (const subject of await loadSubjects()) costs.push(...(await costsOf(subject)));
console.log(JSON.stringify(costs));

async function costsOf(subject: Subject): Promise<Cost[]> {
  const { adapter, folder, requests, settings } = subject;
  const merchants = { acme: { se: { [folder]: { adapterId: "ours", ...(await settings("http://psp.invalid")) } } } };
  const config = createConfig(
    { URL_SIGNING_KEYS: fixtureSigningKey },
    { norce: { orderApi: "https://norce.example", token: "t" }, merchants },
    new Map([[folder, adapter]]),
  );
  const forge = async (webhook: string, fixture: RequestFixture): Promise<Config> => {
    const { request, target } = receivedFrom(folder, fixture);
    const context = { config: config.targets[0]?.settings as CommonConfig, target, webhook, ...urlProofOf() };
    const forgery = await forgeryOf(subject, webhook);
    // The merchant's secrets are others than those that the fixture was signed with.
    const otherSettings = forgery?.secrets({ request, context }, () => [otherSecret]).context.config ?? context.config;
    return { ...config, find: () => ({ adapter, settings: otherSettings }) };
  };
  const found: Cost[] = [];
  for (const [webhook, rules] of Object.entries(adapter.webhooks)) {
    const fixture = requests.find(({ request }) => request.webhook === webhook)?.request;
    if (fixture === undefined) continue;
    const { request, target } = receivedFrom(folder, fixture);
    const forged = await forge(webhook, fixture);
    const size = rules.bodyLimitBytes ?? config.bodyLimitBytes;
    // What our URL says is not what this is about: a stranger has none of ours.
    const query = new URLSearchParams([...request.query].filter(([name]) => name !== "sig"));
    for (const [body, bytes] of Object.entries(bodiesLike(fixture.body, size))) {
      const once = async (): Promise<Omit<Cost, "webhook" | "body" | "bytes">> => {
        let stored = 0;
        parsed = 0;
        const store = async (): Promise<void> => void (stored += 1);
        const before = process.cpuUsage();
        const outcome = await receive(
          { config: forged, files: filesOf(), store, now: Date.now },
          { to: { target, webhook }, head: { ...request, query }, body: async () => Buffer.from(bytes) },
        ).then(
          ({ dropped }) => dropped ?? "received",
          (error: unknown) => (error instanceof Error ? error.name : "?"),
        );
        const { user, system } = process.cpuUsage(before);
        return { ms: (user + system) / 1_000, parsed, stored, outcome };
      };
      await once();
      const tries = [await once(), await once(), await once(), await once(), await once()];
      const [best] = tries.toSorted((one, other) => one.ms - other.ms);
      if (best !== undefined) found.push({ webhook: `${folder} ${webhook}`, body, bytes: bytes.length, ...best });
    }
  }
  return found;
}

/** Bodies of this size; those with items have the shape of what the PSP sends. */
function bodiesLike(sample: string, size: number): Readonly<Record<string, Buffer>> {
  const half = Math.floor(size / 2) - 1;
  const fill = (before: string, item: (index: number) => string, after: string): Buffer => {
    const items: string[] = [];
    for (let length = before.length + after.length, index = 0; ; index += 1) {
      const next = item(index);
      length += next.length + 1;
      if (length > size) break;
      items.push(next);
    }
    return Buffer.from(before + items.join(",") + after);
  };
  return {
    deep: Buffer.from("[".repeat(half) + "]".repeat(half)),
    "deep objects": Buffer.from('{"a":'.repeat(Math.floor(size / 6) - 1) + "1" + "}".repeat(Math.floor(size / 6) - 1)),
    wide: fill("{", (index) => `"k${index}":${index}`, "}"),
    "one text": Buffer.from(JSON.stringify("å".repeat(half))),
    "no JSON": Buffer.alloc(size, "{"),
    ...itemsLike(sample, fill),
  };
}

/** Every list of the sample, filled with nothing, and with copies of what is in it. */
function itemsLike(
  sample: string,
  fill: (before: string, item: (index: number) => string, after: string) => Buffer,
): Readonly<Record<string, Buffer>> {
  let read: unknown;
  try {
    read = parse(sample);
  } catch {
    return {};
  }
  if (typeof read !== "object" || read === null) return {};
  const entries = Object.entries(read);
  return Object.fromEntries(
    entries.flatMap(([name, value]: [string, unknown]) => {
      const [before = "", after = ""] = JSON.stringify({ ...read, [name]: "HERE" }).split('"HERE"');
      const copy = JSON.stringify((Array.isArray(value) ? (value[0] as unknown) : value) ?? null);
      return [
        [`${name} full of nothing`, fill(`${before}[`, () => "{}", `]${after}`)],
        [`${name} full of copies`, fill(`${before}[`, () => copy, `]${after}`)],
      ];
    }),
  );
}
