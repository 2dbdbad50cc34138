import { readFileSync } from "node:fs";
import nock from "nock";
import { describe, expect, it } from "vitest";
import { WorkerError } from "../../lib/errors.ts";
import { createHttp, type Json } from "../../lib/http.ts";
import { withToken } from "../../lib/token.ts";
import type { LookContext } from "../../contract/adapter.ts";
import { fetchSnapshot, probe } from "./client.ts";
import { type Config, config } from "./config.ts";
import { map } from "./map.ts";
import type { Snapshot } from "./schema.ts";
import { asking } from "../../../test/support/asking.ts";
import { answerByNock } from "../../../test/support/nock.ts";

const apiUrl = "https://avarda.invalid";
const fixture = JSON.parse(readFileSync(`${import.meta.dirname}/fixtures/completed/snapshot.json`, "utf8")) as Snapshot;
const { purchase } = fixture;
const id = purchase.purchaseId;
const path = `/api/partner/payments/${id}`;
const secrets = ["canary-secret", "canary-token", "canary-body"];

function contextOf({ known = {}, paymentId = "p_1" }: { known?: Record<string, Json>; paymentId?: string } = {}) {
  const context: LookContext<Config> = {
    config: config.parse({ adapterId: "a", apiUrl, clientId: "client", clientSecret: "canary-secret" }),
    ...asking(known),
    payment: { paymentId, amount: 10000, currency: "SEK", reference: id, upsell: null },
    signal: new AbortController().signal,
    http: ({ authority, ...options }) => {
      const http = createHttp({ peer: "avarda-checkout", timeoutMs: 100, ...options });
      return authority === undefined ? http : withToken(http, () => authority.authorize(http), Date.now);
    },
  };
  return context;
}

function grantsToken(more: object = { tokenExpirationUtc: "2031-02-03T10:00:00.1234567Z" }): nock.Scope {
  return nock(apiUrl)
    .post("/api/partner/tokens", { clientId: "client", clientSecret: "canary-secret" })
    .reply(200, { token: "canary-token", ...more });
}

function answers(status: number, body: nock.Body): void {
  nock(apiUrl).persist().get(path).matchHeader("authorization", "Bearer canary-token").reply(status, body);
}

async function failureOf(promise: Promise<unknown>): Promise<WorkerError> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof WorkerError)) throw new Error("no WorkerError");
  const told = [error.message, error.stack, JSON.stringify(error.context), String(error.cause)].join("\n");
  for (const secret of secrets) expect(told).not.toContain(secret);
  return error;
}

answerByNock();

