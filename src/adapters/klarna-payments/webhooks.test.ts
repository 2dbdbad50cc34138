import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json, PspEvent, RawRequest, Target } from "../../contract/adapter.ts";
import { config } from "./config.ts";
import { authorization, notification, push, webhook } from "./webhooks.ts";
import { urlProofOf } from "../../../test/support/signing.ts";
import { isProven } from "../../signatures/proven.ts";

const account = { adapter: "klarna-payments", merchant: "acme", channel: "se" };
const target: Target = { ...account, orderId: "o_1", paymentId: "p_1" };
const orderId = "5c8ca572-5751-4f0a-ab2f-0a29aa845b37";
const malformed = expect.objectContaining({ kind: "MalformedWebhook" });

function settings(webhookSigningKeys?: Readonly<Record<string, string>>) {
  const given = webhookSigningKeys === undefined ? {} : { webhookSigningKeys };
  return config.parse({ adapterId: "a", apiUrl: "https://klarna.invalid", apiKey: "k", ...given });
}

function requestOf(body: string | Json, headers: Record<string, string> = {}, query = ""): RawRequest {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return { method: "POST", url: `/w?${query}`, query: new URLSearchParams(query), headers, body: Buffer.from(text) };
}

describe("push and notification", () => {
  it("read the order id that Klarna wrote into the query, and none where nobody filled it in", () => {
    const [filled] = push.parse(requestOf("", {}, `klarna_order_id=${orderId}`), target, settings());
    const [bare] = push.parse(requestOf("", {}, "klarna_order_id={order.id}"), target, settings());
    expect(filled).toMatchObject({ type: "push", reference: orderId });
    expect(bare).not.toHaveProperty("reference");
    expect(push.placeholders).toEqual({ klarna_order_id: "{order.id}" });
  });

  it("read the decision", () => {
    const body = { order_id: orderId, event_type: "FRAUD_RISK_STOPPED" };
    expect(notification.parse(requestOf(body), target, settings())).toEqual([
      expect.objectContaining({ type: "FRAUD_RISK_STOPPED", reference: orderId }),
    ]);
  });
});

describe("authorization", () => {
  const token = "1eddf502-f3a0-45bf-b1fd-f2e3a2758200";
  const session_id = "e4b81ca2-0aae-4c16-bcb2-29a0a088a35b";
  const parse = (body: string | Json) => authorization.parse(requestOf(body), target, settings());

  it("is a hint to look, and nothing of the token is kept", () => {
    const events = parse({ authorization_token: token, session_id, merchant_reference1: "p_1" });
    expect(events).toEqual([
      { key: expect.stringContaining(session_id), type: "authorization", at: null, reference: session_id },
    ]);
    expect(JSON.stringify(events)).not.toContain(token);
  });

  it("has one key per session, whatever the token", () => {
    const keys = [token, "another"].map((authorization_token) => parse({ authorization_token, session_id })[0]?.key);
    expect(keys[1]).toBe(keys[0]);
    expect(parse({ authorization_token: token, session_id: "another" })[0]?.key).not.toBe(keys[0]);
  });

  it.each(["", "{}", { session_id: 7 }, { session_id: "a b" }, { authorization_token: token }])(
    "is an event still where the session is missing or odd: %j",
    (body) => {
      const events = parse(body);
      expect(events).toMatchObject([{ type: "authorization" }]);
      expect(JSON.stringify(events)).not.toContain(token);
    },
  );

  it.each(["{", "[]", "null", '"text"'])("refuses %s", (body) => {
    expect(() => parse(body)).toThrow(malformed);
  });
});

