import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PspEvent, RawRequest } from "../../contract/adapter.ts";
import adapter from "./index.ts";
import { push, saveRecurringDetails, status } from "./webhooks.ts";
import { fixtureSigningKey, urlProofOf } from "../../../test/support/signing.ts";
import { isProven } from "../../signatures/proven.ts";

const target = { adapter: "qliro-checkout", merchant: "acme", channel: "se", orderId: "o_1", paymentId: "p_1" };
const settings = { adapterId: "a", apiUrl: "https://qliro.invalid", merchantApiKey: "k", merchantApiSecret: "s" };
const config = adapter.config.parse(settings);

function requestOf(body: string): RawRequest {
  return { method: "POST", url: "/push", query: new URLSearchParams(), headers: {}, body: Buffer.from(body) };
}

function parse(webhook: typeof push, body: unknown): PspEvent {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const [event, ...more] = webhook.parse(requestOf(text), target, config);
  if (event === undefined) throw new Error("no event");
  expect(more).toEqual([]);
  return event;
}

const malformed = expect.objectContaining({ kind: "MalformedWebhook" });
const checkoutPush = {
  OrderId: 4711001,
  MerchantReference: "SE1000481",
  Status: "OnHold",
  Timestamp: "2026-02-11T09:14:22.118",
  NotificationType: "CustomerCheckoutStatus",
  PaymentTransactionId: 6620017,
};
const upsellPush = {
  OrderId: 4711001,
  NotificationType: "UpsellStatus",
  Status: "Success",
  Timestamp: "2026-02-11T09:18:03.4",
  UpsellId: "ups-7f0e",
  PaymentTransactionId: 6620093,
  OriginalPaymentTransactionId: 6620017,
  ReplacesOriginalPaymentTransaction: true,
};
const transactionPush = {
  OrderId: 4711001,
  PaymentTransactionId: 6621500,
  PaymentType: "Capture",
  Status: "Success",
  Amount: 899.5,
  Currency: "SEK",
  TimeStamp: "2026-02-13T14:02:10.02",
};
const card = "c2a5d9f0-4b7e-4f1a-9a11-5be0c8f1d210";

