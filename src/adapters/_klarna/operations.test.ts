import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createHttp } from "../../lib/http.ts";
import { createSimulator } from "../../../sandbox/kernel/kernel.ts";
import { listenOnLoopback } from "../../../sandbox/loopback.ts";
import { createSandboxPsp } from "../../../sandbox/psp.ts";
import type { LookContext, OperationName } from "../../contract/adapter.ts";
import * as checkout from "../klarna-checkout/simulator.ts";
import * as payments from "../klarna-payments/simulator.ts";
import type { SimulatedAnswer, SimulatedRequest, Simulator } from "../../contract/simulator.ts";
import { readOrder } from "./client.ts";
import { type KlarnaConfig, klarnaConfig } from "./config.ts";
import { operations } from "./operations.ts";
import { desiredFrom } from "./order.ts";
import type { Order } from "./schema.ts";
import { asking } from "../../../test/support/asking.ts";

const id = "0f0e4f0a-9c0e-4f8b-8a1d-000000000001";

let klarna: Simulator;
let reference: string;
let apiUrl = "";
let close: () => Promise<void>;
/** What is answered instead of what Klarna would answer. */
let instead: (request: SimulatedRequest) => SimulatedAnswer | undefined;
let keys: string[];

beforeAll(async () => {
  const relay = new Proxy({} as Simulator, {
    get: (_, name) => (name === "answer" ? answer : klarna[name as keyof Simulator]),
  });
  const server = await listenOnLoopback(createSandboxPsp({ simulators: new Map([["klarna", relay]]) }).handler);
  apiUrl = `${server.url}/klarna`;
  close = () => server.close();
});
beforeEach(() => {
  instead = () => undefined;
  keys = [];
});
afterAll(() => close());

function answer(request: SimulatedRequest): SimulatedAnswer {
  if (request.method === "POST") keys.push(request.headers["klarna-idempotency-key"] ?? "");
  return instead(request) ?? klarna.answer(request);
}

/** Klarna answers every POST so, and GETs as it would. */
function answerPosts(given: SimulatedAnswer): void {
  instead = ({ method }) => (method === "POST" ? given : undefined);
}

function context(): LookContext<KlarnaConfig> {
  return {
    config: klarnaConfig.parse({ adapterId: "a", ...klarna.settings(apiUrl) }),
    ...asking(),
    payment: { paymentId: "p_1", amount: 10000, currency: "SEK", reference, upsell: null },
    signal: new AbortController().signal,
    http: (options) => createHttp({ peer: "klarna", ...options }),
  };
}

async function look(): Promise<Order> {
  const order = await readOrder(reference, context());
  if (order === null) throw new Error("Klarna does not know the order");
  return order;
}

async function tell(name: OperationName, amount: number, order?: Order) {
  const call = { name, id, amount, currency: "SEK", whole: false, now: 0 };
  return await operations[name]?.(call, { order: order ?? (await look()) }, context());
}

async function moneyAfter(): Promise<readonly number[]> {
  const { authorized, captured, refunded, released } = desiredFrom(await look(), { kept: [], now: Date.now() }).money;
  return [authorized, captured, refunded, released];
}

function act(steps: string): void {
  for (const step of steps.split(" ")) {
    const [action = "", amount] = step.split(":");
    klarna.act(reference, action, amount === undefined ? undefined : Number(amount));
  }
}

