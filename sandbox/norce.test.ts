import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { textOf } from "./history.ts";
import { type Loopback, listenOnLoopback } from "./loopback.ts";
import { createSandboxNorce, type Document, type SandboxNorce } from "./norce.ts";

let norce: SandboxNorce;
let server: Loopback;

beforeEach(async () => {
  norce = createSandboxNorce({ now: () => Date.parse("2026-03-01T10:00:00Z") });
  server = await listenOnLoopback(norce.handler);
});

afterEach(async () => {
  await server.close();
});

interface Sent {
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
}

async function call(
  method: string,
  path: string,
  { headers = {}, body }: Sent = {},
): Promise<{ status: number; body: Document; headers: Headers }> {
  const answer = await fetch(`${server.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${norce.token}`,
      "x-merchant": "acme",
      "x-channel": "se",
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, body: (text === "" ? {} : JSON.parse(text)) as Document, headers: answer.headers };
}

const minimal = { adapterId: "acme_adapter", name: "PSP", reference: "r-1", amount: 100.5, state: "intent" };

function seed(payment: Document = minimal): { orderId: string; paymentId: string; path: string } {
  const orderId = norce.createOrder({ merchant: "acme", channel: "se", order: { currency: "SEK" } });
  const paymentId = norce.addPayment(orderId, payment);
  return { orderId, paymentId, path: `/api/v0/checkout/orders/${orderId}/payments/${paymentId}` };
}

describe("who may call", () => {
  it("refuses a wrong token with 401 and a code", async () => {
    const { path } = seed();
    const answer = await call("GET", path, { headers: { authorization: "Bearer other" } });
    expect(answer).toMatchObject({ status: 401, body: { code: "unauthorized" } });
  });

  it.each(["x-merchant", "x-channel"])("requires %s", async (header) => {
    const { path } = seed();
    expect((await call("GET", path, { headers: { [header]: "" } })).status).toBe(400);
  });

  it.each([
    ["another merchant", { "x-merchant": "other" }],
    ["another channel", { "x-channel": "no" }],
  ])("hides the order from %s", async (_, headers) => {
    const { path } = seed();
    expect(await call("GET", path, { headers })).toMatchObject({ status: 404, body: { code: "order-not-found" } });
  });

  it("names what was not found", async () => {
    const { orderId } = seed();
    expect(await call("GET", "/api/v0/checkout/orders/oNothing")).toMatchObject({
      status: 404,
      body: { code: "order-not-found" },
    });
    const missing = await call("GET", `/api/v0/checkout/orders/${orderId}/payments/pNothing`);
    expect(missing).toMatchObject({ status: 404, body: { code: "payment-not-found" } });
  });

  it("takes the base path of the live environments and answers 405 for a method it does not take", async () => {
    const { path } = seed();
    expect((await call("GET", `/checkout/order${path}`)).status).toBe(200);
    expect((await call("DELETE", path)).status).toBe(405);
  });
});

describe("creating", () => {
  it("gives ids in the live shape, and a Location", async () => {
    const order = await call("POST", "/api/v0/checkout/orders", {
      body: { currency: "SEK", culture: "sv-SE", country: "SE" },
    });
    expect(order.status).toBe(201);
    expect(order.body["id"]).toMatch(/^o\w{7}$/);
    expect(order.headers.get("location")).toBe(`/api/v0/checkout/orders/${textOf(order.body, "id")}`);
    const payment = await call("POST", `/api/v0/checkout/orders/${textOf(order.body, "id")}/payments`, {
      body: { name: "PSP", amount: 1 },
    });
    expect(payment.body["id"]).toMatch(/^p\w{26}$/);
    const read = await call("GET", `/api/v0/checkout/orders/${textOf(order.body, "id")}`);
    expect(read.body).toMatchObject({
      merchant: "acme",
      state: { currentStatus: "checkout" },
      payments: [{ state: "intent", type: "default" }],
    });
  });

  it.each([
    ["currency", { currency: "SE" }],
    ["culture", { culture: "swedish" }],
    ["country", { country: "SWE" }],
  ])("refuses an order whose %s is malformed", async (_, body) => {
    expect((await call("POST", "/api/v0/checkout/orders", { body })).status).toBe(400);
  });

  it("records order states and merges attributes", async () => {
    const { orderId } = seed();
    const order = `/api/v0/checkout/orders/${orderId}`;
    expect((await call("PUT", `${order}/state`, { body: { currentStatus: "processing" } })).status).toBe(200);
    expect((await call("PUT", `${order}/state`, { body: { currentStatus: "reserved" } })).status).toBe(400);
    await call("PATCH", `${order}/attributes`, { body: { one: 1 } });
    await call("PATCH", `${order}/attributes`, { body: { two: 2 } });
    expect(norce.order(orderId)).toMatchObject({
      state: { currentStatus: "processing", transitions: [{ status: "checkout" }, { status: "processing" }] },
      attributes: { one: 1, two: 2 },
    });
  });
});

