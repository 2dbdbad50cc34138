import { describe, expect, it } from "vitest";
import type { KeptEvent } from "../../contract/adapter.ts";
import type { SimulatedWebhook } from "../../contract/simulator.ts";
import { config } from "./config.ts";
import { fold } from "./fold.ts";
import { createSimulator } from "../../../sandbox/kernel/kernel.ts";
import { simulate } from "./simulator.ts";
import { webhook } from "./webhooks.ts";
import { asking } from "../../../test/support/asking.ts";
import { isProven } from "../../signatures/proven.ts";
import { filesOf } from "../../../test/support/signing.ts";

const target = { adapter: "adyen-dropin", merchant: "acme", channel: "se" };
const start = Date.UTC(2026, 1, 3, 10);

function stage(recurring = false, currency = "SEK") {
  let now = start;
  const simulator = createSimulator(simulate, { now: () => now });
  const settings = config.parse({ adapterId: "a", ...simulator.settings("http://psp.invalid") });
  const callbackUrls = { webhook: "http://us.invalid/webhook" };
  const reference = simulator.open({
    orderId: "o_1",
    paymentId: "p_1",
    amount: 10000,
    currency,
    callbackUrls,
    recurring,
  });
  const kept: KeptEvent[] = [];
  const read = async (sent: readonly SimulatedWebhook[]): Promise<void> => {
    for (const { headers, body } of sent) {
      const request = { method: "POST", url: "/", query: new URLSearchParams(), headers, body: Buffer.from(body) };
      const proof = {
        config: settings,
        target,
        webhook: "webhook",
        callbackKeys: [],
        files: filesOf(),
        publicUrl: "http://localhost",
      };
      expect(isProven(await webhook.verify.check(request, proof)), "is proven").toBe(true);
      for (const { key, type, at, line } of webhook.parse(request, target, settings))
        if (line !== undefined) kept.push({ key, type, at, ...line });
    }
  };
  const payment = { paymentId: "p_1", amount: 10000, currency, reference: null, upsell: null };
  const due = (): readonly SimulatedWebhook[] => {
    const sent = simulator.due(now);
    for (const one of sent) simulator.answered(one, { status: 200, body: "[accepted]" });
    return sent;
  };
  return {
    simulator,
    reference,
    read,
    pass: (ms: number): void => void (now += ms),
    due,
    async act(...actions: readonly (string | readonly [string, number])[]): Promise<void> {
      for (const action of actions) {
        const [name, amount] = typeof action === "string" ? [action] : action;
        simulator.act(reference, name, amount);
        await read(due());
      }
    },
    say: () => fold(kept, { config: settings, ...asking(), now, payment }),
    sums: () => {
      const money = fold(kept, { config: settings, ...asking(), now, payment })?.money;
      return money === undefined
        ? undefined
        : [money.authorized, money.captured, money.refunded, money.released].join("/");
    },
    ask: (path: string, body: object, key = "k", apiKey = "simulated-api-key") =>
      simulator.answer({
        method: "POST",
        path,
        query: new URLSearchParams(),
        headers: { "x-api-key": apiKey, "idempotency-key": key },
        body,
      }),
  };
}

