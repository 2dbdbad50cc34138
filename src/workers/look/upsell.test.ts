import { expect, test } from "vitest";
import { mergedUpsell } from "./upsell.ts";

const desired = {
  eligible: false,
  transactions: [
    { id: "u_1", state: "failed" as const, attributes: { paymentTransactionId: "7" } },
    { id: "u_3", state: "created" as const },
  ],
};

test("where Norce has nothing, the PSP's word is all there is", () => {
  expect(mergedUpsell(null, desired)).toEqual(desired);
  expect(mergedUpsell("nonsense", desired)).toEqual(desired);
});

test("a transaction's state moves, and what its storefront wrote beside it stays", () => {
  const current = {
    eligible: true,
    attributes: { offer: "warranty" },
    transactions: [
      { id: "u_1", state: "actionRequired", attributes: { url: "https://psp.invalid/pay" }, itemIds: ["i_1"] },
      { id: "u_2", state: "created" },
    ],
  };
  expect(mergedUpsell(current, desired)).toEqual({
    eligible: false,
    attributes: { offer: "warranty" },
    transactions: [
      {
        id: "u_1",
        state: "failed",
        attributes: { url: "https://psp.invalid/pay", paymentTransactionId: "7" },
        itemIds: ["i_1"],
      },
      { id: "u_2", state: "created" },
      { id: "u_3", state: "created" },
    ],
  });
});

test("a completed transaction never falls back", () => {
  const current = { eligible: true, transactions: [{ id: "u_1", state: "completed" }] };
  expect(mergedUpsell(current, desired).transactions[0]).toMatchObject({ id: "u_1", state: "completed" });
});

test("what is told first is listed first, whenever Norce came to know of it", () => {
  const later = { eligible: true, transactions: [{ id: "u_3", state: "created" }] };
  expect(mergedUpsell(later, desired).transactions.map(({ id }) => id)).toEqual(["u_1", "u_3"]);
  const others = { eligible: true, transactions: [{ id: "u_0" }, { id: "u_3", state: "created" }, { id: "u_4" }] };
  expect(mergedUpsell(others, desired).transactions.map(({ id }) => id)).toEqual(["u_0", "u_1", "u_3", "u_4"]);
});
