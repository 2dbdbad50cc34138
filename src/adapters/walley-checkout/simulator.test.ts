import { beforeEach, describe, expect, it } from "vitest";
import type { Json } from "../../lib/http.ts";
import type { SimulatedAnswer, Simulator } from "../../contract/simulator.ts";
import { sharedKeyAuthorization } from "./client.ts";
import { config } from "./config.ts";
import { createSimulator } from "../../../sandbox/kernel/kernel.ts";
import { retryDelays, sharedKey, simulate, simulateWithStore, webhookHmacKey } from "./simulator.ts";
import { webhook } from "./webhooks.ts";
import { isProven } from "../../signatures/proven.ts";
import { filesOf } from "../../../test/support/signing.ts";

const account = { adapter: "walley-checkout", merchant: "acme", channel: "se" };
let clock = 0;
let walley: Simulator;

beforeEach(() => {
  clock = Date.parse("2026-03-04T08:00:00.000Z");
  walley = createSimulator(simulateWithStore, { now: () => clock });
});

function open(more: { amount?: number; recurring?: boolean } = {}): string {
  return walley.open({
    orderId: "o_1",
    paymentId: "p_1",
    amount: 10000,
    currency: "SEK",
    callbackUrls: {
      notification: "http://localhost/notification?sig=x&privateId={checkout.id}",
      webhook: "http://localhost/webhook?sig=y",
    },
    ...more,
  });
}

function ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): SimulatedAnswer {
  return walley.answer({
    method,
    path,
    query: new URLSearchParams(),
    headers: { authorization: token(), ...headers },
    body,
  });
}

function grant(more: Record<string, string> = {}): SimulatedAnswer {
  const { clientId, apiSecret, scope } = walley.settings("http://walley.invalid") as Record<string, string>;
  const form = {
    grant_type: "client_credentials",
    client_id: clientId ?? "",
    client_secret: apiSecret ?? "",
    scope: scope ?? "",
  };
  const body = new URLSearchParams({ ...form, ...more }).toString();
  return walley.answer({ method: "POST", path: "/oauth2/v2.0/token", query: new URLSearchParams(), headers: {}, body });
}

function token(): string {
  return `Bearer ${(grant().body as { access_token: string }).access_token}`;
}

function dataOf({ body }: SimulatedAnswer): Record<string, Json> {
  return (body as { data: Record<string, Json> }).data;
}

function orderOf(reference: string): string {
  return (dataOf(ask("GET", `/checkouts/${reference}`))["order"] as { orderId: string }).orderId;
}

describe("access", () => {
  it.each([{ client_secret: "wrong" }, { client_id: "wrong" }, { scope: "wrong" }, { grant_type: "password" }])(
    "grants nothing to %j",
    (more) => {
      expect(grant(more as unknown as Record<string, string>)).toMatchObject({
        status: 401,
        body: { error: "invalid_client" },
      });
    },
  );

  it("lets a token die within the hour", () => {
    const authorization = token();
    const id = open();
    const get = () => ask("GET", `/checkouts/${id}`, undefined, { authorization });
    expect(get().status).toBe(200);
    clock += 3_600_000;
    expect(get().status).toBe(401);
  });

  it("lets a legacy user ask about sessions and nothing else", () => {
    const id = open();
    walley.act(id, "pay");
    const by = (path: string, key = sharedKey) => ({
      authorization: sharedKeyAuthorization({ username: "simulated-user", sharedKey: key }, path, ""),
    });
    const path = `/merchants/42/checkouts/${id}`;
    expect(ask("GET", path, undefined, by(path)).status).toBe(200);
    expect(ask("GET", path, undefined, by(path, "wrong")).status).toBe(401);
    const order = `/manage/orders/${orderOf(id)}`;
    expect(ask("GET", order, undefined, by(order)).status).toBe(401);
  });
});

describe("webhooks", () => {
  it("notifies by GET, with the session's id filled in, and tells the store's events beside it", () => {
    const id = open();
    walley.act(id, "pay");
    const [created, notified] = walley.due(clock);
    expect(notified).toMatchObject({
      webhook: "notification",
      method: "GET",
      url: `http://localhost/notification?sig=x&privateId=${id}`,
      headers: {},
      body: "",
    });
    expect(JSON.parse(created?.body ?? "")).toMatchObject({
      Type: "walley:order:created",
      Timestamp: "2026-03-04T08:00:00.0000000+00:00",
      Payload: { OrderId: orderOf(id), Reference: "p_1", Amount: 100, Currency: "SEK", Status: "Authorized" },
    });
    for (const sent of [created, notified]) if (sent !== undefined) walley.answered(sent, { status: 200, body: "" });
    expect(walley.due(clock + 1_000_000)).toEqual([]);
  });

  it("tells no store's events before somebody has created them", () => {
    walley = createSimulator(simulate, { now: () => clock });
    const id = open({ recurring: true });
    walley.act(id, "pay");
    expect(walley.due(clock).map(({ webhook: name }) => name)).toEqual(["notification"]);
    expect(walley.actions(id)).not.toContain("charge-failed");
  });

  it("proves the store's events as its settings say", async () => {
    const id = open({ recurring: true });
    for (const action of ["pay-with-review", "accept", "capture", "charge-retrying", "charge-failed"])
      walley.act(id, action);
    const sent = walley.due(clock).filter(({ webhook: name }) => name === "webhook");
    expect(sent.map(({ body }) => (JSON.parse(body) as { Type: string }).Type)).toEqual([
      "walley:order:created",
      "walley:order:authorized",
      "walley:order:captured",
      "walley:authorization:retrying",
      "walley:authorization:failed",
    ]);
    for (const { headers, body } of sent) {
      const request = { method: "POST", url: "/", query: new URLSearchParams(), headers, body: Buffer.from(body) };
      const settings = config.parse({ adapterId: "a", webhookHmacKey, ...walley.settings("http://walley.invalid") });
      const context = {
        config: settings,
        target: account,
        webhook: "webhook",
        callbackKeys: [],
        files: filesOf(),
        publicUrl: "http://localhost",
      };
      expect(isProven(await webhook.verify.check(request, context))).toBe(true);
      expect(webhook.parse(request, account, settings)).toHaveLength(1);
    }
  });

  it("repeats what is not answered with 200 on Walley's schedule, then gives up", () => {
    const id = open();
    walley.act(id, "pay-rejected");
    let at = clock;
    for (const delay of [0, ...retryDelays]) {
      at += delay;
      expect(walley.due(at - 1)).toEqual([]);
      const [attempt] = walley.due(at);
      if (attempt === undefined) throw new Error("nothing is sent");
      walley.answered(attempt, { status: 204, body: "" });
    }
    expect(walley.due(at + 1_000_000_000)).toEqual([]);
  });
});

