import { describe, expect, it } from "vitest";
import nock from "nock";
import type { DesiredPayment, KeptEvent, LookContext, OperationCall } from "../../contract/adapter.ts";
import { createHttp } from "../../lib/http.ts";
import { asking } from "../../../test/support/asking.ts";
import { answerByNock } from "../../../test/support/nock.ts";
import { type Config, config } from "./config.ts";
import { fetchSnapshot } from "./client.ts";
import adapter from "./index.ts";
import { isRefusal } from "./map.ts";
import { operations, vatOf } from "./operations.ts";
import { payeeReferenceOf } from "./reference.ts";
import type { Order, Snapshot } from "./schema.ts";
import { callback } from "./webhooks.ts";

const apiUrl = "https://api.payex.example.invalid";
const id = "/psp/paymentorders/0c5a3b0e-1111-4222-8333-08dd00000001";
const other = "/psp/paymentorders/0c5a3b0e-1111-4222-8333-08dd00000002";
const now = Date.parse("2026-02-03T10:20:00.000Z");

function settingsWith(more: object = {}): Config {
  return config.parse({ adapterId: "a", apiUrl, accessToken: "simulated-access-token", ...more });
}

function contextWith(settings = settingsWith()): LookContext<Config> {
  return {
    config: settings,
    ...asking(),
    payment: { paymentId: "p_1", amount: 10_000, currency: "SEK", reference: null, upsell: null },
    signal: new AbortController().signal,
    http: (options) => createHttp({ peer: "swedbank-pay", ...options }),
  };
}

/** A payment order that was authorised, as Swedbank Pay says it. */
function answered(order: object = {}, offers: readonly object[] = []): Record<string, unknown> {
  return {
    paymentOrder: {
      id,
      status: "Paid",
      currency: "SEK",
      amount: 10_000,
      vatAmount: 2_000,
      created: "2026-02-03T10:15:00.1234567Z",
      remainingCaptureAmount: 10_000,
      paid: { transactionType: "Authorization", amount: 10_000, instrument: "CreditCard" },
      financialTransactions: { id: `${id}/financialtransactions`, financialTransactionsList: [] },
      ...order,
    },
    operations: offers,
  };
}

async function look(body: object): Promise<Snapshot> {
  nock(apiUrl).get(id).query(true).times(2).reply(200, body);
  const snapshot = await fetchSnapshot(id, contextWith());
  nock.cleanAll();
  if (snapshot === null) throw new Error("nothing was read");
  return snapshot;
}

const say = (snapshot: Snapshot, kept: readonly KeptEvent[] = []): DesiredPayment =>
  adapter.map(snapshot, { kept, now });

answerByNock();

describe("a callback", () => {
  const told = (body: string): string | undefined => {
    const request = { method: "POST", url: "/", query: new URLSearchParams(), headers: {}, body: Buffer.from(body) };
    return callback.parse(request, { adapter: "swedbank-pay", merchant: "acme", channel: "se" }, settingsWith())[0]
      ?.reference;
  };

  it.each([
    ["of 3.1", { orderReference: "p_1", paymentOrder: { id, instrument: "paymentorders", number: 70_100_000_001 } }],
    [
      "of 3.0, with ids that nobody may ask for",
      { paymentOrder: { id }, payment: { id: "/psp/creditcard/payments/1" }, transaction: { id: "/x" } },
    ],
    ["in lower case", { paymentorder: { id } }],
    ["with the GUID alone", { paymentOrder: { id: id.slice(-36) } }],
    ["in capitals", { paymentOrder: { id: `/psp/paymentorders/${id.slice(-36).toUpperCase()}` } }],
  ])("%s names its payment order", (_, body) => {
    expect(told(JSON.stringify(body))).toBe(id);
  });

  it.each([
    ["a payment alone", { payment: { id: "/psp/creditcard/payments/0c5a3b0e-1111-4222-8333-08dd00000001" } }],
    ["another path", { paymentOrder: { id: `${id}/paid` } }],
    ["another host", { paymentOrder: { id: `https://evil.invalid${id}` } }],
    ["dots", { paymentOrder: { id: "/psp/paymentorders/../consumers" } }],
    ["nothing", {}],
  ])("that names %s is malformed", (_, body) => {
    expect(() => told(JSON.stringify(body))).toThrow(expect.objectContaining({ kind: "MalformedWebhook" }));
  });
});

