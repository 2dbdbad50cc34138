import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { createHttp, type Http, type Json } from "../../lib/http.ts";
import { withToken } from "../../lib/token.ts";
import type { DesiredPayment, KeptEvent, LookContext, OperationName, OperationResult } from "../../contract/adapter.ts";
import type { SimulatedAnswer, Simulator } from "../../contract/simulator.ts";
import type { Config } from "./config.ts";
import adapter from "./index.ts";
import { createSimulator } from "../../../sandbox/kernel/kernel.ts";
import { mostAttempts, repeatMs, simulate } from "./simulator.ts";
import { asking } from "../../../test/support/asking.ts";

const url = "http://localhost/callback?sig=x";
let clock = 0;
let avarda: Simulator;

beforeEach(() => {
  clock = Date.parse("2026-02-03T10:00:00.000Z");
  avarda = createSimulator(simulate, { now: () => clock });
});

function open(more: { recurring?: boolean; paymentId?: string } = {}): string {
  const callbackUrls = { notification: url };
  return avarda.open({ orderId: "o_1", paymentId: "p_1", amount: 10000, currency: "SEK", callbackUrls, ...more });
}

function ask(method: string, path: string, body: Json = null, authorization = ""): SimulatedAnswer {
  return avarda.answer({ method, path, query: new URLSearchParams(), headers: { authorization }, body });
}

function bearer(): string {
  const { clientId, clientSecret } = avarda.settings("http://avarda.invalid") as Record<string, string>;
  const { body } = ask("POST", "/api/partner/tokens", { clientId: clientId ?? "", clientSecret: clientSecret ?? "" });
  return `Bearer ${(body as { token: string }).token}`;
}

describe("notifications", () => {
  it("tell of a completed purchase, of nothing else, and once", () => {
    const id = open();
    for (const action of ["give-details", "go-to-bank", "await-credit-approval"]) avarda.act(id, action);
    expect(avarda.due(clock)).toEqual([]);
    avarda.act(id, "approve-credit");
    const [webhook] = avarda.due(clock);
    expect(webhook).toMatchObject({ webhook: "notification", method: "POST", url });
    expect(webhook?.headers["authorization"]).toBe(avarda.settings("http://a.invalid")["webhookAuthorization"]);
    expect(JSON.parse(webhook?.body ?? "")).toEqual({ purchaseId: id });
    if (webhook !== undefined) avarda.answered(webhook, { status: 204, body: "" });
    expect(avarda.due(clock + 100 * repeatMs)).toEqual([]);
  });

  it("are repeated every ten minutes until one is answered with 2xx, and twenty times at most", () => {
    const id = open();
    avarda.act(id, "pay");
    const sent = (at: number) => avarda.due(at);
    expect(sent(clock)).toHaveLength(1);
    expect(sent(clock + repeatMs - 1)).toEqual([]);
    const attempts = Array.from({ length: mostAttempts + 5 }, (_, index) => sent(clock + (index + 1) * repeatMs));
    expect(attempts.flat()).toHaveLength(mostAttempts - 1);
  });
});