describe("push", () => {
  it("names the order and the time, and nothing of the rest", () => {
    const event = parse(push, checkoutPush);
    expect(event).toEqual({
      key: expect.any(String),
      type: "CustomerCheckoutStatus",
      at: "2026-02-11T09:14:22.118Z",
      reference: "4711001",
    });
    expect(JSON.stringify(event)).not.toContain("SE1000481");
  });

  it.each([
    ["a missing NotificationType", { ...checkoutPush, NotificationType: undefined }],
    ["an empty one", { ...checkoutPush, NotificationType: "" }],
    ["another casing", { ...checkoutPush, NotificationType: "customerCheckoutStatus" }],
  ])("is about the checkout where it says %s", (_, body) => {
    expect(parse(push, body)).toEqual(parse(push, checkoutPush));
  });

  it("reads keys in any casing", () => {
    const camel = Object.fromEntries(
      Object.entries(checkoutPush).map(([name, value]) => [name[0]?.toLowerCase() + name.slice(1), value]),
    );
    const { OrderId, Timestamp, ...rest } = checkoutPush;
    expect(parse(push, camel)).toEqual(parse(push, checkoutPush));
    expect(parse(push, { ...rest, OrderID: OrderId, TimeStamp: Timestamp })).toEqual(parse(push, checkoutPush));
  });

  it("tells the statuses of one moment apart, and a status that comes again", () => {
    const bodies = [
      checkoutPush,
      { ...checkoutPush, Status: "Completed" },
      { ...checkoutPush, Timestamp: "2026-02-11T09:20:00" },
      { ...checkoutPush, OrderId: 4711002 },
    ];
    expect(new Set(bodies.map((body) => parse(push, body).key)).size).toBe(4);
  });

  it("reads a body of any shape in one pass, however many numbers are in it", () => {
    const numbers = JSON.stringify({ OrderId: 7, list: Array.from({ length: 12_000 }, () => 9007199254740991) });
    const quotes = JSON.stringify({ OrderId: 7, text: '9007199254740993 \\" '.repeat(10_000) });
    const deep = `{"OrderId":9007199254740993,"x":${"[".repeat(60_000)}`;
    const began = process.cpuUsage();
    for (const body of [numbers, quotes]) expect(parse(push, body).reference).toBe("7");
    expect(() => parse(push, deep)).toThrow(expect.objectContaining({ kind: "MalformedWebhook" }));
    const { user } = process.cpuUsage(began);
    // A reviver took two seconds.
    expect(user / 1_000).toBeLessThan(1_000);
  });

  it("has one key for an upsell's push however often it is repeated, so that it is kept once and looked at each time", () => {
    const said = { OrderId: 7, NotificationType: "UpsellStatus", UpsellId: "u", Status: "Success" };
    const [first, again] = ["2026-02-11T09:18:03.4", "2026-02-11T10:18:03.4"].map((Timestamp) =>
      parse(push, JSON.stringify({ ...said, Timestamp, PaymentTransactionId: 8 })),
    );
    expect(again?.key).toBe(first?.key);
    expect(again).toMatchObject({ reference: "7", line: { amount: 0 } });
  });

  it("reads an int64 without rounding it", () => {
    expect(parse(push, '{"OrderId":9223372036854775807}').reference).toBe("9223372036854775807");
    expect(parse(push, '{"orderId":"9007199254740993"}').reference).toBe("9007199254740993");
  });

  it.each(["", "  ", "{}", '{"OrderId":null}', '{"OrderId":""}', '{"OrderId":0}', '{"OrderId":"0"}'])(
    "is an event without a reference: %j",
    (body) => {
      expect(parse(push, body)).not.toHaveProperty("reference");
    },
  );

  it.each([
    "{",
    "[]",
    '"text"',
    "null",
    "7",
    '{"OrderId":"a b"}',
    '{"OrderId":1.5}',
    '{"OrderId":-1}',
    '{"OrderId":{}}',
  ])("refuses %s", (body) => {
    expect(() => parse(push, body)).toThrow(malformed);
  });

  it.each([
    ["2026-02-11T09:18:03.4", "2026-02-11T09:18:03.400Z"],
    ["2026-02-11T09:18:03.1234567", "2026-02-11T09:18:03.123Z"],
    ["2026-02-11T10:18:03+01:00", "2026-02-11T09:18:03.000Z"],
    ["2026-13-45T99:00:00", null],
    ["yesterday", null],
    [7, null],
  ])("reads the time %j as %j", (Timestamp, at) => {
    expect(parse(push, { ...checkoutPush, Timestamp }).at).toBe(at);
  });

  it("lets no text pass as a type", () => {
    expect(parse(push, { ...checkoutPush, NotificationType: "A sentence\nwith a break" }).type).toBe("unknown");
    expect(parse(push, { ...checkoutPush, NotificationType: "SomethingNew" }).type).toBe("SomethingNew");
  });
});

describe("an upsell's push", () => {
  it("is kept, because nothing else tells what it says", () => {
    expect(parse(push, upsellPush)).toMatchObject({
      type: "UpsellStatus",
      reference: "4711001",
      line: {
        event: "paymentAction",
        pspStatus: "Success",
        amount: 0,
        success: true,
        facts: {
          orderId: "4711001",
          upsellId: "ups-7f0e",
          transactionId: "6620093",
          originalTransactionId: "6620017",
          replacesOriginal: true,
        },
      },
    });
  });

  it("is kept where no transaction came of it", () => {
    const { line } = parse(push, { ...upsellPush, Status: "Error", PaymentTransactionId: 0 });
    expect(line).toMatchObject({ success: false, errorDetail: "Error" });
    expect(line?.facts).not.toHaveProperty("transactionId");
  });

  it.each([
    ["which upsell", { ...upsellPush, UpsellId: undefined }],
    ["an upsell that can be told from text", { ...upsellPush, UpsellId: "a sentence" }],
    ["what became of it", { ...upsellPush, Status: "Pending" }],
    ["which order", { ...upsellPush, OrderId: 0 }],
  ])("only asks for a look where it does not say %s", (_, body) => {
    expect(parse(push, body)).not.toHaveProperty("line");
  });

  it("has one key however it is written, and another for another fact", () => {
    const { key } = parse(push, upsellPush);
    expect(parse(push, { ...upsellPush, Status: 4, Timestamp: "2026-02-11T10:00:00" }).key).toBe(key);
    const others = [
      { ...upsellPush, Status: "Error" },
      { ...upsellPush, UpsellId: "ups-2" },
      { ...upsellPush, ReplacesOriginalPaymentTransaction: false },
    ];
    for (const other of others) expect(parse(push, other).key).not.toBe(key);
  });
});