describe("the signature of Network webhooks", () => {
  const id = "krn:partner:global:notification:signing-key:49bcd37b-79a7-4e6e-b067-2903b45fef42";
  const secret = "composed-signing-key-0001";
  const { body } = JSON.parse(
    readFileSync(`${import.meta.dirname}/fixtures/request-completed/request.json`, "utf8"),
  ) as { body: string };
  const hex = "3acb38bebf3c0d0adf3fd64847f82b088bf1ed1251f39409408f052c2ab3d834";
  const base64 = "Oss4vr88DQrfP9ZIR/grCIvx7RJR85QJQI8FLCqz2DQ=";
  const check = async (
    signature: string,
    keyId = id,
    keys: Readonly<Record<string, string>> = { [id]: secret },
    text = body,
  ) =>
    isProven(
      await webhook.verify.check(requestOf(text, { "klarna-signature": signature, "klarna-signing-key-id": keyId }), {
        config: settings(keys),
        target: account,
        webhook: "webhook",
        ...urlProofOf(),
      }),
    );

  it("is 309 bytes' worth", () => {
    expect(Buffer.byteLength(body)).toBe(309);
  });

  it.each([
    ["hexadecimal", hex],
    ["hexadecimal in capitals", hex.toUpperCase()],
    ["base64", base64],
  ])("is taken in %s", async (_, signature) => {
    expect(await check(signature)).toBe(true);
  });

  it.each([
    ["missing", ""],
    ["cut short", hex.slice(0, -2)],
    ["too long", `${hex}00`],
    ["cut short in base64", base64.slice(0, -4)],
    ["base64 without its padding", base64.slice(0, -1)],
    ["base64 of another case", base64.toLowerCase()],
    ["of another byte", `4${hex.slice(1)}`],
    ["the digest's text in base64", Buffer.from(hex).toString("base64")],
  ])("is refused where it is %s", async (_, signature) => {
    expect(await check(signature)).toBe(false);
  });

  it("is over the bytes as they came", async () => {
    expect(await check(hex, id, { [id]: secret }, body.replace("COMPLETED", "COMPLETEE"))).toBe(false);
    expect(await check(hex, id, { [id]: secret }, JSON.stringify(JSON.parse(body), null, 1))).toBe(false);
    const flipped = Buffer.from(body);
    flipped[100] = (flipped[100] ?? 0) ^ 1;
    expect(await check(hex, id, { [id]: secret }, flipped.toString("utf8"))).toBe(false);
  });

  it("is checked with the key that it names, and with no other", async () => {
    expect(await check(hex, "krn:unknown")).toBe(false);
    expect(await check(hex, "")).toBe(false);
    expect(await check(hex, "constructor")).toBe(false);
    expect(await check(hex, id, { [id]: "another", "krn:other": secret })).toBe(false);
    expect(await check(hex, "krn:other", { [id]: "another", "krn:other": secret })).toBe(true);
  });

  it("is good with the old key and the new one while they are rotated", async () => {
    const keys = { "krn:new": "the-new-one", [id]: secret };
    expect(await check(hex, id, keys)).toBe(true);
    const byNew = createHmac("sha256", "the-new-one").update(body).digest("base64");
    expect(await check(byNew, "krn:new", keys)).toBe(true);
    expect(await check(byNew, id, keys)).toBe(false);
  });

  it("is never good where no key is configured", async () => {
    const context = { config: settings(), target: account, webhook: "webhook", ...urlProofOf() };
    const headers = { "klarna-signature": hex, "klarna-signing-key-id": id };
    expect(await webhook.verify.check(requestOf(body, headers), context)).toBe(false);
  });
});

