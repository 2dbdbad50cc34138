import { randomUUID } from "node:crypto";
import { request as httpRequest } from "node:http";
import { pino } from "pino";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Target } from "../contract/adapter.ts";
import { loadAdapters } from "../adapters/registry.ts";
import { createConfig } from "../config.ts";
import { WorkerError } from "../lib/errors.ts";
import { createMeters } from "../lib/meters.ts";
import type { PaymentKey } from "../contract/adapter.ts";
import type { StoredEvent } from "../queue/jobs.ts";
import type { AskedOperation } from "../queue/operations.ts";
import { callbackSignature, operationSignature } from "../signatures/signed-url.ts";
import { listenOnLoopback, type Loopback } from "../../sandbox/loopback.ts";
import { filesOf } from "../../test/support/signing.ts";
import { createApp } from "./app.ts";
import { storeTogether } from "./store-together.ts";
import { signingKeysOf } from "../../test/support/signing.ts";
import { until } from "../../test/support/until.ts";
import { operationUrl } from "../signatures/urls.ts";

const key = { adapter: "klarna-checkout", merchant: "acme", channel: "se", orderId: "o_1", paymentId: "p_1" };
const adminToken = "an-admin-token-of-ours";
const config = createConfig(
  {
    URL_SIGNING_KEYS: "a-new-signing-key,an-old-signing-key",
    ADMIN_TOKEN: `${adminToken},a-second-admin-token`,
    BODY_LIMIT: "1kb",
  },
  {
    norce: { orderApi: "https://norce.example", token: "t" },
    merchants: {
      acme: {
        se: {
          "klarna-checkout": {
            adapterId: "ours",
            apiUrl: "https://klarna.example",
            username: "u",
            password: "p",
            publishActions: "signed",
          },
          "svea-checkout": {
            adapterId: "ours too",
            apiUrl: "https://svea.example",
            orderManagementApiUrl: "https://svea.example",
            merchantId: "1",
            apiSecret: "s",
          },
        },
      },
    },
  },
  await loadAdapters(),
);

const [operationKey] = config.signingKeys.of("operation", key);
/** Two minutes pass between two tests: what is kept for a second is made anew, and nobody is suspected any longer. */
let skew = 0;
const now = (): number => Date.now() + skew;

const stored: StoredEvent[] = [];
const looks: PaymentKey[] = [];
/** What was asked of the PSP. */
const asked: AskedOperation[] = [];
/** By which ids the queue was asked for a look or an operation. */
const read: string[] = [];
/** Whose body was too large. */
const tooLarge: unknown[] = [];
const logged: Record<string, unknown>[] = [];
const meters = createMeters();
let queueIsDown = false;
let server: Loopback;

function unlessDown<T>(act: () => T): Promise<T> {
  return queueIsDown ? Promise.reject(new WorkerError("QueueUnavailable", "down")) : Promise.resolve(act());
}

/** What the flood of one test leaves untold is told in the time of another (seldom.test.ts). */
function keepLine(line: string): void {
  const said = JSON.parse(line) as Record<string, unknown>;
  if (!("untold" in said)) logged.push(said);
}

