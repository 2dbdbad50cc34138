import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { PspEvent, RawRequest } from "../../contract/adapter.ts";
import { config } from "./config.ts";
import { notification } from "./webhooks.ts";
import { fixtureSigningKey, urlProofOf } from "../../../test/support/signing.ts";
import { isProven } from "../../signatures/proven.ts";

const target = { adapter: "avarda-checkout", merchant: "acme", channel: "se", orderId: "o_1", paymentId: "p_1" };
const id = "3f0b6f0e5a7c4d1f9a2e8b7c6d5e4f30";
const malformed = expect.objectContaining({ kind: "MalformedWebhook" });
const settings = config.parse({ adapterId: "a", apiUrl: "https://a.invalid", clientId: "c", clientSecret: "s" });

function requestOf(body: string): RawRequest {
  return { method: "POST", url: "/", query: new URLSearchParams(), headers: {}, body: Buffer.from(body) };
}

function parse(body: string, whose = target): readonly PspEvent[] {
  return notification.parse(requestOf(body), whose, settings);
}

describe("notification", () => {
  it("names the purchase, and nothing that decides about money", () => {
    const body = JSON.stringify({ purchaseId: id, line: { amount: 1 }, type: "ledger:delivered" });
    expect(parse(body)).toEqual([{ key: expect.any(String), type: "completed", at: null, reference: id }]);
  });

  it.each(["", " ", "{}", '{"purchaseId":null}', '{"purchaseId":""}'])(
    "is an event without a reference: %j",
    (body) => {
      const [event] = parse(body);
      expect(event).toMatchObject({ type: "completed" });
      expect(event).not.toHaveProperty("reference");
    },
  );

  it.each([
    "{",
    "[]",
    "null",
    '"text"',
    '{"purchaseId":7}',
    '{"purchaseId":"../x"}',
    `{"purchaseId":"${"a".repeat(65)}"}`,
  ])("refuses %s", (body) => {
    expect(() => parse(body)).toThrow(malformed);
  });

  it("has one key however often it is repeated, and another for another payment", () => {
    const [body] = [JSON.stringify({ purchaseId: id })];
    expect(parse(body)[0]?.key).toBe(parse(`${body} `)[0]?.key);
    expect(parse(body, { ...target, paymentId: "p_2" })[0]?.key).not.toBe(parse(body)[0]?.key);
  });
});

describe("its proof", () => {
  const fixture = JSON.parse(readFileSync(`${import.meta.dirname}/fixtures/completed/request.json`, "utf8")) as {
    url: string;
    headers: Record<string, string>;
    body: string;
  };
  const given = fixture.headers["authorization"] ?? "";

  async function check(webhookAuthorization: unknown, headers: Record<string, string>, url = fixture.url) {
    const { searchParams: query } = new URL(url, "http://localhost");
    const request = { ...requestOf(fixture.body), url, query, headers };
    const context = {
      config: config.parse({ ...settings, webhookAuthorization }),
      target,
      webhook: "notification",
      ...urlProofOf("a-newer-signing-key", fixtureSigningKey),
    };
    return isProven(await notification.verify.check(request, context));
  }

  it.each([
    ["no header where none was agreed on", undefined, {}, true],
    ["any header where none was agreed on", undefined, { authorization: "Basic eA==" }, true],
    ["the header", given, { authorization: given }, true],
    ["the older one during a rotation", ["Basic bmV3", given], { authorization: given }, true],
    ["no header", given, {}, false],
    ["another header", given, { authorization: `${given}=` }, false],
    ["an empty header", given, { authorization: "" }, false],
  ])("with %s is %s", async (_, accepted, headers: Record<string, string>, proven) => {
    expect(await check(accepted, headers)).toBe(proven);
  });

  it("takes no header for a signature", async () => {
    expect(await check(given, { authorization: given }, fixture.url.slice(0, -2))).toBe(false);
  });
});