describe("the events of Network webhooks", () => {
  const metadata = { event_id: "d9f9b1a0-5b1a-4b0e-9b0a-9e9b1a0d5b1a", occurred_at: "2024-01-01T12:00:00Z" };
  const parse = (body: string | Json): readonly PspEvent[] => webhook.parse(requestOf(body), account, settings());
  const read = (event_type: string, payload: Json): PspEvent | undefined =>
    parse({ metadata: { ...metadata, event_type }, payload })[0];
  const request = { payment_request_id: "krn:payment:eu1:request:552603c0", payment_request_reference: "p_1" };

  it.each([
    ["completed", { event: "confirm", success: true }],
    ["authorized", { event: "confirm", success: true }],
    ["confirmed", { event: "confirm", success: true }],
    ["declined", { event: "confirm", success: false, errorDetail: "declined" }],
    ["canceled", { event: "cancel", success: false, errorDetail: "canceled" }],
    ["expired", { event: "cancel", success: false, errorDetail: "expired" }],
  ])("keep the end of a payment request: %s", (change, line) => {
    const event = read(`payment.request.state-change.${change}`, { ...request, state: change.toUpperCase() });
    expect(event).toMatchObject({
      key: `network:${metadata.event_id}`,
      at: "2024-01-01T12:00:00.000Z",
      clues: [{ echo: "p_1" }, { reference: request.payment_request_id }],
      line: { ...line, amount: 0, pspStatus: change.toUpperCase() },
    });
    expect(event).not.toHaveProperty("reference");
  });

  it.each(["submitted", "prepared", "in-progress", "pending-confirmation"])(
    "are none while a payment request goes on: %s",
    (change) => {
      expect(read(`payment.request.state-change.${change}`, { ...request, state: "ANY" })).toBeUndefined();
    },
  );

  it("are a hint where the type is not known", () => {
    const event = read("payment.transaction.state-change.completed", {
      payment_transaction_id: "krn:t",
      merchant_reference1: "p_1",
      order_id: orderId,
    });
    expect(event).toMatchObject({
      reference: orderId,
      clues: [{ echo: "p_1" }, { reference: orderId }, { reference: "krn:t" }],
    });
    expect(event).not.toHaveProperty("line");
  });

  it.each([{}, { state: "COMPLETED" }, { order_id: "a b", merchant_reference1: "" }])(
    "are none where nothing says whose it is: %j",
    (payload) => {
      expect(read("payment.request.state-change.completed", payload)).toBeUndefined();
    },
  );

  it("try what is ours first, each once", () => {
    const event = read("payment.dispute.updated", {
      order_id: orderId,
      purchase_reference: "p_1",
      supplementary_purchase_data: { purchase_reference: "p_1" },
      merchant_reference2: "501",
      payment_transaction_reference: "p_1",
    });
    expect(event?.clues).toEqual([{ echo: "501" }, { echo: "p_1" }, { reference: orderId }]);
  });

  it.each([
    ["flat", { customer_token: "token-1" }],
    ["with the customer", { klarna_customer: { customer_token: "token-1", customer_profile: { email: "a@b" } } }],
    ["in the context of the state", { state_context: { klarna_customer: { customer_token: "token-1" } } }],
  ])("bring a customer token that stands %s, and no other", (_, where) => {
    const event = read("payment.request.state-change.completed", {
      ...request,
      ...where,
      klarna_network_session_token: "worth-money",
      payment_token: "worth-money",
      interoperability_token: "worth-money",
      state: "COMPLETED",
    });
    expect(event?.line?.recurring).toEqual({ token: "token-1" });
    expect(JSON.stringify({ ...event, line: { ...event?.line, recurring: null } })).not.toMatch(
      /token-1|worth-money|a@b/,
    );
  });

  it("remember the transaction that a confirmed payment request led to", () => {
    const state_context = { payment_transaction_id: "krn:payment:eu1:transaction:1", payment_confirmation_token: "x" };
    const event = read("payment.request.state-change.confirmed", { ...request, state: "CONFIRMED", state_context });
    expect(event).toMatchObject({
      clues: [
        { echo: "p_1" },
        { reference: "krn:payment:eu1:transaction:1" },
        { reference: request.payment_request_id },
      ],
      line: { facts: { paymentTransactionId: "krn:payment:eu1:transaction:1" } },
    });
    expect(JSON.stringify(event)).not.toContain("token");
  });

  it("are acknowledged without effect where there is no payload", () => {
    expect(read("payment.request.state-change.completed", null)).toBeUndefined();
  });

  it("keep of a dispute what somebody has to know, and no sentence", () => {
    const event = read("payment.dispute.state-change.initiated", {
      payment_dispute_id: "krn:network:us1:live:payment:dispute:5169719611111",
      order_id: orderId,
      state: "INITIATED",
      dispute_reason: "REFUND_NOT_PROCESSED",
      dispute_details: { dispute_amount: 39900, currency: "EUR", created_by: "CUSTOMER" },
      representment: {
        expires_at: "2025-01-22T09:45:00Z",
        request: { additional_information: "Dear partner Team,\nTo help us resolve this dispute" },
      },
    });
    expect(event?.line).toEqual({
      event: "paymentAction",
      pspStatus: "INITIATED",
      amount: 0,
      currency: "EUR",
      success: true,
      facts: {
        paymentDisputeId: "krn:network:us1:live:payment:dispute:5169719611111",
        disputeReason: "REFUND_NOT_PROCESSED",
        disputeAmount: 39900,
        answerBefore: "2025-01-22T09:45:00Z",
      },
    });
  });

  it.each([
    ["the first one", { representment: { expires_at: "2026-03-05T09:45:00Z" } }],
    ["a later one", { updated_fields: { evidence_response_deadline_at: "2026-03-05T09:45:00Z" } }],
    ["that of the arbitration", { arbitration_expires_at: "2026-03-05T09:45:00Z" }],
  ])("say of a dispute until when an answer is wanted: %s", (_, where) => {
    const event = read("payment.dispute.updated", { order_id: orderId, state: "REPRESENTMENT", ...where });
    expect(event?.line?.facts).toEqual({ answerBefore: "2026-03-05T09:45:00Z" });
  });

  it("call a lost dispute failed, and a won one not", () => {
    const closed = (dispute_outcome: string) =>
      read("payment.dispute.state-change.closed", { order_id: orderId, state: "CLOSED", dispute_outcome })?.line;
    expect(closed("LOST")).toMatchObject({ success: false, errorDetail: "LOST" });
    expect(closed("WON")).toMatchObject({ success: true });
  });

  it("have one key per event id", () => {
    const [one, again] = [1, 2].map((n) => read("payment.dispute.updated", { order_id: orderId, n })?.key);
    expect(again).toBe(one);
  });

  it.each([
    "",
    "{}",
    "[]",
    "null",
    "{",
    '{"metadata":{}}',
    '{"metadata":{"event_type":"a b","event_id":"1"},"payload":{}}',
    '{"metadata":{"event_type":"a","event_id":1},"payload":{}}',
    '{"metadata":{"event_type":"a","event_id":"1"},"payload":[]}',
  ])("refuse %j", (body) => {
    expect(() => parse(body)).toThrow(malformed);
  });

  it("are events, none or MalformedWebhook, and small, whatever the payload", () => {
    const field = fc.constantFrom(
      "state",
      "order_id",
      "merchant_reference1",
      "payment_request_id",
      "customer_token",
      "dispute_details",
    );
    const payload = fc.dictionary(field, fc.jsonValue()).map((value) => value as Json);
    const type = fc.constantFrom("payment.dispute.updated", "payment.request.state-change.completed", "other");
    fc.assert(
      fc.property(type, payload, (event_type, given) => {
        const event = read(event_type, given);
        expect(JSON.stringify(event ?? null).length).toBeLessThan(2_000);
        expect(read(event_type, given)).toEqual(event);
      }),
    );
  });
});
