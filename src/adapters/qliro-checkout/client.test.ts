import nock from "nock";
import { describe, expect, it } from "vitest";
import { WorkerError } from "../../lib/errors.ts";
import { createHttp, type Json } from "../../lib/http.ts";
import type { LookContext } from "../../contract/adapter.ts";
import { authorizationOf, fetchSnapshot, tell } from "./client.ts";
import { type Config, config } from "./config.ts";
import { map } from "./map.ts";
import { statusSchema } from "./schema.ts";
import { asking } from "../../../test/support/asking.ts";
import { answerByNock } from "../../../test/support/nock.ts";

const apiUrl = "https://qliro.invalid";
const secret = "demo-secret-7Q";
const id = "4711001";
const adminPath = `/checkout/adminapi/v2/orders/${id}`;
const merchantPath = `/checkout/merchantapi/Orders/${id}`;
const getToken = "Qliro NiuTjBQN3tw+xBl19RzgZsWlHLMA1daSOT7uwiq1uEM=";

const order = {
  OrderId: 4711001,
  MerchantReference: "p_1",
  Currency: "SEK",
  Customer: { FirstName: "canary", PersonalNumber: "canary" },
  PaymentTransactions: [
    {
      PaymentTransactionId: 6620017,
      OrderId: 4711001,
      Type: "Preauthorization",
      Status: "Success",
      Amount: 100,
      Currency: "SEK",
      Timestamp: "2026-02-11T09:14:20.5",
      PaymentMethodName: "QLIRO_INVOICE",
    },
  ],
  OrderItemActions: [],
};
const checkout = {
  OrderId: 4711001,
  MerchantReference: "p_1",
  Currency: "SEK",
  TotalPrice: 100,
  CustomerCheckoutStatus: "Completed",
  OrderHtmlSnippet: "<div>canary</div>",
  BillingAddress: { Street: "canary" },
};
const notFound = { ErrorCode: "ORDER_NOT_FOUND", ErrorMessage: "canary", ErrorReference: "canary" };

function contextOf(known: Readonly<Record<string, Json>> = {}, upsell: Json = null): LookContext<Config> {
  const settings = { adapterId: "a", apiUrl, merchantApiKey: "canary-key", merchantApiSecret: secret };
  return {
    config: config.parse({ ...settings, useUpsell: upsell !== null }),
    ...asking(known),
    payment: { paymentId: "p_1", amount: 10000, currency: "SEK", reference: id, upsell },
    signal: new AbortController().signal,
    http: (options) => createHttp({ peer: "qliro-checkout", timeoutMs: 100, ...options }),
  };
}

/** Answers both GETs and says which were asked. */
function qliro(ledger: [number, unknown], session: [number, unknown]): () => string[] {
  const asked: string[] = [];
  for (const [path, [status, body]] of [
    [adminPath, ledger],
    [merchantPath, session],
  ] as const) {
    nock(apiUrl, { reqheaders: { authorization: getToken } })
      .persist()
      .get(path)
      .reply(() => {
        asked.push(path);
        return [status, body as string];
      });
  }
  return () => asked.toSorted();
}

async function failureOf(promise: Promise<unknown>): Promise<WorkerError> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof WorkerError)) throw new Error("no WorkerError");
  const told = [error.message, error.stack, JSON.stringify(error.context), String(error.cause)].join("\n");
  for (const hidden of ["canary", secret, getToken]) expect(told).not.toContain(hidden);
  return error;
}

answerByNock();

/** When the answers are looked at. */
const lookedAt = Date.parse("2026-08-01T10:00:00.000Z");

