import { createHmac } from "node:crypto";
import { afterEach, describe, expect, it, vi } from "vitest";
import { isWorkerError } from "../../lib/errors.ts";
import type { PspEvent, RawRequest } from "../../contract/adapter.ts";
import { type Config, config } from "./config.ts";
import { webhook } from "./webhooks.ts";
import { filesOf } from "../../../test/support/signing.ts";

const target = { adapter: "stripe", merchant: "acme", channel: "se" };
/** The worked vector of docs/psp/stripe.md, (b). */
const secret = "whsec_demoSheetSecret0001";
const signedAt = 1767225600;
const body =
  '{"id":"evt_1SheetDemo0001","object":"event","api_version":"2025-03-31.basil","created":1767225598,"livemode":false,"type":"payment_intent.succeeded","data":{"object":{"id":"pi_3SheetDemo0001","object":"payment_intent","amount":129900,"amount_received":129900,"currency":"sek","status":"succeeded"}}}';
const v1 = "33fa30b0ee67f7cd1684021e642e6385d275b214bfd30ab7fd3541bc5ae7d29b";
const bodyOnly = "b6c5c57fd2781b5c0287efd4c70dcd76d5a4f7a569370847314c28376e5aab59";
const withoutPrefix = "7f54663a38650caccc3029ddad701d5d4c047583e54c5296483f7c9fd8734bfe";

function settings(more: object = {}): Config {
  return config.parse({
    adapterId: "a",
    apiUrl: "https://stripe.invalid",
    apiKey: "rk_test_1",
    webhookSecret: secret,
    ...more,
  });
}

function received(text: string, signature?: string): RawRequest {
  const headers = signature === undefined ? {} : { "stripe-signature": signature };
  return { method: "POST", url: "/", query: new URLSearchParams(), headers, body: Buffer.from(text, "utf8") };
}

async function proofOf(signature: string | undefined, more: object = {}, text = body, now = signedAt) {
  vi.useFakeTimers({ toFake: ["Date"], now: now * 1_000 });
  const context = { target, webhook: "webhook", callbackKeys: [], files: filesOf(), publicUrl: "http://localhost" };
  const proof = await webhook.verify.check(received(text, signature), { ...context, config: settings(more) });
  return typeof proof === "object" && "by" in proof ? true : proof;
}

function signed(text: string, at = signedAt): string {
  return `t=${at},v1=${createHmac("sha256", secret).update(`${at}.${text}`).digest("hex")}`;
}

function parse(event: unknown, more: object = {}): readonly PspEvent[] {
  return webhook.parse(received(typeof event === "string" ? event : JSON.stringify(event)), target, settings(more));
}

afterEach(() => void vi.useRealTimers());

describe("the signature", () => {
  it.each([
    ["the vector", `t=${signedAt},v1=${v1}`, true],
    ["two of them while a secret is rolled", `t=${signedAt},v1=${bodyOnly},v1=${v1}`, true],
    ["beside the fake scheme", `t=${signedAt},v0=${bodyOnly},v1=${v1}`, true],
    ["of the fake scheme alone", `t=${signedAt},v0=${v1}`, false],
    ["over the body alone", `t=${signedAt},v1=${bodyOnly}`, false],
    ["with the secret without its prefix", `t=${signedAt},v1=${withoutPrefix}`, false],
    ["without a time", `v1=${v1}`, false],
    ["with a time that is none", `t=now,v1=${v1}`, false],
    ["without a scheme", v1, false],
    ["of another second", `t=${signedAt + 1},v1=${v1}`, false],
    ["in a header that came twice", `t=${signedAt},v1=${v1}, t=${signedAt},v1=${v1}`, false],
    // Headers with which Stripe's own libraries are tested (https://github.com/stripe/stripe-node, test/Webhook.spec.ts).
    ["beside one that is no signature", `t=${signedAt},v1=${v1},v1=potato`, true],
    ["in capitals, as no library writes it", `t=${signedAt},v1=${v1.toUpperCase()}`, true],
    ["a sentence", "I'm not even a real signature header", false],
    ["a word", "bad_header", false],
    ["of a time alone", `t=${signedAt}`, false],
    ["of a part of a second", `t=${signedAt}.5,v1=${v1}`, false],
    ["missing", undefined, false],
  ])("%s", async (_, signature, proven) => {
    expect(await proofOf(signature)).toBe(proven);
  });

  it.each([
    [300, true],
    [301, false],
    [-300, true],
    [-301, false],
    [86_400, false],
  ])("%d seconds later: %s", async (later, proven) => {
    expect(await proofOf(`t=${signedAt},v1=${v1}`, {}, body, signedAt + later)).toBe(proven);
  });

  it("is of the bytes as they came, and of any of the endpoint's secrets", async () => {
    expect(await proofOf(`t=${signedAt},v1=${v1}`, {}, JSON.stringify(JSON.parse(body), null, 1))).toBe(false);
    expect(await proofOf(`t=${signedAt},v1=${v1}`, {}, `${body}\n`)).toBe(false);
    expect(await proofOf(`t=${signedAt},v1=${v1}`, {}, "")).toBe(false);
    expect(await proofOf(`t=${signedAt},v1=${v1}`, { webhookSecret: ["whsec_new", secret] })).toBe(true);
    expect(await proofOf(`t=${signedAt},v1=${v1}`, { webhookSecret: ["whsec_new"] })).toBe(false);
  });

  it.each([
    [
      "a test event at a live key",
      { livemode: false },
      { apiKey: "sk_live_1", apiUrl: "https://api.stripe.com" },
      "other-mode",
    ],
    ["a live event at a test key", { livemode: true }, {}, "other-mode"],
    ["another account's", { account: "acct_2" }, { stripeAccount: "acct_1" }, "other-account"],
    ["an account's where none is configured", { account: "acct_2" }, {}, "other-account"],
    ["another account's, thin", { context: "acct_2" }, { stripeAccount: "acct_1" }, "other-account"],
    ["the configured account's", { account: "acct_1" }, { stripeAccount: "acct_1" }, undefined],
    ["one of the account's own endpoint", {}, { stripeAccount: "acct_1" }, undefined],
  ])("%s is acknowledged, and dropped where it is none of ours", async (_, more, of, drop) => {
    const text = JSON.stringify({ id: "evt_1", type: "charge.updated", ...more });
    expect(await proofOf(signed(text), of, text)).toEqual(drop === undefined ? true : { drop });
  });
});

