import { request as httpRequest } from "node:http";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Target } from "../adapters/adapter.ts";
import { loadAdapters } from "../adapters/registry.ts";
import { createConfig } from "../config.ts";
import { WorkerError } from "../lib/errors.ts";
import { createLog } from "../lib/log.ts";
import { createMeters } from "../lib/meters.ts";
import type { Look, StoredEvent } from "../queue/queues.ts";
import { callbackSignature, operationSignature } from "../signatures/signed-url.ts";
import { listenOnLoopback, type Loopback } from "../sandbox/loopback.ts";
import { createApp } from "./app.ts";
import { createInbox } from "./inbox.ts";

const key = { adapter: "klarna-checkout", merchant: "acme", channel: "se", orderId: "o_1", paymentId: "p_1" };
const adminToken = "an-admin-token-of-ours";
const config = createConfig(
  { URL_SIGNING_KEYS: "new-key,old-key", ADMIN_TOKEN: adminToken, BODY_LIMIT: "1kb" },
  {
    norce: { orderApi: "https://norce.example", token: "t" },
    merchants: {
      acme: {
        se: {
          "klarna-checkout": { adapterId: "ours", apiUrl: "https://klarna.example", username: "u", password: "p" },
        },
      },
    },
  },
  await loadAdapters(),
);

const stored: StoredEvent[] = [];
const looks: Look[] = [];
let queueIsDown = false;
let server: Loopback;

function unlessDown<T>(act: () => T): Promise<T> {
  return queueIsDown ? Promise.reject(new WorkerError("QueueUnavailable", "down")) : Promise.resolve(act());
}

