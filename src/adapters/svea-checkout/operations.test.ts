import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createHttp } from "../../lib/http.ts";
import { listenOnLoopback } from "../../../sandbox/loopback.ts";
import { createSandboxPsp } from "../../../sandbox/psp.ts";
import type {
  DesiredPayment,
  KeptEvent,
  LookContext,
  Minor,
  OperationName,
  OperationResult,
} from "../../contract/adapter.ts";
import { createSimulator } from "../../../sandbox/kernel/kernel.ts";
import type { SimulatedAnswer, SimulatedRequest, Simulator } from "../../contract/simulator.ts";
import type { Config } from "./config.ts";
import adapter from "./index.ts";
import { refundRequest } from "./refunds.ts";
import type { Snapshot } from "./schema.ts";
import { type Held, simulate, type SveaOptions } from "./simulator.ts";
import { asking } from "../../../test/support/asking.ts";

let svea: Simulator;
let order: string;
let apiUrl = "";
let close: () => Promise<void>;
/** What is answered instead of what Svea would answer. */
let instead: (request: SimulatedRequest) => SimulatedAnswer | undefined;
let sent: { readonly method: string; readonly path: string; readonly body: unknown }[];
let kept: KeptEvent[];
let calls = 0;

beforeAll(async () => {
  const relay = new Proxy({} as never, {
    get: (_, name) => (name === "answer" ? answer : svea[name as keyof Simulator]),
  });
  const server = await listenOnLoopback(createSandboxPsp({ simulators: new Map([["svea", relay]]) }).handler);
  apiUrl = `${server.url}/svea`;
  close = () => server.close();
});
beforeEach(() => start("pay"));
afterAll(() => close());

function start(action: string, options: SveaOptions = {}): void {
  svea = createSimulator<Held>((kernel) => simulate(kernel, options));
  order = svea.open({ orderId: "o_1", paymentId: "p_1", amount: 10000, currency: "SEK", callbackUrls: {} });
  svea.act(order, action);
  instead = () => undefined;
  [sent, kept] = [[], []];
}

function answer(request: SimulatedRequest): SimulatedAnswer {
  const { method, path, body } = request;
  if (method !== "GET") sent.push({ method, path: path.replace(`/api/v1/orders/${order}`, ""), body });
  return instead(request) ?? svea.answer(request);
}

function context(): LookContext<Config> {
  return {
    config: adapter.config.parse({ adapterId: "a", ...svea.settings(apiUrl) }),
    ...asking(),
    payment: { paymentId: "p_1", amount: 10000, currency: "SEK", reference: order, upsell: null },
    signal: new AbortController().signal,
    http: (options) => createHttp({ peer: "svea-checkout", ...options }),
  };
}

async function look(): Promise<Snapshot> {
  const snapshot = await adapter.fetch(order, context());
  if (snapshot === null) throw new Error("Svea does not know the order");
  return snapshot;
}

async function desired(): Promise<DesiredPayment> {
  return adapter.map(await look(), { kept, now: Date.now() });
}

/** Does what the service does: looks, tells, keeps the line. */
async function tell(name: OperationName, amount: Minor, whole: boolean, truth?: Snapshot): Promise<OperationResult> {
  calls += 1;
  const id = `00000000-0000-4000-8000-${String(calls).padStart(12, "0")}`;
  const call = { name, id, amount, currency: "SEK", whole, now: Date.now() };
  const result = await adapter.operations[name]?.(call, truth ?? (await look()), context());
  if (result === undefined) throw new Error(`no ${name}`);
  if (result.is !== "refused" && result.event !== undefined) kept.push({ ...result.event, ...result.event.line });
  return result;
}

