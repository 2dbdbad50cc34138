import { readFileSync } from "node:fs";
import nock from "nock";
import { describe, expect, it } from "vitest";
import { createHttp } from "../../lib/http.ts";
import type { KeptEvent, LookContext, OperationCall, OperationName } from "../../contract/adapter.ts";
import { type Config, config } from "./config.ts";
import { operations } from "./operations.ts";
import { answerSchema, type Purchase, type Snapshot } from "./schema.ts";
import { asking } from "../../../test/support/asking.ts";
import { answerByNock } from "../../../test/support/nock.ts";

const apiUrl = "https://avarda.invalid";
const snapshot = JSON.parse(
  readFileSync(`${import.meta.dirname}/fixtures/completed/snapshot.json`, "utf8"),
) as Snapshot;
const path = `/api/partner/payments/${snapshot.purchase.purchaseId}`;
const id = "00000000-0000-4000-8000-000000000001";
const delivered: KeptEvent = {
  key: "ledger:earlier",
  type: "ledger:delivered",
  at: null,
  event: "capture",
  pspStatus: "204",
  amount: 0,
  currency: "SEK",
  success: true,
};

function contextOf(kept: readonly KeptEvent[]): LookContext<Config> {
  return {
    config: config.parse({ adapterId: "a", apiUrl, clientId: "c", clientSecret: "s" }),
    ...asking(),
    kept: async () => kept,
    payment: {
      paymentId: "p0123456789abcdefghijklmnop",
      amount: 10000,
      currency: "SEK",
      reference: null,
      upsell: null,
    },
    signal: new AbortController().signal,
    http: ({ baseUrl }) => createHttp({ peer: "avarda-checkout", timeoutMs: 100, baseUrl }),
  };
}

async function operate(
  name: OperationName,
  more: Partial<OperationCall> = {},
  purchase: Partial<Purchase> = {},
  kept: readonly KeptEvent[] = [],
) {
  const call = { name, id, amount: 10000, currency: "SEK", whole: true, now: 0, ...more };
  return await operations[name]?.(
    call,
    { ...snapshot, purchase: { ...snapshot.purchase, ...purchase } },
    contextOf(kept),
  );
}

/** Answers one call and says what its body was. */
function hears(call: string, status = 204): () => unknown {
  let heard: unknown;
  nock(apiUrl)
    .post(`${path}/${call}`, (body: unknown) => {
      heard = body;
      return true;
    })
    .reply(status, status === 204 ? "" : [{ ErrorMessage: "canary" }]);
  return () => heard;
}

answerByNock();

describe("an operation", () => {
  it("is never repeated by itself", () => {
    expect(operations.repeat).toBe("never");
  });

  it("leaves a line that says what it did", async () => {
    hears("order");
    expect(await operate("capture", { amount: 4000, whole: false })).toEqual({
      is: "done",
      event: {
        key: `ledger:${id}`,
        type: "ledger:delivered",
        at: null,
        reference: snapshot.purchase.purchaseId,
        line: {
          event: "capture",
          pspStatus: "204",
          amount: 4000,
          currency: "SEK",
          success: true,
          facts: { call: "order", tranId: id },
        },
      },
    });
  });

  it.each([
    ["capture", "order", 400],
    ["capture", "order", 404],
    ["capture", "order", 405],
    ["cancel", "cancel", 422],
    ["refund", "refundRemaining", 422],
  ] as const)("%s that is answered %s with %i is refused", async (name, call, status) => {
    hears(call, status);
    expect(await operate(name)).toEqual({ is: "refused", reason: `${call}-${status}` });
  });

  it.each([
    [401, "Unauthorized"],
    [403, "Refused"],
    [409, "Conflict"],
    [429, "Unreachable"],
    [500, "Unreachable"],
  ])("that is answered %i is %s", async (status, kind) => {
    hears("order", status);
    await expect(operate("capture")).rejects.toMatchObject({ kind, context: { status } });
  });

  it("of which no answer comes is Unreachable: the outcome is unknown", async () => {
    nock(apiUrl).post(`${path}/cancel`).delay(500).reply(200, {});
    await expect(operate("cancel")).rejects.toMatchObject({ kind: "Unreachable" });
  });
});

