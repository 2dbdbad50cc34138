import { describe, expect, it } from "vitest";
import nock from "nock";
import type { LookContext, OperationCall, PspEvent } from "../../contract/adapter.ts";
import { createHttp } from "../../lib/http.ts";
import { asking } from "../../../test/support/asking.ts";
import { answerByNock } from "../../../test/support/nock.ts";
import { createSimulator } from "../../../sandbox/kernel/kernel.ts";
import { authorizationFor, authorizationsOf } from "./authorization.ts";
import { type Config, config } from "./config.ts";
import { fetchSnapshot } from "./client.ts";
import adapter from "./index.ts";
import { operations } from "./operations.ts";
import { paymentSchema, type Snapshot } from "./schema.ts";
import { simulate } from "./simulator.ts";
import { account, event } from "./webhooks.ts";
import { filesOf } from "../../../test/support/signing.ts";

const apiUrl = "https://api.nexi.example.invalid";
const paymentId = "0aa1bb2cc3dd4ee5ff60718293a4b5c6";
const target = { adapter: "nexi-checkout", merchant: "acme", channel: "se", orderId: "o_1", paymentId: "p_1" };

function settingsWith(more: object = {}): Config {
  const secrets = { secretKey: "test-secret-key-1", webhookSecret: "worker-demo-key-01" };
  return config.parse({ adapterId: "a", apiUrl, ...secrets, ...more });
}

function contextWith(settings = settingsWith()): LookContext<Config> {
  return {
    config: settings,
    ...asking(),
    payment: { paymentId: "p_1", amount: 10_000, currency: "SEK", reference: null, upsell: null },
    signal: new AbortController().signal,
    http: (options) => createHttp({ peer: "nexi-checkout", ...options }),
  };
}

function snapshotWith(more: object): Snapshot {
  const payment = paymentSchema.parse({
    paymentId,
    orderDetails: { amount: 10_000, currency: "SEK", reference: "p_1" },
    created: "2026-02-03T10:00:00Z",
    ...more,
  });
  return { payment, seen: [] };
}

const mapped = (more: object) => adapter.map(snapshotWith(more), { kept: [], now: Date.parse("2026-02-03T10:20:00Z") });

answerByNock();

it.each([
  ["nothing", {}, 10_000],
  ["all", { reservedAmount: 10_000 }, 10_000],
  ["a part", { reservedAmount: 100 }, 100],
  ["all, of which a part was charged", { reservedAmount: 10_000, chargedAmount: 4_000 }, 10_000],
])("an order of which %s was reserved is over so much", (_, summary, total) => {
  expect(mapped({ summary }).total).toBe(total);
});

describe("the value of Authorization (docs/psp/nexi.md, b: worked vector)", () => {
  const secret = "worker-demo-key-01";
  const vector = "2c0be73bcf5bec899b3bc1455767e9c3";
  const proves = async (authorization: string | undefined, more: object = {}, to: object = target) => {
    const headers = authorization === undefined ? {} : { authorization };
    const request = { method: "POST", url: "/", query: new URLSearchParams(), headers, body: Buffer.alloc(0) };
    const context = { config: settingsWith(more), target: to as typeof target, webhook: "event" };
    const proof = await event.verify.check(request, {
      ...context,
      callbackKeys: [],
      files: filesOf(),
      publicUrl: "http://localhost",
    });
    return proof !== false;
  };

  it("is the sheet's", () => {
    expect(authorizationFor(secret, "tenant-a", "o_abc")).toBe(vector);
    expect(vector).toMatch(/^[A-Za-z0-9]{8,32}$/);
  });

  const own = authorizationFor(secret, "acme/se", "o_1");
  it.each([
    ["as it was given", own, {}, true],
    ["with a scheme in front", `Bearer ${own}`, {}, false],
    ["in capitals", own.toUpperCase(), {}, false],
    ["cut short", own.slice(0, -1), {}, false],
    ["missing", undefined, {}, false],
    ["empty", "", {}, false],
    ["of another order", authorizationFor(secret, "acme/se", "o_2"), {}, false],
    ["of another channel", authorizationFor(secret, "acme/no", "o_1"), {}, false],
    ["of the secret before", own, { webhookSecret: ["the-newest-secret", secret] }, true],
    ["of a secret that is gone", own, { webhookSecret: "the-newest-secret" }, false],
    ["the secret itself, where Nexi takes it", "abcDEF123456", { webhookSecret: "abcDEF123456" }, true],
    ["the secret itself, where Nexi does not", secret, {}, false],
  ])("%s", async (_, authorization, more, good) => {
    expect(await proves(authorization, more)).toBe(good);
  });

  it("is made of no empty secret, and for account-level webhooks of no order", () => {
    expect(authorizationsOf(["", "x"], { merchant: "acme", channel: "se" })).toEqual([
      { value: authorizationFor("x", "acme/se", ""), secret: "x" },
    ]);
  });
});

