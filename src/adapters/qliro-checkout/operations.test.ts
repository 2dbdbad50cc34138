import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createHttp } from "../../lib/http.ts";
import { listenOnLoopback } from "../../../sandbox/loopback.ts";
import { createSandboxPsp } from "../../../sandbox/psp.ts";
import type { KeptEvent, LookContext, OperationName } from "../../contract/adapter.ts";
import type { SimulatedAnswer, SimulatedRequest, Simulator } from "../../contract/simulator.ts";
import type { Config } from "./config.ts";
import adapter from "./index.ts";
import { createSimulator } from "../../../sandbox/kernel/kernel.ts";
import { simulate } from "./simulator.ts";
import type { Snapshot } from "./snapshot.ts";
import { asking } from "../../../test/support/asking.ts";

const id = "0f0e4f0a-9c0e-4f8b-8a1d-000000000001";

let qliro: Simulator;
let order: string;
let apiUrl = "";
let close: () => Promise<void>;
/** What is answered instead of what Qliro would answer. */
let instead: (request: SimulatedRequest) => SimulatedAnswer | undefined;
let told: SimulatedRequest[];

beforeAll(async () => {
  const relay = new Proxy({} as never, {
    get: (_, name) => (name === "answer" ? answer : qliro[name as keyof Simulator]),
  });
  const server = await listenOnLoopback(createSandboxPsp({ simulators: new Map([["qliro", relay]]) }).handler);
  apiUrl = `${server.url}/qliro`;
  close = () => server.close();
});
beforeEach(() => {
  qliro = createSimulator(simulate);
  const callbackUrls = { push: "http://localhost/push", status: "http://localhost/status" };
  order = qliro.open({ orderId: "o_1", paymentId: "p_1", amount: 10000, currency: "SEK", callbackUrls });
  instead = () => undefined;
  told = [];
});
afterAll(() => close());

function answer(request: SimulatedRequest): SimulatedAnswer {
  if (request.method === "POST") told.push(request);
  return instead(request) ?? qliro.answer(request);
}

/** Qliro answers every POST so, and GETs as it would. */
function answerPosts(given: SimulatedAnswer): void {
  instead = ({ method }) => (method === "POST" ? given : undefined);
}

function contextOf(kept: readonly KeptEvent[] = []): LookContext<Config> {
  return {
    config: adapter.config.parse({ adapterId: "a", ...qliro.settings(apiUrl) }),
    ...asking(),
    kept: async () => kept,
    payment: { paymentId: "p_1", amount: 10000, currency: "SEK", reference: order, upsell: null },
    signal: new AbortController().signal,
    http: (options) => createHttp({ peer: "qliro-checkout", ...options }),
  };
}

async function look(): Promise<Snapshot> {
  const snapshot = await adapter.fetch(order, contextOf());
  if (snapshot === null) throw new Error("Qliro does not know the order");
  return snapshot;
}

interface Asked {
  readonly whole?: boolean;
  readonly truth?: Snapshot;
  readonly now?: number;
  readonly kept?: readonly KeptEvent[];
}

async function tell(name: OperationName, amount: number, { whole = false, truth, now = 0, kept }: Asked = {}) {
  const call = { name, id, amount, currency: "SEK", whole, now };
  return await adapter.operations[name]?.(call, truth ?? (await look()), contextOf(kept));
}

async function moneyAfter(kept: readonly KeptEvent[] = []): Promise<readonly number[]> {
  const { authorized, captured, refunded, released } = adapter.map(await look(), { kept, now: Date.now() }).money;
  return [authorized, captured, refunded, released];
}

function act(steps: string): void {
  for (const step of steps.split(" ")) {
    const [action = "", amount] = step.split(":");
    qliro.act(order, action, amount === undefined ? undefined : Number(amount));
  }
}

