import { describe, expect, it } from "vitest";
import type { KeptEvent, Money } from "../../contract/adapter.ts";
import { ledgerOf } from "./ledger.ts";
import { type Order, orderFrom } from "./schema.ts";
import { transactionStatuses, transactionTypes } from "./wire.ts";

/** `Preauthorization 100`, `Capture 40 <1` (of the first), `Refund 40 Error`. Ids count from 1. */
function orderOf(story: string, method = "QLIRO_INVOICE"): Order {
  const PaymentTransactions = story.split(", ").map((text, index) => {
    const [Type, amount, ...more] = text.split(" ");
    const original = more.find((word) => word.startsWith("<"))?.slice(1);
    return {
      PaymentTransactionId: index + 1,
      OriginalPaymentTransactionId: original === undefined ? null : Number(original),
      Type,
      Status: more.find((word) => !word.startsWith("<")) ?? "Success",
      Amount: Number(amount),
      Currency: "SEK",
      PaymentMethodName: method,
    };
  });
  return orderFrom({ OrderId: 7, Currency: "SEK", PaymentTransactions });
}

function sums({ authorized, captured, refunded, released }: Money): readonly number[] {
  return [authorized, captured, refunded, released].map((minor) => minor / 100);
}

function replacement(by: number, original: number, more: object = {}): KeptEvent {
  const facts = { orderId: "7", upsellId: "u", transactionId: String(by), originalTransactionId: String(original) };
  return {
    key: `${by} ${original}`,
    type: "UpsellStatus",
    at: null,
    event: "paymentAction",
    pspStatus: "Success",
    amount: 0,
    currency: "XXX",
    success: true,
    facts: { ...facts, replacesOriginal: true, ...more },
  };
}

it("takes transactions in the order of their ids, which are numbers: the tenth comes after the ninth", () => {
  const story = Array.from({ length: 11 }, () => "UpdateInvoice 1").join(", ");
  const ids = ledgerOf(orderOf(story), []).transactions.map(({ PaymentTransactionId }) => Number(PaymentTransactionId));
  expect(ids).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
});

