import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { PaymentKey } from "../contract/adapter.ts";
import type { Budget } from "../lib/budget.ts";
import { isWorkerError } from "../lib/errors.ts";
import { listenOnLoopback, type Loopback } from "../../sandbox/loopback.ts";
import { createSandboxNorce, type Document, type SandboxNorce } from "../../sandbox/norce.ts";
import { createNorceClient, type NorceClient } from "./client.ts";
import { recordKey } from "./payment.ts";

const key: PaymentKey = { adapter: "any", merchant: "acme", channel: "se", orderId: "o_1", paymentId: "p_1" };
const confirm = {
  key: "confirm",
  event: "confirm",
  pspEvent: "e",
  pspStatus: "s",
  amount: 114_854,
  success: true,
} as const;

let norce: SandboxNorce;
let server: Loopback;

beforeEach(async () => {
  norce = createSandboxNorce();
  server = await listenOnLoopback(norce.handler);
  norce.createOrder({
    merchant: "acme",
    channel: "se",
    id: "o_1",
    order: { currency: "SEK", country: "SE", culture: "sv-SE" },
  });
});
afterEach(() => server.close());

function client(version: "v0" | "v1" = "v0", more: Budget & { readonly orderApi?: string } = {}): NorceClient {
  return createNorceClient({
    orderApi: `${server.url}/checkout/order/`,
    token: norce.token,
    version,
    adapterIdOf: () => "ours",
    ...more,
  });
}

function addPayment(over: Document = {}): void {
  norce.addPayment("o_1", { id: "p_1", adapterId: "ours", currency: "SEK", amount: 1148.54, state: "intent", ...over });
}

async function current() {
  const payment = await client().payment(key);
  if (payment === null) throw new Error("no payment");
  return payment;
}

test("what is over Norce's budget waits its turn", async () => {
  addPayment();
  let [underWay, most] = [0, 0];
  const counting = await listenOnLoopback((request, response) => {
    most = Math.max(most, (underWay += 1));
    response.once("close", () => (underWay -= 1));
    // Long enough for a second request to come, were it let go.
    setTimeout(() => norce.handler(request, response), 10);
  });
  const budgeted = client("v0", { orderApi: `${counting.url}/checkout/order`, concurrency: 1 });
  expect(await Promise.all([1, 2, 3].map(() => budgeted.payment(key)))).toHaveLength(3);
  expect(most).toBe(1);
  await counting.close();
});

test("amounts are minor units here and major units there", async () => {
  addPayment({ upperLimitAmount: 2_147_483_647 });
  expect(await current()).toMatchObject({
    amount: 114_854,
    upperLimit: 214_748_364_700,
    currency: "SEK",
    state: "intent",
  });
  await client().replacePayment(key, await current(), { amount: 99_99 });
  expect(norce.payment("o_1", "p_1")).toMatchObject({ amount: 99.99 });
  await client().appendTransaction(key, "SEK", confirm);
  expect(norce.transactions("o_1", "p_1")).toMatchObject([{ amount: 1148.54, event: "confirm", isSuccess: true }]);
});

test("a payment without a currency has its order's", async () => {
  norce.addPayment("o_1", { id: "p_1", adapterId: "ours", amount: 10, state: "intent" });
  norce.edit("o_1", "p_1", (payment) => ({ ...payment, currency: null }));
  expect(await current()).toMatchObject({ currency: "SEK", amount: 1_000 });
});

test("what is not there is null, whether order or payment", async () => {
  expect(await client().payment(key)).toBeNull();
  expect(await client().payment({ ...key, orderId: "o_2" })).toBeNull();
  expect(await client().order({ ...key, orderId: "o_2" })).toBeNull();
  expect(await client().payment({ ...key, merchant: "other" })).toBeNull();
});

test.each(["v0", "v1"] as const)("a PUT on %s keeps what we do not know and changes what is ours", async (version) => {
  addPayment({
    attributes: { theirs: { deep: 1 } },
    actions: [{ adapterId: "ours", type: "capture", url: "https://x.example" }],
    future: [1, null, { x: "y" }],
  });
  const payment = await client(version).payment(key);
  if (payment === null) throw new Error("no payment");
  await client(version).replacePayment(key, payment, {
    state: "reserved",
    reference: "r",
    record: { phase: "confirmed" },
  });
  expect(norce.payment("o_1", "p_1")).toMatchObject({
    state: "reserved",
    reference: "r",
    attributes: { theirs: { deep: 1 }, [recordKey]: { phase: "confirmed" } },
    actions: [{ type: "capture" }],
    future: [1, null, { x: "y" }],
  });
});

test("writes name our adapter, so that hooks of our own do not fire for them; reads do not", async () => {
  addPayment();
  await client().replacePayment(key, await current(), { state: "reserved" });
  await client().appendTransaction(key, "SEK", confirm);
  for (const { method, adapterId } of norce.requests()) expect(adapterId).toBe(method === "GET" ? "" : "ours");
});