describe("answers", () => {
  it("insist on the credentials, and on a token that lives", () => {
    const path = `/api/partner/payments/${open()}`;
    expect(ask("POST", "/api/partner/tokens", { clientId: "x", clientSecret: "y" })).toMatchObject({ status: 401 });
    expect(ask("GET", path)).toEqual({ status: 401 });
    const token = bearer();
    expect(ask("GET", path, null, token)).toMatchObject({ status: 200, body: { mode: "B2C" } });
    expect(ask("GET", "/api/partner/payments/nobody", null, token)).toEqual({ status: 404 });
    clock += 3_600_001;
    expect(ask("GET", path, null, token)).toEqual({ status: 401 });
  });

  it("refuse what Avarda refuses", () => {
    const id = open();
    const token = bearer();
    const call = (name: string, body: Json): number =>
      ask("POST", `/api/partner/payments/${id}/${name}`, body, token).status;
    const of = (amount: number): Json => ({ orderReference: "p_1", items: [{ description: "x", amount }] });
    expect(call("order", of(10))).toBe(422);
    avarda.act(id, "pay");
    expect(call("order", { orderReference: "p_1", items: [] })).toBe(400);
    expect(call("order", of(-1))).toBe(400);
    expect(call("order", of(100.01))).toBe(422);
    expect(call("return", of(1))).toBe(422);
    expect(call("refund", { orderReference: "p_1", amount: 100.01 })).toBe(422);
    expect(call("refund", { orderReference: "p_1", amount: 0 })).toBe(400);
    expect(call("cancel", {})).toBe(400);
    expect(call("order", of(40))).toBe(204);
    expect(call("cancel", { reason: "x" })).toBe(422);
    expect(call("refundRemaining", {})).toBe(204);
    expect(call("refundRemaining", {})).toBe(422);
    expect(call("unheard-of", {})).toBe(404);
    expect(avarda.describe(id)).toBe("Completed 100.00 SEK, delivered 40.00, givenBack 60.00");
  });
});

describe("actions", () => {
  it("are those that are possible now", () => {
    const id = open();
    expect(() => avarda.act(id, "approve-credit")).toThrow("nobody can approve-credit");
    expect(() => avarda.act(id, "constructor")).toThrow("nobody can constructor");
    avarda.act(id, "choose-company");
    avarda.act(id, "wait-for-swish");
    avarda.act(id, "pay");
    expect(avarda.actions(id)).toEqual(["deliver-in-back-office"]);
    expect(avarda.describe(id)).toBe("Completed 100.00 SEK, B2B");
  });
});