describe("capture", () => {
  it("delivers everything that is left, once", async () => {
    expect(await tell("capture", 10000, true)).toMatchObject({ is: "accepted", pspId: expect.any(String) });
    expect(sent).toEqual([{ method: "POST", path: "/deliveries", body: { OrderRowIds: [] } }]);
    expect((await desired()).money).toMatchObject({ captured: 10000 });
  });

  it("is under way until the order shows it", async () => {
    start("pay", { queueReads: 2 });
    await tell("capture", 10000, true);
    expect(await desired()).toMatchObject({ money: { captured: 0 }, underWay: { capture: 10000 } });
    await look();
    const later = await desired();
    expect(later.money.captured).toBe(10000);
    expect(later.underWay).toBeUndefined();
  });

  it("that is repeated without a look is found done", async () => {
    const truth = await look();
    await tell("capture", 10000, true, truth);
    expect(await tell("capture", 10000, true, truth)).toEqual({ is: "done" });
  });

  it("that is turned down for good says why, by Svea's status", async () => {
    instead = ({ method }) => (method === "POST" ? { status: 400, body: { Code: "X", Message: "canary" } } : undefined);
    const result = await tell("capture", 10000, true);
    expect(result).toEqual({ is: "refused", reason: expect.stringMatching(/^(http-400|X)$/) });
  });

  it("that is turned down while Svea is at work is looked at again", async () => {
    const truth = await look();
    svea.act(order, "cancel");
    await expect(tell("capture", 10000, true, truth)).rejects.toMatchObject({ kind: "Conflict" });
  });

  it.each([
    [401, "Unauthorized"],
    [403, "Refused"],
    [500, "Unreachable"],
    [429, "Unreachable"],
  ])("answered %i is %s, which is about us and no refusal", async (status, kind) => {
    instead = ({ method }) => (method === "POST" ? { status } : undefined);
    await expect(tell("capture", 10000, true)).rejects.toMatchObject({ kind });
  });
});

describe("cancel", () => {
  it("closes the order", async () => {
    expect(await tell("cancel", 10000, true)).toMatchObject({ is: "done" });
    expect(sent).toEqual([{ method: "PATCH", path: "", body: { IsCancelled: true } }]);
    expect(await desired()).toMatchObject({ phase: "confirmed", money: { released: 10000 } });
  });

  it("names the sum in the end where it is a part", async () => {
    start("pay-by-card");
    await tell("cancel", 4000, false);
    await tell("cancel", 1000, false);
    expect(sent.map(({ body }) => body)).toEqual([{ CancelledAmount: 4000 }, { CancelledAmount: 5000 }]);
    expect((await desired()).money).toMatchObject({ released: 5000, captured: 0 });
  });

  it("of an order in review is ours, not Svea's refusal", async () => {
    start("pay-with-review");
    expect((await desired()).phase).toBe("review");
    await tell("cancel", 10000, true);
    const { order: cancelled, ...rest } = await look();
    if (cancelled === null) throw new Error("no order");
    const seen = { ...rest, noted: { review: "open" as const }, order: cancelled };
    expect(adapter.map(seen, { kept, now: Date.now() }).phase).toBe("confirmed");
    expect(adapter.map(seen, { kept: [], now: Date.now() }).phase).toBe("declined");
  });
});

