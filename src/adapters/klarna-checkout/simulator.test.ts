import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createHttp, type Json } from "../../lib/http.ts";
import type { LookContext } from "../../contract/adapter.ts";
import type { SimulatedAnswer, Simulator } from "../../contract/simulator.ts";
import type { Config } from "./config.ts";
import adapter from "./index.ts";
import { authorizationFrom } from "../_klarna/config.ts";
import { pushSchedule } from "../_klarna/simulator.ts";
import { createSimulator } from "../../../sandbox/kernel/kernel.ts";
import { simulate } from "./simulator.ts";
import { asking } from "../../../test/support/asking.ts";

const minute = 60_000;
const callback = (webhook: string) => `http://localhost/callback/${webhook}?sig=x`;
let clock = 0;
let klarna: Simulator;

beforeEach(() => {
  clock = Date.parse("2026-02-03T10:00:00.000Z");
  klarna = createSimulator(simulate, { now: () => clock });
});

function open(more: { recurring?: boolean; amount?: number } = {}): string {
  return klarna.open({
    orderId: "o_1",
    paymentId: "p_1",
    amount: 10000,
    currency: "SEK",
    callbackUrls: {
      push: `${callback("push")}&klarna_order_id={checkout.order.id}`,
      notification: callback("notification"),
    },
    ...more,
  });
}

function ask(method: string, path: string, body: Json = null, headers: Record<string, string> = {}): SimulatedAnswer {
  const config = adapter.config.parse({ adapterId: "a", ...klarna.settings("http://klarna.invalid") });
  const authorization = authorizationFrom(config);
  return klarna.answer({ method, path, query: new URLSearchParams(), headers: { authorization, ...headers }, body });
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await text(request);
  const { pathname: path, searchParams: query } = new URL(request.url ?? "/", "http://localhost");
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
  const parsed: unknown = body === "" ? null : JSON.parse(body);
  const answer = klarna.answer({ method: request.method ?? "GET", path, query, headers, body: parsed });
  response.writeHead(answer.status, answer.headers);
  response.end(answer.body === undefined ? "" : JSON.stringify(answer.body));
}

const om = (id: string, rest = "") => `/ordermanagement/v1/orders/${id}${rest}`;

describe("webhooks", () => {
  it("pushes on Klarna's schedule until it gives up", () => {
    const id = open();
    klarna.act(id, "pay");
    const start = clock;
    const sent: number[] = [];
    for (; clock <= start + 49 * 60 * minute; clock += minute) {
      for (const webhook of klarna.due(clock)) {
        expect(webhook).toMatchObject({ webhook: "push", method: "POST", body: "" });
        expect(webhook.url).toBe(`${callback("push")}&klarna_order_id=${id}`);
        sent.push(clock - start);
      }
    }
    expect(sent).toEqual(pushSchedule);
    expect(sent.slice(0, 6)).toEqual([2, 5, 15, 30, 60, 300].map((minutes) => minutes * minute));
    expect(sent.at(-1)).toBeLessThanOrEqual(48 * 60 * minute);
  });

  it.each([
    ["acknowledged", (id: string) => ask("POST", om(id, "/acknowledge"))],
    ["captured", (id: string) => klarna.act(id, "capture")],
    ["cancelled", (id: string) => klarna.act(id, "cancel")],
  ])("stops pushing once the order is %s", (_, end) => {
    const id = open();
    klarna.act(id, "pay");
    expect(klarna.due(clock + 2 * minute)).toHaveLength(1);
    end(id);
    expect(klarna.due(clock + 60 * minute)).toEqual([]);
  });

  it("shrinks the schedule to nothing, one attempt at a time", () => {
    klarna = createSimulator(simulate, { now: () => clock, timeScale: 0 });
    const id = open();
    klarna.act(id, "pay");
    expect([klarna.due(clock), klarna.due(clock)].map((webhooks) => webhooks.length)).toEqual([1, 1]);
  });

  it("loses, delays and doubles pushes on demand", () => {
    const id = open();
    klarna.act(id, "pay");
    klarna.disturb(id, "lose");
    expect(klarna.due(clock + 2 * minute)).toEqual([]);
    klarna.disturb(id, "delay");
    expect(klarna.due(clock + 5 * minute)).toEqual([]);
    expect(klarna.due(clock + 35 * minute)).toHaveLength(1);
    klarna.disturb(id, "repeat");
    const [one, two] = klarna.due(clock + 45 * minute);
    expect(one).toEqual(two);
  });

  it.each([
    ["accept", "FRAUD_RISK_ACCEPTED"],
    ["reject", "FRAUD_RISK_REJECTED"],
    ["stop", "FRAUD_RISK_STOPPED"],
  ])("notifies of %s at once", (action, event_type) => {
    const id = open();
    klarna.act(id, "pay-with-review");
    klarna.act(id, action);
    const [webhook] = klarna.due(clock);
    expect(webhook).toMatchObject({ webhook: "notification", url: callback("notification") });
    expect(JSON.parse(webhook?.body ?? "")).toEqual({ order_id: id, event_type });
  });
});