describe("with the adapter", () => {
  let server: Server;
  let apiUrl = "";
  let client: Http | undefined;

  beforeAll(async () => {
    server = createServer((request, response) => void serve(request, response));
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["Date"], now: clock });
    client = undefined;
    asked.length = 0;
  });

  afterEach(() => void vi.useRealTimers());
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  const asked: string[] = [];

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    const { pathname: path, searchParams: query } = new URL(request.url ?? "/", "http://localhost");
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
    const parsed: unknown = body === "" ? null : JSON.parse(body);
    asked.push(`${request.method} ${path.split("/").at(-1)} ${body}`);
    const answer = avarda.answer({ method: request.method ?? "GET", path, query, headers, body: parsed });
    response.writeHead(answer.status, answer.headers);
    response.end(answer.body === undefined ? "" : JSON.stringify(answer.body));
  }

  function contextOf(
    known: Readonly<Record<string, Json>>,
    paymentId: string,
    kept: readonly KeptEvent[] = [],
  ): LookContext<Config> {
    return {
      config: adapter.config.parse({ adapterId: "a", ...avarda.settings(apiUrl) }),
      ...asking(known),
      now: clock,
      kept: async () => kept,
      payment: { paymentId, amount: 10000, currency: "SEK", reference: null, upsell: null },
      signal: new AbortController().signal,
      http: ({ authority, ...options }) => {
        const http = createHttp({ peer: "avarda-checkout", ...options });
        client ??=
          authority === undefined
            ? http
            : withToken(
                http,
                () => authority.authorize(http),
                () => clock,
              );
        return client;
      },
    };
  }

  /** A payment, its log and our note on it, as Norce keeps them. */
  class Payment {
    readonly kept: KeptEvent[] = [];
    known: Readonly<Record<string, Json>> = {};
    operations = 0;
    readonly id: string;
    readonly paymentId: string;

    constructor(id: string, paymentId = "p_1") {
      this.id = id;
      this.paymentId = paymentId;
    }

    async look(): Promise<DesiredPayment> {
      const snapshot = await adapter.fetch(this.id, contextOf(this.known, this.paymentId));
      if (snapshot === null) throw new Error("Avarda does not know the purchase");
      expect(JSON.stringify(snapshot)).not.toMatch(/Testperson|example\.invalid/);
      const desired = adapter.map(snapshot, { kept: this.kept, now: clock });
      this.known = desired.memory ?? this.known;
      const stated = avarda.money(this.id);
      if (stated !== null) expect({ ...desired.money, currency: desired.currency }).toEqual(stated);
      return desired;
    }

    async operate(name: OperationName, amount: number, whole = false): Promise<OperationResult> {
      await this.look();
      const context = contextOf(this.known, this.paymentId, this.kept);
      const snapshot = await adapter.fetch(this.id, context);
      const operation = adapter.operations[name];
      if (snapshot === null || operation === undefined) throw new Error("not possible");
      this.operations += 1;
      const id = `00000000-0000-4000-8000-${String(this.operations).padStart(12, "0")}`;
      const result = await operation({ name, id, amount, currency: "SEK", whole, now: clock }, snapshot, context);
      if (result.is !== "refused" && result.event !== undefined) {
        const { key, type, at, line } = result.event;
        this.kept.push({ key, type, at, ...line });
      }
      return result;
    }
  }

  it.each([
    ["give-details", { phase: "created" }],
    ["choose-company give-details", { phase: "created" }],
    ["wait-for-swish", { phase: "paying" }],
    ["go-to-bank pay", { phase: "confirmed", money: { authorized: 10000, captured: 0, refunded: 0, released: 0 } }],
    ["pay-by-swish", { phase: "confirmed", attributes: { paymentMethodType: "Swish" } }],
    ["await-credit-approval", { phase: "review" }],
    ["await-credit-approval approve-credit", { phase: "confirmed" }],
    ["await-credit-approval refuse-credit", { phase: "declined" }],
    ["handle-by-merchant", { phase: "confirmed", money: { authorized: 0, captured: 0, refunded: 0, released: 0 } }],
    ["time-out", { phase: "failed" }],
    ["outdate", { phase: "failed" }],
    ["let-expire", { phase: "failed" }],
    ["let-expire pay", { phase: "confirmed" }],
    ["abandon", { money: { authorized: 10000, captured: 0, refunded: 0, released: 10000 } }],
    ["pay deliver-in-back-office", { money: { authorized: 10000, captured: 0, refunded: 0, released: 0 } }],
  ])("%s is read as it was done", async (steps, expected) => {
    const payment = new Payment(open());
    for (const step of steps.split(" ")) {
      avarda.act(payment.id, step);
      await payment.look();
    }
    expect(await payment.look()).toMatchObject({ reference: payment.id, echoes: ["p_1"], ...expected });
  });

  it("shows the recurring token, and the payment id that was cut", async () => {
    const paymentId = "p0123456789abcdefghijklmnop";
    const payment = new Payment(open({ recurring: true, paymentId }), paymentId);
    avarda.act(payment.id, "pay");
    const { recurring, echoes } = await payment.look();
    expect(recurring).toMatchObject({ token: expect.any(String), attributes: { originalPurchaseId: payment.id } });
    expect(echoes).toEqual([paymentId.slice(0, 20)]);
  });

  it("uses one token for many looks, and another one once it has died", async () => {
    const payment = new Payment(open());
    const tokens = () => asked.filter((call) => call.startsWith("POST tokens")).length;
    await payment.look();
    await payment.look();
    expect(tokens()).toBe(1);
    clock += 3_600_001;
    await payment.look();
    expect(tokens()).toBe(2);
  });

  it.each<{
    name: string;
    steps: [OperationName, number, boolean?][];
    calls: string[];
    money: DesiredPayment["money"];
  }>([
    {
      name: "a delivery",
      steps: [["capture", 10000, true]],
      calls: ["order"],
      money: { authorized: 10000, captured: 10000, refunded: 0, released: 0 },
    },
    {
      name: "two deliveries, a part and then all of it returned",
      steps: [
        ["capture", 4000],
        ["capture", 6000, true],
        ["refund", 2500],
        ["refund", 7500, true],
      ],
      calls: ["order", "order", "return", "return"],
      money: { authorized: 10000, captured: 10000, refunded: 10000, released: 0 },
    },
    {
      name: "money back before any delivery",
      steps: [
        ["refund", 4000],
        ["refund", 6000, true],
      ],
      calls: ["refund", "refundRemaining"],
      money: { authorized: 10000, captured: 10000, refunded: 10000, released: 0 },
    },
    {
      name: "a delivery, its return, and the rest given back",
      steps: [
        ["capture", 4000],
        ["refund", 4000],
        ["refund", 6000, true],
      ],
      calls: ["order", "return", "refundRemaining"],
      money: { authorized: 10000, captured: 10000, refunded: 10000, released: 0 },
    },
    {
      name: "a cancellation",
      steps: [["cancel", 10000, true]],
      calls: ["cancel"],
      money: { authorized: 10000, captured: 0, refunded: 0, released: 10000 },
    },
    {
      name: "a cancellation of the rest",
      steps: [
        ["capture", 4000],
        ["cancel", 6000, true],
      ],
      calls: ["order", "refundRemaining"],
      money: { authorized: 10000, captured: 4000, refunded: 0, released: 6000 },
    },
    {
      name: "a cancellation after a refund",
      steps: [
        ["refund", 4000],
        ["cancel", 6000, true],
      ],
      calls: ["refund", "refundRemaining"],
      money: { authorized: 10000, captured: 4000, refunded: 4000, released: 6000 },
    },
  ])("$name is told and remembered", async ({ steps, calls, money }) => {
    const payment = new Payment(open());
    avarda.act(payment.id, "pay");
    for (const step of steps) expect(await payment.operate(...step)).toMatchObject({ is: "done" });
    const told = asked.filter((call) => /^POST (order|return|refund|refundRemaining|cancel) /.test(call));
    expect(told.map((call) => call.split(" ")[1])).toEqual(calls);
    expect((await payment.look()).money).toEqual(money);
  });

  it("repeats the purchase's own lines for all of it, and shares out the tax for a part", async () => {
    const whole = new Payment(open());
    avarda.act(whole.id, "pay");
    await whole.operate("capture", 10000, true);
    const part = new Payment(open());
    avarda.act(part.id, "pay");
    await part.operate("capture", 3333);
    const [first, second] = asked
      .filter((call) => call.startsWith("POST order "))
      .map((call) => JSON.parse(call.slice("POST order ".length)) as Json);
    expect(first).toEqual({
      orderReference: "p_1",
      tranId: "00000000-0000-4000-8000-000000000001",
      items: [{ description: "Goods", amount: 100, taxCode: "25", taxAmount: 20, quantity: 1 }],
    });
    expect(second).toMatchObject({
      items: [{ description: "Delivery", amount: 33.33, taxCode: "25", taxAmount: 6.67, quantity: 1 }],
    });
  });

  it("says a refusal by call and status, and keeps no line of it", async () => {
    const payment = new Payment(open());
    avarda.act(payment.id, "pay");
    avarda.act(payment.id, "deliver-in-back-office");
    expect(await payment.operate("capture", 10000, true)).toEqual({ is: "refused", reason: "order-422" });
    expect(await payment.operate("cancel", 10000, true)).toEqual({ is: "refused", reason: "cancel-422" });
    expect(payment.kept).toEqual([]);
  });

  it("returns no more than was delivered", async () => {
    const payment = new Payment(open());
    avarda.act(payment.id, "pay");
    await payment.operate("capture", 4000);
    expect(await payment.operate("refund", 4001)).toEqual({ is: "refused", reason: "more-than-delivered" });
  });
});