test("a recurring without a token is never PUT, and a token never lost", async () => {
  addPayment({ recurring: { description: "no token yet" } });
  await client()
    .replacePayment(key, await current(), { state: "reserved" })
    .catch(() => undefined);
  expect(norce.payment("o_1", "p_1")).not.toHaveProperty("recurring");
  await client().replacePayment(key, await current(), { recurring: { token: "t", attributes: { a: 1 } } });
  await client().replacePayment(key, await current(), { state: "captured" });
  expect(norce.payment("o_1", "p_1")).toMatchObject({
    state: "captured",
    recurring: { token: "t", attributes: { a: 1 } },
  });
});

test("an answer that differs from what was written is a conflict that names the field", async () => {
  addPayment({ name: "Klarna" });
  norce.fault({
    match: ({ method }) => method === "PUT",
    times: 1,
    answer: (body) => ({ ...(body as Document), name: "somebody else" }),
  });
  const error: unknown = await client()
    .replacePayment(key, await current(), { state: "reserved" })
    .catch((thrown: unknown) => thrown);
  expect(isWorkerError(error, "Conflict")).toBe(true);
  expect(isWorkerError(error) ? error.context["fields"] : undefined).toBe("name");
});

test("an answer that says the same in Norce's own spelling is no conflict, and is sent back as it is documented", async () => {
  norce.respells = true;
  addPayment({ attributes: { theirs: { at: "2026-01-01T10:00:00.000Z" } } });
  const expiration = "2026-02-02T10:00:00.000Z";
  await client().replacePayment(key, await current(), {
    state: "reserved",
    recurring: { token: "t" },
    upsell: { eligible: true, expiration, transactions: [{ id: "u", state: "actionRequired" }] },
    record: { since: "2026-01-01T10:00:00.000Z" },
  });
  const payment = await current();
  expect(payment).toMatchObject({ state: "reserved", recurring: { token: "t", description: null } });
  expect(payment.upsell).toMatchObject({ transactions: [{ id: "u", state: "actionRequired" }] });
  // What was read in capitals is written as the Order API takes it.
  await client().replacePayment(key, payment, { amount: 5_00 });
  expect(norce.payment("o_1", "p_1")).toMatchObject({
    amount: 5,
    state: "reserved",
    type: "default",
    upsell: { transactions: [{ state: "actionRequired" }] },
  });
});

test.each<readonly [string, (payment: Document) => Document]>([
  ["recurring", (payment) => ({ ...payment, recurring: { token: "another", description: null } })],
  [
    "upsell",
    (payment) => ({
      ...payment,
      upsell: { ...(payment["upsell"] as Document), expiration: "2026-02-02T10:00:01+00:00" },
    }),
  ],
  [
    "upsell",
    (payment) => ({
      ...payment,
      upsell: { ...(payment["upsell"] as Document), transactions: [{ id: "u", state: "Completed" }] },
    }),
  ],
  ["attributes", (payment) => ({ ...payment, attributes: { theirs: "t" } })],
  ["state", (payment) => ({ ...payment, state: "Captured" })],
])("in Norce's own spelling, too, another %s is a conflict", async (field, change) => {
  norce.respells = true;
  addPayment({
    recurring: { token: "t" },
    attributes: { theirs: "T" },
    upsell: { eligible: true, expiration: "2026-02-02T10:00:00.000Z", transactions: [{ id: "u", state: "created" }] },
  });
  norce.fault({ match: ({ method }) => method === "PUT", times: 1, answer: (body) => change(body as Document) });
  const error: unknown = await client()
    .replacePayment(key, await current(), { amount: 5_00 })
    .catch((thrown: unknown) => thrown);
  expect(isWorkerError(error, "Conflict") ? error.context["fields"] : error).toBe(field);
});

test.each([
  ["is the largest decimal there is", Number("79228162514264337593543950335"), null],
  ["is the largest double", Number.MAX_VALUE, null],
  ["is the largest that is exact", Number.MAX_SAFE_INTEGER / 100, Number.MAX_SAFE_INTEGER],
  ["is nothing", 0, 0],
  ["is missing", null, null],
])("an upper limit that %s", async (_, upperLimitAmount, upperLimit) => {
  addPayment({ upperLimitAmount });
  expect(await current()).toMatchObject({ upperLimit });
  await client().replacePayment(key, await current(), { state: "reserved" });
  expect(norce.payment("o_1", "p_1")).toMatchObject({ state: "reserved", upperLimitAmount });
});