beforeAll(async () => {
  const app = createApp({
    config,
    log: pino({ level: "info" }, { write: keepLine }),
    meters,
    files: filesOf(),
    store: storeTogether((events) => unlessDown(() => void stored.push(...events))),
    looks: {
      ask: (of) => unlessDown(() => `look-${looks.push(of)}`),
      async status(_, operationId) {
        read.push(operationId);
        return { operationId, status: "queued" };
      },
    },
    operations: {
      ask: async (operation) => String(asked.push(operation)),
      async read(id) {
        read.push(id);
        return undefined;
      },
    },
    ping: () => unlessDown(() => undefined),
    now,
    tooLarge: (target, webhook) => void tooLarge.push([target, webhook]),
  });
  server = await listenOnLoopback(app);
});
afterAll(() => server.close());
beforeEach(() => {
  skew += 120_000;
  stored.length = 0;
  looks.length = 0;
  asked.length = 0;
  read.length = 0;
  logged.length = 0;
  tooLarge.length = 0;
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
  const { webhook = "push", signingKey = "a-new-signing-key", sig, ...target } = over;
  const to = { ...key, ...target };
  const query = new URLSearchParams({
    merchant: to.merchant,
    channel: to.channel,
    sig: sig ?? callbackSignature(signingKeysOf(signingKey).of("callback", to)[0], to, webhook),
  });
  return `/${to.adapter}/api/checkout/v1/callback/orders/${encodeURIComponent(to.orderId)}/payments/${encodeURIComponent(to.paymentId)}/${webhook}?${query.toString()}`;
}

function operationPath(
  operation: "refresh" | "capture",
  { exp = Math.floor(now() / 1000) + 60, sig = operationSignature(operationKey, key, operation, exp) } = {},
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
    expect((await send("POST", callbackPath({ signingKey: "an-old-signing-key" }))).status).toBe(200);
    expect((await send("POST", callbackPath({ signingKey: "an-older-signing-key" }))).status).toBe(401);
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
    ["a slash", callbackPath({ orderId: "o/../p" })],
    ["a backslash", callbackPath({ orderId: "o\\p" })],
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

  test.each([
    ["whose sig is wrong", "POST", callbackPath({ sig: "A".repeat(43) }), {}, 401, "not-proven", { sig: "wrong" }],
    ["without sig", "POST", callbackPath().replace(/&sig=[^&]*/, ""), {}, 401, "not-proven", { sig: "missing" }],
    ["by another method", "PUT", callbackPath(), {}, 405, "method-not-allowed", {}],
    ["that is too large", "POST", callbackPath(), { body: "x".repeat(1_025) }, 413, "too-large", { limitBytes: 1_024 }],
  ] as const)("%s is logged and counted as refused", async (_, method, path, given, status, code, facts) => {
    const answer = await send(method, path, given);
    const msg = code === "too-large" ? "webhook.too-large" : "webhook.refused";
    expect(logged).toEqual([expect.objectContaining({ msg, method, status, code, webhook: "push", ...facts, ...key })]);
    expect(JSON.parse(answer.text), "the answer does not say more").toEqual({ code, message: expect.any(String) });
    expect(tooLarge).toEqual(code === "too-large" ? [[key, "push"]] : []);
    const counted = new RegExp(`webhooks_total\\{adapter="klarna-checkout",webhook="push",result="${code}"\\} \\d+`);
    await until(async () => counted.test((await send("GET", "/metrics")).text), "the count");
  });

  test("that came says which master key proved it, in its line, its counter and where it is stored", async () => {
    const [newest, old] = config.signingKeys.masters;
    await send("POST", callbackPath());
    await send("POST", callbackPath({ signingKey: "an-old-signing-key" }));
    expect(newest).not.toBe(old);
    expect(logged.map(({ msg, by }) => [msg, by])).toEqual([
      ["webhook.received", newest],
      ["webhook.received", old],
    ]);
    expect(stored.map(({ by }) => by)).toEqual([newest, old]);
    const counted = `proofs_total{adapter="klarna-checkout",webhook="push",key="${String(old)}",age="older"}`;
    await until(async () => (await send("GET", "/metrics")).text.includes(counted), "the count");
  });

  test.each(["utf-8", "identity", "UTF-8, identity", "none"])(
    "whose content-encoding is %s has none",
    async (encoding) => {
      const headers = { "content-encoding": encoding };
      expect((await send("POST", callbackPath(), { body: "{}", headers })).status).toBe(200);
    },
  );

  test.each(["gzip", "br", "identity, gzip"])("whose content-encoding is %s is not read", async (encoding) => {
    const headers = { "content-encoding": encoding };
    expect((await send("POST", callbackPath(), { body: "{}", headers })).status).toBe(400);
  });

  test("or an operation behind a path of somebody else's is 404, and leaves a line and a count", async () => {
    for (const path of [callbackPath(), operationPath("refresh")]) {
      logged.length = 0;
      expect((await send("POST", `/prefix${path}`)).status).toBe(404);
      expect(logged).toEqual([expect.objectContaining({ msg: "webhook.refused", code: "wrong-path" })]);
    }
    const counted = 'webhooks_total{adapter="unknown",webhook="unknown",result="wrong-path"}';
    await until(async () => (await send("GET", "/metrics")).text.includes(counted), "the count");
  });

  test.each([
    ["merchant", callbackPath({ merchant: "canary" }), "push"],
    ["id that is none", callbackPath({ orderId: "canary\n" }), "push"],
    ["webhook", callbackPath({ webhook: "canary" }), "unknown"],
    ["property of all objects", callbackPath({ webhook: "constructor" }), "unknown"],
    ["adapter", callbackPath({ adapter: "canary" }), "unknown"],
  ])("to an unknown %s is logged and counted without a stranger's words", async (_, path, webhook) => {
    await send("POST", path);
    const adapter = webhook === "push" ? "klarna-checkout" : "unknown";
    expect(logged).toEqual([expect.objectContaining({ msg: "webhook.refused", adapter, webhook })]);
    const counted = `adapter="${adapter}",webhook="${webhook}",result="${path.includes("%0A") ? "malformed" : "not-found"}"`;
    await until(async () => (await send("GET", "/metrics")).text.includes(counted), "the count");
    const { text } = await send("GET", "/metrics");
    expect(JSON.stringify(logged) + text).not.toMatch(/canary|constructor/);
  });

  test("is refused with a status that its PSP reads right", async () => {
    const svea = { adapter: "svea-checkout" };
    expect((await send("POST", callbackPath({ ...svea, sig: "A".repeat(43) }))).status).toBe(404);
    expect((await send("PUT", callbackPath(svea))).status).toBe(404);
    expect((await send("POST", callbackPath(svea), { body: "x".repeat(1_025) })).status).toBe(404);
    expect((await send("POST", callbackPath(svea))).status).toBe(200);
  });

  test("that its URL does not prove is refused before its body is read", async () => {
    const body = "x".repeat(1_025);
    expect((await send("POST", callbackPath({ sig: "A".repeat(43) }), { body })).status).toBe(401);
  });

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

/** A request whose body never comes. */
async function sendWithoutEnd(path: string): Promise<{ readonly status: Promise<number>; end(): void }> {
  const { hostname, port } = new URL(server.url);
  const sent = httpRequest({ hostname, port, method: "POST", path, headers: { "content-length": "10" } });
  const status = new Promise<number>((resolve) => {
    sent.on("response", (response) => resolve(response.resume().statusCode ?? 0)).on("error", () => resolve(0));
  });
  await new Promise<void>((resolve) => sent.write("x", () => resolve()));
  return { status, end: () => void sent.destroy() };
}

describe("more webhooks at once than are taken", () => {
  test("those that never come give way, with Retry-After, logged and counted; unproven ones take nobody's place", async () => {
    const counted = /webhooks_total\{adapter="klarna-checkout",webhook="push",result="too-many-requests"\} [1-9]/;
    const unproven = await Promise.all(
      Array.from({ length: 1_000 }, () => sendWithoutEnd(callbackPath({ sig: "A".repeat(43) }))),
    );
    expect(new Set(await Promise.all(unproven.map(({ status }) => status)))).toEqual(new Set([401]));
    expect((await send("POST", callbackPath())).status).toBe(200);
    for (const request of unproven) request.end();
    const proven = await Promise.all(Array.from({ length: 1_000 }, () => sendWithoutEnd(callbackPath())));
    const [first] = proven;
    // The last of them may not have arrived yet.
    const thrownOut: number[] = [];
    void first?.status.then((status) => thrownOut.push(status));
    for (let tries = 0; thrownOut.length === 0 && tries < 100; tries += 1)
      expect((await send("POST", callbackPath())).status).toBe(200);
    expect(thrownOut).toEqual([429]);
    const refused = logged.filter(({ msg }) => msg === "webhook.refused").at(-1);
    expect(refused).toMatchObject({ status: 429, code: "too-many-requests", ...key });
    await until(async () => counted.test((await send("GET", "/metrics")).text), "the count");
    for (const request of proven) request.end();
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
    expect(looks).toEqual([key, key]);
  });

  test("is not proven by a dead URL, another operation's or a callback's signature, or another token", async () => {
    const exp = Math.floor(now() / 1000) + 60;
    const others = [
      operationPath("refresh", { exp: Math.floor(now() / 1000) - 1 }),
      operationPath("refresh", { exp, sig: operationSignature(operationKey, key, "capture", exp) }),
      operationPath("refresh", { exp, sig: callbackSignature(operationKey, key, "operation/refresh") }),
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
    const operationId = randomUUID();
    expect(JSON.parse((await send("GET", `${operationPath("refresh")}&operationId=${operationId}`)).text)).toEqual({
      operationId,
      status: "queued",
    });
    expect(read).toEqual([operationId]);
  });

  test.each(["refresh", "capture"] as const)(
    "%s by an id that was never given out is unknown, and the queue is not asked",
    async (operation) => {
      const usual = randomUUID();
      const others = ["meta", "id", "completed", "events", "1", "", `${usual}:lock`, usual.toUpperCase(), `${usual}\n`];
      for (const operationId of others) {
        const query = new URLSearchParams({ operationId });
        const answer = await send("GET", `${operationPath(operation)}&${query.toString()}`);
        expect([answer.status, JSON.parse(answer.text)]).toEqual([200, { operationId, status: "unknown" }]);
      }
      expect((await send("GET", operationPath(operation))).status).toBe(200);
      expect(read).toEqual([]);
    },
  );

  /** An order as Norce has it, as far as it tells whose action is executed. */
  const order = {
    id: "o_1",
    merchant: "acme",
    channel: "se",
    state: { currentStatus: "completed" },
    cart: { total: { includingVat: 100 } },
    payments: [
      { id: "p_0", amount: 40 },
      { id: "p_1", amount: 60 },
    ],
  };

  test.each([
    ["no body", undefined],
    ["an empty object", "{}"],
    ["Norce's order", JSON.stringify(order)],
  ])("with %s is of all that is left", async (_, body) => {
    expect((await send("POST", operationPath("capture"), body === undefined ? {} : { body })).status).toBe(200);
    expect(asked).toEqual([{ key, name: "capture" }]);
  });

  test("with an amount is of that amount, and needs the admin token: a signed URL does the whole of what is left", async () => {
    const body = '{"amount":40.5}';
    expect((await send("POST", operationPath("capture"), { body })).status).toBe(401);
    expect(asked).toEqual([]);
    expect((await send("POST", operationPath("capture"), { body, headers: bearer })).status).toBe(200);
    expect(asked).toEqual([{ key, name: "capture", amount: 40.5 }]);
  });

  test("by a signed URL is proven only while the merchant publishes signed URLs", async () => {
    const elsewhere = { ...key, adapter: "svea-checkout" };
    const exp = Math.floor(now() / 1_000) + 60;
    for (const operation of ["capture", "refresh"] as const) {
      const url = new URL(
        operationUrl({ publicUrl: "http://us", keys: config.signingKeys }, elsewhere, operation, exp),
      );
      const path = url.pathname + url.search;
      expect((await send("POST", path)).status).toBe(401);
      expect(logged.at(-1)).toMatchObject({ msg: "operator.refused", sig: "not-published", token: "missing" });
      expect((await send("POST", path, { headers: bearer })).status).toBe(200);
    }
  });

  test("that is refused is logged and counted, and whichever admin token is given right is taken", async () => {
    const counted = async (): Promise<number> => {
      const { text } = await send("GET", "/metrics");
      return Number(/operator_refusals_total\{route="operation",code="not-proven"\} (\d+)/.exec(text)?.[1] ?? 0);
    };
    const before = await counted();
    for (const authorization of ["Bearer an-admin-token-of-theirs", `Bearer ${adminToken}x`])
      expect((await send("POST", bare, { headers: { ...bearer, authorization } })).status).toBe(401);
    expect(logged.map(({ msg, route, token }) => [msg, route, token])).toEqual([
      ["operator.refused", "operation", "wrong"],
      ["operator.refused", "operation", "wrong"],
    ]);
    expect(JSON.stringify(logged)).not.toContain("theirs");
    await until(async () => (await counted()) >= before + 2, "the count, which is made once a second");
    const second = { ...bearer, authorization: "Bearer a-second-admin-token" };
    expect((await send("POST", bare, { headers: second })).status).toBe(200);
  });

  test.each([
    "40",
    '"40"',
    "null",
    "true",
    "[]",
    '[{"amount":40}]',
    '{"Amount":40}',
    '{"amuont":40}',
    '{"amount":"40"}',
    '{"amount":null}',
    '{"amount":0}',
    '{"amount":-40}',
    '{"amount":40,"currency":"SEK"}',
    '{"payment":{"amount":40}}',
    "amount=40",
    " ",
    JSON.stringify({ ...order, id: "o_2" }),
    JSON.stringify({ ...order, payments: [{ id: "p_2" }] }),
    JSON.stringify({ ...order, payments: {} }),
    JSON.stringify({ ...order, amount: 40 }),
    JSON.stringify(order.payments[1]),
    JSON.stringify([order]),
  ])("with the body %s is refused, and nothing is asked for", async (body) => {
    const answer = await send("POST", operationPath("capture"), { body });
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.text)).toEqual({
      code: "malformed",
      message: expect.stringMatching(/\{"amount": 40\.5\}/),
    });
    expect(asked).toEqual([]);
  });

  test.each(["amount=40", "Amount=40", "amount="])("with %s in the query is refused with a hint", async (query) => {
    const answer = await send("POST", `${operationPath("capture")}&${query}`);
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.text)).toEqual({ code: "malformed", message: expect.stringMatching(/query.*body/) });
    expect(asked).toEqual([]);
  });

  test("is proven, and its target found, before its body is read", async () => {
    const body = "x".repeat(1_025);
    expect((await send("POST", operationPath("capture", { sig: "A".repeat(43) }), { body })).status).toBe(401);
    expect((await send("POST", operationPath("capture").replace("/capture?", "/reverse?"), { body })).status).toBe(404);
    expect((await send("POST", operationPath("capture").replace("acme", "other"), { body })).status).toBe(404);
    expect((await send("POST", operationPath("capture"), { body })).status).toBe(413);
  });
});

