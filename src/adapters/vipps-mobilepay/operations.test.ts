import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createHttp, type Json } from "../../lib/http.ts";
import { withToken } from "../../lib/token.ts";
import type { LookContext, OperationName } from "../../contract/adapter.ts";
import type { SimulatedAnswer, SimulatedRequest, Simulator } from "../../contract/simulator.ts";
import { createSimulator } from "../../../sandbox/kernel/kernel.ts";
import { listenOnLoopback } from "../../../sandbox/loopback.ts";
import { createSandboxPsp } from "../../../sandbox/psp.ts";
import { asking } from "../../../test/support/asking.ts";
import { probe, registrations } from "./account.ts";
import { fetchSnapshot } from "./client.ts";
import { type Config, config } from "./config.ts";
import { map } from "./map.ts";
import { operations } from "./operations.ts";
import { simulate } from "./simulator.ts";

const id = "0f0e4f0a-9c0e-4f8b-8a1d-000000000001";

let vipps: Simulator;
let apiUrl = "";
let close: () => Promise<void>;
/** What is answered instead of what Vipps would answer. */
let instead: (request: SimulatedRequest) => SimulatedAnswer | undefined;
let asked: SimulatedRequest[];

beforeAll(async () => {
  const relay = new Proxy({} as Simulator, {
    get: (_, name) => (name === "answer" ? answer : vipps[name as keyof Simulator]),
  });
  const server = await listenOnLoopback(createSandboxPsp({ simulators: new Map([["vipps", relay]]) }).handler);
  apiUrl = `${server.url}/vipps`;
  close = () => server.close();
});
beforeEach(() => {
  vipps = createSimulator(simulate);
  instead = () => undefined;
  asked = [];
});
afterAll(() => close());

function answer(request: SimulatedRequest): SimulatedAnswer {
  asked.push(request);
  return instead(request) ?? vipps.answer(request);
}

function open(recurring = false): string {
  return vipps.open({ orderId: "o_1", paymentId: "p_1", amount: 10000, currency: "NOK", callbackUrls: {}, recurring });
}

function contextOf(settings: Readonly<Record<string, Json>> = {}): LookContext<Config> {
  return {
    config: config.parse({ adapterId: "a", ...vipps.settings(apiUrl), ...settings }),
    ...asking(),
    payment: { paymentId: "p_1", amount: 10000, currency: "NOK", reference: null, upsell: null },
    signal: new AbortController().signal,
    http: ({ authority, ...options }) => {
      const http = createHttp({ peer: "vipps-mobilepay", ...options });
      return authority === undefined ? http : withToken(http, () => authority.authorize(http), Date.now);
    },
  };
}

async function look(reference: string) {
  const snapshot = await fetchSnapshot(reference, contextOf());
  if (snapshot === null) throw new Error("Vipps does not know it");
  return snapshot;
}

async function tell(reference: string, name: OperationName, amount: number, operation = id) {
  const call = { name, id: operation, amount, currency: "NOK", whole: false, now: 0 };
  return await operations[name]?.(call, await look(reference), contextOf());
}

async function moneyOf(reference: string): Promise<readonly number[]> {
  const { authorized, captured, refunded, released } = map(await look(reference), { now: Date.now() }).money;
  return [authorized, captured, refunded, released];
}

