import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import type { PspEvent, RawRequest } from "../../src/contract/adapter.ts";
import { isWorkerError } from "../../src/lib/errors.ts";
import { callbackUrl } from "../../src/signatures/urls.ts";
import { loadSubjects, receivedFrom } from "../support/subjects.ts";
import { signingKeysOf } from "../support/signing.ts";

// Who is never called has nothing to prove.
const subjects = (await loadSubjects()).filter(({ adapter }) => Object.keys(adapter.webhooks).length > 0);

describe.each(subjects)("$folder", ({ folder, adapter, requests, settings, simulator }) => {
  let config: unknown;
  beforeAll(async () => {
    config = adapter.config.parse(await settings("http://psp.invalid"));
  });

  /** The keys of everything that the PSP sends when the same happens to each of so many payments, by payment. */
  async function keysOf(payments: number): Promise<readonly (readonly string[])[]> {
    const psp = await simulator();
    psp.settings("http://psp.invalid");
    return Array.from({ length: payments }, (_, index) => {
      const [orderId, paymentId] = [`o_${index}`, `p_${index}`];
      const own = { adapter: folder, merchant: "acme", channel: "se", orderId, paymentId };
      const callbackUrls = Object.fromEntries(
        Object.entries(adapter.webhooks).map(([name, { scope }]) => {
          const { orderId: _order, paymentId: _payment, ...account } = own;
          const maker = { publicUrl: "http://psp.invalid", keys: signingKeysOf() };
          return [name, callbackUrl(maker, adapter, scope === "payment" ? own : account, name)];
        }),
      );
      const reference = psp.open({ orderId, paymentId, amount: 100_00, currency: "SEK", callbackUrls });
      for (let acts = 0; acts < 3; acts += 1) {
        const [action] = psp.actions(reference);
        if (action !== undefined) psp.act(reference, action);
      }
      return psp.due(Date.now()).flatMap((sent) => {
        const { request, target } = receivedFrom(folder, sent);
        psp.answered(sent, { status: 200, body: "", ...adapter.webhooks[sent.webhook]?.ack });
        return (adapter.webhooks[sent.webhook]?.parse(request, target, config) ?? []).map(({ key }) => key);
      });
    });
  }

  test("another payment's webhooks never have the same keys", async () => {
    const [mine = [], theirs = []] = await keysOf(2);
    const others = new Set(theirs);
    expect(
      mine.filter((key) => others.has(key)),
      "put what tells the payments apart into the key",
    ).toEqual([]);
  });

  describe.each(requests)("fixture $name", ({ request: fixture }) => {
    const { request, target } = receivedFrom(folder, fixture);
    const parse = (received: RawRequest): readonly PspEvent[] =>
      adapter.webhooks[fixture.webhook]?.parse(received, target, config) ?? [];

    test("is read as events", () => {
      for (const event of parse(request)) expectEvent(event);
    });

    test("has the same keys however often it is delivered, and other keys than its neighbours in the batch", () => {
      const keys = parse(request).map(({ key }) => key);
      expect(parse(receivedFrom(folder, fixture).request).map(({ key }) => key)).toEqual(keys);
      expect(new Set(keys).size).toBe(keys.length);
    });

    test("has the same keys when nothing but what the PSP changes on redelivery differs", () => {
      const again = { ...request, headers: { ...request.headers, date: "Tue, 24 Nov 2026 00:00:00 GMT" } };
      expect(parse(again)).toEqual(parse(request));
    });

    test("gives events that survive JSON and carry nothing of the body's other fields", () => {
      const events = parse(request);
      expect(JSON.parse(JSON.stringify(events))).toEqual(events);
      const planted = read(parse, { ...request, body: withField(request.body, "canary", "canary-in-the-body") });
      expect(JSON.stringify(planted)).not.toContain("canary");
    });

    test("gives events, none, or MalformedWebhook, whatever comes instead of it", () => {
      fc.assert(
        fc.property(mutantsOf(request), (mutant) => {
          const events = read(parse, mutant);
          if (events === "malformed") return;
          for (const event of events) expectEvent(event);
          expect(JSON.parse(JSON.stringify(events))).toEqual(events);
          expect(read(parse, mutant), "read again").toEqual(events);
        }),
        { numRuns: 300 },
      );
    });
  });
});

