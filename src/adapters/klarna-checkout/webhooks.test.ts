import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PspEvent, RawRequest } from "../../contract/adapter.ts";
import adapter from "./index.ts";
import { notification, push, webhook as kustom } from "./webhooks.ts";
import { fixtureSigningKey, urlProofOf } from "../../../test/support/signing.ts";
import { isProven } from "../../signatures/proven.ts";

const target = { adapter: "klarna-checkout", merchant: "acme", channel: "se", orderId: "o_1", paymentId: "p_1" };
const id = "6f1d6c4e-0f0e-4f0a-9c0e-2f8b7a1d0001";
const other = "6f1d6c4e-0f0e-4f0a-9c0e-2f8b7a1d0002";

function requestOf(query: string, body = ""): RawRequest {
  const url = `/push?${query}`;
  return { method: "POST", url, query: new URLSearchParams(query), headers: {}, body: Buffer.from(body) };
}

function parsePush(query: string, body = ""): readonly PspEvent[] {
  return push.parse(requestOf(query, body), target, configOf());
}

function parseNotification(body: string, query = ""): readonly PspEvent[] {
  return notification.parse(requestOf(query, body), target, configOf());
}

const malformed = expect.objectContaining({ kind: "MalformedWebhook" });

describe("push", () => {
  it("names the order that Klarna wrote into the query", () => {
    expect(parsePush(`klarna_order_id=${id}`)).toEqual([expect.objectContaining({ type: "push", reference: id })]);
  });

  it.each([
    ["missing", ""],
    ["empty", "klarna_order_id="],
    ["a placeholder nobody filled in", "klarna_order_id={checkout.order.id}"],
    ["an escaped placeholder", "klarna_order_id=%7Bcheckout.order.id%7D"],
    ["a placeholder escaped twice", "klarna_order_id=%257Bcheckout.order.id%257d"],
    ["another product's placeholder", "klarna_order_id={{order_id}}"],
    ["missing, and empty besides", "klarna_order_id=&klarna_order_id={checkout.order.id}"],
  ])("is an event without a reference where the id is %s", (_, query) => {
    const [event] = parsePush(query);
    expect(event).toMatchObject({ type: "push" });
    expect(event).not.toHaveProperty("reference");
  });

  it.each([
    ["a control character", "klarna_order_id=a%00b"],
    ["a line break", "klarna_order_id=a%0Ab"],
    ["an absurd length", `klarna_order_id=${"a".repeat(65)}`],
    ["a path", "klarna_order_id=..%2F.."],
    ["two ids", `klarna_order_id=${id}&klarna_order_id=${other}`],
  ])("refuses %s", (_, query) => {
    expect(() => parsePush(query)).toThrow(malformed);
  });

  it("does not look at the body", () => {
    expect(parsePush(`klarna_order_id=${id}`, "{ no JSON")).toEqual(parsePush(`klarna_order_id=${id}`));
  });

  it("has one key however often Klarna repeats it, and another for another payment", () => {
    const [first] = parsePush(`klarna_order_id=${id}`);
    const [again] = parsePush(`klarna_order_id=${id}&sig=x`);
    const [elsewhere] = push.parse(requestOf(`klarna_order_id=${id}`), { ...target, paymentId: "p_2" }, configOf());
    expect(again?.key).toBe(first?.key);
    expect(elsewhere?.key).not.toBe(first?.key);
  });
});

describe("notification", () => {
  it.each(["FRAUD_RISK_ACCEPTED", "FRAUD_RISK_REJECTED", "FRAUD_RISK_STOPPED", "SOMETHING_NEW"])("reads %s", (type) => {
    const body = JSON.stringify({ order_id: id, event_type: type, extra: { deep: [1] } });
    expect(parseNotification(body)).toEqual([expect.objectContaining({ type, reference: id })]);
  });

  it("is kept where Klarna asks to stop an order, which order management may never show", () => {
    const [event] = parseNotification(JSON.stringify({ order_id: id, event_type: "FRAUD_RISK_STOPPED" }));
    expect(event?.line).toEqual({
      event: "confirm",
      pspStatus: "FRAUD_RISK_STOPPED",
      amount: 0,
      success: false,
      errorDetail: "Klarna asks to stop this order",
    });
  });

  it.each(["FRAUD_RISK_ACCEPTED", "FRAUD_RISK_REJECTED", "fraud_risk_stopped"])("is a hint and no more: %s", (type) => {
    expect(parseNotification(JSON.stringify({ order_id: id, event_type: type }))[0]).not.toHaveProperty("line");
  });

  it("tells decisions apart", () => {
    const keys = ["FRAUD_RISK_ACCEPTED", "FRAUD_RISK_STOPPED"].map(
      (event_type) => parseNotification(JSON.stringify({ order_id: id, event_type }))[0]?.key,
    );
    expect(new Set(keys).size).toBe(2);
  });

  it.each(["", "  ", "{}", '{"order_id":null}', '{"order_id":""}'])("is an event without a reference: %j", (body) => {
    const [event] = parseNotification(body);
    expect(event).toMatchObject({ type: "unknown" });
    expect(event).not.toHaveProperty("reference");
  });

  it("lets no text pass as a type", () => {
    expect(parseNotification('{"event_type":"A sentence\\nwith a break"}')[0]?.type).toBe("unknown");
  });

  it.each(["{", "[]", '"text"', "null", '{"order_id":7}', '{"order_id":"a b"}', '{"event_type":[]}'])(
    "refuses %s",
    (body) => {
      expect(() => parseNotification(body)).toThrow(malformed);
    },
  );

  it("refuses to choose between two orders", () => {
    const body = JSON.stringify({ order_id: id });
    expect(parseNotification(body, `klarna_order_id=${id}`)[0]?.reference).toBe(id);
    expect(() => parseNotification(body, `klarna_order_id=${other}`)).toThrow(malformed);
  });
});

