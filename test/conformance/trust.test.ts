import { beforeAll, describe, expect, test, vi } from "vitest";
import type { CommonConfig, Json, KeptEvent, PspEvent, RawRequest, Webhook } from "../../src/contract/adapter.ts";
import { isWorkerError } from "../../src/lib/errors.ts";
import { isProven } from "../../src/signatures/proven.ts";
import { leavesOf, placesFor, replaced, schemasOf } from "../support/enums.ts";
import { urlProofOf } from "../support/signing.ts";
import { type Fixture, loadSubjects, receivedFrom, type RequestFixture } from "../support/subjects.ts";

// Who is never called has nobody to trust.
const subjects = (await loadSubjects()).filter(({ adapter }) => Object.keys(adapter.webhooks).length > 0);

/** Another value in the place of one: of its kind, so that it is read, and of none. */
function othersOf(value: Json): readonly Json[] {
  if (typeof value === "boolean") return [!value, String(!value)];
  if (typeof value === "number") return [value + 1, value * 10 + 2, String(value + 1)];
  if (typeof value !== "string") return ["another", 1];
  const later = /^\d{4}-\d\d-\d\dT/.test(value) ? [value.replace(/^\d{4}/, "2031")] : [];
  const switched = value === "true" ? ["false"] : value === "false" ? ["true"] : [];
  return [...later, ...switched, `${value}1`, `1${value}`, null];
}

