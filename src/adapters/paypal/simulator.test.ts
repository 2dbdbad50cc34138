import { beforeEach, describe, expect, it } from "vitest";
import type { SimulatedWebhook, Simulator } from "../../contract/simulator.ts";
import { createSimulator } from "../../../sandbox/kernel/kernel.ts";
import { map } from "./map.ts";
import { orderSchema, parsed } from "./schema.ts";
import { simulate } from "./simulator.ts";
import { retrySchedule } from "./simulator-webhooks.ts";

const minute = 60_000;
let clock = 0;
let paypal: Simulator;

beforeEach(() => {
  clock = Date.parse("2026-02-03T10:00:00.000Z");
  paypal = createSimulator(simulate, { now: () => clock });
  paypal.settings("http://localhost:1/paypal");
});

function open(recurring = false): string {
  const callbackUrls = { webhook: "http://localhost/webhook" };
  return paypal.open({ orderId: "o_1", paymentId: "p_1", amount: 10000, currency: "SEK", callbackUrls, recurring });
}

function ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const basic = `Basic ${Buffer.from("simulated-client:simulated-client-secret").toString("base64")}`;
  const query = new URLSearchParams();
  const granted = paypal.answer({
    method: "POST",
    path: "/v1/oauth2/token",
    query,
    headers: { authorization: basic },
    body: "grant_type=client_credentials",
  });
  const token = (granted.body as { access_token: string }).access_token;
  return paypal.answer({ method, path, query, headers: { authorization: `Bearer ${token}`, ...headers }, body });
}

/** What PayPal sends, and we take. */
function taken(): readonly SimulatedWebhook[] {
  const sent = paypal.due(clock);
  for (const webhook of sent) paypal.answered(webhook, { status: 200, body: "" });
  return sent;
}

const types = (): unknown[] => taken().map(({ body }) => (JSON.parse(body) as { event_type: string }).event_type);

describe("webhooks", () => {
  it("tell of a purchase, step by step", () => {
    const id = open();
    paypal.act(id, "pay");
    paypal.act(id, "capture", 4000);
    paypal.act(id, "cancel");
    paypal.act(id, "refund", 1000);
    expect(types()).toEqual([
      "CHECKOUT.ORDER.APPROVED",
      "PAYMENT.AUTHORIZATION.CREATED",
      "PAYMENT.CAPTURE.COMPLETED",
      "PAYMENT.AUTHORIZATION.VOIDED",
      "PAYMENT.CAPTURE.REFUNDED",
    ]);
    expect(types()).toEqual([]);
  });

  it("are tried 25 times within three days", () => {
    expect(retrySchedule).toHaveLength(25);
    expect(retrySchedule).toEqual(retrySchedule.toSorted((left, right) => left - right));
    expect(retrySchedule.at(-1)).toBe(3 * 24 * 60 * minute);
  });

  it("bring a token that the order has promised", () => {
    const id = open(true);
    paypal.act(id, "pay-at-once");
    expect(paypal.actions(id)).not.toContain("store-token");
    expect(ask("GET", `/v2/checkout/orders/${id}`).body).toMatchObject({
      payment_source: { paypal: { attributes: { vault: { status: "APPROVED" } } } },
    });
    taken();
    paypal.act(id, "store-token");
    const { resource } = JSON.parse(paypal.due(clock)[0]?.body ?? "") as { resource: { id: string } };
    expect(resource).toMatchObject({ metadata: { order_id: id } });
    expect(ask("GET", `/v3/vault/payment-tokens/${resource.id}`).status).toBe(200);
    expect(ask("DELETE", `/v3/vault/payment-tokens/${resource.id}`).status).toBe(204);
    expect(ask("GET", `/v3/vault/payment-tokens/${resource.id}`).status).toBe(404);
  });
});