describe("an event", () => {
  const of = (type: string, object: object, more: object = {}) => ({
    id: "evt_1",
    object: "event",
    type,
    created: 1767225598,
    data: { object },
    ...more,
  });
  const thin = (type: string, related_object: unknown) => ({
    id: "evt_1",
    object: "v2.core.event",
    type,
    created: "2026-01-01T00:00:00.000Z",
    related_object,
  });

  it.each<readonly [string, object, Partial<PspEvent> | null]>([
    [
      "of an intent",
      of("payment_intent.succeeded", { id: "pi_1", metadata: { norceOrderId: "o", norcePaymentId: "p", name: "x" } }),
      { reference: "pi_1", clues: [{ echo: "o:p" }, { reference: "pi_1" }] },
    ],
    [
      "of a charge",
      of("charge.refunded", { id: "ch_1", payment_intent: "pi_1", metadata: { norcePaymentId: "p" } }),
      { reference: "pi_1", clues: [{ echo: "p" }, { reference: "pi_1" }, { reference: "ch_1" }] },
    ],
    [
      "of a refund",
      of("refund.failed", { id: "re_1", charge: "ch_1", payment_intent: "pi_1", metadata: {} }),
      { reference: "pi_1", clues: [{ reference: "pi_1" }, { reference: "re_1" }, { reference: "ch_1" }] },
    ],
    [
      "of a refund, by its older name",
      of("charge.refund.updated", { id: "re_1", charge: "ch_1", payment_intent: null }),
      { clues: [{ reference: "re_1" }, { reference: "ch_1" }] },
    ],
    [
      "of a dispute",
      of("charge.dispute.created", { id: "du_1", charge: "ch_1", payment_intent: { id: "pi_1" } }),
      { reference: "pi_1" },
    ],
    ["of a review", of("review.closed", { id: "prv_1", payment_intent: "pi_1" }), { reference: "pi_1" }],
    [
      "of an early warning",
      of("radar.early_fraud_warning.created", { id: "issfr_1", charge: "ch_1", payment_intent: "pi_1" }),
      { reference: "pi_1" },
    ],
    [
      "of a setup intent",
      of("setup_intent.succeeded", { id: "seti_1", payment_method: "pm_1" }),
      { reference: "seti_1", clues: [{ reference: "seti_1" }] },
    ],
    [
      "of a checkout session",
      of("checkout.session.completed", { id: "cs_1", payment_intent: "pi_1" }),
      { reference: "pi_1", clues: [{ reference: "pi_1" }] },
    ],
    ["of a stored method", of("payment_method.detached", { id: "pm_1" }), { clues: [{ reference: "pm_1" }] }],
    [
      "of a mandate",
      of("mandate.updated", { id: "mandate_1", payment_method: "pm_1" }),
      { clues: [{ reference: "mandate_1" }, { reference: "pm_1" }] },
    ],
    [
      "thin, of an intent",
      thin("v1.payment_intent.succeeded", { id: "pi_1", type: "payment_intent", url: "/v1/payment_intents/pi_1" }),
      { reference: "pi_1", at: "2026-01-01T00:00:00.000Z" },
    ],
    ["thin, of a charge", thin("v1.charge.refunded", { id: "ch_1" }), { clues: [{ reference: "ch_1" }] }],
    ["a ping", thin("v2.core.event_destination.ping", { id: "ed_test_1" }), null],
    ["of a customer", of("customer.updated", { id: "cus_1", metadata: { norcePaymentId: "p" } }), null],
    ["of a method that was attached", of("payment_method.attached", { id: "pm_1" }), null],
    ["of a payout", of("payout.paid", { id: "po_1" }), null],
    ["of something without an id", of("balance.available", { object: "balance" }), null],
  ])("%s", (_, event, expected) => {
    const [first, ...rest] = parse(event);
    expect(rest).toEqual([]);
    if (expected === null) expect(first).toBeUndefined();
    else expect(first).toMatchObject({ key: "evt_1", ...expected });
    if (expected !== null && !("reference" in expected)) expect(first).not.toHaveProperty("reference");
  });

  it("says when it happened, by Stripe's clock", () => {
    expect(parse(body)[0]?.at).toBe("2025-12-31T23:59:58.000Z");
  });

  it("is looked for in the merchant's own field of metadata", () => {
    const event = of("payment_intent.created", { id: "pi_1", metadata: { cart: "c_9", norcePaymentId: "p" } });
    expect(parse(event, { metadataField: "cart" })[0]?.clues?.[0]).toEqual({ echo: "c_9" });
  });

  it.each(["", "{}", "[]", "null", '{"id":"evt_1"}', '{"id":1,"type":"a"}', "<html>"])("is malformed as %s", (text) => {
    let kind = "read";
    try {
      parse(text);
    } catch (error) {
      kind = isWorkerError(error) ? error.kind : "another error";
    }
    expect(kind).toBe("MalformedWebhook");
  });
});