describe("sums of what succeeded", () => {
  it.each([
    ["Preauthorization 100", [100, 0, 0, 0]],
    ["Preauthorization 100 InProcess", [0, 0, 0, 0]],
    ["Preauthorization 100 Error, Preauthorization 100", [100, 0, 0, 0]],
    ["Debit 100", [100, 100, 0, 0]],
    ["Debit 100, Refund 30 <1", [100, 100, 30, 0]],
    ["Preauthorization 100, Capture 40 <1", [100, 40, 0, 0]],
    ["Preauthorization 100, Capture 40 <1, Capture 60 <1", [100, 100, 0, 0]],
    ["Preauthorization 100, Capture 100 <1 Error", [100, 0, 0, 0]],
    ["Preauthorization 100, Capture 100 <1, Refund 20 <2, Refund 80 <2", [100, 100, 100, 0]],
    ["Preauthorization 100, Reversal 20 <1", [100, 0, 0, 20]],
    ["Preauthorization 100, Reversal 100 <1 Error, Reversal 100 <1", [100, 0, 0, 100]],
    ["Preauthorization 100, Reversal 100 <1, Preauthorization 80", [180, 0, 0, 100]],
    ["Preauthorization 100, Capture 40 <1, Reversal 60 <1", [100, 40, 0, 60]],
    ["Preauthorization 899.5, Capture 899.5 <1", [899.5, 899.5, 0, 0]],
    ["Preauthorization 100, UpdateInvoice 100 <1, Registration 0", [100, 0, 0, 0]],
    ["Preauthorization 100, Capture 100 <1, UpdateInvoice -10 <2", [100, 100, 0, 0]],
    ["Preauthorization 100, Credit 100 Error", [100, 0, 0, 0]],
  ])("%s", (story, expected) => {
    expect(sums(ledgerOf(orderOf(story), []).money)).toEqual(expected);
  });

  it.each([
    ["TRUSTLY", "Preauthorization 100, Reversal 100 <1, Refund 100 <1", [100, 0, 0, 100]],
    ["TRUSTLY", "Preauthorization 100, Reversal 100 <1, Refund 100 <2", [100, 0, 0, 100]],
    ["TRUSTLY", "Debit 100, Reversal 100 <1", [100, 0, 0, 100]],
    ["TRUSTLY", "Debit 100, Reversal 100 <1, Refund 100 <1", [100, 0, 0, 100]],
    ["TRUSTLY", "Debit 100, Reversal 40 <1, Refund 40 <1", [100, 60, 0, 40]],
    ["TRUSTLY", "Debit 100, Reversal 40 <1, Refund 40 <1, Refund 10 <1", [100, 60, 10, 40]],
    ["TRUSTLY", "Preauthorization 100, Capture 60 <1, Reversal 40 <1, Refund 40 <1", [100, 60, 0, 40]],
    ["", "Debit 100, Reversal 100 <1, Refund 100 <1", [100, 0, 0, 100]],
    ["SWISH", "Debit 100, Capture 60 <1", [100, 100, 0, 0]],
    ["SWISH", "Debit 100, Capture 100 <1, Refund 30 <2", [100, 100, 30, 0]],
    ["TRUSTLY", "Debit 100, Reversal 40 <1, Refund 40 <1, Capture 60 <1", [100, 60, 0, 40]],
    ["", "Preauthorization 100, Reversal 100 <1, Refund 100 <1", [100, 0, 0, 100]],
    ["QLIRO_INVOICE", "Preauthorization 100, Capture 60 <1, Reversal 40 <1, Refund 40 <2", [100, 60, 40, 40]],
  ])("of %s: %s", (method, story, expected) => {
    expect(sums(ledgerOf(orderOf(story, method), []).money)).toEqual(expected);
  });

  it("of Trustly are the same where only the purchase says the method", () => {
    const order = orderOf("Preauthorization 100, Capture 60 <1, Reversal 40 <1, Refund 40 <1", "TRUSTLY");
    const [purchase, ...more] = order.PaymentTransactions;
    const silent = more.map((transaction) => ({ ...transaction, Method: undefined }));
    const ledger = ledgerOf({ ...order, PaymentTransactions: [...(purchase ? [purchase] : []), ...silent] }, []);
    expect(sums(ledger.money)).toEqual([100, 60, 0, 40]);
  });

  it.each([
    "Capture 100",
    "Preauthorization 100, Capture 101 <1",
    "Preauthorization 100, Capture 60 <1, Reversal 60 <1",
    "Preauthorization 100, Capture 100 <1, Refund 101 <2",
    "Preauthorization 100, Refund 1",
    "Preauthorization 100, Credit 1",
  ])("%s is a contradiction", (story) => {
    expect(() => ledgerOf(orderOf(story), [])).toThrow(expect.objectContaining({ kind: "Unmapped" }));
  });

  it.each(["Preauthorization", "Debit", "Capture", "Reversal", "Refund"])("know no %s below zero", (type) => {
    expect(() => orderOf(`Preauthorization 100, ${type} -10 <1`)).toThrow(
      expect.objectContaining({ kind: "Unmapped" }),
    );
  });

  it("of a transaction in another currency are none", () => {
    const order = orderFrom({
      OrderId: 7,
      Currency: "SEK",
      PaymentTransactions: [{ PaymentTransactionId: 1, Type: 0, Status: 4, Amount: 1, Currency: "NOK" }],
    });
    expect(() => ledgerOf(order, [])).toThrow(expect.objectContaining({ kind: "Unmapped" }));
  });

  it("add up or are Unmapped, whatever two transactions follow a reservation", () => {
    const words = transactionTypes.flatMap((type) => transactionStatuses.map((status) => `${type} 60 ${status} <1`));
    for (const second of words) {
      for (const third of words) {
        const order = orderOf(`Preauthorization 100, ${second}, ${third}`);
        let money: Money;
        try {
          ({ money } = ledgerOf(order, []));
        } catch (error) {
          expect(error).toMatchObject({ kind: "Unmapped" });
          continue;
        }
        const { authorized, captured, refunded, released } = money;
        const left = [authorized - captured - released, captured - refunded, ...Object.values(money)];
        expect(
          left.every((minor) => Number.isSafeInteger(minor) && minor >= 0),
          `${second}, ${third}`,
        ).toBe(true);
      }
    }
  });
});

