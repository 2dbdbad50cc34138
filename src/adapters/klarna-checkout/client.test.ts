import { readFileSync } from "node:fs";
import nock from "nock";
import { describe, expect, it } from "vitest";
import { WorkerError } from "../../lib/errors.ts";
import { createHttp, type Json } from "../../lib/http.ts";
import type { LookContext } from "../../contract/adapter.ts";
import { acknowledge, fetchSnapshot } from "./client.ts";
import { type Config, config } from "./config.ts";
import { map } from "./map.ts";
import type { Snapshot } from "./schema.ts";
import { asking } from "../../../test/support/asking.ts";
import { answerByNock } from "../../../test/support/nock.ts";

const apiUrl = "https://klarna.invalid";
const snapshot = JSON.parse(
  readFileSync(`${import.meta.dirname}/fixtures/recurring/snapshot.json`, "utf8"),
) as Snapshot;
const id = snapshot.order?.order_id ?? "";
const omPath = `/ordermanagement/v1/orders/${id}`;
const kcoPath = `/checkout/v3/orders/${id}`;
const noSuchOrder = { error_code: "NO_SUCH_ORDER", error_messages: ["canary"], correlation_id: "c" };
const password = "canary-password";

function contextOf(known: Readonly<Record<string, Json>> = {}): LookContext<Config> {
  return {
    config: config.parse({ adapterId: "a", apiUrl, username: "canary-user", password }),
    ...asking(known),
    payment: { paymentId: "p_1", amount: 10000, currency: "SEK", reference: null, upsell: null },
    signal: new AbortController().signal,
    http: (options) => createHttp({ peer: "klarna-checkout", timeoutMs: 100, ...options }),
  };
}

/** Right after the purchase. */
function mapped(read: Snapshot) {
  return map(read, { kept: [], now: Date.parse("2026-02-03T10:17:30.000Z") });
}

/** Answers both GETs and counts them. */
function klarna(om: [number, unknown], checkout?: [number, unknown]): () => string[] {
  const asked: string[] = [];
  const answering = (path: string, [status, body]: [number, unknown]) =>
    nock(apiUrl)
      .persist()
      .get(path)
      .basicAuth({ user: "canary-user", pass: password })
      .reply(() => {
        asked.push(path);
        return [status, body as string];
      });
  answering(omPath, om);
  if (checkout !== undefined) answering(kcoPath, checkout);
  return () => asked.toSorted();
}

async function failureOf(promise: Promise<unknown>): Promise<WorkerError> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof WorkerError)) throw new Error("no WorkerError");
  const told = [error.message, error.stack, JSON.stringify(error.context), String(error.cause)].join("\n");
  for (const secret of ["canary", Buffer.from(`canary-user:${password}`).toString("base64")]) {
    expect(told).not.toContain(secret);
  }
  return error;
}

function answered(status: number): nock.Scope {
  return nock(apiUrl)
    .post(`${omPath}/acknowledge`)
    .reply(status, status === 204 ? "" : noSuchOrder);
}

function withStatus(status: string): Snapshot {
  return { ...snapshot, order: { ...snapshot.order, status } } as Snapshot;
}

answerByNock();

