import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PspEvent, RawRequest, Webhook } from "../../contract/adapter.ts";
import { type Config, config } from "./config.ts";
import { push, webhook } from "./webhooks.ts";

const account = { adapter: "svea-checkout", merchant: "acme", channel: "se" };
const target = { ...account, orderId: "o_1", paymentId: "p_1" };
const settings: Config = config.parse({
  adapterId: "a",
  apiUrl: "https://svea.invalid",
  orderManagementApiUrl: "https://svea.invalid",
  merchantId: "1",
  apiSecret: "s",
});
const malformed = expect.objectContaining({ kind: "MalformedWebhook" });
const correlationId = "0a6f7a52-3c1d-4c2b-8f3f-0f8e2b1c7d10";

function requestOf(query: string, body = ""): RawRequest {
  const url = `/push?${query}`;
  return { method: "POST", url, query: new URLSearchParams(query), headers: {}, body: Buffer.from(body) };
}

function parsePush(query: string, body = ""): readonly PspEvent[] {
  return push.parse(requestOf(query, body), target, settings);
}

function parseEvent(facts: object | string): readonly PspEvent[] {
  const body = typeof facts === "string" ? facts : JSON.stringify(facts);
  return webhook.parse(requestOf("", body), account, settings);
}

describe("push", () => {
  it.each([
    ["the bare id", "sid=7654321"],
    ["an address", "sid=https%3A%2F%2Fcheckoutapi.svea.com%2Fapi%2Forders%2F7654321"],
    ["an address that nobody encoded", "sid=https://checkoutapi.svea.com/api/orders/7654321/"],
    ["the same id twice", "sid=7654321&sid=/api/orders/7654321"],
  ])("takes the order id from %s", (_, query) => {
    expect(parsePush(query)).toEqual([expect.objectContaining({ type: "push", reference: "7654321" })]);
  });

  it.each([
    ["missing", ""],
    ["empty", "sid="],
    ["a placeholder nobody filled in", "sid={checkout.order.uri}"],
    ["an escaped placeholder", "sid=%7Bcheckout.order.uri%7D"],
  ])("is an event without a reference where the id is %s", (_, query) => {
    const [event] = parsePush(query);
    expect(event).toMatchObject({ type: "push" });
    expect(event).not.toHaveProperty("reference");
  });

  it.each([
    ["a word", "sid=abc"],
    ["zero", "sid=0"],
    ["an absurd length", `sid=${"1".repeat(20)}`],
    ["a climbing path", "sid=7654321%2F.."],
    ["a line break", "sid=7654321%0A1"],
    ["two ids", "sid=7654321&sid=7654322"],
  ])("refuses %s", (_, query) => {
    expect(() => parsePush(query)).toThrow(malformed);
  });

  it("does not look at the body, and has one key however often Svea repeats it", () => {
    expect(parsePush("sid=7654321", "{ no JSON")).toEqual(parsePush("sid=/api/orders/7654321&sig=x"));
  });
});

describe("an event of the subscription", () => {
  const created = {
    EventName: "CheckoutOrder.Created",
    CheckoutOrderId: 7654321,
    IsPending: false,
    CorrelationId: correlationId,
    TimestampUtc: "2026-03-05T10:20:30.1234567Z",
  };

  it("says where to look, and by which id the payment is found", () => {
    expect(parseEvent(created)).toEqual([
      {
        key: JSON.stringify(["se", "7654321", "CheckoutOrder.Created", correlationId, ""]),
        type: "CheckoutOrder.Created",
        at: "2026-03-05T10:20:30.123Z",
        reference: "7654321",
        clues: [{ reference: "7654321" }],
      },
    ]);
  });

  it("may have small first letters, as some of Svea's serializers write them", () => {
    const small = {
      eventName: created.EventName,
      checkoutOrderId: 7654321,
      correlationId,
      timestampUtc: created.TimestampUtc,
    };
    expect(parseEvent(small)).toEqual(parseEvent(created));
  });

  it("is told from another of the same correlation by its delivery or credit", () => {
    const keyOf = (more: object) => parseEvent({ ...created, ...more })[0]?.key;
    const keys = [{}, { DeliveryId: 1 }, { DeliveryId: 2 }, { CreditId: "3" }, { EventName: "CheckoutOrder.Updated" }];
    expect(new Set(keys.map(keyOf)).size).toBe(keys.length);
  });

  it("leaves a line where a credit failed, and moves nothing", () => {
    const [event] = parseEvent({ ...created, EventName: "CheckoutOrder.CreditFailed", CreditId: 1783 });
    expect(event?.line).toEqual({
      event: "refund",
      pspStatus: "CreditFailed",
      amount: 0,
      success: false,
      errorDetail: "credit 1783 failed",
      facts: { creditId: "1783" },
    });
  });

  it.each(["Cancelled", "Expired"])("keeps that an order was closed because it is %s", (CloseReason) => {
    const [event] = parseEvent({ ...created, EventName: "CheckoutOrder.Closed", CloseReason });
    expect(event?.line).toMatchObject({
      event: "cancel",
      amount: 0,
      success: true,
      facts: { closeReason: CloseReason },
    });
  });

  it.each([
    ["Ping", { EventName: "Ping", CheckoutOrderId: 7654321 }],
    ["an order outside the checkout", { EventName: "StandaloneOrder.Closed", CloseReason: "Expired" }],
  ])("is none for %s", (_, facts) => {
    expect(parseEvent(facts)).toEqual([]);
  });

  it("lets no text pass as a type", () => {
    expect(parseEvent({ ...created, EventName: "A sentence\nwith a break" })[0]?.type).toBe("unknown");
  });

  it.each(["", "{", "[]", "null", "{}", '{"EventName":7}', '{"EventName":"x","CheckoutOrderId":{}}'])(
    "refuses %s",
    (body) => {
      expect(() => parseEvent(body)).toThrow(malformed);
    },
  );
});

describe("both", () => {
  it("refuse so that Svea comes again", () => {
    for (const { refusals } of [push, webhook])
      for (const status of Object.values(refusals ?? {})) expect([404, 503]).toContain(status);
    expect(Object.keys(push.refusals ?? {})).toEqual(["400", "401", "405", "408", "413", "429"]);
  });

  it("give events or MalformedWebhook, nothing else", () => {
    const body = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.json(),
      fc
        .record({ EventName: fc.anything(), CheckoutOrderId: fc.anything(), CreditId: fc.anything() })
        .map((value) => JSON.stringify(value) ?? ""),
    );
    const webhooks: readonly Webhook<Config>[] = [push, webhook];
    fc.assert(
      fc.property(fc.constantFrom(...webhooks), fc.string({ unit: "binary" }), body, (which, sid, text) => {
        const request = requestOf(new URLSearchParams({ sid }).toString(), text);
        try {
          const events = which.parse(request, target, settings);
          expect(JSON.parse(JSON.stringify(events))).toEqual(events);
          expect(which.parse(request, target, settings)).toEqual(events);
        } catch (error) {
          expect(error).toMatchObject({ kind: "MalformedWebhook" });
        }
      }),
    );
  });
});
