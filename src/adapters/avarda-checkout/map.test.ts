import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { KeptEvent } from "../../contract/adapter.ts";
import { type Deed, lineKey, lineType } from "./ledger.ts";
import { map } from "./map.ts";
import type { Snapshot } from "./schema.ts";

const completed = JSON.parse(
  readFileSync(`${import.meta.dirname}/fixtures/completed/snapshot.json`, "utf8"),
) as Snapshot;
const unmapped = expect.objectContaining({ kind: "Unmapped" });

function at(step: string, more: object = {}, reviewed = false): Snapshot {
  return {
    ...completed,
    reviewed,
    purchase: { ...completed.purchase, b2C: { step: { current: step } }, ...more },
  } as Snapshot;
}

function lines(...deeds: readonly (readonly [Deed, number])[]): KeptEvent[] {
  return deeds.map(([deed, amount], index) => ({
    key: lineKey(String(index)),
    type: lineType(deed),
    at: null,
    event: "capture",
    pspStatus: "204",
    amount,
    currency: "SEK",
    success: true,
  }));
}

describe("what our own operations did", () => {
  it("is the same in any order and however often a line is there", () => {
    const all = lines(["delivered", 4000], ["returned", 1000], ["givenBack", 2000], ["cancelled", 4000]);
    const money = map(completed, { kept: all }).money;
    expect(money).toEqual({ authorized: 10000, captured: 6000, refunded: 3000, released: 4000 });
    fc.assert(
      fc.property(fc.shuffledSubarray([...all, ...all], { minLength: 8 }), (shuffled) => {
        expect(map(completed, { kept: shuffled }).money).toEqual(money);
      }),
    );
  });

  it.each([
    ["more delivered than the purchase is worth", completed, lines(["delivered", 10001])],
    ["more given back than is open", completed, lines(["delivered", 4000], ["givenBack", 6001])],
    ["more returned than was delivered", completed, lines(["givenBack", 5000], ["returned", 1])],
    ["a delivery before the purchase", at("PersonalInfo"), lines(["delivered", 1])],
    ["a cancellation of a purchase that was handled elsewhere", at("HandledByMerchant"), lines(["cancelled", 1])],
    ["a delivery of a refused purchase", at("Canceled", {}, true), lines(["delivered", 1])],
  ])("is Unmapped where it contradicts Avarda: %s", (_, snapshot, kept) => {
    expect(() => map(snapshot, { kept })).toThrow(unmapped);
  });

  it("is never a line that no operation wrote", () => {
    const [line] = lines(["delivered", 10000]);
    if (line === undefined) throw new Error("no line");
    const others = [
      { ...line, key: "webhook" },
      { ...line, type: "completed" },
      { ...line, success: false },
    ];
    for (const other of others) expect(map(completed, { kept: [other] })).toEqual(map(completed, { kept: [] }));
  });
});

describe("what is possible", () => {
  it.each([
    ["nothing done yet", [], ["capture", "cancel", "refund"]],
    ["delivered in part", [["delivered", 4000]], ["capture", "cancel", "refund"]],
    ["delivered", [["delivered", 10000]], ["refund"]],
    [
      "returned",
      [
        ["delivered", 10000],
        ["returned", 10000],
      ],
      [],
    ],
    ["given back", [["givenBack", 10000]], []],
    ["cancelled", [["cancelled", 10000]], []],
    [
      "cancelled after a delivery",
      [
        ["delivered", 4000],
        ["cancelled", 6000],
      ],
      ["refund"],
    ],
  ] as const)("%s", (_, deeds, possible) => {
    expect(map(completed, { kept: lines(...deeds) }).possible).toEqual(possible);
  });

  it.each(["PersonalInfo", "WaitingForSwish", "AwaitingCreditApproval", "TimedOut", "HandledByMerchant", "Canceled"])(
    "is nothing at %s",
    (step) => {
      expect(map(at(step), { kept: [] }).possible).toEqual([]);
    },
  );
});

describe("a credit decision", () => {
  it("is remembered from the look that saw it outstanding to the look that sees its end, and no longer", () => {
    expect(map(at("AwaitingCreditApproval"), { kept: [] }).attributes).toMatchObject({ reviewed: true });
    expect(map(at("Canceled", {}, true), { kept: [] })).toMatchObject({
      phase: "declined",
      attributes: { reviewed: true },
    });
    expect(map(at("Completed", {}, true), { kept: [] })).toMatchObject({
      phase: "confirmed",
      attributes: { reviewed: false },
    });
  });
});

describe("a recurring token", () => {
  const withToken = { paymentMethods: { selectedPayment: { type: "Card", recurringPaymentToken: "t" } } };

  it("comes with the purchase it was given for, once that is complete", () => {
    expect(map(at("Completed", withToken), { kept: [] }).recurring).toMatchObject({
      token: "t",
      attributes: { originalPurchaseId: completed.purchase.purchaseId },
    });
    expect(map(at("AwaitingCreditApproval", withToken), { kept: [] })).not.toHaveProperty("recurring");
  });

  it.each([null, ""])("is left alone where Avarda says %j", (recurringPaymentToken) => {
    const none = { paymentMethods: { selectedPayment: { type: "Card", recurringPaymentToken } } };
    expect(map(at("Completed", none), { kept: [] })).not.toHaveProperty("recurring");
  });
});