describe("replacing a payment", () => {
  it("drops what the body leaves out, keeps what nobody documents, and answers what is stored", async () => {
    const { orderId, paymentId, path } = seed({
      ...minimal,
      attributes: { a: 1 },
      actions: [{ adapterId: "x", type: "capture", url: "http://x" }],
    });
    const answer = await call("PUT", path, { body: { amount: 7, state: "reserved", surprise: { kept: true } } });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      id: paymentId,
      orderId,
      merchant: "acme",
      channel: "se",
      type: "default",
      amount: 7,
      state: "reserved",
      surprise: { kept: true },
    });
    expect(norce.payment(orderId, paymentId)).toEqual(answer.body);
  });

  it("does not let a body change what is read-only", async () => {
    const { orderId, paymentId, path } = seed({
      ...minimal,
      actions: [{ adapterId: "x", type: "capture", url: "http://x" }],
    });
    const before = norce.payment(orderId, paymentId) ?? {};
    const body = { ...before, id: "p_other", orderId: "o_other", merchant: "other" };
    await call("PUT", path, { body });
    expect(norce.payment(orderId, paymentId)).toEqual(before);
    await call("PUT", path, {
      body: { ...before, actions: [{ id: "invented", adapterId: "x", type: "refund", url: "http://x" }] },
    });
    expect(JSON.stringify(norce.payment(orderId, paymentId))).not.toContain("invented");
  });

  it.each([
    ["an unknown state", { amount: 1, state: "authorized" }],
    ["a state in upper case", { amount: 1, state: "Reserved" }],
    ["a state that v0 does not document", { amount: 1, state: "cancelled" }],
    ["an unknown type", { amount: 1, type: "checkout" }],
    ["no amount", { state: "reserved" }],
    ["an amount that is text", { amount: "1" }],
    ["a currency of two letters", { amount: 1, currency: "SE" }],
    ["an action without a URL", { amount: 1, actions: [{ adapterId: "x", type: "capture", url: "" }] }],
    ["an upsell state that is unknown", { amount: 1, upsell: { transactions: [{ id: "1", state: "done" }] } }],
    ["a body that is a list", []],
    ["a body that is not JSON", "{"],
  ])("refuses %s", async (_, body) => {
    const { path } = seed();
    expect(await call("PUT", path, { body })).toMatchObject({ status: 400, body: { code: "bad-request" } });
    expect(norce.writes.replacePayment).toBe(0);
  });

  it("requires JSON to be called JSON", async () => {
    const { path } = seed();
    expect((await call("PUT", path, { body: minimal, headers: { "content-type": "text/plain" } })).status).toBe(415);
  });
});

describe("versions", () => {
  it("hides and drops on v1 what v1 does not know", async () => {
    const { orderId, paymentId, path } = seed({ ...minimal, upsell: { eligible: true } });
    const v1 = path.replace("v0", "v1");
    const read = await call("GET", v1);
    expect(Object.keys(read.body)).not.toEqual(expect.arrayContaining(["upsell"]));
    expect(read.body).not.toHaveProperty("merchant");
    await call("PUT", v1, { body: read.body });
    expect(norce.payment(orderId, paymentId)).toMatchObject({ merchant: "acme", channel: "se" });
    expect(norce.payment(orderId, paymentId)).not.toHaveProperty("upsell");
  });

  it("takes twelve states and requires a recurring token on v1", async () => {
    const { path } = seed();
    const v1 = path.replace("v0", "v1");
    expect((await call("PUT", v1, { body: { amount: 1, state: "refunded" } })).status).toBe(200);
    expect((await call("PUT", v1, { body: { amount: 1, recurring: { description: "x" } } })).status).toBe(400);
    expect((await call("PUT", path, { body: { amount: 1, recurring: { description: "x" } } })).status).toBe(200);
  });

  it("takes twelve states on v0 where it is told to", async () => {
    norce = createSandboxNorce({ states: "twelve" });
    await server.close();
    server = await listenOnLoopback(norce.handler);
    const { path } = seed();
    expect((await call("PUT", path, { body: { amount: 1, state: "cancelled" } })).status).toBe(200);
  });

  it("answers a created order as plain text of JSON on v1", async () => {
    const answer = await call("POST", "/api/v1/checkout/orders", { body: {} });
    expect(answer.body).toMatch(/^o\w{7}$/);
  });
});