beforeAll(async () => {
  const app = createApp({
    config,
    log: createLog("silent"),
    meters: createMeters(),
    inbox: createInbox((events) => unlessDown(() => void stored.push(...events))),
    lanes: {
      add: (look) => unlessDown(() => ({ id: `look-${looks.push(look)}` })),
      status: async (_, operationId) => ({ operationId, status: "queued" }),
    },
    operations: { ask: async () => "", read: async () => undefined, lock: async () => undefined },
    ping: () => unlessDown(() => undefined),
  });
  server = await listenOnLoopback(app);
});
afterAll(() => server.close());
beforeEach(() => {
  stored.length = 0;
  looks.length = 0;
  queueIsDown = false;
});

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** Sends the path as it is: `fetch` would tidy it. */
async function send(
  method: string,
  path: string,
  { body, headers = {} }: { body?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const { hostname, port } = new URL(server.url);
  return await new Promise((resolve, reject) => {
    const sent = httpRequest({ hostname, port, method, path, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

function callbackPath(over: Partial<Target> & { webhook?: string; sig?: string; signingKey?: string } = {}): string {
  const { webhook = "push", signingKey = "new-key", sig, ...target } = over;
  const to = { ...key, ...target };
  const query = new URLSearchParams({
    merchant: to.merchant,
    channel: to.channel,
    sig: sig ?? callbackSignature(signingKey, to, webhook),
  });
  return `/${to.adapter}/api/checkout/v1/callback/orders/${encodeURIComponent(to.orderId)}/payments/${encodeURIComponent(to.paymentId)}/${webhook}?${query.toString()}`;
}

function operationPath(
  operation: "refresh" | "capture",
  { exp = Math.floor(Date.now() / 1000) + 60, sig = operationSignature("new-key", key, operation, exp) } = {},
): string {
  const query = new URLSearchParams({ merchant: "acme", channel: "se", exp: String(exp), sig });
  return `/klarna-checkout/api/order/v1/orders/o_1/payments/p_1/${operation}?${query.toString()}`;
}

describe("a webhook", () => {
  test("is acknowledged with the PSP's own bytes once stored, and a duplicate gets the same", async () => {
    const first = await send("POST", callbackPath());
    const second = await send("POST", callbackPath());
    expect([first.status, first.text]).toEqual([200, ""]);
    expect([second.status, second.text]).toEqual([first.status, first.text]);
    expect(stored).toHaveLength(2);
    expect(stored[0]).toMatchObject({ target: key, webhook: "push", event: { type: "push" } });
    expect(stored[0]?.event.key).toBe(stored[1]?.event.key);
  });

  test("is proven by the previous key as well, while keys are changed", async () => {
    expect((await send("POST", callbackPath({ signingKey: "old-key" }))).status).toBe(200);
    expect((await send("POST", callbackPath({ signingKey: "older-key" }))).status).toBe(401);
  });

  test.each([
    ["a wrong signature", callbackPath({ sig: "A".repeat(43) })],
    ["an empty signature", callbackPath({ sig: "" })],
    ["no signature", callbackPath().replace(/&sig=[^&]*/, "")],
    ["a truncated signature", callbackPath().replace(/(sig=[^&]*).$/, "$1")],
    ["another payment's signature", callbackPath().replace("/payments/p_1/", "/payments/p_2/")],
    ["another webhook's signature", callbackPath().replace("/push?", "/notification?")],
  ])("with %s is not proven", async (_, path) => {
    const answer = await send("POST", path);
    expect(answer.status).toBe(401);
    expect(stored).toEqual([]);
  });

  test.each([
    ["adapter", callbackPath({ adapter: "no-such-psp" })],
    ["merchant", callbackPath({ merchant: "other" })],
    ["channel", callbackPath({ channel: "no" })],
    ["webhook", callbackPath({ webhook: "telegram" })],
    ["property of all objects", callbackPath({ webhook: "constructor" })],
    ["account-level webhook", "/klarna-checkout/api/checkout/v1/callback/orders/push?merchant=acme&channel=se"],
    ["path", "/somewhere/else"],
  ])("to an unknown %s is 404", async (_, path) => {
    expect((await send("POST", path)).status).toBe(404);
    expect(stored).toEqual([]);
  });

  test.each([
    ["a line break", callbackPath({ paymentId: "p_1\npush" })],
    ["a NUL", callbackPath({ orderId: "o\u0000" })],
    ["a delete", callbackPath({ orderId: "o\u007f" })],
    ["dots that climb", callbackPath().replace("/o_1/", "/%2e%2e/")],
    ["an escape that cannot be decoded", callbackPath().replace("/o_1/", "/%zz/")],
    ["no end", callbackPath({ orderId: "o".repeat(5_000) })],
  ])("whose id has %s is 400", async (_, path) => {
    expect((await send("POST", path)).status).toBe(400);
    expect(stored).toEqual([]);
  });

  test.each(["GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])(
    "by %s is 405 with the method that is right",
    async (method) => {
      const answer = await send(method, callbackPath());
      expect(answer.status).toBe(405);
      expect(answer.headers["allow"]).toBe("POST");
    },
  );

  test("that is larger than the limit is 413, and one at the limit is not", async () => {
    expect((await send("POST", callbackPath(), { body: "x".repeat(1_025) })).status).toBe(413);
    expect((await send("POST", callbackPath(), { body: "x".repeat(1_024) })).status).toBe(200);
  });

  test("that is proven but cannot be read is 400", async () => {
    expect((await send("POST", callbackPath({ webhook: "notification" }), { body: "{not json" })).status).toBe(400);
  });

  test("is 503 with Retry-After while the queue is down, and 200 again afterwards", async () => {
    queueIsDown = true;
    const refused = await send("POST", callbackPath());
    expect(refused.status).toBe(503);
    expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
    queueIsDown = false;
    expect((await send("POST", callbackPath())).status).toBe(200);
  });

  test("that is refused is told a code and a message that echo nothing", async () => {
    const answers = await Promise.all([
      send("POST", callbackPath({ sig: "canary" })),
      send("POST", callbackPath({ merchant: "canary" })),
      send("POST", callbackPath({ webhook: "notification" }), { body: '{"order_id": "canary' }),
      send("POST", "/canary"),
      send("GET", callbackPath({ orderId: "canary" })),
    ]);
    for (const { text } of answers) {
      expect(JSON.parse(text)).toEqual({ code: expect.any(String), message: expect.any(String) });
      expect(text).not.toContain("canary");
    }
  });
});

describe("an operation", () => {
  const bearer = { authorization: `Bearer ${adminToken}`, "x-merchant": "acme", "x-channel": "se" };
  const bare = "/klarna-checkout/api/order/v1/orders/o_1/payments/p_1/refresh";

  test("is proven by its signed URL, or by the admin token with merchant and channel as headers", async () => {
    expect(await send("POST", operationPath("refresh"))).toMatchObject({
      status: 200,
      text: JSON.stringify({ operationId: "look-1", status: "queued" }),
    });
    expect((await send("POST", bare, { headers: bearer })).status).toBe(200);
    expect(looks).toEqual([
      { key, asked: "operator" },
      { key, asked: "operator" },
    ]);
  });

  test("is not proven by a dead URL, another operation's or a callback's signature, or another token", async () => {
    const exp = Math.floor(Date.now() / 1000) + 60;
    const others = [
      operationPath("refresh", { exp: Math.floor(Date.now() / 1000) - 1 }),
      operationPath("refresh", { exp, sig: operationSignature("new-key", key, "capture", exp) }),
      operationPath("refresh", { exp, sig: callbackSignature("new-key", key, "operation/refresh") }),
      operationPath("refresh", { exp }).replace(`exp=${exp}`, `exp=${exp + 1}`),
    ];
    for (const path of others) expect((await send("POST", path)).status).toBe(401);
    expect(
      (await send("POST", bare, { headers: { ...bearer, authorization: "Bearer an-admin-token-of-theirs" } })).status,
    ).toBe(401);
    expect(looks).toEqual([]);
  });

  test("that the adapter does not have is 404, and so is another merchant's", async () => {
    expect((await send("POST", operationPath("capture").replace("/capture?", "/reverse?"))).status).toBe(404);
    expect((await send("POST", bare, { headers: { ...bearer, "x-merchant": "other" } })).status).toBe(404);
  });

  test("by another method is 405, and tells by GET what became of it", async () => {
    expect((await send("DELETE", operationPath("refresh"))).status).toBe(405);
    expect(JSON.parse((await send("GET", `${operationPath("refresh")}&operationId=look-1`)).text)).toEqual({
      operationId: "look-1",
      status: "queued",
    });
  });
});

test("health: live always, ready while the queue answers", async () => {
  expect((await send("GET", "/health/live")).status).toBe(200);
  expect((await send("GET", "/health/ready")).status).toBe(200);
  queueIsDown = true;
  expect((await send("GET", "/health/live")).status).toBe(200);
  expect((await send("GET", "/health/ready")).status).toBe(503);
});

test("metrics count webhooks by result, and never by a name that a stranger made up", async () => {
  await send("POST", callbackPath());
  await send("POST", callbackPath({ adapter: "made-up" }));
  const { text } = await send("GET", "/metrics");
  expect(text).toMatch(/norce_psp_webhooks_total\{adapter="klarna-checkout",webhook="push",result="received"\} \d+/);
  expect(text).not.toContain("made-up");
});