describe.each([
  ["klarna-checkout", checkout],
  ["klarna-payments", payments],
])("operations of %s", (_, { simulate }) => {
  beforeEach(() => {
    klarna = createSimulator(simulate);
    reference = klarna.open({ orderId: "o_1", paymentId: "p_1", amount: 10000, currency: "SEK", callbackUrls: {} });
  });

  it.each([
    ["pay", "capture", 10000, [10000, 10000, 0, 0]],
    ["pay", "capture", 4000, [10000, 4000, 0, 0]],
    ["pay capture:4000", "capture", 6000, [10000, 10000, 0, 0]],
    ["pay", "cancel", 10000, [10000, 0, 0, 10000]],
    ["pay-with-review", "cancel", 10000, [10000, 0, 0, 10000]],
    ["pay capture:4000", "cancel", 6000, [10000, 4000, 0, 6000]],
    ["pay capture", "refund", 2500, [10000, 10000, 2500, 0]],
    ["pay capture:4000", "refund", 4000, [10000, 4000, 4000, 0]],
  ] as const)("after %s, %s of %i is carried out", async (steps, name, amount, money) => {
    act(steps);
    const result = await tell(name, amount);
    expect(result).toEqual(name === "cancel" ? { is: "done" } : { is: "done", pspId: expect.any(String) });
    expect(await moneyAfter()).toEqual(money);
    expect(keys).toEqual([id]);
  });

  it("names the capture and the refund by Klarna's ids", async () => {
    act("pay");
    const { pspId: capture } = (await tell("capture", 10000)) as { pspId?: string };
    expect((await look()).captures.map(({ capture_id }) => capture_id)).toEqual([capture]);
  });

  it.each([
    ["capture", 4000, "pay"],
    ["refund", 4000, "pay capture"],
  ] as const)("reads the id of a %s from its address where no other header says it", async (name, amount, steps) => {
    act(steps);
    instead = (request) => {
      if (request.method !== "POST") return undefined;
      const { headers = {}, ...rest } = klarna.answer(request);
      return { ...rest, headers: { location: headers["location"] ?? "" } };
    };
    const { pspId } = (await tell(name, amount)) as { pspId?: string };
    const { captures, refunds } = await look();
    const ids = { capture: captures.at(-1)?.capture_id, refund: refunds.at(-1)?.refund_id };
    expect(pspId).toBe(ids[name]);
  });

  it("says done again, and moves nothing, where the same operation is sent twice", async () => {
    act("pay");
    const before = await look();
    const first = await tell("capture", 4000, before);
    expect(await tell("capture", 4000, before)).toEqual(first);
    expect(await moneyAfter()).toEqual([10000, 4000, 0, 0]);
    expect(keys).toEqual([id, id]);
  });

  it.each([
    ["capture", 10000, "pay", "capture"],
    ["cancel", 10000, "pay", "cancel"],
    ["cancel", 10000, "pay", "expire"],
    ["cancel", 6000, "pay capture:4000", "release"],
    ["refund", 10000, "pay capture", "refund"],
  ] as const)(
    "calls %s of %i done where, after %s, somebody else got there by %s",
    async (name, amount, steps, then) => {
      act(steps);
      const before = await look();
      act(then);
      expect(await tell(name, amount, before)).toEqual({ is: "done" });
    },
  );

  it.each([
    ["capture", 10000, "pay", "cancel", "CAPTURE_NOT_ALLOWED"],
    ["capture", 10000, "pay", "capture:4000", "CAPTURE_NOT_ALLOWED"],
    ["cancel", 10000, "pay", "capture", "CANCEL_NOT_ALLOWED"],
    ["cancel", 10000, "pay", "capture:4000", "CANCEL_NOT_ALLOWED"],
    ["cancel", 6000, "pay capture:4000", "capture", "NOT_ALLOWED"],
    ["refund", 10000, "pay capture", "refund:4000", "REFUND_NOT_ALLOWED"],
  ] as const)("refuses %s of %i where, after %s, %s came in between", async (name, amount, steps, then, reason) => {
    act(steps);
    const before = await look();
    act(then);
    expect(await tell(name, amount, before)).toEqual({ is: "refused", reason });
  });

  it.each([
    [401, "Unauthorized"],
    [409, "Conflict"],
    [429, "Unreachable"],
    [500, "Unreachable"],
    [503, "Unreachable"],
  ])("leaves %i to be tried again: %s", async (status, kind) => {
    act("pay");
    answerPosts({ status, body: { error_code: "SOME_CODE" } });
    await expect(tell("capture", 100)).rejects.toMatchObject({ kind });
  });

  it.each([
    [400, { error_code: "BAD_VALUE" }, "BAD_VALUE"],
    [
      403,
      { error_code: "CAPTURE_NOT_ALLOWED", error_messages: ["a sentence about Testperson"] },
      "CAPTURE_NOT_ALLOWED",
    ],
    [403, { error_code: "a sentence about Testperson" }, "HTTP_403"],
    [404, null, "HTTP_404"],
  ])("refuses for good what is answered %i %j", async (status, body, reason) => {
    act("pay");
    answerPosts({ status, body });
    expect(await tell("capture", 100)).toEqual({ is: "refused", reason });
  });

  it("does not know the outcome where no look shows what came of it", async () => {
    act("pay");
    const before = await look();
    instead = ({ method }) => ({ status: method === "POST" ? 403 : 500 });
    await expect(tell("capture", 100, before)).rejects.toMatchObject({ kind: "Unreachable" });
  });

  it("refuses while order management does not know the order", async () => {
    act("pay");
    const call = { name: "capture", id, amount: 100, currency: "SEK", whole: false, now: 0 } as const;
    expect(await operations.capture?.(call, { order: null }, context())).toMatchObject({ is: "refused" });
  });
});
