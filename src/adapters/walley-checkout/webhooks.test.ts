import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { PspEvent, RawRequest } from "../../contract/adapter.ts";
import { config } from "./config.ts";
import { notification, webhook } from "./webhooks.ts";
import { isProven } from "../../signatures/proven.ts";
import { filesOf } from "../../../test/support/signing.ts";

const account = { adapter: "walley-checkout", merchant: "acme", channel: "se" };
const target = { ...account, orderId: "o_1", paymentId: "p_1" };
const settings = { adapterId: "a", apiUrl: "https://walley.invalid", clientId: "c", apiSecret: "s", scope: "x" };
const basic = { webhookUsername: "walley-hook", webhookPassword: "s3cret" };
const authorization = "Basic d2FsbGV5LWhvb2s6czNjcmV0";
const id = "7d7a0bfb-3b6a-4a1d-9f38-5d8f3a1c2b44";
const orderId = "0f5d1d22-7a31-4c55-8a4b-b2b1009d1e77";
const authorizationId = "c31e9218-6a19-4b2f-8992-affc9dca1c41";
const malformed = expect.objectContaining({ kind: "MalformedWebhook" });

function requestOf(body: unknown, headers: Record<string, string> = {}, query = ""): RawRequest {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return { method: "POST", url: `/?${query}`, query: new URLSearchParams(query), headers, body: Buffer.from(text) };
}

function parseGet(query: string, of = target): readonly PspEvent[] {
  return notification.parse({ ...requestOf("", {}, query), method: "GET" }, of, config.parse(settings));
}

function parse(body: unknown, headers: Record<string, string> = {}, apiUrl = settings.apiUrl): readonly PspEvent[] {
  return webhook.parse(requestOf(body, headers), account, config.parse({ ...settings, apiUrl }));
}

async function proven(more: object, headers: Record<string, string>, body: unknown = captured): Promise<unknown> {
  const context = {
    config: config.parse({ ...settings, ...more }),
    target: account,
    webhook: "webhook",
    callbackKeys: [],
    files: filesOf(),
    publicUrl: "http://localhost",
  };
  return isProven(await webhook.verify.check(requestOf(body, headers), context));
}

const captured = {
  Type: "walley:order:captured",
  Timestamp: "2026-03-04T08:31:12.1200450+01:00",
  Payload: { OrderId: orderId, Reference: "p_1", Amount: 249, Currency: "SEK" },
};

describe("notification", () => {
  it.each([
    ["as we ask for it", `privateId=${id}`],
    ["as Walley's module for WooCommerce asks for it", `private-id=${id}&public-token=public-SE-1&customer-type=b2c`],
    ["twice the same", `privateId=${id}&private-id=${id}`],
  ])("names the session, %s", (_, query) => {
    expect(parseGet(query)).toEqual([expect.objectContaining({ type: "notification", at: null, reference: id })]);
  });

  it.each(["", "privateId=", "privateId={checkout.id}", "privateId=%7Bcheckout.id%7D"])(
    "is an event without a reference: %j",
    (query) => {
      expect(parseGet(query)[0]).not.toHaveProperty("reference");
    },
  );

  it.each(["privateId=a%00b", "privateId=..%2F..", `privateId=${"a".repeat(65)}`, `privateId=${id}&privateId=other`])(
    "refuses %j",
    (query) => {
      expect(() => parseGet(query)).toThrow(malformed);
    },
  );

  it("is one event however often somebody opens the URL, and another for another payment", () => {
    const [first] = parseGet(`privateId=${id}`);
    expect(parseGet(`privateId=${id}&sig=x`)[0]?.key).toBe(first?.key);
    expect(parseGet(`privateId=${id}`, { ...target, paymentId: "p_2" })[0]?.key).not.toBe(first?.key);
  });
});