function read(parse: (request: RawRequest) => readonly PspEvent[], request: RawRequest) {
  try {
    return parse(request);
  } catch (error) {
    if (isWorkerError(error, "MalformedWebhook")) return "malformed" as const;
    throw error;
  }
}

/** An event as the contract has it, and small: what is stored for a day is no copy of the webhook. */
function expectEvent(event: PspEvent): void {
  const { key, type, at, reference, clues, line, hearsay, ...rest } = event;
  if (hearsay === true) expect(line, "what is hearsay leaves no line as it stands").toBeUndefined();
  expect(rest, "an event carries nothing but what the contract names").toEqual({});
  for (const clue of clues ?? []) expect(Object.values(clue)).toSatisfy((texts: string[]) => texts.every(isText));
  if (line !== undefined) {
    expect(line.amount, "the amount of a line").toSatisfy(Number.isSafeInteger);
    if (line.amount !== 0 || line.currency !== undefined)
      expect(line.currency, "the currency of a line").toMatch(/^[A-Z]{3}$/);
    expect(line.recurring?.token, "a token is never blank").not.toBe("");
  }
  expect(key).toSatisfy(isText);
  expect(type).toSatisfy(isText);
  if (at !== null) expect(new Date(at).toISOString(), "at is ISO 8601").toBeTypeOf("string");
  if (reference !== undefined) expect(reference).toSatisfy(isText);
  expect(JSON.stringify(event).length).toBeLessThan(2_000);
}

function isText(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

/** The request with its body, its query or its headers replaced or disturbed. */
function mutantsOf(request: RawRequest): fc.Arbitrary<RawRequest> {
  const body = fc
    .oneof(
      fc.constant(""),
      fc.string({ unit: "binary" }),
      fc.uint8Array().map((bytes) => Buffer.from(bytes).toString("latin1")),
      fc.json(),
      fc.nat().map((at) => request.body.toString("utf8").slice(0, at % (request.body.length + 1))),
      fc
        .tuple(fc.nat(), fc.jsonValue())
        .map(([which, value]) => withOther(request.body.toString("utf8"), which, value)),
      fc.tuple(fc.string(), fc.jsonValue()).map(([name, value]) => withField(request.body, name, value).toString()),
    )
    .map((text) => Buffer.from(text, "utf8"));
  const query = fc
    .oneof(
      fc.constant([]),
      fc.constant([...request.query]),
      fc
        .tuple(fc.nat(), fc.string({ unit: "binary" }))
        .map(([which, value]) =>
          [...request.query].map(([name, kept], index, all): [string, string] =>
            index === which % all.length ? [name, value] : [name, kept],
          ),
        ),
      fc.constant([...request.query, ...request.query]),
    )
    .map((pairs) => new URLSearchParams(pairs));
  return fc
    .record({ body, query, headers: fc.constantFrom(request.headers, {}) })
    .map((other) => ({ ...request, ...other, url: `${request.url.split("?")[0]}?${other.query.toString()}` }));
}

/** The JSON body with one more field, where it is an object. */
function withField(body: Buffer, name: string, value: unknown): Buffer {
  const parsed = parsedJson(body.toString("utf8"));
  return isObject(parsed) ? Buffer.from(JSON.stringify({ ...parsed, [name]: value })) : body;
}

/** The JSON body with one of its fields replaced, where it is an object. */
function withOther(body: string, which: number, value: unknown): string {
  const parsed = parsedJson(body);
  if (!isObject(parsed)) return JSON.stringify(value);
  const names = Object.keys(parsed);
  return JSON.stringify({ ...parsed, [names[which % names.length] ?? "type"]: value });
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