describe("fetch", () => {
  it.each(["../consumers", `${id}/paid`, `https://evil.invalid${id}`, ""])(
    "asks for nothing by the id %j",
    async (reference) => {
      expect(await fetchSnapshot(reference, contextWith())).toBeNull();
    },
  );

  it("asks for 3.1 with everything expanded, in a session of its own, and takes a GUID for the id", async () => {
    nock(apiUrl, {
      reqheaders: {
        authorization: "Bearer simulated-access-token",
        "content-type": "application/json;version=3.1",
        "session-id": /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/,
      },
    })
      .get(id)
      .query(({ $expand }) => String($expand).includes("financialTransactions") && !String($expand).includes("payer,"))
      .reply(200, answered());
    const snapshot = await fetchSnapshot(id.slice(-36), contextWith());
    expect(snapshot?.order.id).toBe(id);
    expect(adapter.sameId(id.slice(-36), id)).toBe(true);
    expect(adapter.sameId(other, id)).toBe(false);
  });

  it.each([
    ["as documented", "financialTransactions", "financialTransactionsList"],
    ["as documented elsewhere", "financialTransactions", "financialTransactionList"],
    ["in lower case", "financialtransactions", "financialtransactionslist"],
  ])("reads the transactions spelled %s", async (_, name, list) => {
    const { paymentOrder, ...rest } = answered({ remainingCaptureAmount: 6_000 });
    const { financialTransactions: _none, ...order } = paymentOrder as Record<string, unknown>;
    const capture = {
      id: `${id}/financialtransactions/1`,
      type: "Capture",
      amount: 4_000,
      created: "2026-02-03T10:16:00Z",
    };
    const snapshot = await look({ ...rest, paymentOrder: { ...order, [name]: { [list]: [capture] } } });
    expect(say(snapshot).money).toMatchObject({ authorized: 10_000, captured: 4_000 });
  });

  it("reads past a word that nobody knows where it is over nothing: the verification of a card moves no money", async () => {
    const verified = {
      operation: "Verify",
      amount: 0,
      vatAmount: 0,
      remainingCaptureAmount: undefined,
      paid: { transactionType: "Verification", amount: 0, tokens: [{ type: "unscheduled", token: "t_1" }] },
      financialTransactions: { financialTransactionsList: [{ id: `${id}/1`, type: "Verification", amount: 0 }] },
    };
    expect(say(await look(answered(verified)))).toMatchObject({
      phase: "confirmed",
      money: { authorized: 0 },
      recurring: { token: "t_1" },
    });
    await expect(look(answered({ paid: { transactionType: "Verification", amount: 1 } }))).rejects.toThrow("paid");
  });

  it("counts each transaction once, however often the list names it, and a currency in any case", async () => {
    const capture = { id: `${id}/financialtransactions/1`, type: "Capture", amount: 4_000 };
    const list = { financialTransactionsList: [capture, capture] };
    const said = say(
      await look(answered({ currency: "sek", remainingCaptureAmount: 6_000, financialTransactions: list })),
    );
    expect(said).toMatchObject({ currency: "SEK", money: { authorized: 10_000, captured: 4_000, released: 0 } });
  });

  it.each(["postpurchaseFailedAttemptList", "postPurchaseFailedAttemptList"])("reads failures in %s", async (list) => {
    const failed = {
      number: 12_345_678,
      status: "Failed",
      problem: { type: "https://api.payex.com/psp/errordetail/creditcard/badrequest" },
    };
    const snapshot = await look(
      answered({
        postPurchaseFailedAttempts: {
          [list]: [
            { ...failed, type: "Capture" },
            { ...failed, transactionType: "Reversal" },
          ],
        },
      }),
    );
    expect(say(snapshot).findings).toMatchObject([
      { name: "capture-failed", id: "12345678", facts: { code: "badrequest" } },
      { name: "refund-failed", id: "12345678" },
    ]);
  });

  it.each([
    ["a list that was not expanded", { financialTransactions: { id: `${id}/financialtransactions` } }],
    [
      "a transaction that nobody knows",
      { financialTransactions: { financialTransactionsList: [{ id: "/x", type: "Chargeback", amount: 1 }] } },
    ],
    ["an amount that is no integer", { amount: 100.5 }],
    [
      "more captured than was held",
      { financialTransactions: { financialTransactionsList: [{ id: "/x", type: "Capture", amount: 10_001 }] } },
    ],
    ["given back, and not what", { status: "Reversed", paid: {} }],
    ["a payout", { operation: "Payout" }],
    ["units that nobody documents", { currency: "JPY" }],
  ])("%s is Unmapped", async (_, order) => {
    await expect((async () => say(await look(answered(order))))()).rejects.toMatchObject({ kind: "Unmapped" });
  });

  it.each([
    ["relative", `${id}/captures`, true],
    ["absolute, on the configured host", `${apiUrl}${id}/captures`, true],
    ["on another host", `https://evil.invalid${id}/captures`, false],
    ["on a host that begins so", `${apiUrl}.evil.invalid${id}/captures`, false],
    ["with somebody before the host", `https://api.payex.example.invalid@evil.invalid${id}/captures`, false],
    ["without a scheme", `//evil.invalid${id}/captures`, false],
    ["unencrypted", `http://api.payex.example.invalid${id}/captures`, false],
    ["of another payment order", `${apiUrl}${other}/captures`, false],
    ["leading upwards", `${apiUrl}${id}/../captures`, false],
  ])("a link that is %s: followed is %s", async (_, href, followed) => {
    const { possible } = say(await look(answered({}, [{ rel: "capture", href, method: "POST" }])));
    expect(possible).toEqual(followed ? ["capture"] : []);
  });
});