describe("fetch", () => {
  it("reads the purchase with a token, and drops what is personal", async () => {
    grantsToken();
    const person = { userInputs: { email: "canary-body" }, invoicingAddress: { firstName: "canary-body" } };
    answers(200, { ...purchase, b2C: { ...purchase.b2C, ...person }, b2B: { step: { current: "Unknown" } } });
    const read = await fetchSnapshot(id, contextOf());
    const times = { createdUtc: "2026-02-03T10:15:30.123Z", expiredUtc: "2026-02-04T10:15:30.123Z" };
    expect(read).toEqual({ purchase: { ...purchase, ...times } });
    expect(JSON.stringify(read)).not.toContain("canary");
  });

  it.each([
    ["B2B", "Completed", "Unknown", "b2B"],
    ["B2C", "Unknown", "Completed", "b2C"],
    ["B2B", undefined, "Completed", "b2C"],
    ["B2C", "Completed", undefined, "b2B"],
    ["another word", "Completed", "Unknown", "b2B"],
    [undefined, "Unknown", "Completed", "b2C"],
  ])("reads the side that %s names, or else the other", async (mode, b2B, b2C, side) => {
    grantsToken();
    const sideOf = (current: string | undefined) => (current === undefined ? null : { step: { current } });
    answers(200, { ...purchase, mode, b2C: sideOf(b2C), b2B: sideOf(b2B) });
    expect(await fetchSnapshot(id, contextOf())).toMatchObject({
      purchase: { [side]: { step: { current: "Completed" } } },
    });
  });

  it("takes a time without a zone for UTC, and leaves out what is no time", async () => {
    grantsToken();
    answers(200, { ...purchase, createdUtc: "2026-02-03T10:15:30.1234567", expiredUtc: "soon" });
    const read = await fetchSnapshot(id, contextOf());
    expect(read?.purchase.createdUtc).toBe("2026-02-03T10:15:30.123Z");
    expect(read?.purchase.expiredUtc).toBeUndefined();
  });

  it("knows that an earlier look saw the decision outstanding", async () => {
    const at = "2026-02-03T10:15:45.000Z";
    grantsToken();
    answers(200, purchase);
    expect(await fetchSnapshot(id, contextOf({ known: { reviewedSince: at } }))).toMatchObject({ reviewedSince: at });
  });

  it.each([
    "createdUtc",
    "expiredUtc",
    "mode",
    "extraIdentifiers",
    "paymentMethods",
    "items",
    "checkoutSite.countryCode",
    "paymentMethods.selectedPayment",
    "paymentMethods.selectedPayment.type",
    "paymentMethods.selectedPayment.recurringPaymentToken",
  ])("reads past %s, whatever it is", async (field) => {
    const [name = "", inner = "", innermost] = field.split(".");
    const fields = purchase as unknown as Record<string, Record<string, object>>;
    const within = (value: Json) =>
      innermost === undefined ? value : { ...fields[name]?.[inner], [innermost]: value };
    for (const value of [null, 7, "canary-body", ["canary-body"], { canary: "canary-body" }]) {
      nock.cleanAll();
      grantsToken();
      answers(200, {
        ...purchase,
        [name]: inner === "" ? value : { ...fields[name], [inner]: within(value) },
      } as nock.Body);
      const read = await fetchSnapshot(id, contextOf());
      if (read === null) throw new Error("nothing was read");
      const { phase, money, total } = map(read, { kept: [], now: 0 });
      expect({ phase, money, total }).toMatchObject({ phase: "confirmed", total: 10000, money: { authorized: 10000 } });
    }
  });

  it("is null where Avarda does not know the purchase", async () => {
    grantsToken();
    answers(404, "");
    expect(await fetchSnapshot(id, contextOf())).toBeNull();
  });

  it("lets a token live half an hour that does not say how long it lives", async () => {
    grantsToken({ tokenExpirationUtc: "2001-01-01T00:00:00Z" });
    answers(200, purchase);
    await expect(fetchSnapshot(id, contextOf())).resolves.not.toBeNull();
  });

  it.each([
    [400, "Refused"],
    [403, "Refused"],
    [405, "Refused"],
    [409, "Conflict"],
    [422, "Refused"],
    [429, "Unreachable"],
    [500, "Unreachable"],
  ])("%i is %s", async (status, kind) => {
    grantsToken();
    answers(status, [{ ErrorMessage: "canary-body" }]);
    expect(await failureOf(fetchSnapshot(id, contextOf()))).toMatchObject({ kind, context: { status } });
  });

  it("asks for one new token after a 401, and then gives up", async () => {
    grantsToken();
    const second = grantsToken();
    answers(401, "");
    expect(await failureOf(fetchSnapshot(id, contextOf()))).toMatchObject({ kind: "Unauthorized" });
    expect(second.isDone()).toBe(true);
  });

  it.each([
    [400, "Unauthorized"],
    [401, "Unauthorized"],
    [403, "Unauthorized"],
    [500, "Unreachable"],
  ])("a token that is answered %i is %s", async (status, kind) => {
    nock(apiUrl).post("/api/partner/tokens").reply(status, { error_description: "canary-body" });
    expect(await failureOf(fetchSnapshot(id, contextOf()))).toMatchObject({ kind });
  });

  it.each([
    ["a step nobody mapped", { ...purchase, b2C: { step: { current: "Unknown" } } }],
    ["a step by its number", { ...purchase, b2C: { step: { current: 10 } } }],
    ["no currency", { ...purchase, checkoutSite: {} }],
    ["a negative price", { ...purchase, totalPrice: -1 }],
    ["no purchase id", { ...purchase, purchaseId: null }],
    ["an empty object", {}],
    ["an empty body", ""],
    ["a list", []],
  ])("is Unmapped where Avarda answers %s", async (_, body) => {
    grantsToken();
    answers(200, body);
    expect(await failureOf(fetchSnapshot(id, contextOf()))).toMatchObject({ kind: "Unmapped" });
  });
});

describe("probe", () => {
  it.each([
    [200, "works"],
    [401, "refused"],
    [400, "refused"],
    [500, "unreachable"],
  ])("asks for a token; answered %i it %s", async (status, is) => {
    nock(apiUrl).post("/api/partner/tokens").reply(status, { token: "canary-token" });
    const [result] = await probe(contextOf());
    expect(result).toMatchObject({ is });
    expect(JSON.stringify(result)).not.toContain("canary");
  });
});