describe.each([
  ["a payment", false],
  ["an agreement's charge", true],
])("%s", (_, recurring) => {
  it("is captured, refunded and let go in parts, whatever was asked twice and at once", async () => {
    const reference = open(recurring);
    vipps.act(reference, "pay");
    await Promise.all([tell(reference, "capture", 4000), tell(reference, "capture", 4000)]);
    expect(await moneyOf(reference)).toEqual([10000, 4000, 0, 0]);
    await tell(reference, "capture", 1000, `${id.slice(0, -1)}2`);
    await tell(reference, "refund", 500, `${id.slice(0, -1)}3`);
    await tell(reference, "cancel", 5000, `${id.slice(0, -1)}4`);
    expect(await moneyOf(reference)).toEqual([10000, 5000, 500, 5000]);
  });

  it.each(["capture", "cancel", "refund"] as const)(
    "whose answer to %s was lost is told the same again, and does it once",
    async (name) => {
      const reference = open(recurring);
      vipps.act(reference, "pay");
      if (name === "refund") vipps.act(reference, "capture", 6000);
      const amount = name === "cancel" ? 10000 : 2500;
      instead = (request) =>
        request.method === "GET" || request.path.startsWith("/accesstoken") ? undefined : lost(request);
      await expect(tell(reference, name, amount)).rejects.toMatchObject({ kind: "Unreachable" });
      instead = () => undefined;
      const truth = await moneyOf(reference);
      expect((await tell(reference, name, amount))?.is).toBe("done");
      expect(await moneyOf(reference)).toEqual(truth);
      const told = asked.filter(({ method, path }) => method !== "GET" && !path.startsWith("/accesstoken"));
      expect(new Set(told.map(({ headers }) => headers["idempotency-key"]))).toEqual(new Set([id]));
      expect(new Set(told.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    },
  );
});

/** Vipps carries it out, and nobody hears of it. */
function lost(request: SimulatedRequest): SimulatedAnswer {
  vipps.answer(request);
  return { status: 503 };
}

describe("what Vipps says no to", () => {
  const problem = (status: number, reason: string): SimulatedAnswer => ({
    status,
    body: { title: "No", status, traceId: "trace-1", extraDetails: [{ name: "error", reason }] },
  });
  it.each([
    ["by its number", problem(400, "6080"), { is: "refused", reason: "6080" }],
    ["by a sentence", problem(422, "Nothing is left of it"), { is: "refused", reason: "error" }],
    ["without a word", { status: 400 }, { is: "refused", reason: "HTTP_400" }],
    ["for the payment alone", problem(403, "6140"), { is: "refused", reason: "6140" }],
  ])("is refused %s", async (_, no, result) => {
    const reference = open();
    vipps.act(reference, "pay");
    instead = ({ path }) => (path.endsWith("/capture") ? no : undefined);
    expect(await tell(reference, "capture", 100)).toEqual(result);
  });

  it.each([
    ["a key that was used for something else", problem(409, "4010"), "Conflict"],
    ["a sixth call in a minute", { status: 429, headers: { "retry-after": "12" } }, "Unreachable"],
    [
      "the gateway, which does not know our keys",
      { status: 403, body: { statusCode: 403, message: "no" } },
      "Unauthorized",
    ],
  ])("is no refusal: %s", async (_, no, kind) => {
    const reference = open();
    vipps.act(reference, "pay");
    instead = ({ path }) => (path.endsWith("/capture") ? no : undefined);
    await expect(tell(reference, "capture", 100)).rejects.toMatchObject({ kind });
  });

  it("is told by the simulator as Vipps would: too much, no key, another body under the same key", async () => {
    const reference = open();
    vipps.act(reference, "pay");
    expect(await tell(reference, "capture", 10001)).toEqual({ is: "refused", reason: "6030" });
    await tell(reference, "capture", 100, "a-key");
    await expect(tell(reference, "capture", 200, "a-key")).rejects.toMatchObject({ kind: "Conflict" });
    await expect(tell(reference, "capture", 100, "")).resolves.toMatchObject({ is: "refused" });
    expect(await moneyOf(reference)).toEqual([10000, 100, 0, 0]);
  });
});

describe("what is asked", () => {
  it("is asked with token, key and sales unit, and the token once with the credentials in headers", async () => {
    await fetchSnapshot(open(), contextOf());
    const [token, ...questions] = asked;
    expect(token).toMatchObject({ method: "POST", path: "/accesstoken/get" });
    expect(token?.headers).toMatchObject({ client_id: expect.any(String), client_secret: expect.any(String) });
    expect(questions.map(({ path }) => path.split("/").slice(5).join("/")).toSorted()).toEqual(["", "events"]);
    for (const { headers } of questions)
      expect(headers).toMatchObject({
        "merchant-serial-number": "123456",
        authorization: expect.stringMatching(/^Bearer /),
      });
  });

  it.each(["../other", "agr_1:chr-1:x", "agr_1:", "a b", ""])("is nothing for %j", async (reference) => {
    expect(await fetchSnapshot(reference, contextOf())).toBeNull();
    expect(asked).toEqual([]);
  });

  it("is a bare integer in old examples, which is no amount", async () => {
    instead = ({ path }) =>
      path.startsWith("/epayment") && !path.endsWith("/events")
        ? { status: 200, body: { reference: "nco-12345678", state: "CREATED", amount: 100, aggregate: {} } }
        : undefined;
    await expect(fetchSnapshot("nco-12345678", contextOf())).rejects.toMatchObject({ kind: "Unmapped" });
  });

  it.each([{ status: 404 }, { status: 200, body: { odd: true } }, { status: 200, body: [{ name: 1 }, null] }])(
    "is enough without a log: %j",
    async (log) => {
      const reference = open();
      vipps.act(reference, "pay");
      instead = ({ path }) => (path.endsWith("/events") ? log : undefined);
      expect(await moneyOf(reference)).toEqual([10000, 0, 0, 0]);
    },
  );

  it("keeps nothing of the shopper, and of what the merchant wrote only our ids", async () => {
    const reference = open();
    vipps.act(reference, "pay");
    const kept = JSON.stringify(await look(reference));
    for (const word of ["Testperson", "shopper@", "cardBin", "sub", "landing"]) expect(kept).not.toContain(word);
    expect(map(await look(reference), { now: 0 }).echoes).toEqual(["p_1"]);
  });
});

describe("the account", () => {
  const wanted = { webhook: "webhook", url: "https://hooks.example.com/x?sig=y" };

  it("registers, lists, and replaces what sends too little; the secret is told once", async () => {
    const made = await registrations.register?.(wanted, contextOf());
    expect(made?.secret).toEqual({ setting: "webhookSecret", value: "simulated-secret-1" });
    const [first] = await registrations.list(contextOf());
    if (first === undefined) throw new Error("nothing is registered");
    expect(first).toMatchObject({ id: made?.id, url: wanted.url, active: true });
    expect(registrations.faultOf?.(first, wanted, contextOf().config)).toBeUndefined();
    const less = { ...first, events: first.events.filter((type) => !type.includes("refunded")) };
    expect(registrations.faultOf?.(less, wanted, contextOf().config)).toContain("epayments.payment.refunded.v1");
    const later = { ...contextOf(), now: Date.now() + 1 };
    const again = await registrations.repair?.(less, wanted, later);
    expect(again?.secret?.value).toBe("simulated-secret-2");
    expect((await registrations.list(contextOf())).map(({ id: now }) => now)).toEqual([again?.id]);
  });

  it.each([
    ["works", {}],
    ["refused", { clientSecret: "wrong" }],
    ["refused", { subscriptionKey: "wrong" }],
    ["refused", { merchantSerialNumber: "99999" }],
  ])("%s by its probe with %j", async (is, settings) => {
    expect(await probe(contextOf(settings))).toMatchObject([{ is }]);
  });

  it("is unreachable by its probe where nobody answers", async () => {
    instead = () => ({ status: 503 });
    expect(await probe(contextOf())).toMatchObject([{ is: "unreachable" }]);
  });
});