it("answers in a spelling of its own where it is told to, and keeps what was written", async () => {
  const upsell = {
    eligible: true,
    expiration: "2026-01-01T10:00:00.120Z",
    transactions: [{ id: "u", state: "actionRequired" }],
  };
  const { path, orderId, paymentId } = seed();
  norce.respells = true;
  const body = {
    amount: 1,
    state: "reserved",
    recurring: { token: "t" },
    upsell,
    attributes: { at: "2026-01-01T10:00:00.000Z" },
  };
  const spelled = {
    state: "Reserved",
    type: "Default",
    upperLimitAmount: null,
    recurring: { token: "t", description: null, attributes: null },
    upsell: {
      eligible: true,
      expiration: "2026-01-01T10:00:00.1200000+00:00",
      transactions: [{ id: "u", state: "ActionRequired", attributes: null, itemIds: null }],
      attributes: null,
    },
    attributes: { at: "2026-01-01T10:00:00+00:00" },
  };
  expect((await call("PUT", path, { body })).body).toMatchObject(spelled);
  expect((await call("GET", path)).body).toMatchObject(spelled);
  expect((await call("GET", "/api/v0/checkout/orders")).body).toMatchObject({ data: [{ payments: [spelled] }] });
  expect((await call("GET", path.replace("v0", "v1"))).body).not.toHaveProperty("upsell");
  expect(norce.payment(orderId, paymentId)).toMatchObject(body);
});

describe("transactions", () => {
  const transaction = {
    event: "confirm",
    amount: 100,
    isSuccess: true,
    requestJson: "{}",
    responseJson: '{"eventKey":"k"}',
  };

  it("have no id, a time of the server's, and repeat when they are repeated", async () => {
    const { orderId, paymentId, path } = seed();
    const first = await call("POST", `${path}/transactions`, {
      body: { ...transaction, id: "x", created: "1999-01-01" },
    });
    await call("POST", `${path}/transactions`, { body: transaction });
    expect(first.body).not.toHaveProperty("id");
    expect(first.body["created"]).toBe("2026-03-01T10:00:00.000Z");
    expect(norce.transactions(orderId, paymentId)).toHaveLength(2);
    expect((await call("GET", `${path}/transactions`)).body).toHaveLength(2);
  });

  it.each([
    ["an unknown event", { ...transaction, event: "captured" }],
    ["responseJson that is an object", { ...transaction, responseJson: { eventKey: "k" } }],
    ["requestJson that does not parse", { ...transaction, requestJson: "hello" }],
    ["no amount", { event: "confirm" }],
  ])("refuses %s", async (_, body) => {
    const { path } = seed();
    expect((await call("POST", `${path}/transactions`, { body })).status).toBe(400);
  });
});

describe("actions", () => {
  it("are replaced, and executed by a call to their URL", async () => {
    const { orderId, paymentId, path } = seed();
    const seen: (string | undefined)[] = [];
    const target = await listenOnLoopback((request, response) => {
      seen.push(request.method, request.headers["x-merchant"]?.toString(), request.headers["x-channel"]?.toString());
      response.end();
    });
    expect(
      (await call("POST", `${path}/actions`, { body: { adapterId: "x", type: "capture", url: target.url } })).status,
    ).toBe(400);
    expect(
      (await call("POST", `${path}/actions`, { body: [{ adapterId: "x", type: "capture", url: target.url }] })).status,
    ).toBe(200);
    const [action = {}] = (norce.payment(orderId, paymentId) ?? {})["actions"] as Document[];
    expect((await call("POST", `${path}/actions/${textOf(action, "id")}/execute`)).status).toBe(200);
    expect(seen).toEqual(["POST", "acme", "se"]);
    await target.close();
  });
});