describe("operations", () => {
  it.each([
    ["pay", "capture", 10000, true, [10000, 10000, 0, 0]],
    ["pay", "capture", 4000, false, [10000, 4000, 0, 0]],
    ["pay capture:4000", "capture", 6000, true, [10000, 10000, 0, 0]],
    ["pay upsell-adds", "capture", 12500, true, [12500, 12500, 0, 0]],
    ["pay upsell-adds", "capture", 2500, false, [12500, 2500, 0, 0]],
    ["pay reduce:2000", "capture", 8000, true, [10000, 8000, 0, 2000]],
    ["pay", "cancel", 10000, true, [10000, 0, 0, 10000]],
    ["pay capture:4000", "cancel", 6000, true, [10000, 4000, 0, 6000]],
    ["pay-by-trustly", "cancel", 10000, true, [10000, 0, 0, 10000]],
    ["pay capture", "refund", 2000, false, [10000, 10000, 2000, 0]],
    ["pay capture:4000 capture", "refund", 10000, true, [10000, 10000, 10000, 0]],
    ["pay-directly", "refund", 3000, false, [10000, 10000, 3000, 0]],
    ["pay-directly refund:3000", "refund", 7000, true, [10000, 10000, 10000, 0]],
  ] as const)("after %s, %s of %i is accepted and carried out", async (steps, name, amount, whole, money) => {
    act(steps);
    expect(await tell(name, amount, { whole })).toEqual({ is: "accepted", pspId: expect.stringMatching(/^\d+$/) });
    expect(await moneyAfter()).toEqual(money);
    expect(told).toHaveLength(1);
  });

  it("says in lines what is shipped, under the authorisation that reserved it", async () => {
    act("pay upsell-adds");
    await tell("capture", 12500, { whole: true });
    const [first, second] = (await look()).order?.PaymentTransactions ?? [];
    expect(told[0]?.body).toEqual({
      MerchantApiKey: "SIMULATED_KEY",
      RequestId: expect.stringMatching(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/),
      OrderId: Number(order),
      Currency: "SEK",
      Shipments: [
        {
          PaymentTransactionId: Number(first?.PaymentTransactionId),
          OrderItems: [
            { MerchantReference: "item-1", Type: "Product", Quantity: 6, PricePerItemIncVat: 10 },
            { MerchantReference: "item-2", Type: "Product", Quantity: 4, PricePerItemIncVat: 10 },
          ],
        },
        {
          PaymentTransactionId: Number(second?.PaymentTransactionId),
          OrderItems: [{ MerchantReference: "upsold-1", Type: "Product", Quantity: 1, PricePerItemIncVat: 25 }],
        },
      ],
    });
  });

  it("ships what an upsell has replaced once, under the new authorisation", async () => {
    act("pay");
    act("upsell-replaces");
    const [old, by] = ((await look()).order?.PaymentTransactions ?? []).map((made) => made.PaymentTransactionId);
    const facts = {
      orderId: order,
      upsellId: "ups",
      transactionId: by ?? "",
      originalTransactionId: old ?? "",
      replacesOriginal: true,
    };
    const line = { event: "paymentAction", pspStatus: "Success", amount: 0, success: true, facts } as const;
    const kept = [{ key: "upsell", type: "UpsellStatus", at: null, ...line }];
    expect(await tell("capture", 12500, { whole: true, kept })).toMatchObject({ is: "accepted" });
    expect(await tell("capture", 12500, { whole: true, truth: await look() })).toMatchObject({ is: "refused" });
  });

  it.each([
    ["pay", "capture", 3333, false, "NO_LINES_FIT_THE_AMOUNT"],
    ["pay capture", "refund", 1, false, "NO_LINES_FIT_THE_AMOUNT"],
    ["pay", "capture", 9000, true, "LINES_DO_NOT_ADD_UP"],
    ["pay", "refund", 100, false, "LINES_CANNOT_BE_READ"],
  ] as const)("after %s, %s of %i is refused without asking", async (steps, name, amount, whole, reason) => {
    act(steps);
    expect(await tell(name, amount, { whole })).toEqual({ is: "refused", reason });
    expect(told).toEqual([]);
  });

  it("is refused where the lines cannot be read, or there is no ledger", async () => {
    act("pay");
    const truth = await look();
    const { OrderItemActions: _, ...blind } = truth.order ?? { OrderItemActions: [] };
    const unread = { ...truth, order: blind } as Snapshot;
    expect(await tell("capture", 10000, { truth: unread })).toEqual({ is: "refused", reason: "LINES_CANNOT_BE_READ" });
    expect(await tell("cancel", 10000, { truth: { ...truth, order: null } })).toMatchObject({ is: "refused" });
    expect(told).toEqual([]);
  });

  it("gives every attempt a RequestId of its own, and the same attempt the same", async () => {
    act("pay");
    answerPosts({ status: 500 });
    for (const now of [1, 1, 2])
      await expect(tell("cancel", 10000, { now })).rejects.toMatchObject({ kind: "Unreachable" });
    const ids = told.map(({ body }) => (body as { RequestId: string }).RequestId);
    expect(ids[0]).toBe(ids[1]);
    expect(ids[2]).not.toBe(ids[0]);
  });

  it("is found done where Qliro denies a RequestId that did its work", async () => {
    act("pay");
    const truth = await look();
    await tell("capture", 4000, { truth });
    expect(await tell("capture", 4000, { truth })).toEqual({ is: "done" });
    expect(await moneyAfter()).toEqual([10000, 4000, 0, 0]);
  });

  it.each([
    ["capture", 10000, "pay", "capture"],
    ["cancel", 10000, "pay", "cancel"],
    ["refund", 10000, "pay capture", "refund"],
  ] as const)(
    "calls %s of %i done where, after %s, somebody else got there by %s",
    async (name, amount, steps, then) => {
      act(steps);
      const truth = await look();
      act(then);
      expect(await tell(name, amount, { truth, whole: true })).toEqual({ is: "done" });
    },
  );

  it.each([
    ["capture", 10000, "pay", "cancel", "NO_ITEMS_LEFT_IN_RESERVATION"],
    ["capture", 10000, "pay", "capture:4000", "EXCEEDING_QUANTITY"],
    ["cancel", 10000, "pay", "capture", "NO_ITEMS_TO_CANCEL"],
    ["refund", 10000, "pay capture", "refund:4000", "EXCEEDING_QUANTITY"],
  ] as const)("refuses %s of %i where, after %s, %s came in between", async (name, amount, steps, then, reason) => {
    act(steps);
    const truth = await look();
    act(then);
    const result = await tell(name, amount, { truth, whole: true });
    expect(result).toEqual({ is: "refused", reason: expect.stringMatching(/^[A-Z_]+$/) });
    if (reason !== "EXCEEDING_QUANTITY") expect(result).toEqual({ is: "refused", reason });
  });

  it("is tried again while another transaction of the order is in process", async () => {
    act("pay start-capture:4000");
    const truth = await look();
    expect(adapter.map(truth, { kept: [], now: Date.now() }).underWay).toEqual({ capture: 4000 });
    await expect(tell("capture", 6000, { truth, whole: true })).rejects.toMatchObject({ kind: "Conflict" });
    act("finish-started");
    expect(await tell("capture", 6000, { whole: true, now: 1 })).toMatchObject({ is: "accepted" });
    expect(await moneyAfter()).toEqual([10000, 10000, 0, 0]);
  });

  it.each([
    [400, { ErrorCode: "PAYMENT_ONHOLD" }, "Conflict"],
    [400, { ErrorCode: "OPERATION_NOT_SUPPORTED", ErrorMessage: "Another payment is InProcess" }, "Conflict"],
    [400, { ErrorCode: "UNAUTHORIZED" }, "Unauthorized"],
    [400, { errorCode: "FORBIDDEN" }, "Unauthorized"],
    [401, null, "Unauthorized"],
    [409, null, "Conflict"],
    [429, null, "Unreachable"],
    [500, { ErrorCode: "SYSTEM_ERROR" }, "Unreachable"],
  ])("leaves %i %j to be tried again: %s", async (status, body, kind) => {
    act("pay");
    answerPosts({ status, body });
    await expect(tell("cancel", 10000)).rejects.toMatchObject({ kind });
  });

  it.each([
    [400, { ErrorCode: "MERCHANT_MISMATCH", ErrorMessage: "a sentence about Testperson" }, "MERCHANT_MISMATCH"],
    [400, { ErrorCode: "OPERATION_NOT_SUPPORTED", ErrorMessage: "not this method" }, "OPERATION_NOT_SUPPORTED"],
    [400, { ErrorCode: "a sentence about Testperson" }, "HTTP_400"],
    [404, null, "HTTP_404"],
  ])("refuses for good what is answered %i %j", async (status, body, reason) => {
    act("pay");
    answerPosts({ status, body });
    expect(await tell("cancel", 10000)).toEqual({ is: "refused", reason });
  });

  it.each([
    [{}, { is: "accepted" }],
    [{ PaymentTransactions: "none" }, { is: "accepted" }],
    [{ PaymentTransactions: [{ PaymentTransactionId: 7, Status: 0 }] }, { is: "accepted", pspId: "7" }],
    [{ paymentTransactions: [{ paymentTransactionId: "7", status: "success" }] }, { is: "done", pspId: "7" }],
    [{ PaymentTransactions: [{ PaymentTransactionId: 7, Status: "Error" }] }, { is: "refused", reason: "Error" }],
    [{ PaymentTransactions: null }, { is: "accepted" }],
    // One transaction without a list, as getsno/qliro-api has it in its tests.
    [
      { PaymentTransactionId: 7, Status: "Created" },
      { is: "accepted", pspId: "7" },
    ],
    [
      { PaymentTransactionId: 7, Status: "Error" },
      { is: "refused", reason: "Error" },
    ],
    // What one of them does is on its way, whatever became of the other.
    [
      {
        PaymentTransactions: [
          { PaymentTransactionId: 7, Status: "Error" },
          { PaymentTransactionId: 8, Status: 0 },
        ],
      },
      { is: "accepted", pspId: "8" },
    ],
  ])("reads the answer %j", async (body, result) => {
    act("pay");
    answerPosts({ status: 200, body });
    expect(await tell("cancel", 10000)).toEqual(result);
  });
});