describe("what Avarda is told", () => {
  it("names the purchase's order reference, or the beginning of the payment id", async () => {
    const own = hears("refundRemaining");
    await operate("refund");
    expect(own()).toEqual({ orderReference: "p_1", tranId: id });
    const cut = hears("refundRemaining");
    await operate("refund", {}, { extraIdentifiers: null });
    expect(cut()).toEqual({ orderReference: "p0123456789abcdefghi", tranId: id });
  });

  it("always has an amount where a part goes back", async () => {
    const heard = hears("refund");
    await operate("refund", { amount: 2550, whole: false });
    expect(heard()).toEqual({ orderReference: "p_1", tranId: id, amount: 25.5 });
  });

  it("has the purchase's own lines, their texts cut to 35 characters", async () => {
    const heard = hears("order");
    const description = "A pair of shoes whose name is too long for an invoice";
    const items = [
      { description, amount: 120, taxCode: "25", taxAmount: 24, quantity: 2 },
      { description: "Rebate", amount: -20, taxCode: null },
    ];
    await operate("capture", {}, { items });
    expect(heard()).toMatchObject({
      items: [
        { description: description.slice(0, 35), amount: 120, taxCode: "25", taxAmount: 24, quantity: 2 },
        { description: "Rebate", amount: -20 },
      ],
    });
  });

  it.each([
    [
      "a part of lines of one rate",
      [{ description: "a", amount: 100, taxCode: "25.5", taxAmount: 20.32 }],
      "25.5",
      8.13,
    ],
    [
      "a part of lines of several rates",
      [
        { description: "a", amount: 50, taxCode: "25", taxAmount: 10 },
        { description: "b", amount: 50, taxCode: "12", taxAmount: 5.36 },
      ],
      undefined,
      6.14,
    ],
    ["rows that say their rate alone", [{ description: "a", amount: 125, taxCode: "25" }], "25", 8],
    ["a rate with its sign", [{ description: "a", amount: 125.5, taxCode: "25.5 %" }], "25.5 %", 8.13],
  ])("shares out the tax for %s", async (_, items, taxCode, taxAmount) => {
    const heard = hears("order");
    await operate("capture", { amount: 4000, whole: false }, { items });
    const line = { description: "Delivery", amount: 40, taxAmount, quantity: 1 };
    expect(heard()).toMatchObject({ items: [taxCode === undefined ? line : { ...line, taxCode }] });
  });

  it("shares out no tax of which nobody says how much it is", async () => {
    const items = [{ description: "a", amount: 100, taxCode: "SE-STANDARD" }];
    expect(await operate("capture", { amount: 4000, whole: false }, { items })).toEqual({
      is: "refused",
      reason: "rows-unreadable",
    });
  });

  const bought = { description: "Shoes", amount: 80, taxCode: "25", taxAmount: 16, quantity: 1 };

  it.each([
    ["a rate as a number", { taxCode: 25.5 }, { description: "Freight", amount: 20, taxCode: "25.5" }],
    ["no text", { description: null, taxCode: "25" }, { description: "Delivery", amount: 20, taxCode: "25" }],
    ["no text at all", {}, { description: "Delivery", amount: 20 }],
    ["an amount as a text", { amount: "20.00" }, { description: "Freight", amount: 20 }],
    ["a quantity that is none", { quantity: "some" }, { description: "Freight", amount: 20 }],
  ])("keeps every row where one has %s", async (_, odd, sent) => {
    const heard = hears("order");
    const row = {
      ...("taxCode" in odd || "amount" in odd || "quantity" in odd ? { description: "Freight" } : {}),
      amount: 20,
    };
    const { items } = answerSchema.parse({ ...snapshot.purchase, items: [bought, { ...row, ...odd }] });
    expect(await operate("capture", {}, { items })).toMatchObject({ is: "done" });
    expect((heard() as { items: unknown }).items).toEqual([bought, sent]);
  });

  it.each([
    ["an amount that is none", [bought, { description: "Freight", amount: null }]],
    ["a tax that is none", [bought, { description: "Freight", amount: 20, taxAmount: "some" }]],
    ["a rate that is none", [bought, { description: "Freight", amount: 20, taxCode: { rate: 25 } }]],
    ["a row that is none", [bought, null]],
    ["no rows", []],
    ["no list", null],
  ])("is nothing at all, and the operation refused, where Avarda has %s", async (_, given) => {
    const { items } = answerSchema.parse({ ...snapshot.purchase, items: given });
    for (const more of [{}, { amount: 4000, whole: false }])
      expect(await operate("capture", more, { items })).toEqual({ is: "refused", reason: "rows-unreadable" });
    expect(nock.pendingMocks()).toEqual([]);
  });

  it("has texts that end before an emoji, not inside it", async () => {
    const heard = hears("order");
    const items = [{ description: `${"x".repeat(34)}\u{1f6cd}`, amount: 100 }];
    await operate("capture", {}, { items });
    expect(heard()).toMatchObject({ items: [{ description: "x".repeat(34) }] });
  });

  it("says what a cancellation of the rest is meant as", async () => {
    const heard = hears("refundRemaining");
    const kept = [{ ...delivered, amount: 4000 }];
    await operate("cancel", { amount: 6000 }, {}, kept);
    expect(heard()).toMatchObject({ note: "Cancelled by the merchant" });
  });

  it("follows the log, whatever was remembered", async () => {
    const kept = [{ ...delivered, amount: 4000 }];
    const heard = hears("return");
    expect(await operate("refund", { amount: 4000 }, {}, kept)).toMatchObject({ is: "done" });
    expect(heard()).toMatchObject({ items: [{ description: "Return", amount: 40 }] });
  });
});