describe("webhook", () => {
  it("says where to look: by what Walley echoes, then by its order", () => {
    expect(parse(captured)).toEqual([
      {
        key: JSON.stringify(["walley:order:captured", orderId, "", "p_1", "2026-03-04T07:31:12.120Z"]),
        type: "walley:order:captured",
        at: "2026-03-04T07:31:12.120Z",
        clues: [{ echo: "p_1" }, { reference: orderId }],
      },
    ]);
  });

  it("reads names in any case", () => {
    const { Type: type, Timestamp: timestamp } = captured;
    const payload = { orderId, reference: "p_1", amount: 249, currency: "SEK" };
    expect(parse({ type, timestamp, payload })).toEqual(parse(captured));
  });

  it("takes Walley's ids in any case", () => {
    const [event] = parse({ ...captured, Payload: { OrderId: orderId.toUpperCase() } });
    expect(event?.clues).toEqual([{ reference: orderId }]);
  });

  it.each([
    ["an event that no page names", "walley:order:refunded", "walley:order:refunded"],
    ["an event of another kind", "walley:dispute:opened", "walley:dispute:opened"],
    ["what looks like no type", "A sentence\nwith a break", "unknown"],
  ])("takes %s as a reason to look", (_, type, read) => {
    expect(parse({ ...captured, Type: type })).toEqual([expect.objectContaining({ type: read })]);
  });

  it.each([
    ["nothing", {}],
    ["no text", { OrderId: 7, Reference: null }],
    ["what bends a path", { OrderId: "../x" }],
    ["control characters", { Reference: "p_1\n" }],
  ])("drops what names %s", (_, Payload) => {
    expect(parse({ ...captured, Payload })).toEqual([]);
  });

  it.each(["", "{", "null", "[]", "7", "{}", '{"Type":7}', '{"Type":"walley:order:created","Payload":[]}'])(
    "refuses %j",
    (body) => {
      expect(() => parse(body)).toThrow(malformed);
    },
  );

  it.each(["", "yesterday", 7, null, "2026-13-45T99:99:99Z"])("has no time where Walley writes %j", (Timestamp) => {
    expect(parse({ ...captured, Timestamp })).toEqual([expect.objectContaining({ at: null })]);
  });

  it("drops what is of Walley's other environment, and nothing elsewhere", () => {
    const [live, test] = ["https://api.walleypay.com", "https://api.uat.walleydev.com"];
    expect(parse(captured, { "walley-live": "False" }, live)).toEqual([]);
    expect(parse(captured, { "walley-live": "True" }, test)).toEqual([]);
    for (const [apiUrl, header] of [
      [live, "True"],
      [live, ""],
      [test, "false"],
      [settings.apiUrl, "False"],
    ] as const)
      expect(parse(captured, { "walley-live": header }, apiUrl)).toHaveLength(1);
  });

  describe("of an authorisation", () => {
    const payload = {
      CustomerToken: "canary",
      AuthorizationId: authorizationId,
      Reference: "p_1",
      ActionReference: "canary",
    };

    it.each([
      ["created", {}, true, undefined],
      ["authorized", {}, true, undefined],
      [
        "retrying",
        { CurrentAttempt: 2, MaxAttempt: 5, Reason: "PAYMENT_METHOD_NO_FUNDS" },
        false,
        "PAYMENT_METHOD_NO_FUNDS",
      ],
      ["failed", { Reason: "CANCELLED_BY_CUSTOMER" }, false, "CANCELLED_BY_CUSTOMER"],
      ["failed", { Reason: "a canary in a sentence" }, false, undefined],
    ])("%s is kept, without money and without the token", (what, more, success, errorDetail) => {
      const [event] = parse({ ...captured, Type: `walley:authorization:${what}`, Payload: { ...payload, ...more } });
      expect(event?.clues).toEqual([{ echo: "p_1" }, { reference: authorizationId }]);
      expect(event?.line).toMatchObject({ event: "process", pspStatus: what, amount: 0, success });
      expect(event?.line?.errorDetail).toBe(errorDetail);
      expect(event?.line?.facts).toMatchObject({ authorizationId });
      expect(JSON.stringify(event)).not.toContain("canary");
    });

    it("tells attempts apart by their time", () => {
      const keys = ["2026-03-04T08:31:12Z", "2026-03-05T08:31:12Z"].map(
        (Timestamp) => parse({ Type: "walley:authorization:retrying", Timestamp, Payload: payload })[0]?.key,
      );
      expect(new Set(keys).size).toBe(2);
    });

    it("keeps which order it came to", () => {
      const Payload = { ...payload, OrderId: orderId };
      const [event] = parse({ ...captured, Type: "walley:order:created", Payload });
      expect(event?.line).toMatchObject({ amount: 0, facts: { authorizationId, orderId } });
      expect(event?.clues).toContainEqual({ reference: orderId });
    });

    it("keeps nothing of an order", () => {
      expect(parse(captured)[0]).not.toHaveProperty("line");
    });
  });
});

