import { describe, expect, it } from "vitest";
import { fitting, type Line, type Parcel, piecesIn, returnable, shippable, worthOf } from "./items.ts";
import { orderFrom } from "./schema.ts";

const none = { replaced: new Set<string>() };

function line(reference: string, price: number, quantity = 1, type = "Product"): Line {
  return { reference, type, price, quantity };
}

/** Transactions as `[type, original?, status?]`, ids from 1; actions as `[action, transaction, reference, price, quantity?]`. */
function orderOf(
  transactions: readonly (readonly [string, (number | undefined)?, string?, number?])[],
  actions: readonly (readonly [string | number, number, string, number, number?])[],
) {
  return orderFrom({
    OrderId: 7,
    Currency: "SEK",
    PaymentTransactions: transactions.map(([Type, original, Status = "Success", Amount = 100], index) => ({
      PaymentTransactionId: index + 1,
      OriginalPaymentTransactionId: original ?? null,
      Type,
      Status,
      Amount,
    })),
    OrderItemActions: actions.map(
      ([ActionType, PaymentTransactionId, MerchantReference, PricePerItemIncVat, Quantity]) => ({
        ActionType,
        PaymentTransactionId,
        MerchantReference,
        PricePerItemIncVat,
        Quantity: Quantity ?? 1,
        Type: "Product",
      }),
    ),
  });
}

function said(parcels: readonly Parcel[] | undefined): readonly string[] | undefined {
  return parcels?.flatMap(({ transactionId, lines }) =>
    lines.map(({ reference, price, quantity }) => `${transactionId}: ${quantity} ${reference} ${price}`),
  );
}

describe("what is left to ship", () => {
  it("is what was reserved, less what was shipped and released, or is about to be", () => {
    const order = orderOf(
      [
        ["Preauthorization"],
        ["Capture", 1],
        ["Reversal", 1, "Success", 20],
        ["Capture", 1, "Error"],
        ["Capture", 1, "InProcess"],
      ],
      [
        ["Create", 1, "a", 10, 9],
        ["Reserve", 1, "a", 10, 5],
        ["Reserve", 1, "b", 20, 2],
        ["Ship", 2, "a", 10, 2],
        ["Release", 3, "b", 20],
        ["Ship", 4, "b", 20],
        ["Ship", 5, "a", 10],
      ],
    );
    expect(said(shippable(order, none))).toEqual(["1: 2 a 10", "1: 1 b 20"]);
  });

  it("stands under the authorisation that reserved it", () => {
    const order = orderOf(
      [["Preauthorization"], ["Preauthorization"], ["Capture", 2]],
      [
        ["Reserve", 1, "a", 10, 2],
        ["Reserve", 2, "a", 10, 2],
        ["Ship", 3, "a", 10],
      ],
    );
    expect(said(shippable(order, none))).toEqual(["1: 2 a 10", "2: 1 a 10"]);
    expect(said(shippable(order, { replaced: new Set(["1"]) }))).toEqual(["2: 1 a 10"]);
  });

  it("is what an update reserved anew under the same authorisation", () => {
    const order = orderOf(
      [["Preauthorization"], ["Reversal", 1, "Success", 20]],
      [
        ["Reserve", 1, "a", 100],
        ["Release", 2, "a", 100],
        ["Reserve", 2, "a", 80],
      ],
    );
    expect(said(shippable(order, none))).toEqual(["1: 1 a 80"]);
  });

  it("is nothing of what was given back as a whole, or never reserved", () => {
    const order = orderOf(
      [["Preauthorization"], ["Reversal", 1], ["Preauthorization", undefined, "Error"], ["Debit"]],
      [
        ["Reserve", 1, "a", 100],
        ["Reserve", 3, "a", 100],
        ["Reserve", 4, "a", 100],
      ],
    );
    expect(said(shippable(order, none))).toEqual([]);
  });

  it("is nothing of what was given back as a whole by a reversal that does not name it", () => {
    const order = orderOf(
      [["Preauthorization"], ["Preauthorization", undefined, "Success", 80], ["Reversal", undefined, "Success", 100]],
      [
        ["Reserve", 1, "a", 100],
        ["Reserve", 2, "a", 80],
      ],
    );
    expect(said(shippable(order, none))).toEqual(["2: 1 a 80"]);
  });

  it("reads actions by number and in any casing", () => {
    const order = orderOf(
      [["Preauthorization"], ["Capture", 1]],
      [
        [1, 1, "a", 10, 2],
        ["ship", 2, "a", 10],
      ],
    );
    expect(said(shippable(order, none))).toEqual(["1: 1 a 10"]);
  });

  it.each([
    ["an unknown action", [["Lend", 1, "a", 10]] as const],
    ["an unknown number", [[9, 1, "a", 10]] as const],
  ])("cannot be read where there is %s", (_, actions) => {
    expect(shippable(orderOf([["Preauthorization"]], actions), none)).toBeUndefined();
  });

  it("cannot be read where a line has no price", () => {
    const order = orderFrom({ OrderId: 7, Currency: "SEK", OrderItemActions: [{ ActionType: "Reserve" }] });
    expect(shippable(order, none)).toBeUndefined();
  });
});