describe("answers", () => {
  it("insists on the credentials, with an empty body", () => {
    const request = { method: "GET", path: om(open()), query: new URLSearchParams(), headers: {}, body: null };
    expect(klarna.answer(request)).toEqual({ status: 401 });
  });

  it("answers the same key with the first result, whatever the body says", () => {
    const id = open();
    klarna.act(id, "pay");
    const key = { "klarna-idempotency-key": "k-1" };
    const first = ask("POST", om(id, "/captures"), { captured_amount: 4000 }, key);
    expect(first).toEqual({
      status: 201,
      headers: { "capture-id": expect.any(String), location: expect.stringContaining("/captures/") },
    });
    expect(ask("POST", om(id, "/captures"), { captured_amount: 6000 }, key)).toEqual(first);
    expect(ask("GET", om(id)).body).toMatchObject({ status: "PART_CAPTURED", captured_amount: 4000 });
    clock += 25 * 60 * minute;
    expect(ask("POST", om(id, "/captures"), { captured_amount: 6000 }, key)).not.toEqual(first);
    expect(ask("GET", om(id)).body).toMatchObject({ status: "CAPTURED", captured_amount: 10000 });
  });

  it("refuses as Klarna does", () => {
    const id = open();
    expect(ask("GET", om(id))).toMatchObject({ status: 404, body: { error_code: "NO_SUCH_ORDER" } });
    klarna.act(id, "pay-with-review");
    const capture = { captured_amount: 10000 };
    const notAllowed = { status: 403, body: { error_code: "CAPTURE_NOT_ALLOWED" } };
    expect(ask("POST", om(id, "/captures"), capture)).toMatchObject(notAllowed);
    klarna.act(id, "accept");
    expect(ask("POST", om(id, "/captures"), { captured_amount: 10001 })).toMatchObject(notAllowed);
    expect(ask("POST", om(id, "/captures"), {})).toMatchObject({ status: 400, body: { error_code: "BAD_VALUE" } });
    expect(ask("POST", om(id, "/refunds"), { refunded_amount: 1 })).toMatchObject({
      body: { error_code: "REFUND_NOT_ALLOWED" },
    });
    expect(ask("POST", om(id, "/release-remaining-authorization"))).toMatchObject({ status: 403 });
    expect(ask("PATCH", om(id, "/authorization"), { order_amount: 12000 })).toEqual({ status: 204 });
    expect(ask("POST", om(id, "/captures"), capture)).toMatchObject({ status: 201 });
    expect(ask("POST", om(id, "/cancel"))).toMatchObject({ body: { error_code: "CANCEL_NOT_ALLOWED" } });
    expect(ask("POST", om(id, "/release-remaining-authorization"))).toEqual({ status: 204 });
    expect(ask("POST", om(id, "/refunds"), { refunded_amount: 500 })).toMatchObject({ status: 201 });
    expect(ask("GET", om(id)).body).toMatchObject({
      order_amount: 12000,
      captured_amount: 10000,
      refunded_amount: 500,
    });
  });
});

describe("actions", () => {
  it("are those that are possible now", () => {
    const id = open();
    expect(klarna.actions(id)).toEqual(["pay", "pay-with-review", "pay-auto-captured", "pay-with-lag"]);
    expect(() => klarna.act(id, "capture")).toThrow("nobody can capture");
    expect(() => klarna.act(id, "constructor")).toThrow("nobody can constructor");
    klarna.act(id, "pay");
    expect(klarna.actions(id)).toEqual(
      expect.arrayContaining(["capture", "cancel", "expire", "change-amount", "stop"]),
    );
    klarna.act(id, "capture", 4000);
    expect(klarna.actions(id)).toEqual(expect.arrayContaining(["capture", "refund", "release", "expire", "close"]));
    expect(() => klarna.act(id, "capture", 6001)).toThrow("not an amount");
    expect(klarna.describe(id)).toBe("PART_CAPTURED 100.00 SEK, captured 40.00, open 60.00");
  });
});