describe("map", () => {
  it.each([
    ["acquirercarddeclined", true],
    ["acquirercardstolen", true],
    ["acquirerinsufficientfunds", true],
    ["acquirererror", true],
    ["frauddetected", true],
    ["acquirerpossiblefraud", true],
    ["swishdeclined", true],
    ["dailylimitexceeded", true],
    ["paymenttokeninactive", true],
    ["acquirergatewayerror", false],
    ["acquirergatewaytimeout", false],
    ["3dsecureusercanceled", false],
    ["bankidcancelled", false],
    ["swishtimeout", false],
    ["systemerror", false],
    ["badgateway", false],
    [undefined, false],
  ])("%s is a refusal: %s", (code, refusal) => {
    expect(isRefusal(code)).toBe(refusal);
  });

  const reversal = (place: number, amount: number, minute: number) => ({
    id: `${id}/financialtransactions/r${place}`,
    type: "Reversal",
    amount,
    created: `2026-02-03T10:${minute}:00Z`,
  });
  const sold = {
    paid: { transactionType: "Sale", amount: 10_000, instrument: "BankLink" },
    remainingCaptureAmount: undefined,
  };

  it("a line that was logged stays what it was, though an older one turns up later", async () => {
    const listed = (...list: readonly object[]) =>
      answered({ ...sold, financialTransactions: { financialTransactionsList: list } });
    const first = say(await look(listed(reversal(2, 3_000, 18))));
    const seen = first.memory?.["seen"] as readonly string[];
    const then = say({ ...(await look(listed(reversal(1, 1_000, 17), reversal(2, 3_000, 18)))), seen });
    const lines = ({ transactions }: DesiredPayment) =>
      transactions.filter(({ event }) => event === "refund").map(({ key, amount }) => [key, amount]);
    expect(lines(first)).toEqual([["refund:r2", 3_000]]);
    expect(lines(then)).toEqual([
      ["refund:r2", 3_000],
      ["refund:r1", 4_000],
    ]);
  });

  it("what an instrument takes off is not missing", async () => {
    const paid = { transactionType: "Authorization", amount: 9_500, submittedAmount: 10_000, discountAmount: 500 };
    expect(say(await look(answered({ amount: 9_500, remainingCaptureAmount: 9_500, paid })))).toMatchObject({
      total: 10_000,
      money: { authorized: 9_500 },
    });
  });

  const accepted = (reference: string, minute: number): KeptEvent => ({
    key: `reversal-accepted:${reference}`,
    type: "reversal-accepted",
    at: `2026-02-03T10:${minute}:00.000Z`,
    event: "process",
    pspStatus: "pending",
    amount: 0,
    success: true,
    facts: { payeeReference: reference, amount: 1_000 },
  });
  const failed = (minute: number) => ({ type: "Reversal", number: minute, created: `2026-02-03T10:${minute}:00Z` });

  it.each([
    ["one that nothing shows", [accepted("A", 17)], [], [], 1_000],
    [
      "one that was carried out",
      [accepted("A", 17)],
      [{ ...reversal(1, 1_000, 18), payeeReference: "A" }],
      [],
      undefined,
    ],
    ["one that failed", [accepted("A", 17)], [], [failed(18)], undefined],
    ["one behind an older failure", [accepted("A", 17)], [], [failed(10)], 1_000],
    ["the second of two, the first failed", [accepted("A", 17), accepted("B", 18)], [], [failed(19)], 1_000],
    ["one from long ago", [{ ...accepted("A", 17), at: "2026-01-20T10:00:00.000Z" }], [], [], undefined],
  ])("of accepted reversals, %s is under way", async (_, kept, list, failures, underWay) => {
    const body = answered({
      ...sold,
      financialTransactions: { financialTransactionsList: list },
      postPurchaseFailedAttempts: { postpurchaseFailedAttemptList: failures },
    });
    const desired = say(await look(body), kept);
    expect(desired.underWay?.refund).toBe(underWay);
    expect(desired.lookAgain !== undefined).toBe(underWay !== undefined);
  });
});