describe("what is under way", () => {
  it.each(["Created", "InProcess", "UserInteractionRequired", "OnHold"])("is what is %s", (status) => {
    const story = `Preauthorization 100, Capture 40 <1 ${status}, Reversal 10 <1 ${status}, Refund 5 ${status}`;
    expect(ledgerOf(orderOf(story), []).underWay).toEqual({ capture: 4000, cancel: 1000, refund: 500 });
  });

  it("is nothing that has come to an end", () => {
    const story = "Preauthorization 100 InProcess, Capture 40 <1 Error, Reversal 10 <1 Cancelled";
    expect(ledgerOf(orderOf(story), []).underWay).toEqual({});
  });
});

describe("a replaced reservation", () => {
  const story = "Preauthorization 100, Preauthorization 125";

  it("is left out where the push says so and the ledger bears it out", () => {
    expect(sums(ledgerOf(orderOf(story), []).money)).toEqual([225, 0, 0, 0]);
    const ledger = ledgerOf(orderOf(story), [replacement(2, 1)]);
    expect(sums(ledger.money)).toEqual([125, 0, 0, 0]);
    expect([...ledger.replaced]).toEqual(["1"]);
  });

  it.each([
    ["the new one failed", "Preauthorization 100, Preauthorization 125 Error", replacement(2, 1), 100],
    ["the new one is smaller", "Preauthorization 100, Preauthorization 25", replacement(2, 1), 125],
    ["the new one is older", story, replacement(1, 2), 225],
    ["there is no such transaction", story, replacement(3, 1), 225],
    ["it is itself", story, replacement(2, 2), 225],
    ["the old one took the money", "Debit 100, Preauthorization 125", replacement(2, 1), 225],
    ["it was captured", `${story}, Capture 100 <1`, replacement(2, 1), 225],
    ["it is about another order", story, replacement(2, 1, { orderId: "8" }), 225],
    ["it does not say so", story, replacement(2, 1, { replacesOriginal: false }), 225],
    ["the upsell failed", story, { ...replacement(2, 1), success: false }, 225],
    ["it is no upsell's push", story, { ...replacement(2, 1), type: "Capture" }, 225],
  ])("counts where %s", (_, transactions, kept, authorized) => {
    expect(ledgerOf(orderOf(transactions), [kept]).money.authorized).toBe(authorized * 100);
  });

  it("counts, and so does its reversal, once the ledger lists it", () => {
    const ledger = ledgerOf(orderOf(`${story}, Reversal 100 <1`), [replacement(2, 1)]);
    expect(sums(ledger.money)).toEqual([225, 0, 0, 100]);
    expect(ledger.replaced.size).toBe(0);
  });

  it("counts, and so does its reversal, where the reversal does not say what it gives back", () => {
    const ledger = ledgerOf(orderOf(`${story}, Reversal 100`), [replacement(2, 1)]);
    expect(sums(ledger.money)).toEqual([225, 0, 0, 100]);
    expect(ledger.replaced.size).toBe(0);
  });

  it.each([
    ["a discount on the new one", "Reversal 20", [125, 0, 0, 20]],
    ["the end of the new one", "Reversal 125", [125, 0, 0, 125]],
    ["a reversal that failed", "Reversal 100 Error", [125, 0, 0, 0]],
  ])("stays left out after %s that names none", (_, reversal, expected) => {
    expect(sums(ledgerOf(orderOf(`${story}, ${reversal}`), [replacement(2, 1)]).money)).toEqual(expected);
  });

  it.each(["Reversal 100 <1 InProcess", "Reversal 100 Created"])(
    "is not in the way of a capture while it is given back: %s",
    (reversal) => {
      const ledger = ledgerOf(orderOf(`${story}, ${reversal}`), [replacement(2, 1)]);
      expect(sums(ledger.money)).toEqual([125, 0, 0, 0]);
      expect(ledger.underWay).toEqual({});
    },
  );

  it("may replace one that replaced another", () => {
    const kept = [replacement(3, 2), replacement(2, 1)];
    expect(sums(ledgerOf(orderOf(`${story}, Preauthorization 150`), kept).money)).toEqual([150, 0, 0, 0]);
  });
});
