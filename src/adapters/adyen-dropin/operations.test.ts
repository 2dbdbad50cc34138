import nock from "nock";
import { describe, expect, it } from "vitest";
import { WorkerError } from "../../lib/errors.ts";
import { createHttp } from "../../lib/http.ts";
import type { KeptEvent, LookContext, OperationCall, OperationName } from "../../contract/adapter.ts";
import { type Config, config } from "./config.ts";
import { fold } from "./fold.ts";
import { operations } from "./operations.ts";
import { asking } from "../../../test/support/asking.ts";
import { answerByNock } from "../../../test/support/nock.ts";

const apiUrl = "https://adyen.invalid/v71";
const payment = "P4YMAB12CD34EF56";
const id = "00000000-0000-4000-8000-000000000001";
const settings = config.parse({
  adapterId: "a",
  apiUrl,
  adyenApiKey: "canary-key",
  merchantAccount: "NorceTestECOM",
  webhookHmacKey: "00".repeat(32),
});
const context: LookContext<Config> = {
  config: settings,
  ...asking(),
  payment: { paymentId: "p_1", amount: 10000, currency: "SEK", reference: payment, upsell: null },
  signal: new AbortController().signal,
  http: ({ authority: _authority, ...options }) => createHttp({ peer: "adyen-dropin", timeoutMs: 100, ...options }),
};

function authorised(currency = "SEK", amount = 10000): KeptEvent {
  const facts = { payment, pspReference: payment, success: true, amount };
  const line = { event: "confirm", pspStatus: "AUTHORISATION", amount, currency, success: true, facts } as const;
  return { key: "a", type: "AUTHORISATION", at: "2026-02-03T10:15:30.000Z", ...line };
}

function call(name: OperationName, more: Partial<OperationCall> = {}): OperationCall {
  return { name, id, amount: 4000, currency: "SEK", whole: false, now: Date.UTC(2026, 1, 3, 11), ...more };
}

function answered(path: string, status: number, body: object | string, wanted: object = {}): nock.Scope {
  return nock("https://adyen.invalid", { reqheaders: { "x-api-key": "canary-key", "idempotency-key": id } })
    .post(`/v71/payments/${payment}/${path}`, { merchantAccount: "NorceTestECOM", reference: id, ...wanted })
    .reply(status, body);
}

const received = { paymentPspReference: payment, pspReference: "C4PTAB12CD34EF56", status: "received" };
const told = async (name: OperationName, more: Partial<OperationCall> = {}, truth = [authorised()]) =>
  await operations[name]?.(call(name, more), truth, context);

answerByNock();

describe("an operation", () => {
  it.each([
    ["capture", "captures", { amount: { value: 4000, currency: "SEK" } }],
    ["cancel", "cancels", {}],
    ["refund", "refunds", { amount: { value: 4000, currency: "SEK" } }],
  ] as const)("%s is received, and then under way until its event comes", async (name, path, body) => {
    answered(path, 201, received, body);
    const result = await told(name);
    expect(result).toMatchObject({ is: "accepted", pspId: "C4PTAB12CD34EF56" });
    if (result?.is !== "accepted" || result.event === undefined) throw new Error("no event");
    const { key, type, at, line } = result.event;
    const kept = { key, type, at, ...line };
    expect(fold([authorised(), kept], context)?.underWay).toEqual({ [name]: 4000 });
    const codes = { capture: "CAPTURE", cancel: "CANCELLATION", refund: "REFUND" };
    for (const success of [true, false]) {
      const answer = { ...kept, key: "b", type: codes[name], amount: 0, facts: { ...line.facts, success } };
      expect(fold([authorised(), kept, answer], context)).toMatchObject({ underWay: undefined });
    }
  });

  it.each([
    ["capture", "CAPTURE_FAILED"],
    ["refund", "REFUND_FAILED"],
  ] as const)("%s is no longer under way once %s has come, whatever came before", async (name, code) => {
    answered(`${name}s`, 201, received, { amount: { value: 4000, currency: "SEK" } });
    const result = await told(name);
    if (result?.is !== "accepted" || result.event === undefined) throw new Error("no event");
    const { key, type, at, line } = result.event;
    const kept = { key, type, at, ...line };
    const failed = { ...kept, key: "b", type: code, amount: 4000, success: false };
    expect(fold([authorised(), kept, failed], context)).toMatchObject({ underWay: undefined });
  });

  it("is counted in Adyen's decimals", async () => {
    answered("captures", 201, received, { amount: { value: 279000, currency: "ISK" } });
    expect(await told("capture", { amount: 2790, currency: "ISK" }, [authorised("ISK", 2790)])).toMatchObject({
      is: "accepted",
    });
    await expect(told("capture", { amount: 150, currency: "CVE" })).rejects.toMatchObject({ kind: "Refused" });
  });

  it("leaves nothing for another one that would undo it", () => {
    const facts = { payment, pspReference: "C4PTAB12CD34EF56", success: true, amount: 4000 };
    const line = { event: "capture", pspStatus: "received", amount: 0, currency: "SEK", success: true, facts } as const;
    const kept: KeptEvent = { key: "r", type: "capture-received", at: "2026-02-03T11:00:00.000Z", ...line };
    expect(fold([authorised(), kept], context)?.possible).toEqual([]);
    const several = { ...context, config: { ...settings, multiplePartialCaptures: true } };
    expect(fold([authorised(), kept], several)?.possible).toEqual(["capture"]);
  });

  it.each([400, 403, 404, 422])("is refused by %i", async (status) => {
    answered("cancels", status, { status, errorCode: "167", message: "canary" });
    const result = await told("cancel");
    expect(result).toMatchObject({ is: "refused" });
    expect(JSON.stringify(result)).not.toContain("canary");
  });

  it.each([
    [401, { errorCode: "000" }, "Unauthorized"],
    [422, { errorCode: "704" }, "Conflict"],
    [429, "", "Unreachable"],
    [500, { errorCode: "905" }, "Unreachable"],
    [201, "<html>", "Unreachable"],
  ])("%i with %j is %s", async (status, body, kind) => {
    answered("cancels", status, body);
    const error: unknown = await told("cancel").catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(WorkerError);
    expect(error).toMatchObject({ kind });
    expect(JSON.stringify(error)).not.toContain("canary");
  });

  it("is accepted also where the answer says no more", async () => {
    answered("cancels", 201, {});
    expect(await told("cancel")).toEqual({ is: "accepted" });
  });

  it("needs an authorisation", async () => {
    await expect(told("capture", {}, [])).rejects.toMatchObject({ kind: "Refused" });
  });
});