describe("an operation", () => {
  const call = (more: Partial<OperationCall> = {}): OperationCall => ({
    name: "capture",
    id: "0f0e4f0a-9c0e-4f8b-8a1d-000000000001",
    amount: 4_000,
    currency: "SEK",
    whole: false,
    now,
    ...more,
  });
  const offers = ["capture", "cancel", "reversal"].map((rel) => {
    const places: Record<string, string> = { capture: "captures", cancel: "cancellations", reversal: "reversals" };
    return { rel, href: `${apiUrl}${id}/${places[rel] ?? ""}`, method: "POST" };
  });
  const sent: { transaction?: Record<string, unknown> }[] = [];
  const answering = (place: string, status: number, body: object = {}): void => {
    sent.length = 0;
    nock(apiUrl, { reqheaders: { "content-type": "application/json;version=3.1" } })
      .post(`${id}/${place}`, (said: { transaction?: Record<string, unknown> }) => sent.push(said) > 0)
      .reply(status, body);
  };

  it("says its part of the VAT and a reference of its own", async () => {
    const snapshot = await look(answered({}, offers));
    answering("captures", 200, answered());
    expect(await operations.capture?.(call(), snapshot, contextWith())).toEqual({ is: "done" });
    expect(sent[0]?.transaction).toEqual({
      description: "Capture",
      amount: 4_000,
      vatAmount: 800,
      payeeReference: payeeReferenceOf(call(), settingsWith()),
    });
  });

  it("that cancels says no amount: all that is left is let go", async () => {
    const snapshot = await look(answered({}, offers));
    answering("cancellations", 200);
    await operations.cancel?.(call({ name: "cancel" }), snapshot, contextWith());
    expect(Object.keys(sent[0]?.transaction ?? {})).toEqual(["description", "payeeReference"]);
  });

  it("that a bank carries out later is accepted, and remembered", async () => {
    const snapshot = await look(answered({ paid: { transactionType: "Sale", amount: 10_000 } }, offers));
    answering("reversals", 202);
    const result = await operations.refund?.(call({ name: "refund" }), snapshot, contextWith());
    expect(result).toMatchObject({ is: "accepted", event: { line: { amount: 0, facts: { amount: 4_000 } } } });
  });

  it.each([
    [400, "inputerror", { is: "refused", reason: "inputerror" }],
    [403, "forbidden", { is: "refused", reason: "forbidden" }],
    [429, "velocitycheck", "Unreachable"],
    [500, "systemerror", "Unreachable"],
    [504, "acquirergatewaytimeout", "Unreachable"],
  ])("that is answered by %d %s", async (status, type, outcome) => {
    const snapshot = await look(answered({}, offers));
    answering("captures", status, { type: `https://api.payex.com/psp/errordetail/${type}`, sessionId: "s-1" });
    const told = Promise.resolve(operations.capture?.(call(), snapshot, contextWith()));
    if (typeof outcome === "string")
      await expect(told).rejects.toMatchObject({ kind: outcome, context: { code: type, supportId: "s-1" } });
    else expect(await told).toEqual(outcome);
  });

  it("that is not offered now is not sent: what was sent before may be under way", async () => {
    const snapshot = await look(answered());
    const told = Promise.resolve(operations.refund?.(call({ name: "refund" }), snapshot, contextWith()));
    await expect(told).rejects.toMatchObject({ kind: "Conflict" });
  });

  const item = {
    reference: "P1",
    name: "Lamp",
    type: "PRODUCT",
    class: "C",
    quantity: 1,
    quantityUnit: "pcs",
    unitPrice: 10_000,
    vatPercent: 2_500,
    amount: 10_000,
    vatAmount: 2_000,
  };

  it.each([
    ["all its lines", [item], { is: "done" }],
    ["lines over another sum", [{ ...item, amount: 9_000 }], { is: "refused", reason: "order-items-incomplete" }],
    ["a line without its name", [{ ...item, name: undefined }], { is: "refused", reason: "order-items-incomplete" }],
  ])("on an invoice with %s", async (_, list, outcome) => {
    const paid = { transactionType: "Authorization", amount: 10_000, instrument: "Invoice-PayExFinancingSe" };
    const snapshot = await look(answered({ paid }, offers));
    nock(apiUrl)
      .get(`${id}/orderitems`)
      .reply(200, { orderItems: { orderItemList: list } });
    answering("captures", 200);
    expect(await operations.capture?.(call({ amount: 10_000, whole: true }), snapshot, contextWith())).toEqual(outcome);
    expect(sent.map(({ transaction }) => transaction?.["orderItems"])).toEqual(outcome.is === "done" ? [list] : []);
  });

  it.each([
    ["letters", /^[a-z0-9]{30}$/],
    ["digits", /^\d{12}$/],
  ])("has a reference in %s, the same at each attempt, and no other's", (operationReferences, shape) => {
    const settings = settingsWith({ operationReferences });
    const calls = Array.from({ length: 500 }, (_, place) => call({ id: `operation-${place}` }));
    const references = calls.map((one) => payeeReferenceOf(one, settings));
    expect(references).toEqual(calls.map((one) => payeeReferenceOf(one, settings)));
    expect(new Set(references).size).toBe(calls.length);
    for (const reference of references) expect(reference).toMatch(shape);
  });

  it("is tried fewer times than lock a payment order, whatever became of the tries", () => {
    expect(operations.mostTries).toBe(4);
  });

  it("in parts comes to all of the VAT", () => {
    const order = { amount: 10_001, vatAmount: 2_003, transactions: [] } as unknown as Order;
    const parts = [3_333, 3_333, 3_335];
    const vat = parts.map((amount, place) => {
      const transactions = parts.slice(0, place).map((before) => ({ kind: "Capture", amount: before }));
      return vatOf(amount, { ...order, transactions } as unknown as Order, ["Capture"]);
    });
    expect(vat.reduce((total, one) => total + one, 0)).toBe(2_003);
  });
});

it.each([
  [404, "works"],
  [401, "refused"],
  [503, "unreachable"],
])("a token that is answered %d %s", async (status, is) => {
  nock(apiUrl)
    .get(/^\/psp\/paymentorders\/0{8}-/)
    .times(3)
    .reply(status, { status });
  expect(await adapter.probe(contextWith())).toMatchObject([{ is }]);
});

it("takes a token as it is", () => {
  expect(config.safeParse({ adapterId: "a", apiUrl, accessToken: "token\n" }).success).toBe(false);
  expect(config.safeParse({ adapterId: "a", apiUrl }).success).toBe(false);
});