describe("what can be returned", () => {
  it("is what was shipped, by capture, less what was returned", () => {
    const order = orderOf(
      [["Preauthorization"], ["Capture", 1], ["Capture", 1], ["Refund", 3]],
      [
        ["Reserve", 1, "a", 10, 4],
        ["Ship", 2, "a", 10, 2],
        ["Ship", 3, "a", 10, 2],
        ["Return", 4, "a", 10],
      ],
    );
    expect(said(returnable(order))).toEqual(["2: 2 a 10", "3: 1 a 10"]);
  });

  it("comes off the oldest capture where the refund does not say which", () => {
    const order = orderOf(
      [["Preauthorization"], ["Capture", 1], ["Capture", 1], ["Refund"]],
      [
        ["Ship", 2, "a", 10],
        ["Ship", 3, "a", 10, 2],
        ["Return", 4, "a", 10, 2],
      ],
    );
    expect(said(returnable(order))).toEqual(["3: 1 a 10"]);
  });

  it("is not less for what was released before it was shipped", () => {
    const order = orderOf(
      [["Preauthorization"], ["Reversal", 1, "Success", 10], ["Capture", 1]],
      [
        ["Reserve", 1, "a", 10, 3],
        ["Release", 2, "a", 10],
        ["Ship", 3, "a", 10, 2],
      ],
    );
    expect(said(returnable(order))).toEqual(["3: 2 a 10"]);
    expect(said(shippable(order, none))).toEqual([]);
  });

  it.each(["Reserve", "Ship"])("is what was taken at once, though it stands under %s", (action) => {
    const order = orderOf(
      [["Debit"], ["Refund", 1]],
      [
        [action, 1, "a", 10, 3],
        ["Return", 2, "a", 10],
      ],
    );
    expect(said(returnable(order))).toEqual(["1: 2 a 10"]);
  });
});

describe("what was taken at once and shipped later", () => {
  it.each([1, undefined])("can be returned once, under its capture (original %s)", (original) => {
    const order = orderOf(
      [["Debit"], ["Capture", original], ["Refund", 2]],
      [
        ["Reserve", 1, "a", 10, 3],
        ["Ship", 2, "a", 10, 2],
        ["Return", 3, "a", 10],
      ],
    );
    expect(said(returnable(order))).toEqual(["1: 1 a 10", "2: 1 a 10"]);
  });

  it("is not less for what a reservation beside it shipped", () => {
    const order = orderOf(
      [["Debit"], ["Preauthorization"], ["Capture", 2]],
      [
        ["Reserve", 1, "a", 10, 2],
        ["Reserve", 2, "a", 10],
        ["Ship", 3, "a", 10],
      ],
    );
    expect(said(returnable(order))).toEqual(["1: 2 a 10", "3: 1 a 10"]);
  });
});

describe("lines for an amount", () => {
  const parcels = [
    { transactionId: "1", lines: [line("a", 100), line("b", 50, 3), line("off", -10, 1, "Discount")] },
    { transactionId: "2", lines: [line("c", 33.33, 2)] },
  ];

  it.each([
    [10000, ["1: 1 a 100"]],
    [9000, ["1: 1 a 100", "1: 1 off -10"]],
    [5000, ["1: 1 b 50"]],
    [15000, ["1: 1 a 100", "1: 1 b 50"]],
    [3333, ["2: 1 c 33.33"]],
    [13333, ["1: 1 a 100", "2: 1 c 33.33"]],
  ])("%i", (amount, expected) => {
    expect(said(fitting(parcels, amount, "SEK"))).toEqual(expected);
  });

  it.each([1, 4001, 3334, 40000])("%i is none", (amount) => {
    expect(fitting(parcels, amount, "SEK")).toBeUndefined();
  });

  it("counts worth and pieces", () => {
    expect(worthOf(parcels, "SEK")).toBe(24000 + 6666);
    expect(piecesIn(parcels)).toBe(7);
  });

  it("gives up on what would take too long, instead of taking long", () => {
    const many = [
      { transactionId: "1", lines: Array.from({ length: 200 }, (_, index) => line(`${index}`, 1 + index / 97, 90)) },
    ];
    const started = performance.now();
    fitting(many, 123456, "SEK");
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});