describe("an event", () => {
  const read = (value: unknown, webhook = event): readonly PspEvent[] => {
    const body = Buffer.from(JSON.stringify(value));
    return webhook.parse(
      { method: "POST", url: "/", query: new URLSearchParams(), headers: {}, body },
      target,
      settingsWith(),
    );
  };
  const told = (name: string, more: object = {}, data: object = {}) => ({
    id: "5d3f0a61c2b94e07a1d2c3b4e5f60718",
    timestamp: "2026-01-05T11:15:30.1234+01:00",
    merchantNumber: 100_000_001,
    event: name,
    data: { paymentId, ...data },
    ...more,
  });

  it("in two versions has two keys, though the id is the same", () => {
    const keys = ["payment.reservation.created", "payment.reservation.created.v2"].flatMap((name) =>
      read(told(name)).map(({ key }) => key),
    );
    expect(new Set(keys).size).toBe(2);
  });

  it.each(["payment.charge.failed.v2", "payment.refund.initiated", "payment.refund.initiated.v2", "payment.new.v3"])(
    "%s asks for a look",
    (name) => {
      expect(read(told(name))).toMatchObject([{ reference: paymentId, at: "2026-01-05T10:15:30.123Z" }]);
    },
  );

  it("comes to a URL of no more characters than Nexi takes", () => {
    expect([event.urlLimit, account.urlLimit]).toEqual([256, 256]);
  });

  it("of something else is acknowledged and dropped", () => {
    expect(read(told("subscription.created"))).toEqual([]);
  });

  it.each([
    ["no payment", told("payment.created", { data: {} })],
    ["a payment's id that is none", told("payment.created", {}, { paymentId: "../p" })],
    ["no event", { id: "1" }],
  ])("that names %s is malformed", (_, value) => {
    expect(() => read(value)).toThrowError(expect.objectContaining({ kind: "MalformedWebhook" }));
  });

  it("is read without what may be missing, empty or odd in it", () => {
    const odd = { phoneNumber: null, subscriptionId: "", error: { code: 911, source: "" }, chargeId: "" };
    expect(read(told("payment.charge.failed", { timestamp: "soon", id: 7 }, odd))).toMatchObject([
      { at: null, line: { event: "capture", success: false, amount: 0, errorDetail: "911", facts: {} } },
    ]);
    expect(read(told("payment.refund.initiated.v2", {}, { paymentActionId: "12345", executed: "x" }))).toHaveLength(1);
  });

  // As the official library's tests have them: https://github.com/Nets-eCom/php-payment-sdk (723ebef, tests/Model/Webhook/payloads).
  const amount = { amount: 10_000, currency: "SEK" };
  const failure = { code: "911", message: "Error occurred", source: "Internal" };
  it.each([
    ["payment.created", { order: { amount, reference: "1234567890" }, myReference: "", subscriptionId: "" }, undefined],
    ["payment.reservation.created", { paymentMethod: "", paymentType: "", reserveId: "", amount }, undefined],
    ["payment.reservation.failed", { error: failure, orderItems: [], amount }, { event: "process", facts: {} }],
    ["payment.checkout.completed", { order: { amount }, consumer: { country: "SWE" } }, undefined],
    [
      "payment.charge.failed",
      { error: failure, chargeId: "e9f346328d684bf59f6cac006dbb2ec4", invoiceDetails: {}, amount },
      { event: "capture", facts: { chargeId: "e9f346328d684bf59f6cac006dbb2ec4", source: "Internal" } },
    ],
    ["payment.cancel.created", { cancelId: "df7f9346097842bdb90c869b5c9ccfa9", amount }, undefined],
    ["payment.cancel.failed", { error: failure, cancelId: "1234", myReference: "", amount }, { event: "cancel" }],
    ["payment.refund.initiated.v2", { executed: "2019-08-24T14:15:22Z", paymentActionId: "12345", amount }, undefined],
    ["payment.refund.completed", { refundId: "00fb000060923e006937598058c4e7f3", amount }, undefined],
    ["payment.refund.failed", { error: failure, refundId: "32e1cb8de6704c4baf9974121cc1351f", amount }, undefined],
  ])("%s of the official library's is read", (name, data, line) => {
    const [said] = read(told(name, { merchantNumber: undefined, merchantId: 100_242_833 }, data));
    expect(said).toMatchObject({ type: name, reference: paymentId });
    if (line === undefined) expect(said).not.toHaveProperty("line");
    else expect(said?.line).toMatchObject({ amount: 0, success: false, errorDetail: "911", ...line });
  });

  it("of an account finds its payment by Nexi's id", () => {
    expect(read(told("payment.charge.created.v2"), account)).toMatchObject([{ clues: [{ reference: paymentId }] }]);
  });
});