describe("the request hash", () => {
  const body = '{"MerchantApiKey":"DEMO_KEY","OrderId":4711001,"RequestId":"5f1c2b1e-52b0-4c0f-9a1c-0d3b7f5a9e10"}';

  // The worked examples of docs/psp/qliro.md, (a).
  it.each([
    ["a body", body, "L6phXt1fb7J7nQ9F9EUesPmikBN4z7fn/Xuf/j3OjqA="],
    ["no body", "", "NiuTjBQN3tw+xBl19RzgZsWlHLMA1daSOT7uwiq1uEM="],
    ["letters beyond ASCII", '{"Name":"Åsa"}', "xUNpGneD20azCgXNsF8f4qIrQcUHBCsPChXx+3+0lcQ="],
  ])("of %s is the documented one", (_, text, token) => {
    expect(authorizationOf(text, secret)).toBe(`Qliro ${token}`);
  });

  it("is neither that of the hexadecimal digest nor that of Latin-1", () => {
    expect(authorizationOf(body, secret)).not.toContain("MmZhYTYxNWVk");
    expect(authorizationOf('{"Name":"Åsa"}', secret)).not.toBe("Qliro MX+Bm/ShMzGHogYlOD68TrOF9/W1brOa7Zdshk8OiXo=");
  });

  it("covers the text that is sent, with the key in it", async () => {
    let sent = "";
    let authorization = "";
    const heard = (value: unknown): boolean => (authorization = String(value)) !== "";
    nock(apiUrl, { reqheaders: { authorization: heard } })
      .post("/checkout/adminapi/v2/cancelOrder", (given: unknown) => (sent = JSON.stringify(given)) !== "")
      .reply(200, {});
    await tell("cancelOrder", { RequestId: "x", Price: 40.5, Name: "Åsa" }, contextOf());
    expect(sent).toBe('{"MerchantApiKey":"canary-key","RequestId":"x","Price":40.5,"Name":"Åsa"}');
    expect(authorization).toBe(authorizationOf(sent, secret));
  });
});

