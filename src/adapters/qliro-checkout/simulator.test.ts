import { createHash } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import type { Json } from "../../contract/adapter.ts";
import type { SimulatedAnswer, Simulator } from "../../contract/simulator.ts";
import { createSimulator } from "../../../sandbox/kernel/kernel.ts";
import { pushSchedule, simulate } from "./simulator.ts";

const second = 1_000;
const minute = 60 * second;
const guid = (count: number): string => `00000000-0000-4000-8000-${String(count).padStart(12, "0")}`;
let clock = 0;
let qliro: Simulator;

beforeEach(() => {
  clock = Date.parse("2026-02-03T10:00:00.000Z");
  qliro = createSimulator(simulate, { now: () => clock });
});

function open(more: { recurring?: boolean; amount?: number } = {}): string {
  const url = (webhook: string): string => `http://localhost/callback/${webhook}?sig=x`;
  const callbackUrls = {
    push: url("push"),
    status: url("status"),
    "save-recurring-details": url("save-recurring-details"),
  };
  return qliro.open({ orderId: "o_1", paymentId: "p_1", amount: 10000, currency: "SEK", callbackUrls, ...more });
}

function ask(method: string, path: string, body?: Json, secret = "simulated-api-secret"): SimulatedAnswer {
  const text = body === undefined ? "" : JSON.stringify(body);
  const authorization = `Qliro ${createHash("sha256")
    .update(text + secret)
    .digest("base64")}`;
  return qliro.answer({ method, path, query: new URLSearchParams(), headers: { authorization }, body });
}

const admin = (id: string): SimulatedAnswer => ask("GET", `/checkout/adminapi/v2/orders/${id}`);
const merchant = (id: string): SimulatedAnswer => ask("GET", `/checkout/merchantapi/Orders/${id}`);
const cancel = (id: string, count: number, more: Json = {}): SimulatedAnswer =>
  ask("POST", "/checkout/adminapi/v2/cancelOrder", {
    MerchantApiKey: "SIMULATED_KEY",
    OrderId: Number(id),
    RequestId: guid(count),
    ...(more as Record<string, Json>),
  });

function sent(): readonly Record<string, unknown>[] {
  return qliro.due(clock).map(({ webhook, body }) => ({ webhook, ...(JSON.parse(body) as object) }));
}

describe("pushes", () => {
  it("come under the URL of their kind", () => {
    const id = open({ recurring: true });
    qliro.act(id, "pay-by-card");
    qliro.act(id, "capture");
    expect(sent()).toMatchObject([
      { webhook: "push", OrderId: Number(id), NotificationType: "CustomerCheckoutStatus", Status: "Completed" },
      { webhook: "save-recurring-details", Id: expect.any(String) },
      { webhook: "status", PaymentType: "Capture", Status: "Success", Amount: 100, Currency: "SEK" },
    ]);
    expect(sent()).toEqual([]);
  });

  it("say two statuses at once, the stale one last", () => {
    qliro.act(open(), "pay-twice-told");
    expect(sent()).toMatchObject([{ Status: "Completed" }, { Status: "OnHold" }]);
  });

  it("come again on Qliro's schedule until exactly its own acknowledgement is answered", () => {
    const began = clock;
    const attempts = (body: string): readonly number[] => {
      const id = open();
      clock = began;
      qliro.act(id, "pay");
      return pushSchedule.filter((offset) => {
        const due = qliro.due(began + offset);
        for (const webhook of due) qliro.answered(webhook, { status: 200, body });
        return due.length > 0;
      });
    };
    expect(attempts("")).toEqual(pushSchedule);
    expect(attempts('{"CallbackResponse":"received"}')).toEqual([0]);
  });

  it("tell of an upsell that failed, and of one that replaces", () => {
    const id = open();
    for (const action of ["pay", "upsell-fails", "upsell-replaces"]) qliro.act(id, action);
    expect(sent().slice(1)).toMatchObject([
      { NotificationType: "UpsellStatus", Status: "Error", PaymentTransactionId: 0 },
      { NotificationType: "UpsellStatus", Status: "Success", ReplacesOriginalPaymentTransaction: true },
    ]);
  });
});

describe("the money", () => {
  it("of an upsell that replaces another one that did is released once", () => {
    const id = open();
    for (const action of ["pay", "upsell-replaces", "upsell-replaces", "cancel"]) qliro.act(id, action);
    const pushes = sent().filter((body) => body["NotificationType"] === "UpsellStatus");
    expect(pushes[1]).toMatchObject({ OriginalPaymentTransactionId: pushes[0]?.["PaymentTransactionId"] });
    const { authorized, released } = qliro.money(id) ?? {};
    expect([authorized, released]).toEqual([15000, 15000]);
  });
});