describe("with the adapter", () => {
  let server: Server;
  let apiUrl = "";

  beforeAll(async () => {
    server = createServer((request, response) => void serve(request, response));
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  function contextOf(known: Readonly<Record<string, Json>> = {}): LookContext<Config> {
    return {
      config: adapter.config.parse({ adapterId: "a", ...klarna.settings(apiUrl) }),
      ...asking(known),
      payment: { paymentId: "p_1", amount: 10000, currency: "SEK", reference: null, upsell: null },
      signal: new AbortController().signal,
      http: (options) => createHttp({ peer: "klarna-checkout", ...options }),
    };
  }

  async function look(id: string) {
    const snapshot = await adapter.fetch(id, contextOf());
    if (snapshot === null) throw new Error("Klarna does not know the order");
    expect(JSON.stringify(snapshot)).not.toMatch(/Testperson|example\.invalid/);
    return { snapshot, desired: adapter.map(snapshot, { kept: [], now: Date.now() }) };
  }

  it.each([
    ["pay", { phase: "confirmed", money: { authorized: 10000, captured: 0, refunded: 0, released: 0 } }],
    ["pay-with-review", { phase: "review" }],
    ["pay-with-review accept", { phase: "confirmed" }],
    ["pay-with-review reject", { phase: "declined" }],
    ["pay stop", { phase: "review" }],
    ["pay stop cancel", { phase: "declined" }],
    ["pay-auto-captured", { money: { authorized: 10000, captured: 10000, refunded: 0, released: 0 } }],
    ["pay-with-lag", { phase: "confirmed", money: { authorized: 0, captured: 0, refunded: 0, released: 0 } }],
    ["pay capture refund", { money: { authorized: 10000, captured: 10000, refunded: 10000, released: 0 } }],
    ["pay capture:4000", { money: { authorized: 10000, captured: 4000, refunded: 0, released: 0 } }],
    ["pay capture:4000 release", { money: { authorized: 10000, captured: 4000, refunded: 0, released: 6000 } }],
    ["pay capture:4000 expire", { money: { authorized: 10000, captured: 4000, refunded: 0, released: 6000 } }],
    ["pay cancel", { money: { authorized: 10000, captured: 0, refunded: 0, released: 10000 } }],
    ["pay expire", { money: { authorized: 10000, captured: 0, refunded: 0, released: 10000 } }],
    ["pay change-amount:12000", { total: 10000, money: { authorized: 12000, captured: 0, refunded: 0, released: 0 } }],
    ["pay capture close", { money: { authorized: 10000, captured: 10000, refunded: 0, released: 0 } }],
  ])("%s is read as it was done", async (steps, expected) => {
    const id = open();
    for (const step of steps.split(" ")) {
      const [action = "", amount] = step.split(":");
      klarna.act(id, action, amount === undefined ? undefined : Number(amount));
    }
    const { desired } = await look(id);
    expect(desired).toMatchObject({ reference: id, echoes: ["p_1"], ...expected });
    if (steps === "pay-with-lag") {
      await look(id);
      expect((await look(id)).desired.money.authorized).toBe(10000);
    }
  });

  it("shows the recurring token, and is quiet once acknowledged, twice as well as once", async () => {
    const id = open({ recurring: true });
    klarna.act(id, "pay");
    const { snapshot, desired } = await look(id);
    expect(desired.recurring).toMatchObject({ token: expect.any(String), description: "Subscription" });
    await adapter.afterWrite(snapshot, contextOf());
    await adapter.afterWrite(snapshot, contextOf());
    expect(klarna.due(clock + 60 * minute)).toEqual([]);
  });

  it("lets a cancelled order rest though it cannot be acknowledged", async () => {
    const id = open();
    klarna.act(id, "pay");
    klarna.act(id, "cancel");
    const { snapshot } = await look(id);
    await expect(adapter.afterWrite(snapshot, contextOf())).resolves.toBeUndefined();
  });
});