describe("the API", () => {
  it("wants credentials, and a token", () => {
    const query = new URLSearchParams();
    const token = (authorization: string, body: string) =>
      paypal.answer({ method: "POST", path: "/v1/oauth2/token", query, headers: { authorization }, body });
    expect(token("Basic x", "grant_type=client_credentials").status).toBe(401);
    expect(
      paypal.answer({ method: "GET", path: "/v2/checkout/orders/x", query, headers: {}, body: undefined }).status,
    ).toBe(401);
  });

  it("captures and authorises an approved order once", () => {
    const id = open();
    expect(ask("POST", `/v2/checkout/orders/${id}/capture`)).toMatchObject({
      status: 422,
      body: { details: [{ issue: "ORDER_NOT_APPROVED" }] },
    });
    paypal.act(id, "approve");
    expect(ask("POST", `/v2/checkout/orders/${id}/authorize`, {}, { "paypal-request-id": "k" }).status).toBe(201);
    expect(ask("POST", `/v2/checkout/orders/${id}/authorize`, {}, { "paypal-request-id": "k" }).status).toBe(200);
    expect(ask("POST", `/v2/checkout/orders/${id}/capture`)).toMatchObject({
      body: { details: [{ issue: "ORDER_ALREADY_CAPTURED" }] },
    });
  });

  it("does not know what is not there", () => {
    for (const path of [
      "/v2/checkout/orders/x",
      "/v2/payments/captures/x",
      "/v2/payments/x/y",
      "/v3/vault/payment-tokens/x",
    ])
      expect(ask("GET", path).status).toBe(404);
  });

  it("shows each piece, and takes a refund no higher than what is left", () => {
    const id = open();
    paypal.act(id, "pay-at-once");
    paypal.act(id, "refund", 4000);
    const { purchase_units } = ask("GET", `/v2/checkout/orders/${id}`).body as {
      purchase_units: { payments: { captures: { id: string }[]; refunds: { id: string }[] } }[];
    };
    const capture = purchase_units[0]?.payments.captures[0]?.id ?? "";
    expect(ask("GET", `/v2/payments/captures/${capture}`).body).toMatchObject({ status: "PARTIALLY_REFUNDED" });
    expect(ask("GET", `/v2/payments/refunds/${purchase_units[0]?.payments.refunds[0]?.id}`).body).toMatchObject({
      status: "COMPLETED",
    });
    const amount = (value: string) => ({ amount: { currency_code: "SEK", value } });
    expect(ask("POST", `/v2/payments/captures/${capture}/refund`, amount("60.01"))).toMatchObject({
      body: { details: [{ issue: "REFUND_AMOUNT_EXCEEDED" }] },
    });
    expect(ask("POST", `/v2/payments/captures/${capture}/refund`, amount("x")).status).toBe(400);
    expect(ask("POST", `/v2/payments/captures/${capture}/refund`, {}).status).toBe(201);
    expect(paypal.describe(id)).toBe("order COMPLETED, capture REFUNDED, captured 100.00 SEK, refunded 100.00 SEK");
  });
});

it("refuses what is not possible now", () => {
  const id = open();
  expect(() => paypal.act(id, "refund")).toThrow("nobody can refund");
  expect(() => paypal.act(id, "toString")).toThrow("nobody can toString");
  paypal.act(id, "pay");
  expect(() => paypal.act(id, "capture", 10001)).toThrow("not an amount");
});

it("states its money, whatever is done, and is read so", () => {
  const money = (id: string): string => {
    const { authorized, captured, refunded, released } = paypal.money(id) ?? {};
    return [authorized, captured, refunded, released].join("/");
  };
  const sumsIn = (text: string): object => {
    const [authorized = 0, captured = 0, refunded = 0, released = 0] = text.split("/").map(Number);
    return { authorized, captured, refunded, released };
  };
  const ways = [
    [["pay"], "10000/0/0/0"],
    [["pay", "renew"], "10000/0/0/0"],
    [["pay", "renew", ["capture", 4000], "cancel"], "10000/4000/0/6000"],
    [["pay", ["capture-and-release", 4000], "reverse"], "10000/4000/4000/6000"],
    [["pay", ["capture-pending", 4000], "cancel", "deny-capture"], "10000/0/0/10000"],
    [["pay", ["capture-pending", 2500], ["capture-and-release", 7500], "deny-capture"], "10000/7500/0/2500"],
    [["pay", ["capture-pending", 2500], ["capture", 7500], "deny-capture"], "10000/7500/0/0"],
    [["pay-at-once", ["refund-pending", 4000], "reverse", "fail-refund"], "10000/10000/10000/0"],
    [["approve", "reverse-approval"], "10000/0/0/10000"],
    [["pay-declined"], "///"],
  ] as const;
  for (const [acts, expected] of ways) {
    const id = open();
    for (const act of acts) {
      const [name, amount] = typeof act === "string" ? [act] : act;
      paypal.act(id, name, amount);
    }
    expect(money(id), JSON.stringify(acts)).toBe(expected);
    const order = parsed(orderSchema, ask("GET", `/v2/checkout/orders/${id}`).body);
    const read = map({ order }, { kept: [], now: clock }).money;
    if (acts[0] !== "approve") expect(read, JSON.stringify(acts)).toEqual(sumsIn(expected));
  }
});