describe("sums", () => {
  // The states of the official SDK's test, https://github.com/Nets-eCom/php-payment-sdk (723ebef), and what the sheet corrects in them.
  it.each([
    ["nothing", {}, [0, 0, 0, 0]],
    ["reserved", { reservedAmount: 100 }, [100, 0, 0, 0]],
    ["charged", { reservedAmount: 100, chargedAmount: 100 }, [100, 100, 0, 0]],
    ["charged at once", { chargedAmount: 100 }, [100, 100, 0, 0]],
    ["refunded", { reservedAmount: 100, chargedAmount: 100, refundedAmount: 100 }, [100, 100, 100, 0]],
    ["refunded, never reserved", { chargedAmount: 100, refundedAmount: 100 }, [100, 100, 100, 0]],
    ["part of it charged", { reservedAmount: 100, chargedAmount: 80, cancelledAmount: 0 }, [100, 80, 0, 0]],
    ["the rest cancelled", { reservedAmount: 100, chargedAmount: 80, cancelledAmount: 20 }, [100, 80, 0, 20]],
    [
      "part of it charged, that refunded",
      { reservedAmount: 100, chargedAmount: 80, refundedAmount: 80 },
      [100, 80, 80, 0],
    ],
    ["nulls", { reservedAmount: 100, chargedAmount: null, refundedAmount: null }, [100, 0, 0, 0]],
  ])("%s", (_, summary, sums) => {
    expect(Object.values(mapped({ summary }).money)).toEqual(sums);
  });

  it.each([-1, 1.5, "100", true])("of %j are not read", (reservedAmount) => {
    expect(paymentSchema.shape.summary.safeParse({ reservedAmount }).success).toBe(false);
  });

  it("of a currency that Nexi does not say how it counts are Unmapped", () => {
    const orderDetails = { amount: 100, currency: "ISK" };
    expect(() => mapped({ orderDetails })).toThrowError(expect.objectContaining({ kind: "Unmapped" }));
  });
});

it("reads the end of a subscription that is a day", () => {
  const { subscription } = paymentSchema.parse({
    paymentId,
    orderDetails: { amount: 100, currency: "SEK" },
    subscription: { id: "s_1", endDate: "2027-01-05" },
  });
  expect(subscription?.endDate).toBe("2027-01-05T00:00:00.000Z");
});

describe("asked", () => {
  it("is nothing that is no payment's id", async () => {
    expect(await fetchSnapshot("../payments", contextWith())).toBeNull();
  });

  it.each([
    [404, "works"],
    [401, "refused"],
    [403, "unreachable"],
  ])("with a key that is answered %d %s", async (status, is) => {
    nock(apiUrl)
      .get(`/v1/payments/${"0".repeat(32)}`)
      .matchHeader("authorization", "test-secret-key-1")
      .reply(status);
    expect(await adapter.probe(contextWith())).toMatchObject([{ is, live: false }]);
  });
});

