import { beforeEach, describe, expect, it } from "vitest";
import type { Json } from "../../lib/http.ts";
import { createSimulator } from "../../../sandbox/kernel/kernel.ts";
import type { SimulatedAnswer, Simulator } from "../../contract/simulator.ts";
import { authHeaders } from "./auth.ts";
import { simulate } from "./simulator.ts";

const account = { merchantId: "100001", apiSecret: "simulated-secret" };
const callbackUrls = {
  push: "http://localhost/push?sig=x&sid={checkout.order.uri}",
  webhook: "http://localhost/webhook?sig=y",
};
const minute = 60_000;
let clock = 0;
let svea: Simulator;

beforeEach(() => {
  clock = Date.parse("2026-02-03T10:00:00.000Z");
  svea = createSimulator(simulate, { now: () => clock });
});

function open(): string {
  return svea.open({ orderId: "o_1", paymentId: "p_1", amount: 10000, currency: "SEK", callbackUrls });
}

function ask(method: string, path: string, body?: Json, at = clock, secret = account.apiSecret): SimulatedAnswer {
  const text = body === undefined ? "" : JSON.stringify(body);
  const headers = authHeaders({ ...account, apiSecret: secret }, text, at);
  return svea.answer({ method, path, query: new URLSearchParams(), headers, body });
}

describe("the proof", () => {
  it("is asked for, with the right secret and a fresh time", () => {
    const path = `/api/orders/${open()}`;
    expect(ask("GET", path).status).toBe(200);
    expect(ask("GET", path, undefined, clock, "another").status).toBe(401);
    expect(ask("GET", path, undefined, clock - 60 * minute).status).toBe(401);
    const query = new URLSearchParams();
    expect(svea.answer({ method: "GET", path, query, headers: {}, body: undefined }).status).toBe(401);
  });
});

describe("webhooks", () => {
  it("push the order id, without a body, and tell the subscription", () => {
    const id = open();
    svea.act(id, "pay-with-review");
    const [push, created] = svea.due(clock);
    expect(push).toMatchObject({
      webhook: "push",
      method: "POST",
      url: `http://localhost/push?sig=x&sid=${id}`,
      headers: {},
      body: "",
    });
    expect(created).toMatchObject({ webhook: "webhook", url: callbackUrls.webhook });
    expect(JSON.parse(created?.body ?? "")).toMatchObject({
      EventName: "CheckoutOrder.Created",
      CheckoutOrderId: Number(id),
      IsPending: true,
    });
    expect(svea.due(clock)).toEqual([]);
  });
});

describe("Payment Admin", () => {
  it("knows an order once it is confirmed", () => {
    const id = open();
    expect(ask("GET", `/api/v1/orders/${id}`).status).toBe(404);
    svea.act(id, "pay-with-lag");
    expect([1, 2, 3].map(() => ask("GET", `/api/v1/orders/${id}`).status)).toEqual([404, 404, 200]);
  });

  it("refuses what its actions do not allow, and sums that do not grow", () => {
    const id = open();
    const path = `/api/v1/orders/${id}`;
    svea.act(id, "pay-by-card");
    expect(ask("PATCH", path, { CancelledAmount: 4000 }).status).toBe(204);
    expect(ask("PATCH", path, { CancelledAmount: 4000 }).status).toBe(400);
    expect(ask("POST", `${path}/deliveries`, { OrderRowIds: [] }).status).toBe(202);
    expect(ask("POST", `${path}/deliveries`, { OrderRowIds: [] }).status).toBe(400);
    svea.act(id, "settle");
    expect(ask("PATCH", path, { IsCancelled: true }).status).toBe(400);
    expect(svea.describe(id)).toBe("Delivered 100.00 SEK (card), delivered 60.00, cancelled 40.00, settled");
  });

  it("shows no delivery of a card that was cancelled before it was settled", () => {
    const id = open();
    svea.act(id, "pay-by-card");
    svea.act(id, "capture");
    svea.act(id, "cancel");
    const { body } = ask("GET", `/api/v1/orders/${id}`);
    expect(body).toMatchObject({ OrderStatus: "Cancelled", Deliveries: null, CancelledAmount: 10000 });
  });
});

describe("actions", () => {
  it("are refused when they are not possible now", () => {
    const id = open();
    expect(() => svea.act(id, "capture")).toThrow(/can capture/);
    expect(() => svea.act(id, "toString")).toThrow(/nobody can/);
    svea.act(id, "pay-by-card");
    expect(() => svea.act(id, "capture", 4000)).toThrow(/whole/);
    expect(svea.actions(id)).toContain("cancel-amount");
  });
});