describe("listing", () => {
  it("pages, filters and stays within the channel", async () => {
    const { orderId, paymentId } = seed();
    seed();
    norce.createOrder({ merchant: "acme", channel: "no", order: {} });
    const all = await call("GET", "/api/v0/checkout/orders?limit=1&offset=1&order_by=created&order_by_direction=asc");
    expect(all.body).toMatchObject({ pagination: { offset: 1, limit: 1, size: 2, totalSize: 2, valueSum: 0 } });
    const one = await call("GET", `/api/v1/checkout/orders?payment_id=${paymentId}&status=checkout`);
    expect(one.body).toMatchObject({ data: [{ id: orderId }], pagination: { size: 1 } });
    expect(one.body["pagination"]).not.toHaveProperty("valueSum");
    expect((await call("GET", "/api/v0/checkout/orders?status=reserved")).status).toBe(400);
    expect((await call("GET", "/api/v0/checkout/orders?date_from=2027-01-01")).body).toMatchObject({
      pagination: { size: 0 },
    });
  });
});

describe("faults", () => {
  it("drops the answer after success: applied, counted, not answered", async () => {
    const { orderId, paymentId, path } = seed();
    norce.fault({ match: ({ method }) => method === "PUT", times: 1, drop: "after" });
    await expect(call("PUT", path, { body: { amount: 1, state: "reserved" } })).rejects.toThrow();
    expect(norce.payment(orderId, paymentId)).toMatchObject({ state: "reserved" });
    expect(norce.writes.replacePayment).toBe(1);
    expect(norce.requests().at(-1)).toMatchObject({ method: "PUT", status: 0 });
    expect((await call("GET", path)).status).toBe(200);
  });

  it("drops the connection before anything is applied", async () => {
    const { orderId, paymentId, path } = seed();
    norce.fault({ times: 1, drop: "before" });
    await expect(call("PUT", path, { body: { amount: 1, state: "reserved" } })).rejects.toThrow();
    expect(norce.payment(orderId, paymentId)).toMatchObject({ state: "intent" });
  });

  it("answers 429 with Retry-After as often as told", async () => {
    const { path } = seed();
    const fault = norce.fault({ times: 2, status: 429, retryAfterSeconds: 7 });
    const first = await call("GET", path);
    expect(first.status).toBe(429);
    expect(first.headers.get("retry-after")).toBe("7");
    expect((await call("GET", path)).status).toBe(429);
    expect((await call("GET", path)).status).toBe(200);
    expect(fault.struck).toBe(2);
  });

  it("reads stale, answers wrong, and forgets it all when cleared", async () => {
    const { orderId, paymentId, path } = seed();
    norce.edit(orderId, paymentId, (payment) => ({ ...payment, state: "reserved" }));
    const stale = norce.fault({ stale: true, match: ({ method }) => method === "GET" });
    expect((await call("GET", path)).body["state"]).toBe("intent");
    stale.clear();
    norce.fault({ answer: (body) => ({ ...(body as Document), amount: 1 }) });
    expect((await call("GET", path)).body).toMatchObject({ state: "reserved", amount: 1 });
    norce.clearFaults();
    expect((await call("GET", path)).body["amount"]).toBe(100.5);
  });

  it("is as slow as told", async () => {
    const { path } = seed();
    norce.latencyMs = 30;
    const started = performance.now();
    await call("GET", path);
    expect(performance.now() - started).toBeGreaterThanOrEqual(28);
  });
});

it("tells of every write, and logs who asked", async () => {
  const { path, orderId, paymentId } = seed();
  const changes: string[] = [];
  norce.onChange(({ what, before, after }) =>
    changes.push(`${what} ${textOf(before ?? {}, "state")} ${textOf(after, "state")}`),
  );
  await call("PUT", path, { body: { amount: 1, state: "reserved" }, headers: { "x-adapterid": "acme_adapter" } });
  expect(changes).toEqual(["payment intent reserved"]);
  expect(norce.requests().at(-1)).toMatchObject({
    method: "PUT",
    route: "/orders/{orderId}/payments/{paymentId}",
    status: 200,
    adapterId: "acme_adapter",
    orderId,
    paymentId,
  });
});
