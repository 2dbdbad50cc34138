import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createHttp } from "../../lib/http.ts";
import { withToken } from "../../lib/token.ts";
import { listenOnLoopback } from "../../../sandbox/loopback.ts";
import { createSandboxPsp } from "../../../sandbox/psp.ts";
import type { ClientOptions, KeptEvent, LookContext, OperationName, OperationResult } from "../../contract/adapter.ts";
import type { SimulatedAnswer, SimulatedRequest, Simulator } from "../../contract/simulator.ts";
import type { Config } from "./config.ts";
import adapter from "./index.ts";
import type { Snapshot } from "./schema.ts";
import { createSimulator } from "../../../sandbox/kernel/kernel.ts";
import { simulate } from "./simulator.ts";
import { asking } from "../../../test/support/asking.ts";

const id = "0f0e4f0a-9c0e-4f8b-8a1d-000000000001";
let clock = 0;
let walley: Simulator;
let reference: string;
let apiUrl = "";
let close: () => Promise<void>;
/** What is answered instead of what Walley would answer to what it is told. */
let instead: SimulatedAnswer | undefined;
let told: SimulatedRequest[];
let kept: KeptEvent[];

beforeAll(async () => {
  const relay = new Proxy({} as never, {
    get: (_, name) => (name === "answer" ? answer : walley[name as keyof Simulator]),
  });
  const server = await listenOnLoopback(createSandboxPsp({ simulators: new Map([["walley", relay]]) }).handler);
  apiUrl = `${server.url}/walley`;
  close = () => server.close();
});
beforeEach(() => {
  clock = Date.parse("2026-03-04T08:00:00.000Z");
  walley = createSimulator(simulate, { now: () => clock });
  reference = walley.open({ orderId: "o_1", paymentId: "p_1", amount: 10000, currency: "SEK", callbackUrls: {} });
  instead = undefined;
  told = [];
  kept = [];
});
afterAll(() => close());

function answer(request: SimulatedRequest): SimulatedAnswer {
  if (!request.path.startsWith("/manage/") || request.method === "GET") return walley.answer(request);
  told.push(request);
  return instead ?? walley.answer(request);
}

function context(): LookContext<Config> {
  return {
    config: adapter.config.parse({ adapterId: "a", ...walley.settings(apiUrl) }),
    ...asking(),
    now: clock,
    payment: { paymentId: "p_1", amount: 10000, currency: "SEK", reference, upsell: null },
    signal: new AbortController().signal,
    http: ({ authority, ...options }) => {
      const open = (at: ClientOptions) => createHttp({ peer: "walley-checkout", ...at });
      const tokens = open(authority?.at ?? options);
      return authority === undefined ? tokens : withToken(open(options), () => authority.authorize(tokens), Date.now);
    },
  };
}

async function look(): Promise<Snapshot> {
  const snapshot = await adapter.fetch(reference, context());
  if (snapshot === null) throw new Error("Walley does not know the session");
  return snapshot;
}

/** Until Walley's reads have caught up. */
async function settled(): Promise<Snapshot> {
  await look();
  await look();
  return await look();
}

async function tell(
  name: OperationName,
  amount: number,
  truth?: Snapshot,
  key = id,
): Promise<OperationResult | undefined> {
  const call = { name, id: key, amount, currency: "SEK", whole: false, now: clock };
  const result = await adapter.operations[name]?.(call, truth ?? (await look()), context());
  if (result !== undefined && result.is !== "refused" && result.event !== undefined) {
    const { key: line, type, at, line: rest } = result.event;
    kept.push({ key: line, type, at, ...rest });
  }
  return result;
}

function sums(snapshot: Snapshot): readonly number[] {
  const { authorized, captured, refunded, released } = adapter.map(snapshot, { kept, now: clock }).money;
  return [authorized, captured, refunded, released];
}

function act(steps: string): void {
  for (const step of steps.split(" ")) {
    const [action = "", amount] = step.split(":");
    walley.act(reference, action, amount === undefined ? undefined : Number(amount));
  }
}

function refusal(status: number, reason: string): SimulatedAnswer {
  const errors = [{ reason, message: "canary" }];
  return { status, body: { id: "c", data: null, error: { code: status, message: "canary", errors } } };
}