describe("fetch", () => {
  it("reads both orders at first, and one when the checkout order has told all", async () => {
    const asked = qliro([200, order], [200, checkout]);
    const first = await fetchSnapshot(id, contextOf());
    if (first === null) throw new Error("no snapshot");
    expect(asked()).toEqual([adminPath, merchantPath]);
    expect(JSON.stringify(first)).not.toContain("canary");

    const desired = map(first, { kept: [], now: lookedAt });
    expect(desired).toMatchObject({ phase: "confirmed", memory: { checkout: "read", status: "Completed" } });
    const second = await fetchSnapshot(id, contextOf(desired.memory));
    if (second === null) throw new Error("no snapshot");
    expect(asked()).toEqual([adminPath, adminPath, merchantPath]);
    expect(map(second, { kept: [], now: lookedAt })).toEqual(desired);
  });

  it("reads both again where what was noted is about another order", async () => {
    const asked = qliro([200, order], [200, checkout]);
    const known = { orderId: "4711002", checkout: "read", status: "Refused", seenAt: "2020-01-01T00:00:00.000Z" };
    const read = await fetchSnapshot(id, contextOf(known));
    expect(asked()).toEqual([adminPath, merchantPath]);
    expect(read?.noted).toEqual({});
  });

  it("sees a purchase that the ledger does not show yet", async () => {
    qliro([404, ""], [200, checkout]);
    const read = await fetchSnapshot(id, contextOf());
    expect(read === null ? null : map(read, { kept: [], now: lookedAt })).toMatchObject({
      phase: "confirmed",
      money: { authorized: 0 },
      memory: { checkout: "open" },
    });
  });

  it("sees a subscription that was charged, which the merchant API does not know", async () => {
    const asked = qliro([200, order], [404, ""]);
    const read = await fetchSnapshot(id, contextOf());
    const desired = read === null ? null : map(read, { kept: [], now: lookedAt });
    expect(desired).toMatchObject({ phase: "confirmed", memory: { checkout: "gone" } });
    await fetchSnapshot(id, contextOf(desired?.memory));
    expect(asked()).toEqual([adminPath, adminPath, merchantPath]);
  });

  it.each([
    ["404", [404, ""] as [number, unknown]],
    ["400 ORDER_NOT_FOUND", [400, notFound] as [number, unknown]],
  ])("is null where Qliro knows neither: %s", async (_, answer) => {
    qliro(answer, answer);
    expect(await fetchSnapshot(id, contextOf())).toBeNull();
  });

  it("reads any casing, ids as text, and words as numbers", async () => {
    const [transaction] = order.PaymentTransactions;
    const camel = {
      orderID: "4711001",
      merchantReference: "p_1",
      currency: "sek",
      paymentTransactions: [
        { ...transaction, PaymentTransactionId: undefined, paymentTransactionID: "6620017", Type: 0, Status: 4 },
      ],
    };
    qliro([200, camel], [200, { ...checkout, CustomerCheckoutStatus: undefined, customerCheckoutStatus: "completed" }]);
    const read = await fetchSnapshot(id, contextOf());
    expect(read?.order?.PaymentTransactions).toMatchObject([
      { PaymentTransactionId: "6620017", Type: "Preauthorization", Status: "Success" },
    ]);
    expect(read === null ? null : map(read, { kept: [], now: lookedAt })).toMatchObject({
      phase: "confirmed",
      money: { authorized: 10000 },
    });
  });

  it("reads an order that names its currency at its transactions only", async () => {
    qliro([200, { ...order, Currency: null }], [404, ""]);
    expect((await fetchSnapshot(id, contextOf()))?.order).toMatchObject({ Currency: "SEK" });
  });

  it("reads what Qliro's own Magento module has recorded: no original, no method, an offset, lines of transaction 0", async () => {
    const made = {
      PaymentTransactionId: 9200450,
      Amount: 39.98,
      Status: "Success",
      Timestamp: "2026-07-15T09:12:44.000+00:00",
    };
    const ledger = {
      OrderId: 4711001,
      MerchantReference: "p_1",
      Currency: "EUR",
      PaymentTransactions: [
        {
          ...made,
          Type: "Preauthorization",
          OriginalPaymentTransactionId: null,
          PaymentMethodName: null,
          Currency: null,
        },
        { ...made, PaymentTransactionId: 9200451, Type: "Capture", PaymentMethodName: "QLIROPAYLATER_INVOICE14" },
      ],
      OrderItemActions: null,
      Upsell: null,
      MerchantProvidedMetadata: null,
      FutureField: "tolerated",
    };
    const session = {
      OrderId: 4711001,
      MerchantReference: "p_1",
      TotalPrice: 39.98,
      Currency: "EUR",
      CustomerCheckoutStatus: "Completed",
      PaymentMethod: { PaymentMethodName: "Faktura 30 dagar", PaymentTypeCode: "704" },
      OrderItems: [
        { MerchantReference: "sku", Quantity: 2, PricePerItemIncVat: 19.99, Type: "Product", PaymentTransactionId: 0 },
      ],
      IdentityVerification: {},
      MerchantProvidedMetadata: [],
    };
    qliro([200, ledger], [200, session]);
    const read = await fetchSnapshot(id, contextOf());
    expect(read === null ? null : map(read, { kept: [], now: lookedAt })).toMatchObject({
      phase: "confirmed",
      money: { authorized: 3998, captured: 3998, refunded: 0, released: 0 },
      currency: "EUR",
      total: 3998,
      memory: { completedAt: "2026-07-15T09:12:44.000Z" },
    });
  });

  it("goes by the ledger where the session has expired, and knows nothing without one", async () => {
    qliro([200, order], [400, { ErrorCode: "ORDER_EXPIRED", DetailedErrorMessage: "canary" }]);
    const read = await fetchSnapshot(id, contextOf());
    expect(read === null ? null : map(read, { kept: [], now: lookedAt })).toMatchObject({
      phase: "confirmed",
      money: { authorized: 10000 },
    });
    nock.cleanAll();
    qliro([404, ""], [400, { ErrorCode: "ORDER_EXPIRED" }]);
    expect(await fetchSnapshot(id, contextOf())).toBeNull();
  });

  it.each([
    ["numbers", { Id: "t", BrandName: 2, ExpiryYear: 2029, ExpiryMonth: 5, Bin: 512345, Last4Digits: 8 }],
    [
      "text",
      { Id: "t", BrandName: "MASTERCARD", ExpiryYear: "2029", ExpiryMonth: "05", Bin: "512345", Last4Digits: "0008" },
    ],
  ])("reads a saved card whose facts are %s", async (_, MerchantSavedCreditCard) => {
    qliro([200, order], [200, { ...checkout, MerchantSavedCreditCard }]);
    const read = await fetchSnapshot(id, contextOf());
    expect(read === null ? null : map(read, { kept: [], now: lookedAt }).recurring).toMatchObject({
      token: "t",
      description: "MASTERCARD ****0008 05/29",
      attributes: { bin: "512345", last4: "0008", expiryMonth: 5, expiryYear: 2029 },
    });
  });

  it("takes what Norce says of upsells along", async () => {
    qliro([200, order], [200, checkout]);
    const upsell = {
      eligible: true,
      transactions: [
        {
          id: "ups-1",
          state: "actionRequired",
          attributes: { PaymentTransactionId: 7, url: "https://canary.invalid" },
        },
        { id: "ups-2", state: "created" },
        { id: "", state: "created" },
        { id: "ups-3", state: "canary" },
        "canary",
      ],
    };
    const read = await fetchSnapshot(id, contextOf({}, upsell));
    expect(read?.upsell).toEqual({
      timeoutSeconds: 300,
      started: [
        { id: "ups-1", state: "actionRequired", transactionId: "7" },
        { id: "ups-2", state: "created" },
      ],
    });
  });

  it.each([
    ["a merchant reference", "SE1000481"],
    ["a path", ".."],
    ["nothing", ""],
  ])("asks nobody for %s", async (_, reference) => {
    const asked = qliro([200, order], [200, checkout]);
    expect(await failureOf(fetchSnapshot(reference, contextOf()))).toMatchObject({ kind: "Refused" });
    expect(asked()).toEqual([]);
  });

  it("refuses another order than it asked for", async () => {
    qliro([200, { ...order, OrderId: 4711002 }], [404, ""]);
    expect(await failureOf(fetchSnapshot(id, contextOf()))).toMatchObject({
      kind: "Refused",
      context: { reason: "other-order" },
    });
  });

  it.each([
    [401, { ErrorCode: "UNAUTHORIZED" }, "Unauthorized"],
    [400, { ErrorCode: "FORBIDDEN" }, "Unauthorized"],
    [400, { ErrorCode: "MERCHANT_MISMATCH", DetailedErrorMessage: "canary" }, "Refused"],
    [403, "", "Refused"],
    [409, "", "Conflict"],
    [422, "", "Refused"],
    [429, "", "Unreachable"],
    [500, { ErrorCode: "SYSTEM_ERROR" }, "Unreachable"],
    [503, "", "Unreachable"],
  ])("%i %j is %s", async (status, body, kind) => {
    qliro([status, body], [200, checkout]);
    expect(await failureOf(fetchSnapshot(id, contextOf()))).toMatchObject({ kind });
  });

  it("says Qliro's own code, and no sentence", async () => {
    qliro([400, { errorCode: "INVALID_INPUT", errorMessage: "canary", ErrorReference: "ref-1" }], [200, checkout]);
    const { kind, context } = await failureOf(fetchSnapshot(id, contextOf()));
    expect({ kind, ...context }).toMatchObject({
      kind: "Refused",
      status: 400,
      code: "INVALID_INPUT",
      supportId: "ref-1",
    });
    expect(JSON.stringify(context)).not.toContain("canary");
  });

  it.each([
    ["a type nobody mapped", { ...order, PaymentTransactions: [{ ...order.PaymentTransactions[0], Type: "canary" }] }],
    ["a status nobody mapped", { ...order, PaymentTransactions: [{ ...order.PaymentTransactions[0], Status: 7 }] }],
    ["an amount that is text", { ...order, PaymentTransactions: [{ ...order.PaymentTransactions[0], Amount: "100" }] }],
    ["transactions that are no list", { ...order, PaymentTransactions: { canary: 1 } }],
    ["an id that does not fit into a number", { ...order, OrderId: 2 ** 60 }],
    ["an empty object", {}],
    ["an empty body", ""],
    ["a list", []],
  ])("is Unmapped where the ledger is %s", async (_, body) => {
    qliro([200, body], [200, checkout]);
    expect(await failureOf(fetchSnapshot(id, contextOf()))).toMatchObject({ kind: "Unmapped" });
  });

  it.each(["Paused", "canary", 7, ""])("is Unmapped where the checkout's status is %j", async (status) => {
    expect(statusSchema.safeParse({ CustomerCheckoutStatus: status }).success).toBe(false);
    qliro([200, order], [200, { ...checkout, CustomerCheckoutStatus: status }]);
    expect(await failureOf(fetchSnapshot(id, contextOf()))).toMatchObject({ kind: "Unmapped" });
  });
});