describe("answers", () => {
  it("shows a session's way to its purchase", () => {
    const id = open();
    const status = () => dataOf(ask("GET", `/checkouts/${id}`))["status"];
    expect(status()).toBe("Initialized");
    walley.act(id, "identify");
    walley.act(id, "commit");
    expect(status()).toBe("CommittedToPurchase");
    walley.act(id, "pay");
    expect(dataOf(ask("GET", `/checkouts/${id}`))).toMatchObject({
      purchase: { result: "Preliminary", amountToPay: 100 },
      cart: null,
    });
  });

  it("forgets a session without a purchase after seven days", () => {
    const [gone, bought] = [open(), open()];
    walley.act(bought, "pay");
    clock += 7 * 86_400_000;
    expect([ask("GET", `/checkouts/${gone}`).status, ask("GET", `/checkouts/${bought}`).status]).toEqual([404, 200]);
  });

  it("makes no order of a purchase of nothing", () => {
    const id = open({ amount: 0, recurring: true });
    walley.act(id, "pay");
    expect(dataOf(ask("GET", `/checkouts/${id}`))).toMatchObject({
      purchase: { result: "Completed" },
      order: { orderId: null },
    });
  });

  it("hides an order that lags, in both of Walley's ways", () => {
    const id = open();
    walley.act(id, "pay-with-lag");
    const path = `/manage/orders/${orderOf(id)}`;
    expect(["", "", ""].map(() => ask("GET", path).status)).toEqual([404, 403, 200]);
  });

  it("repeats the first answer to a key for an hour, and knows the key for a day", () => {
    const id = open();
    walley.act(id, "pay");
    const path = `/manage/orders/${orderOf(id)}`;
    const capture = () => ask("POST", `${path}/capture`, { amount: 40 }, { "x-idempotency": "k" });
    expect([capture(), capture()].map(({ status }) => status)).toEqual([202, 202]);
    expect(walley.describe(id)).toBe("PartActivated 100.00 SEK, captured 40.00");
    clock += 2 * 3_600_000;
    expect(capture()).toMatchObject({
      status: 422,
      body: { error: { errors: [{ reason: "IDEMPOTENCY_RESPONSE_EXPIRED" }] } },
    });
    clock += 23 * 3_600_000;
    expect(capture().status).toBe(202);
    expect(walley.describe(id)).toBe("PartActivated 100.00 SEK, captured 80.00");
  });

  it("raises the part that is not captured, and tells what became of it", () => {
    const id = open();
    walley.act(id, "pay");
    walley.act(id, "capture", 4000);
    const path = `/manage/orders/${orderOf(id)}`;
    const { status, headers } = ask("POST", `${path}/reauthorize`, { amount: 85, items: [] });
    expect(status).toBe(202);
    expect(dataOf(ask("GET", headers?.["location"] ?? ""))).toEqual({ status: "Completed" });
    expect(ask("GET", `${path}/reauthorize/unknown`).status).toBe(404);
    expect(walley.describe(id)).toBe("PartActivated 125.00 SEK, captured 40.00");
  });

  it.each([
    ["pay", "capture", 150, "CAPTURE_NOT_ALLOWED"],
    ["pay", "refund", 1, "REFUND_NOT_ALLOWED"],
    ["pay-direct", "capture", 100, "ORDER_ALREADY_CAPTURED"],
    ["pay-direct", "cancel", 100, "CANCEL_NOT_ALLOWED"],
    ["pay-with-review", "capture", 100, "CAPTURE_NOT_ALLOWED"],
    ["pay", "capture", -1, "AMOUNT_INVALID"],
  ])("after %s, refuses %s of %i: %s", (action, call, amount, reason) => {
    const id = open();
    walley.act(id, action);
    const answer = ask("POST", `/manage/orders/${orderOf(id)}/${call}`, { amount });
    expect(answer).toMatchObject({ body: { error: { errors: [{ reason }] } } });
  });

  it("knows nobody else's sessions, and no action that is not possible", () => {
    expect(ask("GET", "/checkouts/unknown").status).toBe(404);
    expect(ask("GET", "/manage/orders/unknown").status).toBe(404);
    expect(() => walley.act(open(), "capture")).toThrow(/nobody can capture/);
    expect(() => walley.describe("unknown")).toThrow();
  });
});