describe("proof", () => {
  const key = "c2ltdWxhdGVkLWhtYWMta2V5LW9mLXdhbGxleQ==";
  const stamp = "1772609472";
  const body = JSON.stringify(captured);
  const signature = (text: string, by: string | Buffer = key): Buffer => createHmac("sha256", by).update(text).digest();
  const signed = (value: string, timestamp = stamp) => ({ "walley-timestamp": timestamp, "walley-signature": value });

  it("is refused where nothing is configured, whatever comes with it", async () => {
    const everything = { authorization, ...signed(signature(`${stamp}.${body}`).toString("hex")) };
    expect(await proven({}, everything)).toBe(false);
    expect(await proven({}, {})).toBe(false);
  });

  it("takes Basic credentials alone where only they are configured", async () => {
    expect(await proven(basic, { authorization })).toBe(true);
    expect(await proven({ ...basic, webhookPassword: ["new", "s3cret"] }, { authorization })).toBe(true);
    expect(await proven({ ...basic, webhookPassword: "new" }, { authorization })).toBe(false);
    expect(await proven(basic, {})).toBe(false);
  });

  it.each([
    ["{timestamp}{body}, hex", signature(`${stamp}${body}`).toString("hex")],
    ["{timestamp}.{body}, hex", signature(`${stamp}.${body}`).toString("hex")],
    ["{timestamp}.{body}, upper case", signature(`${stamp}.${body}`).toString("hex").toUpperCase()],
    ["{timestamp}.{body}, base64", signature(`${stamp}.${body}`).toString("base64")],
    ["{body}{timestamp}, base64url", signature(`${body}${stamp}`).toString("base64url")],
    ["with its algorithm before it", `sha256=${signature(`${stamp}.${body}`).toString("hex")}`],
    [
      "with the bytes that the key stands for",
      signature(`${stamp}.${body}`, Buffer.from(key, "base64")).toString("hex"),
    ],
  ])("takes a signature %s", async (_, value) => {
    expect(await proven({ webhookHmacKey: key }, signed(value))).toBe(true);
    expect(await proven({ webhookHmacKey: ["newest", key] }, signed(value))).toBe(true);
    expect(await proven({ webhookHmacKey: "another" }, signed(value))).toBe(false);
    expect(await proven({ webhookHmacKey: key }, signed(value, "1772609473"))).toBe(false);
    expect(await proven({ webhookHmacKey: key }, signed(value), { ...captured, Timestamp: "" })).toBe(false);
    expect(await proven({ webhookHmacKey: key }, signed(value.slice(0, -1)))).toBe(false);
  });

  it.each([
    ["over the body alone", signed(signature(body).toString("hex"))],
    ["over the body alone, without a timestamp", signed(signature(body).toString("hex"), "")],
    ["over a timestamp that is none", signed(signature(`{}.${body}`).toString("hex"), "{}")],
    ["that is empty", signed("")],
    ["that is missing", { "walley-timestamp": stamp }],
  ])("does not take a signature %s", async (_, headers) => {
    expect(await proven({ webhookHmacKey: key }, headers)).toBe(false);
  });

  it("wants both where both are configured", async () => {
    const both = { ...basic, webhookHmacKey: key };
    const headers = signed(signature(`${stamp}.${body}`).toString("hex"));
    expect(await proven(both, { authorization, ...headers })).toBe(true);
    expect(await proven(both, { authorization })).toBe(false);
    expect(await proven(both, headers)).toBe(false);
  });

  it("makes a webhook a hint, never the truth", () => {
    expect([webhook.verify.trust, notification.verify.trust]).toEqual(["hint", "hint"]);
  });
});
