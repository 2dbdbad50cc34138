import { describe, expect, it } from "vitest";
import adapter from "./index.ts";
import { createSimulator } from "../../../sandbox/kernel/kernel.ts";
import { simulate } from "./simulator.ts";

const event = {
  key: "k",
  type: "somebody-else",
  at: null,
  event: "capture",
  pspStatus: "paid",
  amount: 10000,
  currency: "SEK",
  success: true,
} as const;

describe("an invoice without a PSP", () => {
  it("needs nothing but the id of the adapter whose payments are meant", () => {
    expect(adapter.config.safeParse({ adapterId: "nonpsp_adapter" }).success).toBe(true);
    expect(adapter.config.safeParse({}).success).toBe(false);
  });

  it("says nothing of a payment, whatever stands in its log", () => {
    const fold: (events: readonly unknown[]) => unknown = adapter.fold;
    expect(fold([])).toBeNull();
    expect(fold([event])).toBeNull();
  });

  it("takes no webhook and can be told nothing", () => {
    expect(adapter.webhooks).toEqual({});
    expect(adapter).not.toHaveProperty("operations");
  });
});

describe("its simulator", () => {
  it("starts purchases that can be confirmed once, which nobody is told", () => {
    const simulator = createSimulator(simulate);
    const purchase = { orderId: "o_1", paymentId: "p_1", amount: 10000, currency: "SEK", callbackUrls: {} };
    const reference = simulator.open(purchase);
    expect(simulator.actions(reference)).toEqual(["confirm"]);
    simulator.act(reference, "confirm");
    expect(simulator.actions(reference)).toEqual([]);
    expect(() => simulator.act(reference, "confirm")).toThrow("nobody can confirm");
    expect(simulator.due(Date.now())).toEqual([]);
    expect(simulator.describe(reference)).toBe("invoice 100 SEK, confirmed");
    expect(() => simulator.describe("p_2")).toThrow("no payment");
  });
});