describe("refund", () => {
  it("of an invoice credits its rows, and a part as a row of its own", async () => {
    svea.act(order, "capture");
    const id = (await look()).order?.Deliveries[0]?.Id;
    await tell("refund", 2500, false);
    await tell("refund", 7500, true);
    const row = { ArticleNumber: expect.any(String), Name: "Refund", Quantity: 100, VatPercent: 2500 };
    expect(sent).toEqual([
      { method: "POST", path: `/deliveries/${id}/credits`, body: { NewCreditOrderRow: { ...row, UnitPrice: 2500 } } },
      { method: "POST", path: `/deliveries/${id}/credits`, body: { NewCreditOrderRow: { ...row, UnitPrice: 7500 } } },
    ]);
    expect((await desired()).money).toMatchObject({ captured: 10000, refunded: 10000 });
    start("pay");
    svea.act(order, "capture");
    await tell("refund", 10000, true);
    expect(sent.map(({ body }) => body)).toEqual([{ OrderRowIds: [1] }]);
  });

  it("by amount names the sum in the end", async () => {
    start("pay-by-swish");
    await tell("refund", 4000, false);
    await tell("refund", 6000, true);
    expect(sent.map(({ body }) => body)).toEqual([{ CreditedAmount: 4000 }, { CreditedAmount: 10000 }]);
    expect((await desired()).money).toMatchObject({ refunded: 10000 });
  });

  it("of several deliveries goes delivery by delivery, each time to one that bears it", async () => {
    svea.act(order, "capture", 4000);
    svea.act(order, "capture");
    expect(await desired()).toMatchObject({ money: { captured: 10000 }, available: { refund: 6000 } });
    await tell("refund", 6000, true);
    await tell("refund", 4000, true);
    const [first, second] = (await look()).order?.Deliveries ?? [];
    expect(sent.map(({ path }) => path)).toEqual([
      `/deliveries/${second?.Id}/credits`,
      `/deliveries/${first?.Id}/credits`,
    ]);
    expect((await desired()).money).toMatchObject({ refunded: 10000 });
  });

  it("goes past a delivery of which too much was given back already", async () => {
    svea.act(order, "capture", 4000);
    svea.act(order, "capture");
    await tell("refund", 2500, false);
    const [first, second] = (await look()).order?.Deliveries ?? [];
    // Of the first 15.00 are left: 30.00 are the second one's to give.
    await tell("refund", 3000, false);
    expect(sent.map(({ path }) => path)).toEqual([
      `/deliveries/${first?.Id}/credits`,
      `/deliveries/${second?.Id}/credits`,
    ]);
    expect((await desired()).money).toMatchObject({ captured: 10000, refunded: 5500 });
  });

  it("of a card that is not settled lowers it, or cancels it as a whole", async () => {
    start("pay-by-card");
    svea.act(order, "capture");
    await tell("refund", 3000, false);
    expect((await desired()).money).toMatchObject({ captured: 10000, refunded: 3000 });
    start("pay-by-card");
    svea.act(order, "capture");
    await tell("refund", 10000, true);
    expect(sent.map(({ body }) => body)).toEqual([{ IsCancelled: true }]);
    expect((await desired()).money).toMatchObject({ captured: 0, released: 10000 });
  });

  it("that is repeated without a look is found done", async () => {
    start("pay-by-swish");
    const truth = await look();
    await tell("refund", 4000, false, truth);
    expect(await tell("refund", 4000, false, truth)).toEqual({ is: "done" });
    expect((await desired()).money.refunded).toBe(4000);
  });

  it("of a part whose answer was lost is found by its row, and not sent again", async () => {
    svea.act(order, "capture");
    await tell("refund", 2500, false);
    const id = `00000000-0000-4000-8000-${String(calls).padStart(12, "0")}`;
    const call = { name: "refund", id, amount: 2500, currency: "SEK", whole: false, now: Date.now() } as const;
    expect(await adapter.operations.refund?.(call, await look(), context())).toEqual({ is: "done" });
    expect(sent).toHaveLength(1);
  });

  it("waits for another one that Svea has accepted and does not show: its sum in the end would leave that one out", async () => {
    start("pay-by-swish", { queueReads: 2 });
    await tell("refund", 4000, false);
    expect(await desired()).toMatchObject({ underWay: { refund: 4000 }, possible: [] });
    await look();
    expect(await desired()).toMatchObject({ money: { refunded: 4000 }, possible: ["refund"] });
  });

  it("that nothing bears is refused before anything is sent", async () => {
    svea.act(order, "capture", 4000);
    svea.act(order, "capture");
    expect(await tell("refund", 6001, false)).toEqual({ is: "refused", reason: "refund-not-possible" });
    expect(sent).toEqual([]);
  });

  it("never asks for more than a delivery has left", async () => {
    svea.act(order, "capture");
    const { order: delivered } = await look();
    if (delivered === null) throw new Error("no order");
    expect(refundRequest(delivered, 10001, { name: "Refund", operationId: "x" })).toBeUndefined();
  });
});
