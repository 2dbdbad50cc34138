import nock from "nock";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createHttp } from "../../lib/http.ts";
import type { LookContext } from "../../contract/adapter.ts";
import { acknowledge, fetchSnapshot } from "./client.ts";
import { type Config, config } from "./config.ts";
import type { Snapshot } from "./schema.ts";
import { asking } from "../../../test/support/asking.ts";
import { answerByNock } from "../../../test/support/nock.ts";

const apiUrl = "https://klarna.invalid";
const snapshot = JSON.parse(
  readFileSync(`${import.meta.dirname}/fixtures/authorized/snapshot.json`, "utf8"),
) as Snapshot;
const id = snapshot.order?.order_id ?? "";
const path = `/ordermanagement/v1/orders/${id}`;
const sessionPath = `/payments/v1/sessions/${id}`;
const context: LookContext<Config> = {
  config: config.parse({ adapterId: "a", apiUrl, apiKey: "klarna_test_api_x" }),
  ...asking(),
  payment: { paymentId: "p_1", amount: 10000, currency: "SEK", reference: null, upsell: null },
  signal: new AbortController().signal,
  http: (options) => createHttp({ peer: "klarna-payments", ...options }),
};
const headers = { reqheaders: { authorization: "Basic klarna_test_api_x" } };

answerByNock();

describe("fetch", () => {
  it("reads the order and nothing else, with the bare API key", async () => {
    nock(apiUrl, headers)
      .get(path)
      .reply(200, { ...snapshot.order, billing_address: { given_name: "canary" } });
    const read = await fetchSnapshot(id, context);
    expect(read).toEqual(snapshot);
  });

  it("reads the session where there is no order, and no token of it", async () => {
    nock(apiUrl, headers).get(path).reply(404, { error_code: "NO_SUCH_ORDER" });
    const said = { status: "complete", order_amount: 10000, purchase_currency: "sek", merchant_reference1: "p_1" };
    nock(apiUrl, headers)
      .get(sessionPath)
      .reply(200, { ...said, client_token: "canary", authorization_token: "canary" });
    const session = { ...said, purchase_currency: "SEK", session_id: id };
    expect(await fetchSnapshot(id, context)).toEqual({ order: null, session });
  });

  it("is null where Klarna knows neither", async () => {
    nock(apiUrl, headers).get(path).reply(404, { error_code: "NO_SUCH_ORDER" }).get(sessionPath).reply(404);
    expect(await fetchSnapshot(id, context)).toBeNull();
  });
});

describe("acknowledge", () => {
  it("ends the pushes", async () => {
    const scope = nock(apiUrl, headers).post(`${path}/acknowledge`).reply(204);
    await acknowledge(snapshot, context);
    expect(scope.isDone()).toBe(true);
  });
});