describe("status", () => {
  it("names the transaction's type", () => {
    expect(parse(status, transactionPush)).toEqual({
      key: expect.stringContaining("6621500"),
      type: "Capture",
      at: "2026-02-13T14:02:10.020Z",
      reference: "4711001",
    });
  });

  it("has one key for names and numbers, whenever it is sent, and another for another status", () => {
    const { key } = parse(status, transactionPush);
    const again = {
      ...transactionPush,
      PaymentType: 3,
      Status: 4,
      PaymentTransactionId: "6621500",
      TimeStamp: undefined,
    };
    expect(parse(status, again).key).toBe(key);
    expect(parse(status, { ...transactionPush, Status: "Error" }).key).not.toBe(key);
    expect(parse(status, { ...transactionPush, PaymentTransactionId: 6621501 }).key).not.toBe(key);
  });

  it("is read by what it says where Qliro sends it to another of the URLs", () => {
    expect(parse(push, transactionPush)).toEqual(parse(status, transactionPush));
    expect(parse(status, checkoutPush)).toMatchObject({ type: "CustomerCheckoutStatus" });
    expect(parse(status, upsellPush)).toEqual(parse(push, upsellPush));
  });
});

describe("save-recurring-details", () => {
  it("tells cards apart and keeps nothing of them", () => {
    const event = parse(saveRecurringDetails, { OrderId: 4711001, Id: card, CardBin: "512345" });
    expect(event).toMatchObject({ type: "MerchantSavedCreditCard", reference: "4711001" });
    expect(event).not.toHaveProperty("line");
    for (const secret of [card, "512345"]) expect(JSON.stringify(event)).not.toContain(secret);
    expect(parse(saveRecurringDetails, { orderId: 4711001, id: card, brandName: "VISA" }).key).toBe(event.key);
    expect(parse(saveRecurringDetails, { OrderId: 4711001, Id: "another" }).key).not.toBe(event.key);
  });
});

describe("all three", () => {
  it("are answered with exactly what Qliro wants", () => {
    for (const { ack } of Object.values(adapter.webhooks))
      expect(ack).toEqual({ status: 200, type: "application/json", body: '{"CallbackResponse":"received"}' });
  });

  it("give events or MalformedWebhook, nothing else", () => {
    const field = fc.oneof(fc.jsonValue(), fc.constantFrom("Success", "Error", "UpsellStatus", 4711001, "4711001"));
    const body = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.json(),
      fc
        .dictionary(
          fc.constantFrom(...Object.keys({ ...checkoutPush, ...upsellPush, ...transactionPush, Id: 1 })),
          field,
        )
        .map((value) => JSON.stringify(value)),
    );
    fc.assert(
      fc.property(fc.constantFrom(push, status, saveRecurringDetails), body, (webhook, text) => {
        try {
          const events = webhook.parse(requestOf(text), target, config);
          expect(JSON.parse(JSON.stringify(events))).toEqual(events);
          expect(JSON.stringify(events).length).toBeLessThan(2_000);
          expect(webhook.parse(requestOf(text), target, config)).toEqual(events);
        } catch (error) {
          expect(error).toMatchObject({ kind: "MalformedWebhook" });
        }
      }),
    );
  });

  it.each(withRequests())("fixture %s is proven, and not once its signature is touched", async (_, fixture) => {
    const webhook = adapter.webhooks[fixture.webhook];
    const check = async (url: string) => {
      const { searchParams: query } = new URL(url, "http://localhost");
      const request: RawRequest = { ...fixture, url, query, body: Buffer.from(fixture.body) };
      const context = { config, target, webhook: fixture.webhook };
      const keys = urlProofOf("a-newer-signing-key", fixtureSigningKey);
      return isProven(await webhook.verify.check(request, { ...context, ...keys }));
    };
    expect(await check(fixture.url)).toBe(true);
    expect(await check(`${fixture.url.slice(0, -2)}__`)).toBe(false);
  });
});

interface RequestFixture {
  readonly webhook: keyof typeof adapter.webhooks;
  readonly method: "POST";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

function withRequests(): readonly (readonly [string, RequestFixture])[] {
  const fixtures = `${import.meta.dirname}/fixtures`;
  return readdirSync(fixtures)
    .filter((name) => readdirSync(`${fixtures}/${name}`).includes("request.json"))
    .map((name) => [name, JSON.parse(readFileSync(`${fixtures}/${name}/request.json`, "utf8")) as RequestFixture]);
}