test("our keys are found among the transactions of others", async () => {
  addPayment();
  expect((await client().log(key)).keys).toEqual(new Set());
  await client().appendTransaction(key, "SEK", { ...confirm, key: "capture:1", event: "capture" });
  const strangers = {
    match: () => true,
    times: 1,
    answer: (body: unknown) => [
      ...(body as Document[]),
      { event: "confirm" },
      { event: "confirm", responseJson: "[]" },
      { event: "confirm", responseJson: "{broken" },
    ],
  };
  norce.fault(strangers);
  expect((await client().log(key)).keys).toEqual(new Set(["capture:1"]));
});

test("states are read in any casing, and a state nobody knows is called by its name", async () => {
  addPayment();
  norce.fault({ match: () => true, times: 1, answer: (body) => ({ ...(body as Document), state: "Reserved" }) });
  expect(await current()).toMatchObject({ state: "reserved" });
  norce.fault({ match: () => true, times: 1, answer: (body) => ({ ...(body as Document), state: "exploded" }) });
  const error: unknown = await client()
    .payment(key)
    .catch((thrown: unknown) => thrown);
  expect(isWorkerError(error, "Unmapped") ? error.context["path"] : error).toBe("state");
});

test("a token that is refused gives way to the next one, for writes as well", async () => {
  addPayment();
  const refused: number[] = [];
  const rotated = createNorceClient({
    orderApi: `${server.url}/checkout/order`,
    token: ["revoked", norce.token],
    tokenRefused: (place) => refused.push(place),
    version: "v0",
    adapterIdOf: () => "ours",
  });
  await rotated.replacePayment(key, await current(), { amount: 50_00 });
  await rotated.appendTransaction(key, "SEK", confirm);
  expect(norce.payment("o_1", "p_1")).toMatchObject({ amount: 50 });
  expect(norce.transactions("o_1", "p_1")).toHaveLength(1);
  expect(refused).toEqual([0]);
});

test.each([
  ["PAYMENT_DECLINED", "PAYMENT_DECLINED"],
  ["null", undefined],
  [" undefined ", undefined],
  ["", undefined],
])("a line says %j of why it failed as %j", async (errorDetail, said) => {
  addPayment();
  await client().appendTransaction(key, "SEK", { ...confirm, success: false, errorDetail });
  expect(norce.transactions("o_1", "p_1")[0]?.["errorDetail"] ?? undefined).toBe(said);
});

test.each([1e300, -1e300, Number.MAX_SAFE_INTEGER])("an amount of %d is none that can be counted", async (amount) => {
  addPayment({ amount });
  await expect(current()).rejects.toMatchObject({ kind: "Unmapped", context: { peer: "norce", path: "amount" } });
});

test.each(["o/1", "../o_1", "o\\1", "o\n1", "", ".", "..", "x".repeat(201)])(
  "%j is no id: it never reaches Norce's path",
  async (id) => {
    expect(await client().order({ ...key, orderId: id })).toBeNull();
    for (const ids of [{ orderId: id }, { paymentId: id }]) {
      const asked = client().payment({ ...key, ...ids });
      await expect(asked).rejects.toMatchObject({ kind: "Refused", context: { reason: "malformed-id" } });
    }
    expect(norce.received).toBe(0);
  },
);

describe("an answer about something else than was asked for", () => {
  const answering = async (body: Document, ask: (of: NorceClient) => Promise<unknown>): Promise<unknown> => {
    const other = await listenOnLoopback((_request, response) => {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(body));
    });
    try {
      return await ask(client("v0", { orderApi: `${other.url}/checkout/order` }));
    } catch (error) {
      return isWorkerError(error, "Refused") ? error.context : error;
    } finally {
      await other.close();
    }
  };
  const payment = {
    id: "p_1",
    orderId: "o_1",
    merchant: "acme",
    channel: "se",
    currency: "SEK",
    amount: 1,
    state: "intent",
  };

  test.each(["id", "orderId", "merchant", "channel"])("is refused by its %s, both named", async (name) => {
    const asked = { ...payment }[name as "id"];
    expect(await answering({ ...payment, [name]: "another" }, (of) => of.payment(key))).toMatchObject({
      reason: "other-answer",
      field: name,
      asked,
      answered: "another",
    });
    if (name === "orderId") return;
    const order = { id: "o_1", merchant: "acme", channel: "se", [name]: "another" };
    expect(await answering(order, (of) => of.order(key))).toMatchObject({ reason: "other-answer", field: name });
  });

  test("is not one that says nothing of it, or spells it otherwise", async () => {
    const spelt = { ...payment, orderId: "O_1", merchant: "Acme", channel: "SE", id: "P_1" };
    expect(await answering(spelt, (of) => of.payment(key))).toMatchObject({ amount: 100 });
    const silent = { currency: "SEK", amount: 1, state: "intent", merchant: null };
    expect(await answering(silent, (of) => of.payment(key))).toMatchObject({ amount: 100 });
  });
});