describe("webhook", () => {
  const account = { adapter: "klarna-checkout", merchant: "acme", channel: "se" };
  const said = { id: "kevt_1YcaJdWrmlw9yp1GiiVgad", merchant_id: "DM0", timestamp: "2026-04-10T08:27:07.248645321Z" };
  const parse = (body: unknown) => kustom.parse(requestOf("", JSON.stringify(body)), account, configOf());

  it.each(["order.created", "capture.created", "refund.created", "dispute.created", "dispute.updated"])(
    "%s is a look at its order",
    (type) => {
      const [event, second] = parse({ ...said, type, data: { order_id: id, capture_id: id } });
      expect(event).toMatchObject({ type, at: "2026-04-10T08:27:07.248Z", reference: id, clues: [{ reference: id }] });
      expect(second).toBeUndefined();
    },
  );

  it.each([
    ["a session in a shop", { ...said, type: "ipp.session.created", data: { session_id: "s" } }],
    ["a type to come", { ...said, type: "payout.created", data: { order_id: id } }],
    ["an order that is none", { ...said, type: "order.created", data: { order_id: "../x" } }],
    ["nothing of an order", { ...said, type: "order.created" }],
  ])("%s is taken and dropped", (_, body) => {
    expect(parse(body)).toEqual([]);
  });

  it("keeps a dispute once, however often there is news of it", () => {
    const news = ["kevt_1", "kevt_2"].flatMap((event) =>
      parse({ ...said, id: event, type: "dispute.updated", data: { order_id: id, dispute_id: "d_1" } }),
    );
    expect(news.map(({ line }) => line)).toMatchObject([
      { amount: 0, facts: { disputeId: "d_1" } },
      { facts: { disputeId: "d_1" } },
    ]);
    expect(news[0]?.key).toBe(news[1]?.key);
  });

  it.each([[], "text", { ...said, id: 7, type: "order.created" }, { ...said, type: 7 }])("refuses %j", (body) => {
    expect(() => parse(body)).toThrow(malformed);
  });
});

describe("both", () => {
  it("give events or MalformedWebhook, nothing else", () => {
    const body = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.json(),
      fc.record({ order_id: fc.anything(), event_type: fc.anything() }).map((value) => JSON.stringify(value) ?? ""),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(push, notification),
        fc.string({ unit: "binary" }),
        body,
        (webhook, reference, text) => {
          const request = requestOf(new URLSearchParams({ klarna_order_id: reference }).toString(), text);
          try {
            const events = webhook.parse(request, target, configOf());
            expect(JSON.parse(JSON.stringify(events))).toEqual(events);
            expect(webhook.parse(request, target, configOf())).toEqual(events);
          } catch (error) {
            expect(error).toMatchObject({ kind: "MalformedWebhook" });
          }
        },
      ),
    );
  });

  it.each(withRequests())("fixture %s is proven, and not once its signature is touched", async (_, fixture) => {
    const webhook = adapter.webhooks[fixture.webhook];
    const account = { adapter: "klarna-checkout", merchant: "acme", channel: "se" };
    const check = async (url: string) => {
      const { searchParams: query } = new URL(url, "http://localhost");
      const request: RawRequest = { ...fixture, url, query, body: Buffer.from(fixture.body) };
      const context = {
        config: configOf(),
        target: webhook.scope === "account" ? account : target,
        webhook: fixture.webhook,
        ...urlProofOf("a-newer-signing-key", fixtureSigningKey),
      };
      return isProven(await webhook.verify.check(request, context));
    };
    expect(await check(fixture.url)).toBe(true);
    expect(await check(`${fixture.url.slice(0, -2)}__`)).toBe(false);
  });
});

interface RequestFixture {
  readonly webhook: "push" | "notification" | "webhook";
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

function configOf() {
  return adapter.config.parse({ adapterId: "a", apiUrl: "https://klarna.invalid", username: "u", password: "p" });
}
