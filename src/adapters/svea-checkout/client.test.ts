import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { WorkerError } from "../../lib/errors.ts";
import { createHttp, type Json } from "../../lib/http.ts";
import type { LookContext } from "../../contract/adapter.ts";
import { authHeaders } from "./auth.ts";
import { fetchSnapshot, tell } from "./client.ts";
import { type Config, config } from "./config.ts";
import { map } from "./map.ts";
import type { Snapshot } from "./schema.ts";
import { asking } from "../../../test/support/asking.ts";

const account = { merchantId: "987001", apiSecret: "canary-secret" };
const snapshot = JSON.parse(
  readFileSync(`${import.meta.dirname}/fixtures/recurring/snapshot.json`, "utf8"),
) as Snapshot;
const adminPath = "/api/v1/orders/7654321";
const checkoutPath = "/api/orders/7654321";
const notFound = { Code: "NotFound", Message: "canary", Errors: [] };

interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly location?: string;
}

let server: Server;
let url = "";
/** By path. */
let answers: Record<string, Answer>;
/** What was asked, method and path. */
let asked: string[];
/** What was sent last, with a proof that is right. */
let sent = "";

beforeAll(async () => {
  server = createServer((request, response) => {
    void (async () => {
      const body = await text(request);
      const { authorization, timestamp } = request.headers;
      const at = new Date(`${String(timestamp).replace(" ", "T")}Z`);
      const proven = Math.abs(Date.now() - at.getTime()) < 5_000;
      asked.push(`${request.method} ${request.url}`);
      const answer = answers[request.url ?? ""] ?? { status: 404, body: notFound };
      if (!proven || authorization !== authHeaders(account, body, at.getTime()).authorization) {
        response.writeHead(401).end();
        return;
      }
      sent = body;
      response.writeHead(answer.status, answer.location === undefined ? {} : { location: answer.location });
      response.end(answer.body === undefined ? "" : JSON.stringify(answer.body));
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  answers = {};
  asked = [];
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

function contextOf(known: Readonly<Record<string, Json>> = {}): LookContext<Config> {
  return {
    config: config.parse({ adapterId: "a", apiUrl: url, orderManagementApiUrl: url, ...account }),
    ...asking(known),
    payment: { paymentId: "p_1", amount: 10000, currency: "SEK", reference: null, upsell: null },
    signal: new AbortController().signal,
    http: (options) => createHttp({ peer: "svea-checkout", timeoutMs: 1_000, ...options }),
  };
}

/** Right after the purchase. */
function mapped(read: Snapshot) {
  return map(read, { kept: [], now: Date.parse("2026-03-02T08:17:00.000Z") });
}

/** Answers both GETs, and says which were asked. */
function svea(admin: [number, unknown?], checkout?: [number, unknown?]): () => string[] {
  answers[adminPath] = { status: admin[0], body: admin[1] };
  if (checkout !== undefined) answers[checkoutPath] = { status: checkout[0], body: checkout[1] };
  return () => asked.map((line) => line.slice("GET ".length)).toSorted();
}

async function failureOf(promise: Promise<unknown>): Promise<WorkerError> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof WorkerError)) throw new Error("no WorkerError");
  const told = [error.message, error.stack, JSON.stringify(error.context), String(error.cause)].join("\n");
  expect(told).not.toContain("canary");
  return error;
}

describe("fetch", () => {
  it("reads both orders at first, and one when the checkout order has told all", async () => {
    const paths = svea([200, snapshot.order], [200, snapshot.checkout]);
    const first = await fetchSnapshot("7654321", contextOf());
    expect(first).toEqual(snapshot);
    expect(paths()).toEqual([checkoutPath, adminPath]);
    if (first === null) throw new Error("no snapshot");

    const second = await fetchSnapshot("7654321", contextOf(mapped(first).memory));
    expect(paths()).toEqual([checkoutPath, adminPath, adminPath]);
    expect(second).toMatchObject({ order: { Id: "7654321" }, checkout: null, noted: { checkout: "read" } });
    if (second === null) throw new Error("no snapshot");
    const { recurring: _, ...rest } = mapped(first);
    expect(mapped(second)).toEqual(rest);
  });

  it("takes nothing of an answer about another order, whichever API gives it: its token is somebody else's", async () => {
    svea([200, snapshot.order], [200, { ...snapshot.checkout, OrderId: 7654322 }]);
    await expect(fetchSnapshot("7654321", contextOf())).rejects.toMatchObject({ kind: "Refused" });
    svea([200, { ...snapshot.order, Id: 7654322 }], [200, snapshot.checkout]);
    await expect(fetchSnapshot("7654321", contextOf())).rejects.toMatchObject({ kind: "Refused" });
  });

  it("sees a purchase that Payment Admin does not show yet, and one of which the Checkout knows nothing", async () => {
    svea([404, notFound], [200, snapshot.checkout]);
    expect(await fetchSnapshot("7654321", contextOf())).toMatchObject({ order: null, checkout: { Status: "Final" } });
    svea([200, snapshot.order], [404]);
    expect(await fetchSnapshot("7654321", contextOf())).toMatchObject({
      order: { OrderStatus: "Open" },
      checkout: null,
    });
  });

  it("does not fall back to the Checkout where Payment Admin does not show an order that it has shown before", async () => {
    const paths = svea([404, notFound], [200, snapshot.checkout]);
    for (const known of [{ orderAmount: 10000 }, { orderAmount: 10000, checkout: "read" }, { checkout: "read" }])
      expect(
        await fetchSnapshot("7654321", contextOf({ ...known, orderId: "7654321" })),
        JSON.stringify(known),
      ).toBeNull();
    expect(paths().filter((path) => path === adminPath)).toHaveLength(3);
  });

  it("remembers nothing of another session's order", async () => {
    svea([404, notFound], [200, snapshot.checkout]);
    const known = { orderId: "7654320", orderAmount: 500, checkout: "read", review: "open" };
    const read = await fetchSnapshot("7654321", contextOf(known));
    expect(read).toMatchObject({ noted: {}, checkout: { Status: "Final" } });
  });

  it("is null where Svea knows neither", async () => {
    svea([404, notFound], [404]);
    expect(await fetchSnapshot("7654321", contextOf())).toBeNull();
  });

  it.each([
    [401, "Unauthorized"],
    [403, "Refused"],
    [409, "Conflict"],
    [429, "Unreachable"],
    [500, "Unreachable"],
  ])("%i is %s", async (status, kind) => {
    svea([status, notFound], [404]);
    expect(await failureOf(fetchSnapshot("7654321", contextOf()))).toMatchObject({ kind, context: { status } });
  });

  it.each([
    ["a status nobody mapped", { ...snapshot.order, OrderStatus: "canary" }],
    ["an empty object", {}],
    ["an empty body", undefined],
    ["a list", []],
  ])("is Unmapped where Svea answers %s", async (_, body) => {
    svea([200, body], [404]);
    expect(await failureOf(fetchSnapshot("7654321", contextOf()))).toMatchObject({ kind: "Unmapped" });
  });
});

describe("tell", () => {
  const { order } = snapshot;
  if (order === null) throw new Error("the fixture has no order");
  const told = { method: "POST", path: "/deliveries", route: "/deliveries", body: { OrderRowIds: [] } } as const;

  it("proves exactly the text it sends, and names the task without following it", async () => {
    answers[`${adminPath}/deliveries`] = { status: 202, location: `${url}/api/v1/queue/93021` };
    expect(await tell(order, told, contextOf())).toEqual({ status: 202, task: "93021" });
    expect(sent).toBe('{"OrderRowIds":[]}');
    // A read that an earlier test had under way may still arrive.
    expect(asked.filter((call) => !call.startsWith("GET /api/orders/"))).toEqual([`POST ${adminPath}/deliveries`]);
  });

  it("does not follow a redirect", async () => {
    answers[`${adminPath}/deliveries`] = { status: 303, location: `${url}/elsewhere` };
    expect(await failureOf(tell(order, told, contextOf()))).toMatchObject({ context: { status: 303 } });
    expect(asked).toEqual([`POST ${adminPath}/deliveries`]);
  });
});
