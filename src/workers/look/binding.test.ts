import { describe, expect, test } from "vitest";
import type { DesiredPayment } from "../../contract/adapter.ts";
import type { CurrentPayment } from "../../norce/payment.ts";
import type { NorceOrder } from "../../norce/schema.ts";
import { current, desired, key, money, nothing, reasonOf } from "../../../test/support/money.ts";
import { judgeAnswer, judgeClaimant, type Names, readEchoes, refuseOthers, wantsOrder } from "./binding.ts";

const order: NorceOrder = {
  id: "o_1",
  reference: "1001",
  cart: { reference: "cart-7" },
  payments: [{ id: "p_1" }, { id: "p_2" }],
};

describe("echoes", () => {
  const read = (echoes: readonly string[], over: Partial<Names> = {}): string =>
    readEchoes(echoes, { key, merchantReference: "paymentId", order, ...over });

  test.each<readonly [string, readonly string[], string]>([
    ["the payment's id", ["p_1"], "own"],
    ["order and payment", ["o_1:p_1"], "own"],
    ["the payment's id beside something else", ["something else", "p_1"], "own"],
    ["the order's id", ["o_1"], "order"],
    ["nothing", [], "nothing"],
    ["an empty text", [""], "nothing"],
    ["another payment", ["p_9"], "other"],
    ["another payment of the same order", ["p_2"], "other"],
    ["another payment beside the order", ["o_1", "p_2"], "other"],
    ["another payment by both", ["o_1:p_2"], "other"],
    ["the payment of another order", ["o_2:p_1"], "other"],
    ["other letters", ["P_1"], "other"],
    ["a beginning, where the PSP cuts nothing", ["p_"], "other"],
    ["the order's reference, which nobody has set", ["1001"], "other"],
    ["the cart's reference, which nobody has set", ["cart-7"], "other"],
  ])("%s", (_, echoes, named) => {
    expect(read(echoes)).toBe(named);
  });

  test("of the order's or the cart's reference, where the setting says so", () => {
    expect(read(["1001"], { merchantReference: "orderReference" })).toBe("order");
    expect(read(["cart-7"], { merchantReference: "cartReference" })).toBe("order");
    expect(read(["1002"], { merchantReference: "orderReference" })).toBe("other");
    expect(read([""], { merchantReference: "orderReference", order: { id: "o_1" } })).toBe("nothing");
    expect(read(["1001"], { merchantReference: "orderReference", order: null })).toBe("other");
  });

  describe("that the PSP cuts", () => {
    const long = { ...key, paymentId: "p-0123456789-0123456789-a" };
    const cut = { key: long, echoLength: 20 };
    const beside = (id: string): NorceOrder => ({ id: "o_1", payments: [{ id: long.paymentId }, { id }] });

    test.each<readonly [string, string, Partial<Names>, string]>([
      ["our own id, as long as the PSP keeps", "p-0123456789-0123456", {}, "own"],
      ["our own id, shorter", "p-0123456789-012345", {}, "other"],
      ["our own id, longer", "p-0123456789-01234567", {}, "other"],
      [
        "another payment that begins so",
        "p-0123456789-0123456",
        { order: beside("p-0123456789-0123456789-b") },
        "other",
      ],
      ["another payment that begins otherwise", "p-0123456789-0123456", { order: beside("p-0123456789-1") }, "own"],
      ["an order that cannot be read", "p-0123456789-0123456", { order: null }, "other"],
      [
        "an id that the PSP keeps whole",
        "p-0123456789-0123456",
        { key: { ...key, paymentId: "p-0123456789-0123456" } },
        "own",
      ],
      [
        "the order's reference",
        "SE-0123456789-012345",
        { merchantReference: "orderReference", order: { id: "o_1", reference: "SE-0123456789-0123456789" } },
        "other",
      ],
    ])("%s", (_, echo, over, named) => {
      expect(read([echo], { ...cut, ...over })).toBe(named);
    });
  });

  test("want the order only where they cannot be understood without it", () => {
    const names = { key, merchantReference: "paymentId", echoLength: 20 } as const;
    expect(wantsOrder(["p_1"], { ...names, merchantReference: "orderReference" })).toBe(false);
    expect(wantsOrder(["1001"], { ...names, merchantReference: "orderReference" })).toBe(true);
    expect(wantsOrder(["p_9"], names)).toBe(false);
    const long = { ...key, paymentId: "p-0123456789-0123456789-a" };
    expect(wantsOrder(["p-0123456789-0123456"], { ...names, key: long })).toBe(true);
  });
});