describe("the APIs", () => {
  it("refuse a wrong hash, and one of another text", () => {
    const id = open();
    expect(ask("GET", `/checkout/merchantapi/Orders/${id}`, undefined, "another")).toMatchObject({ status: 401 });
    expect(ask("GET", `/checkout/merchantapi/Orders/${id}`)).toMatchObject({ status: 200 });
  });

  it("know a session before there is a ledger, and neither of another order", () => {
    const id = open();
    expect(merchant(id)).toMatchObject({ status: 200, body: { CustomerCheckoutStatus: "InProcess", OrderItems: [] } });
    expect(admin(id).status).toBe(404);
    qliro.act(id, "pay");
    expect(admin(id)).toMatchObject({ body: { PaymentTransactions: [{ Type: "Preauthorization", Amount: 100 }] } });
    expect([admin("1").status, merchant("1").status, admin("x").status]).toEqual([404, 404, 404]);
  });

  it("lag behind a purchase for a while", () => {
    const id = open();
    qliro.act(id, "pay-with-lag");
    expect([admin(id).status, admin(id).status]).toEqual([404, 200]);
  });

  it("deny a RequestId for seven days, whatever came of it", () => {
    const id = open();
    qliro.act(id, "pay");
    expect(cancel(id, 1, { MerchantApiKey: "another" })).toMatchObject({ body: { ErrorCode: "UNAUTHORIZED" } });
    expect(cancel(id, 1)).toMatchObject({ status: 200, body: { PaymentTransactions: [{ Status: "Created" }] } });
    expect(cancel(id, 1)).toMatchObject({ status: 400, body: { ErrorCode: "INVALID_REQUEST" } });
    expect(cancel(id, 2)).toMatchObject({ status: 400, body: { ErrorCode: "ORDER_HAS_BEEN_CANCELLED" } });
    clock += 8 * 24 * 60 * minute;
    expect(cancel(id, 1)).toMatchObject({ body: { ErrorCode: "ORDER_HAS_BEEN_CANCELLED" } });
  });

  it("take nothing while something is in process", () => {
    const id = open();
    for (const action of ["pay", "start-capture"]) qliro.act(id, action);
    expect(cancel(id, 1)).toMatchObject({ body: { ErrorCode: "OPERATION_NOT_SUPPORTED" } });
    qliro.act(id, "finish-started");
    expect(cancel(id, 2)).toMatchObject({ body: { ErrorCode: "NO_ITEMS_TO_CANCEL" } });
  });

  it("do not know other calls and other orders", () => {
    const id = open();
    const body = { MerchantApiKey: "SIMULATED_KEY", OrderId: Number(id), RequestId: guid(1), Currency: "SEK" };
    expect(ask("POST", "/checkout/adminapi/v2/merchantpayment", body).status).toBe(404);
    expect(cancel("1", 2)).toMatchObject({ body: { ErrorCode: "ORDER_NOT_FOUND" } });
    expect(cancel(id, 3, { RequestId: "no guid" })).toMatchObject({ body: { ErrorCode: "INVALID_INPUT" } });
  });
});

describe("actions", () => {
  it("are refused where they are not possible now", () => {
    const id = open();
    for (const action of ["capture", "accept", "nonsense", "toString"]) expect(() => qliro.act(id, action)).toThrow();
    expect(() => qliro.act("1", "pay")).toThrow();
    qliro.act(id, "pay");
    for (const amount of [0, -1, 0.5, 3333, 20000]) expect(() => qliro.act(id, "capture", amount)).toThrow();
    expect(qliro.actions(id)).toContain("capture");
  });

  it.each([
    ["pay", ["Preauthorization", "UpdateInvoice"]],
    ["pay-by-card", ["Preauthorization"]],
  ])(
    "give another merchant reference after %s a transaction of its own where Qliro is the creditor",
    (action, types) => {
      const id = open();
      for (const name of [action, "rename-reference"]) qliro.act(id, name);
      const PaymentTransactions = types.map((Type) => ({ Type, Status: "Success" }));
      expect(admin(id)).toMatchObject({ body: { MerchantReference: `SE${id}`, PaymentTransactions } });
    },
  );

  it("end the upsell with its window", () => {
    const id = open();
    qliro.act(id, "pay");
    expect(qliro.actions(id)).toContain("upsell-adds");
    clock += 10 * minute;
    expect(qliro.actions(id)).not.toContain("upsell-adds");
  });

  it("say the same whenever the story is told again", () => {
    const tell = (): readonly unknown[] => {
      qliro = createSimulator(simulate, { now: () => clock });
      const id = open({ recurring: true });
      const steps = ["start-attempt", "fail-attempt", "pay-by-card", "upsell-adds", "capture", "refund"];
      for (const action of steps) qliro.act(id, action);
      return [qliro.describe(id), admin(id), merchant(id), sent()];
    };
    expect(tell()).toEqual(tell());
  });

  it("describe an order for people", () => {
    const id = open();
    for (const action of ["pay", "start-capture"]) qliro.act(id, action);
    expect(qliro.describe(id)).toBe(
      "Completed 100.00 SEK, authorised 100.00, captured 0.00, reversed 0.00, refunded 0.00, Capture Created",
    );
  });
});