describe("operations", () => {
  it.each([
    ["pay", "capture", 10000, [10000, 10000, 0, 0]],
    ["pay", "capture", 4000, [10000, 4000, 0, 0]],
    ["pay capture:4000", "capture", 6000, [10000, 10000, 0, 0]],
    ["pay change-amount:2500", "capture", 12500, [12500, 12500, 0, 0]],
    ["pay", "cancel", 10000, [10000, 0, 0, 10000]],
    ["pay capture:4000", "cancel", 6000, [10000, 4000, 0, 6000]],
    ["pay capture", "refund", 2500, [10000, 10000, 2500, 0]],
    ["pay capture:4000", "refund", 4000, [10000, 4000, 4000, 0]],
    ["pay-direct", "refund", 10000, [10000, 10000, 10000, 0]],
  ] as const)("after %s, %s of %i is accepted, and carried out", async (steps, name, amount, money) => {
    act(steps);
    const before = await look();
    const result = await tell(name, amount, before);
    expect(result).toMatchObject({ is: "accepted", pspId: id });
    expect(told.map(({ headers }) => headers["x-idempotency"])).toEqual([id]);
    const body = name === "cancel" ? undefined : { amount: amount / 100, actionReference: id };
    expect(told[0]?.body).toEqual(body);
    // Reads lag: until they show it, it is under way and nobody is given it again.
    const lagging = adapter.map(await look(), { kept, now: clock });
    expect(lagging.underWay).toEqual({ [name]: amount });
    expect(lagging.lookAgain).toEqual({ growing: new Date(clock).toISOString() });
    const after = await settled();
    expect(sums(after)).toEqual(money);
    expect(adapter.map(after, { kept, now: clock }).underWay).toBeUndefined();
  });

  it("moves nothing twice where the same operation is sent again", async () => {
    act("pay");
    const before = await look();
    await tell("capture", 4000, before);
    expect(await tell("capture", 4000, before)).toMatchObject({ is: "accepted" });
    expect(sums(await settled())).toEqual([10000, 4000, 0, 0]);
  });

  it("calls done what Walley has carried out and whose answer it has forgotten", async () => {
    act("pay");
    const before = await look();
    await tell("capture", 4000, before);
    clock += 2 * 60 * 60 * 1000;
    expect(await tell("capture", 4000, before)).toEqual({ is: "done" });
    expect(sums(await settled())).toEqual([10000, 4000, 0, 0]);
  });

  it("counts several that overlap together", async () => {
    act("pay");
    const before = await look();
    await tell("capture", 4000, before);
    await tell("capture", 1000, before, `${id.slice(0, -1)}2`);
    expect(adapter.map(await look(), { kept, now: clock }).underWay).toEqual({ capture: 5000 });
    expect(sums(await settled())).toEqual([10000, 5000, 0, 0]);
  });

  it.each([
    ["capture", 10000, "pay", "capture"],
    ["cancel", 10000, "pay", "cancel"],
    ["cancel", 6000, "pay capture:4000", "cancel"],
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
    ["capture", 10000, "pay", "cancel"],
    ["capture", 10000, "pay", "capture:4000"],
    ["cancel", 10000, "pay", "capture"],
    ["refund", 10000, "pay capture", "refund:4000"],
  ] as const)("refuses %s of %i where, after %s, %s came in between", async (name, amount, steps, then) => {
    act(steps);
    const before = await look();
    act(then);
    expect(await tell(name, amount, before)).toEqual({
      is: "refused",
      reason: `${name.toUpperCase()}_NOT_ALLOWED`,
    });
  });

  it.each([
    [401, "UNAUTHORIZED", "Unauthorized"],
    [404, "NOT_FOUND", "Conflict"],
    [409, "SOMETHING", "Conflict"],
    [409, "IDEMPOTENCY_REQUEST_IN_PROGRESS", "Unreachable"],
    [429, "TOO_MANY", "Unreachable"],
    [500, "OUCH", "Unreachable"],
  ])("leaves %i %s to be tried again: %s", async (status, reason, kind) => {
    act("pay");
    const before = await look();
    instead = refusal(status, reason);
    await expect(tell("capture", 4000, before)).rejects.toMatchObject({ kind });
  });

  it.each([400, 403, 422])("is refused by %i, in a code", async (status) => {
    act("pay");
    const before = await look();
    instead = refusal(status, "MATCHING_ARTICLES_WITH_DIFFERENT_VAT");
    expect(await tell("capture", 4000, before)).toEqual({
      is: "refused",
      reason: "MATCHING_ARTICLES_WITH_DIFFERENT_VAT",
    });
  });

  it("does not tell an order that is not there", async () => {
    const snapshot = await look();
    expect(await tell("capture", 10000, snapshot)).toEqual({ is: "refused", reason: "no-order" });
    expect(told).toEqual([]);
  });
});