describe("told", () => {
  const call = (more: Partial<OperationCall> = {}): OperationCall => ({
    name: "capture",
    id: "0f0e4f0a-9c0e-4f8b-8a1d-000000000001",
    amount: 10_000,
    currency: "SEK",
    whole: true,
    now: 1_770_000_000_000,
    ...more,
  });
  const reserved = snapshotWith({ summary: { reservedAmount: 10_000 } });
  const charges = () => nock(apiUrl).post(`/v1/payments/${paymentId}/charges`);

  it("sends order lines that add up to a part, and none for the whole", async () => {
    const bodies: Record<string, unknown>[] = [];
    const kept = (body: Record<string, unknown>): boolean => bodies.push(body) > 0;
    for (const amount of [10_000, 4_000]) {
      nock(apiUrl).post(`/v1/payments/${paymentId}/charges`, kept).reply(201, { chargeId: paymentId });
      const result = await operations.capture?.(call({ amount }), reserved, contextWith());
      expect(result).toEqual({ is: "accepted", pspId: paymentId });
    }
    expect(bodies[0]).toEqual({ amount: 10_000 });
    expect(bodies[1]).toMatchObject({
      amount: 4_000,
      orderItems: [{ grossTotalAmount: 4_000, netTotalAmount: 4_000 }],
    });
  });

  it.each([
    [402, { code: "1001", message: "Overcharge" }, { is: "refused", reason: "1001" }],
    [500, { code: "1024", message: "Partial charge not allowed" }, { is: "refused", reason: "1024" }],
    [400, { errors: { amount: ["is wrong"] } }, { is: "refused", reason: "HTTP_400" }],
  ])("answered %d %j it is refused by the code", async (status, body, result) => {
    charges().reply(status, body);
    expect(await operations.capture?.(call(), reserved, contextWith())).toEqual(result);
  });

  it.each([
    [500, { code: "1000" }, "Unreachable"],
    [500, { code: "1020" }, "Unreachable"],
    [429, {}, "Unreachable"],
    [409, {}, "Conflict"],
    [401, "", "Unauthorized"],
  ])("answered %d %j it is %s", async (status, body, kind) => {
    charges().reply(status, body);
    await expect(operations.capture?.(call(), reserved, contextWith())).rejects.toMatchObject({ kind });
  });

  it.each(["capture", "cancel"] as const)(
    "that the reservation has expired, at a %s, it is kept, and what was open is released",
    async (name) => {
      nock(apiUrl).post(/.*/).reply(402, { code: "1010" });
      const result = await operations[name]?.(call({ name }), reserved, contextWith());
      expect(result).toMatchObject({ is: "refused", reason: "1010", event: { line: { event: name, success: false } } });
      const { key, type, at, line } = (result as { event: PspEvent & { line: object } }).event;
      const kept = [{ key, type, at, ...line }] as never;
      expect(adapter.map(reserved, { kept, now: 0 })).toMatchObject({ money: { released: 10_000 }, possible: [] });
    },
  );
});

it("the simulator's reservation lapses unseen, and is known to be gone from the first refusal on", () => {
  const simulator = createSimulator(simulate, { timeScale: 0 });
  const { secretKey } = simulator.settings(apiUrl) as { readonly secretKey: string };
  const reference = simulator.open({ orderId: "o", paymentId: "p", amount: 100, currency: "SEK", callbackUrls: {} });
  simulator.act(reference, "pay");
  simulator.act(reference, "lapse");
  expect(simulator.money(reference)).toMatchObject({ authorized: 100, released: 0 });
  const path = `/v1/payments/${reference}/charges`;
  const headers = { authorization: secretKey };
  const answer = simulator.answer({
    method: "POST",
    path,
    query: new URLSearchParams(),
    headers,
    body: { amount: 100 },
  });
  expect(answer).toMatchObject({ status: 402, body: { code: "1010" } });
  expect(simulator.money(reference)).toMatchObject({ authorized: 100, released: 100 });
});

describe("settings", () => {
  it.each([
    ["live-secret-key-1", "https://api.dibspayment.eu", true],
    ["test-secret-key-1", "https://test.api.dibspayment.eu", true],
    ["test-secret-key-1", "https://api.dibspayment.eu", false],
    ["live-secret-key-1", "https://test.api.dibspayment.eu", false],
    ["an-older-key", "https://api.dibspayment.eu", true],
  ])("%s at %s", (secretKey, url, good) => {
    const settings = { adapterId: "a", apiUrl: url, secretKey, webhookSecret: "worker-demo-key-01" };
    expect(config.safeParse(settings).success).toBe(good);
  });
});