describe("fetch", () => {
  it("reads both orders at first, and one when the checkout order has told all", async () => {
    const asked = klarna([200, snapshot.order], [200, snapshot.checkout]);
    const first = await fetchSnapshot(id, contextOf());
    expect(first).toEqual(snapshot);
    expect(asked()).toEqual([kcoPath, omPath]);
    if (first === null) throw new Error("no snapshot");

    const second = await fetchSnapshot(id, contextOf(mapped(first).memory));
    expect(asked()).toEqual([kcoPath, omPath, omPath]);
    expect(second).toMatchObject({ order: { order_id: id }, checkout: null, checkoutEnd: "read" });
    if (second === null) throw new Error("no snapshot");
    const { recurring: _, ...rest } = mapped(first);
    expect(mapped(second)).toEqual(rest);
  });

  it("goes on reading while the token is awaited, and stops when the order is gone", async () => {
    klarna([200, snapshot.order], [404, noSuchOrder]);
    const read = await fetchSnapshot(id, contextOf());
    expect(read).toMatchObject({ checkout: null });
    expect(read === null ? null : mapped(read).memory).toMatchObject({ checkout: "gone" });
  });

  it("takes no checkout order for this one's that names another: its token is somebody else's", async () => {
    klarna([200, snapshot.order], [200, { ...snapshot.checkout, order_id: "00000000-0000-4000-8000-000000000000" }]);
    expect((await failureOf(fetchSnapshot(id, contextOf()))).context).toMatchObject({ reason: "other-reference" });
  });

  it("sees a purchase that order management does not show yet", async () => {
    klarna([404, ""], [200, snapshot.checkout]);
    const read = await fetchSnapshot(id, contextOf());
    expect(read === null ? null : mapped(read)).toMatchObject({ phase: "confirmed", money: { authorized: 0 } });
  });

  it("asks the checkout again where order management forgot an order", async () => {
    const asked = klarna([404, noSuchOrder], [200, snapshot.checkout]);
    expect(await fetchSnapshot(id, contextOf({ checkout: "read" }))).toMatchObject({ order: null });
    expect(asked()).toEqual([kcoPath, omPath]);
  });

  it("is null where Klarna knows neither", async () => {
    klarna([404, noSuchOrder], [404, ""]);
    expect(await fetchSnapshot(id, contextOf())).toBeNull();
  });

  it.each([
    [401, "Unauthorized"],
    [403, "Refused"],
    [409, "Conflict"],
    [422, "Refused"],
    [429, "Unreachable"],
    [500, "Unreachable"],
    [503, "Unreachable"],
  ])("%i is %s", async (status, kind) => {
    klarna([status, noSuchOrder], [404, ""]);
    expect(await failureOf(fetchSnapshot(id, contextOf()))).toMatchObject({ kind, context: { status } });
  });

  it("stays away as long as Klarna asks", async () => {
    nock(apiUrl).get(omPath).reply(429, "", { "retry-after": "7" });
    const error = await failureOf(fetchSnapshot(id, contextOf({ checkout: "read" })));
    expect(error).toMatchObject({ kind: "Unreachable", retryAfterMs: 7000 });
  });

  it("is Unreachable where no answer comes in time", async () => {
    nock(apiUrl).persist().get(omPath).delay(500).reply(200, {});
    expect(await failureOf(fetchSnapshot(id, contextOf({ checkout: "read" })))).toMatchObject({ kind: "Unreachable" });
  });

  it("is Unreachable where a web page answers", async () => {
    klarna([200, "<html>canary</html>"], [404, ""]);
    expect(await failureOf(fetchSnapshot(id, contextOf()))).toMatchObject({ kind: "Unreachable" });
  });

  it.each([
    ["a status nobody mapped", { ...snapshot.order, status: "canary" }],
    ["an empty object", {}],
    ["an empty body", ""],
    ["a list", []],
  ])("is Unmapped where Klarna answers %s", async (_, body) => {
    klarna([200, body], [404, ""]);
    expect(await failureOf(fetchSnapshot(id, contextOf()))).toMatchObject({ kind: "Unmapped" });
  });
});

describe("acknowledge", () => {
  it("tells Klarna once Norce knows", async () => {
    const scope = answered(204);
    await acknowledge(snapshot, contextOf());
    expect(scope.isDone()).toBe(true);
  });

  it("asks nothing while order management does not know the order", async () => {
    const scope = answered(204);
    await acknowledge({ ...snapshot, order: null } as Snapshot, contextOf());
    expect(scope.isDone()).toBe(false);
  });

  it.each([
    ["AUTHORIZED", 403],
    ["CAPTURED", 403],
    ["CANCELLED", 403],
    ["CLOSED", 404],
    ["CAPTURED", 409],
  ])("owes nothing where a %s order is answered %i", async (status, answer) => {
    answered(answer);
    await expect(acknowledge(withStatus(status), contextOf())).resolves.toBeUndefined();
  });

  it.each([
    [404, "Conflict"],
    [409, "Conflict"],
    [401, "Unauthorized"],
    [422, "Refused"],
    [429, "Unreachable"],
    [500, "Unreachable"],
  ])("is still owed where an authorised order is answered %i: %s", async (answer, kind) => {
    answered(answer);
    expect(await failureOf(acknowledge(snapshot, contextOf()))).toMatchObject({ kind });
  });
});
