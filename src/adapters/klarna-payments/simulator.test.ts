import { describe, expect, it } from "vitest";
import { authorizationFrom } from "../_klarna/config.ts";
import type { Held } from "../_klarna/simulator.ts";
import type { Json } from "../../contract/adapter.ts";
import type { SimulatedWebhook } from "../../contract/simulator.ts";
import adapter from "./index.ts";
import { createSimulator } from "../../../sandbox/kernel/kernel.ts";
import { type PaymentsOptions, simulate } from "./simulator.ts";
import { isProven } from "../../signatures/proven.ts";
import { filesOf } from "../../../test/support/signing.ts";

const url = (webhook: string) => `http://localhost/callback/${webhook}`;
const callbackUrls = {
  push: `${url("push")}?klarna_order_id={order.id}`,
  notification: url("notification"),
  authorization: url("authorization"),
  webhook: url("webhook"),
};

function started(options: PaymentsOptions = {}, recurring = false) {
  const now = (): number => Date.parse("2026-02-03T10:00:00.000Z");
  const klarna = createSimulator<Held>((kernel) => simulate(kernel, options), { timeScale: 0, now });
  const id = klarna.open({ orderId: "o_1", paymentId: "p_1", amount: 10000, currency: "SEK", callbackUrls, recurring });
  const config = adapter.config.parse({ adapterId: "a", ...klarna.settings("http://klarna.invalid") });
  const ask = (method: string, path: string, body: Json = null) => {
    const headers = { authorization: authorizationFrom(config) };
    return klarna.answer({
      method,
      path: `/ordermanagement/v1/orders/${id}${path}`,
      query: new URLSearchParams(),
      headers,
      body,
    });
  };
  const sent = (): readonly SimulatedWebhook[] => klarna.due(Date.parse("2026-02-03T10:00:00.000Z"));
  return { klarna, id, ask, sent, config };
}

describe("klarna payments", () => {
  it("is silent and undecided until the order is placed", () => {
    const { klarna, id, ask, sent } = started();
    expect(ask("GET", "")).toMatchObject({ status: 200, body: { fraud_status: "PENDING" } });
    expect(ask("POST", "/acknowledge")).toEqual({ status: 204 });
    expect(sent()).toEqual([]);
    expect(klarna.actions(id)).toEqual(["pay", "pay-with-review", "pay-auto-captured"]);
    expect(klarna.describe(id)).toBe("not placed");
  });

  it("pushes until it is acknowledged, with the id where the placeholder was", () => {
    const { klarna, id, ask, sent } = started();
    klarna.act(id, "pay");
    expect(sent()).toMatchObject([{ webhook: "push", url: `${url("push")}?klarna_order_id=${id}`, body: "" }]);
    expect(sent()).toHaveLength(1);
    ask("POST", "/acknowledge");
    expect(sent()).toEqual([]);
  });

  it("calls back with a token before the order is placed, where it is told to", () => {
    const { klarna, id, sent } = started({ authorizationCallbacks: true });
    klarna.act(id, "pay");
    const [first] = sent();
    expect(first).toMatchObject({ webhook: "authorization", url: url("authorization") });
    expect(JSON.parse(first?.body ?? "")).toEqual({
      authorization_token: expect.any(String),
      session_id: expect.any(String),
    });
  });

  it.each([
    ["a completed request", "pay", true, "payment.request.state-change.completed"],
    ["a dispute", "pay capture dispute", false, "payment.dispute.state-change.initiated"],
    ["a lost dispute", "pay capture dispute lose-dispute", false, "payment.dispute.state-change.closed"],
    ["a won dispute", "pay capture dispute win-dispute", false, "payment.dispute.state-change.closed"],
  ])("signs %s so that the adapter believes it, and not once a byte is another", async (_, steps, recurring, type) => {
    const { klarna, id, sent, config } = started({}, recurring);
    for (const step of steps.split(" ")) klarna.act(id, step);
    const webhook = sent().findLast(({ webhook: name }) => name === "webhook");
    const target = { adapter: "klarna-payments", merchant: "acme", channel: "se" };
    const { verify, parse } = adapter.webhooks.webhook;
    const check = async (body: string) => {
      const request = {
        method: "POST",
        url: url("webhook"),
        query: new URLSearchParams(),
        headers: webhook?.headers ?? {},
        body: Buffer.from(body),
      };
      const context = {
        config,
        target,
        webhook: "webhook",
        callbackKeys: [],
        files: filesOf(),
        publicUrl: "http://localhost",
      };
      const proof = isProven(await verify.check(request, context));
      return { proof, events: proof ? parse(request, target, config) : [] };
    };
    const { proof, events } = await check(webhook?.body ?? "");
    expect(proof).toBe(true);
    expect(events).toMatchObject([
      { type, reference: id, clues: [{ echo: "p_1" }, { reference: id }, {}], line: { amount: 0 } },
    ]);
    expect(JSON.stringify(events)).not.toContain("example.invalid");
    expect(await check((webhook?.body ?? "").replace("test", "tesu"))).toMatchObject({ proof: false });
  });

  it("has one dispute per order, and only of captured money", () => {
    const { klarna, id } = started();
    klarna.act(id, "pay");
    expect(klarna.actions(id)).not.toContain("dispute");
    klarna.act(id, "capture");
    klarna.act(id, "dispute");
    expect(klarna.actions(id)).toEqual(expect.arrayContaining(["win-dispute", "lose-dispute"]));
    klarna.act(id, "win-dispute");
    expect(() => klarna.act(id, "dispute")).toThrow("nobody can dispute");
    expect(() => klarna.act(id, "lose-dispute")).toThrow("nobody can lose-dispute");
  });
});
