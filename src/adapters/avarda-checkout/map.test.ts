import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { KeptEvent } from "../../contract/adapter.ts";
import { type Deed, lineKey, lineType } from "./ledger.ts";
import { map } from "./map.ts";
import { readAs } from "../../lib/read.ts";
import { answerSchema, type Snapshot } from "./schema.ts";

const completed = JSON.parse(
  readFileSync(`${import.meta.dirname}/fixtures/completed/snapshot.json`, "utf8"),
) as Snapshot;
const unmapped = expect.objectContaining({ kind: "Unmapped" });

const now = Date.parse("2026-02-03T10:16:00.000Z");
const reviewedSince = "2026-02-03T10:15:45.000Z";

function at(step: string | null, more: object = {}, reviewed = false): Snapshot {
  return {
    ...completed,
    ...(reviewed ? { reviewedSince } : {}),
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
    const money = map(completed, { kept: all, now }).money;
    expect(money).toEqual({ authorized: 10000, captured: 6000, refunded: 3000, released: 4000 });
    fc.assert(
      fc.property(fc.shuffledSubarray([...all, ...all], { minLength: 8 }), (shuffled) => {
        expect(map(completed, { kept: shuffled, now }).money).toEqual(money);
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
    expect(() => map(snapshot, { kept, now })).toThrow(unmapped);
  });

  it("is never a line that no operation wrote", () => {
    const [line] = lines(["delivered", 10000]);
    if (line === undefined) throw new Error("no line");
    const others = [
      { ...line, key: "webhook" },
      { ...line, type: "completed" },
      { ...line, success: false },
    ];
    for (const other of others)
      expect(map(completed, { kept: [other], now })).toEqual(map(completed, { kept: [], now }));
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
    expect(map(completed, { kept: lines(...deeds), now }).possible).toEqual(possible);
  });

  it.each(["PersonalInfo", "WaitingForSwish", "AwaitingCreditApproval", "TimedOut", "HandledByMerchant", "Canceled"])(
    "is nothing at %s",
    (step) => {
      expect(map(at(step), { kept: [], now }).possible).toEqual([]);
    },
  );
});

describe("a credit decision", () => {
  it("is remembered from the look that saw it outstanding to the look that sees its end, and no longer", () => {
    const first = map(at("AwaitingCreditApproval"), { kept: [], now });
    expect(first).toMatchObject({ phase: "review", memory: { reviewedSince: "2026-02-03T10:16:00.000Z" } });
    // It does not change at each look.
    const later = map(at("AwaitingCreditApproval", {}, true), { kept: [], now: now + 60_000 });
    expect(later.memory).toEqual({ reviewedSince });
    const refused = map(at("Canceled", {}, true), { kept: [], now });
    expect(refused).toMatchObject({ phase: "declined", memory: { reviewedSince } });
    expect(map(at("Completed", {}, true), { kept: [], now })).toMatchObject({ phase: "confirmed", memory: {} });
  });

  it.each([
    ["13 days", "2026-02-16T10:16:00.000Z", {}, []],
    ["15 days", "2026-02-18T10:16:00.000Z", {}, [expect.objectContaining({ name: "authorization-at-risk" })]],
    ["15 days, where Avarda says no times", "2026-02-18T10:16:00.000Z", { createdUtc: undefined }, [expect.anything()]],
  ])("that takes %s is looked at every day, and told of once it is overdue", (_, read, times, findings) => {
    const desired = map(at("AwaitingCreditApproval", times, true), { kept: [], now: Date.parse(read) });
    expect(desired).toMatchObject({ phase: "review", lookAgain: { afterSeconds: 86_400 } });
    expect(desired.findings).toEqual(findings);
  });
});

describe("a session", () => {
  const [created, hours] = [{ expiredUtc: undefined }, 3_600_000];
  const end = Date.parse("2026-02-04T10:15:30.123Z");

  it.each([
    ["without a step, an hour after its end", at(null), end + hours, "failed"],
    ["without a side, long after", at("", { b2C: null }), end + 40 * 24 * hours, "failed"],
    ["without a step or an end, 15 days after it began", at(null, created), end + 15 * 24 * hours, "failed"],
    ["without an end, 15 days after it began", at("RedirectedToNets", created), end + 15 * 24 * hours, "failed"],
    ["that is long over and complete", at("Completed"), end + 40 * 24 * hours, "confirmed"],
  ])("%s is %s", (_, snapshot, read, phase) => {
    expect(map(snapshot, { kept: [], now: read }).phase).toBe(phase);
  });

  it.each([
    ["may still go on", at(null), end],
    ["says no time", at(null, { createdUtc: undefined, expiredUtc: undefined }), end + 90 * 24 * hours],
  ])("without a step that %s is Unmapped", (_, snapshot, read) => {
    expect(() => map(snapshot, { kept: [], now: read })).toThrow(unmapped);
  });
});

describe("a recurring token", () => {
  const withToken = { paymentMethods: { selectedPayment: { type: "Card", recurringPaymentToken: "t" } } };

  it("comes with the purchase it was given for, once that is complete", () => {
    expect(map(at("Completed", withToken), { kept: [], now }).recurring).toMatchObject({
      token: "t",
      attributes: { originalPurchaseId: completed.purchase.purchaseId },
    });
    expect(map(at("AwaitingCreditApproval", withToken), { kept: [], now })).toMatchObject({ recurring: undefined });
  });

  it.each([null, ""])("is left alone where Avarda says %j", (recurringPaymentToken) => {
    const none = { paymentMethods: { selectedPayment: { type: "Card", recurringPaymentToken } } };
    expect(map(at("Completed", none), { kept: [], now }).recurring).toBeUndefined();
  });
});

describe("what Avarda says in another way", () => {
  const said = (change: object): Snapshot => {
    const answer = { ...completed.purchase, b2C: { step: { current: "Initialized" } }, ...change };
    return { purchase: readAs(answerSchema, answer, "an Avarda purchase") };
  };
  const phaseOf = (change: object): string => map(said(change), { kept: [], now }).phase;

  it("ends a session on a day that has come", () => {
    expect(phaseOf({ expiredUtc: "2026-02-03" })).toBe("failed");
    expect(phaseOf({ expiredUtc: "2026-02-04" })).toBe("created");
  });

  it.each([
    ["b2b", { b2C: { step: { current: "PersonalInfo" } }, b2B: { step: { current: "Completed" } } }],
    ["b2c", { b2C: { step: { current: "Completed" } }, b2B: { step: { current: "Initialized" } } }],
    [undefined, { b2C: { step: null }, b2B: { step: { current: "Completed" } } }],
  ])("reads the side that mode %s means", (mode, sides) => {
    expect(phaseOf({ mode, ...sides })).toBe("confirmed");
  });

  it("reads a rate that is written with a comma", () => {
    const { purchase } = said({ items: [{ amount: 125.5, taxCode: "25,5" }] });
    expect(purchase.items).toEqual([{ amount: 125.5, taxCode: "25.5" }]);
  });

  it("reads a total that is a text", () => {
    expect(map(said({ totalPrice: "249.50" }), { kept: [], now }).total).toBe(24_950);
    expect(() => said({ totalPrice: "249,50" })).toThrow(unmapped);
    expect(() => said({ totalPrice: "-1" })).toThrow(unmapped);
  });
});