describe("what is bound", () => {
  interface Case {
    readonly echoed: "own" | "order" | "nothing" | "other";
    readonly vouched?: boolean;
    readonly replaces?: boolean;
    readonly desired?: Partial<DesiredPayment>;
    readonly current?: Partial<CurrentPayment>;
    readonly rounding?: number;
  }
  const judge = ({ echoed, vouched = true, replaces = false, rounding = 0, ...over }: Case): unknown =>
    judgeClaimant({
      key,
      current: current(over.current),
      desired: desired(over.desired),
      echoed,
      vouched,
      replaces,
      rounding,
    })?.context["reason"];
  const less = { total: 9_900, money: money({ authorized: 9_900 }) };

  test.each<readonly [string, Case, string | undefined]>([
    ["own id", { echoed: "own" }, undefined],
    ["own id, another amount", { echoed: "own", desired: less }, undefined],
    [
      "own id, another amount, in place of what is bound",
      { echoed: "own", replaces: true, desired: less },
      "reference-not-bound",
    ],
    ["own id, in place of what is bound", { echoed: "own", replaces: true }, undefined],
    ["own id, another currency", { echoed: "own", desired: { currency: "EUR" } }, "currency-differs"],
    ["the order", { echoed: "order" }, undefined],
    ["the order, another amount", { echoed: "order", desired: less }, "reference-not-bound"],
    ["the order, more", { echoed: "order", desired: { total: 10_001, money: nothing } }, "reference-not-bound"],
    ["the order, another currency", { echoed: "order", desired: { currency: "NOK" } }, "currency-differs"],
    ["the order, as near as the adapter rounds", { echoed: "order", rounding: 100, desired: less }, undefined],
    ["nothing, but Norce names it", { echoed: "nothing" }, undefined],
    ["nothing, Norce names it, another amount", { echoed: "nothing", desired: less }, "reference-not-bound"],
    [
      "nothing, Norce names it, another currency",
      { echoed: "nothing", desired: { currency: "EUR" } },
      "currency-differs",
    ],
    ["nothing, and only a webhook names it", { echoed: "nothing", vouched: false }, "other-order"],
    ["another order", { echoed: "other" }, "other-order"],
    [
      "the order, partly released before we came",
      { echoed: "order", current: { amount: 6_000 }, desired: { money: money({ released: 4_000 }) } },
      undefined,
    ],
  ])("%s", (_, given, reason) => {
    expect(judge(given)).toBe(reason);
  });

  test("a refusal names both", () => {
    const claimant = { key, echoed: "order", vouched: true, replaces: false, rounding: 0 } as const;
    const amounts = judgeClaimant({ ...claimant, current: current(), desired: desired(less) })?.context;
    expect(amounts).toMatchObject({ norceAmount: 10_000, pspAmount: 9_900, currency: "SEK", reference: "ref-1" });
    const foreign = desired({ echoes: ["p_9", "o_9"] });
    expect(
      judgeClaimant({ ...claimant, echoed: "other", current: current(), desired: foreign })?.context,
    ).toMatchObject({
      orderId: "o_1",
      paymentId: "p_1",
      echoed: "p_9 o_9",
    });
    const other = judgeClaimant({ ...claimant, current: current(), desired: desired({ currency: "EUR" }) })?.context;
    expect(other).toMatchObject({ norceCurrency: "SEK", pspCurrency: "EUR" });
  });
});

test("an answer has to be about what was asked, by the adapter's measure", () => {
  const folded = { sameId: (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase() };
  expect(judgeAnswer({}, "ref-1", { reference: "ref-1" })).toBeUndefined();
  expect(judgeAnswer({}, "session", { reference: "ref-1", aliases: ["session"] })).toBeUndefined();
  expect(judgeAnswer(folded, "REF-1", { reference: "ref-1" })).toBeUndefined();
  const events = { fold: () => null };
  expect(judgeAnswer(events, "", { reference: "ref-1" }), "nobody is asked").toBeUndefined();
  expect(judgeAnswer({}, "REF-1", { reference: "ref-1" })?.context).toEqual({
    reason: "other-reference",
    asked: "REF-1",
    answered: "ref-1",
  });
});

test("a payment of another adapter is refused, both named", () => {
  const settings = {
    adapterId: "acme_adapter",
    apiUrl: "",
    merchantReference: "paymentId",
    publishActions: "off",
  } as const;
  const reason = (adapterId: string | null): unknown => reasonOf(() => refuseOthers(current({ adapterId }), settings));
  expect([reason("klarna_checkout_adapter"), reason(null)]).toEqual(["other-adapter", "other-adapter"]);
  expect(reason("acme_adapter")).toBe("nothing was refused");
});