describe.each(subjects)("$folder", (subject) => {
  const { folder, adapter, requests, say } = subject;
  let config: CommonConfig;
  let schemas: Awaited<ReturnType<typeof schemasOf>>;
  beforeAll(async () => {
    schemas = await schemasOf(subject);
    config = adapter.config.parse(await subject.settings("http://psp.invalid")) as CommonConfig;
  });

  type Case = Fixture & { readonly request: RequestFixture };
  const webhookOf = ({ request }: Case): Webhook<unknown> => adapter.webhooks[request.webhook] as Webhook<unknown>;

  /** Whether the proof covers what stands at the path. */
  function isCovered({ signed, verify }: Webhook<unknown>, at: readonly string[]): boolean {
    const covered = signed ?? (verify.trust === "proven" ? "all" : "none");
    if (covered === "all" || covered === "none") return covered === "all";
    return covered.some((path) =>
      path.split(".").every((name, index) => (name === "*" ? index in at : name === at[index])),
    );
  }

  /** Every change to the body of this webhook: also where nothing stands and the adapter's schema, or another fixture, has something. */
  function changesOf(fixture: Case, covered: boolean): { readonly at: readonly string[]; readonly body: Json }[] {
    const webhook = webhookOf(fixture);
    const document = jsonIn(fixture.request.body);
    if (document === undefined) return [];
    const own = leavesOf(document);
    const values = new Map(own.map(({ at, value }) => [JSON.stringify(at), new Set(othersOf(value))]));
    for (const { request } of covered ? [] : requests)
      for (const { at, value } of request.webhook === fixture.request.webhook
        ? leavesOf(jsonIn(request.body) ?? null)
        : [])
        if (canStand(document, at))
          values.set(JSON.stringify(at), (values.get(JSON.stringify(at)) ?? new Set()).add(value));
    for (const at of covered ? [] : placesFor(schemas, document)) {
      const place = JSON.stringify(at);
      if (!values.has(place)) values.set(place, new Set(["another", "true", true]));
    }
    return [...values].flatMap(([place, others]) => {
      const at = JSON.parse(place) as readonly string[];
      if (isCovered(webhook, at) !== covered) return [];
      return [...others].map((value) => ({ at, body: replaced(document, at, value) }));
    });
  }

  /** What the changed body is read as: what cannot be read is nobody's event. */
  function eventsIn(fixture: Case, body: string): readonly PspEvent[] {
    const { request, target } = receivedFrom(folder, { ...fixture.request, body });
    try {
      return webhookOf(fixture).parse(request, target, config);
    } catch (error) {
      if (isWorkerError(error, "MalformedWebhook")) return [];
      throw error;
    }
  }

  const folded = async (fixture: Fixture, kept: readonly KeptEvent[]): Promise<unknown> => {
    try {
      const { phase, money, recurring } = (await say(fixture, kept as unknown as Json)) ?? {};
      return { phase, money, recurring };
    } catch (error) {
      if (isWorkerError(error)) return error.kind;
      throw error;
    }
  };

  test("what no proof covers, changed in a repeat, changes neither money nor token, and adds no line", async () => {
    const wrong = new Set<string>();
    for (const fixture of requests) {
      const first = eventsIn(fixture, fixture.request.body);
      const known = new Map(first.map((event) => [event.key, event]));
      const kept = merged(fixture.kept, linesOf(first));
      const plain = "fold" in adapter ? await folded(fixture, kept) : undefined;
      const isProvenBy = webhookOf(fixture).verify.trust === "proven";
      for (const { at, body } of changesOf(fixture, false)) {
        const repeat = eventsIn(fixture, JSON.stringify(body));
        const blame = (what: string): void => void wrong.add(`${at.join(".").replaceAll(/\.\d+\./g, ".*.")} ${what}`);
        for (const { key, line, clues = [] } of repeat) {
          const before = known.get(key)?.line;
          if (isProvenBy && line !== undefined && before === undefined) blame("adds a line");
          if ("fold" in adapter) {
            const led = JSON.stringify(known.get(key)?.clues ?? []);
            const strange = clues.filter(
              (clue) => "echo" in clue && clue.onlyOf === undefined && !led.includes(JSON.stringify(clue)),
            );
            if (strange.length > 0) blame("leads to another payment");
          } else {
            // Its first copy may be this one.
            if (line !== undefined && line.amount !== 0 && line.amount !== before?.amount) blame("makes a sum");
            if (line?.recurring !== undefined) blame("brings a token");
          }
        }
        if (
          "fold" in adapter &&
          JSON.stringify(await folded(fixture, merged(kept, linesOf(repeat)))) !== JSON.stringify(plain)
        )
          blame("changes what the events come to");
      }
    }
    const lines = [...wrong].filter((what) => what.endsWith("adds a line"));
    const worse = [...wrong].filter((what) => !lines.includes(what));
    expect(worse, "make sums and tokens of signed fields only").toEqual([]);
    expect(lines, "make the keys of lines of signed fields, or read the event again at the PSP").toEqual([]);
  });

  test("what is said to be covered is: changed, it is nobody's webhook any more", async () => {
    const wrong: string[] = [];
    for (const fixture of requests) {
      const webhook = webhookOf(fixture);
      // Where every byte is signed, the law of proofs flips them.
      if (!Array.isArray(webhook.signed)) continue;
      if (fixture.request.at !== undefined) vi.useFakeTimers({ toFake: ["Date"], now: Date.parse(fixture.request.at) });
      try {
        const { request, target } = receivedFrom(folder, fixture.request);
        const context = { config, target, webhook: fixture.request.webhook, ...urlProofOf() };
        const proven = async (received: RawRequest): Promise<boolean> =>
          isProven(await webhook.verify.check(received, context));
        expect(await proven(request), `${fixture.name} is proven`).toBe(true);
        for (const { at, body } of changesOf(fixture, true))
          if (await proven({ ...request, body: Buffer.from(JSON.stringify(body), "utf8") }))
            wrong.push(`${fixture.name}: ${at.join(".")}`);
      } finally {
        vi.useRealTimers();
      }
    }
    expect(wrong, "the proof does not cover it").toEqual([]);
  });
});

/** The lines that events bring, as the log would give them back. */
function linesOf(events: readonly PspEvent[]): KeptEvent[] {
  return events.flatMap(({ key, type, at, line }) => (line === undefined ? [] : [{ key, type, at, ...line }]));
}

/** What is in the log once these came: of each key the first copy. */
function merged(kept: readonly KeptEvent[], more: readonly KeptEvent[]): KeptEvent[] {
  return [...new Map([...kept, ...more].toReversed().map((event) => [event.key, event])).values()].toReversed();
}

/** Whether something can be put there: all of its lists and objects are there. */
function canStand(document: Json, at: readonly string[]): boolean {
  let here: Json | undefined = document;
  for (const name of at.slice(0, -1)) {
    if (typeof here !== "object" || here === null) return false;
    here = (here as { readonly [key: string]: Json })[name];
  }
  return typeof here === "object" && here !== null && !Array.isArray(here);
}

function jsonIn(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