describe("what the simulator sends comes to what it says", () => {
  it.each([
    [["pay"], "10000/0/0/0"],
    [["refuse", "pay"], "10000/0/0/0"],
    [["refuse-at-first", "pay"], "10000/0/0/0"],
    [["go-back", "pay"], "10000/0/0/0"],
    [["pay-at-once"], "10000/10000/0/0"],
    [["pay-with-review", "accept", "capture"], "10000/10000/0/0"],
    [["pay-with-review", "reject"], "10000/0/0/10000"],
    [["pay", ["capture", 4000]], "10000/4000/0/6000"],
    [["pay", ["capture", 4000], "fail-capture"], "10000/0/0/6000"],
    [["pay", ["capture", 4000], "fail-capture", "recapture"], "10000/4000/0/6000"],
    [["pay", "capture", "fail-capture", ["capture", 4000]], "10000/4000/0/6000"],
    [["pay", "refuse-capture", "cancel"], "10000/0/0/10000"],
    [["pay", "refuse-cancel", "cancel-technically"], "10000/0/0/10000"],
    [["pay", "expire"], "10000/0/0/10000"],
    [["pay", ["adjust", 12500], "capture"], "12500/12500/0/0"],
    [["pay", "refuse-adjust"], "10000/0/0/0"],
    [["pay", "reverse"], "10000/0/0/10000"],
    [["pay", "capture", "reverse"], "10000/10000/10000/0"],
    [["pay", "capture", ["refund", 2500], "refuse-refund"], "10000/10000/2500/0"],
    [["pay", "capture", ["refund", 2500], "overturn-refund"], "10000/10000/0/0"],
    [["pay", "capture", "refund", "fail-refund", ["refund", 2500]], "10000/10000/2500/0"],
    [["pay", "capture", "refund", "reverse-refund"], "10000/10000/0/0"],
    [["pay", "capture", "reverse", "overturn-refund"], "10000/10000/0/0"],
    [["pay", "capture", "reverse", "overturn-refund", ["refund", 2500]], "10000/10000/2500/0"],
    [["pay", "capture", "refund", "reverse-refund", "refund"], "10000/10000/10000/0"],
    [["pay", "capture", "charge-back", "reverse-chargeback"], "10000/10000/0/0"],
    [[["pay-part", 4000]], "4000/0/0/0"],
    [[["pay-part", 4000], "pay-rest"], "10000/0/0/0"],
    [[["pay-part", 4000], "give-up-order"], "4000/0/0/4000"],
    [["pay-at-once", "fail-capture", "recapture", "refund"], "10000/10000/10000/0"],
    [["pay", "something-new", "issue-report", "ping"], "10000/0/0/0"],
  ] as const)("%j", async (actions, sums) => {
    const { act, sums: said, simulator, reference } = stage();
    await act(...actions);
    expect(said()).toBe(sums);
    const { authorized, captured, refunded, released } = simulator.money(reference) ?? {};
    expect([authorized, captured, refunded, released].join("/")).toBe(sums);
  });

  it.each([
    [["pend"], "awaiting"],
    [["close-offer"], "failed"],
    [["refuse"], "declined"],
  ] as const)("%j is %s", async (actions, phase) => {
    const { act, say } = stage();
    await act(...actions);
    expect(say()?.phase).toBe(phase);
  });

  it("counts as Adyen does, and we as ISO 4217", async () => {
    const { act, sums } = stage(false, "ISK");
    await act("pay", ["capture", 4000]);
    expect(sums()).toBe("10000/4000/0/6000");
  });

  it("sends a token three ways, and disables it", async () => {
    const { act, say } = stage(true);
    await act("pay");
    expect(say()?.recurring).toMatchObject({
      token: expect.stringMatching(/^T0K3N/),
      description: "visa •••• 1111",
      attributes: { shopperReference: "shopper-p_1", operationType: "created" },
    });
    await act("disable-token");
    expect(say()?.recurring).toMatchObject({ attributes: { operationType: "disabled" } });
  });
});

describe("webhooks", () => {
  it("carry no two events of one second", async () => {
    const { simulator, reference, due } = stage();
    for (const action of ["refuse", "refuse", "pay"]) simulator.act(reference, action);
    const dates = due().map(({ body }) => /"eventDate":"([^"]*)"/.exec(body)?.[1]);
    expect(new Set(dates).size).toBe(3);
  });
});

describe("modifications", () => {
  const amount = { value: 4000, currency: "SEK" };
  const asked = { merchantAccount: "NorceTestECOM", reference: "our-own", amount };

  it("are received, once per key, and answered by an event with their reference", async () => {
    const { act, ask, reference, read, due, say, sums } = stage();
    await act("pay");
    const first = ask(`/payments/${reference}/captures`, asked);
    expect(first).toMatchObject({
      status: 201,
      body: { status: "received", paymentPspReference: reference, reference: "our-own" },
    });
    expect(ask(`/payments/${reference}/captures`, asked)).toEqual(first);
    await read(due());
    expect(sums()).toBe("10000/4000/0/6000");
    ask(`/payments/${reference}/refunds`, asked, "another");
    ask(`/payments/${reference}/cancels`, asked, "a third");
    await read(due());
    expect(sums()).toBe("10000/4000/4000/6000");
    expect(say()?.phase).toBe("confirmed");
  });

  it("are refused without the right key, account, payment or amount", () => {
    const { ask, reference } = stage();
    const path = `/payments/${reference}/captures`;
    expect(ask(path, asked, "k", "wrong").status).toBe(401);
    expect(ask(path, { ...asked, merchantAccount: "Another" }).status).toBe(403);
    expect(ask("/payments/UNKNOWN/captures", asked).status).toBe(422);
    expect(ask(path, asked).status, "not authorised yet").toBe(422);
    expect(ask(path, { ...asked, amount: undefined }).status).toBe(422);
    expect(ask("/sessions", asked).status).toBe(404);
  });
});

it("does only what is possible, and knows its payments", () => {
  const { simulator, reference } = stage();
  expect(() => simulator.act(reference, "capture")).toThrow("nobody can capture");
  expect(() => simulator.act(reference, "toString")).toThrow("nobody can");
  expect(() => simulator.actions("UNKNOWN")).toThrow("knows no payment");
  simulator.act(reference, "pay");
  expect(() => simulator.act(reference, "capture", 10001)).toThrow("not an amount");
  expect(simulator.actions(reference)).toContain("capture");
});