test("health: live always, ready while the queue answers", async () => {
  expect((await send("GET", "/health/live")).status).toBe(200);
  expect((await send("GET", "/health/ready")).status).toBe(200);
  queueIsDown = true;
  expect((await send("GET", "/health/live")).status).toBe(200);
  expect((await send("GET", "/health/ready")).status).toBe(503);
});

test("health: who asks with a nonce hears it back by a key of this service's, and who asks oddly hears nothing back", async () => {
  const nonce = "a-nonce-of-somebody-who-asks";
  const { echo } = JSON.parse((await send("GET", `/health/live?nonce=${nonce}`)).text) as { echo: string };
  expect(config.signingKeys.isEcho(nonce, echo)).toBe(true);
  for (const odd of ["", "short", "x".repeat(65), "callback%0Aacme%0Ase%0A12345"])
    expect((await send("GET", `/health/live?nonce=${odd}`)).text).toBe('{"status":"live"}');
});

test("metrics count webhooks by result, and never by a name that a stranger made up", async () => {
  await send("POST", callbackPath());
  await send("POST", callbackPath({ adapter: "made-up" }));
  const { text } = await send("GET", "/metrics");
  expect(text).toMatch(/norce_psp_webhooks_total\{adapter="klarna-checkout",webhook="push",result="received"\} \d+/);
  expect(text).not.toContain("made-up");
});

test("a flood of calls that nobody can prove leaves no more than fifty lines, whatever ids strangers write into their URLs", async () => {
  const forged = Array.from({ length: 80 }, (_, number) => callbackPath({ orderId: `o_${number}`, sig: "none" }));
  await Promise.all(forged.map(async (path) => await send("POST", path)));
  const told = logged.filter(({ msg }) => msg === "webhook.refused").length;
  expect(told).toBe(50);
});
