import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createHttp, type Http } from "../../lib/http.ts";
import { withToken } from "../../lib/token.ts";
import type { Json, LookContext, OperationCall, OperationName } from "../../contract/adapter.ts";
import type { SimulatedAnswer, Simulator } from "../../contract/simulator.ts";
import { type Config, config } from "./config.ts";
import { fetchSnapshot } from "./fetch.ts";
import { map } from "./map.ts";
import { operations } from "./operations.ts";
import type { Snapshot } from "./schema.ts";
import { createSimulator } from "../../../sandbox/kernel/kernel.ts";
import { simulate } from "./simulator.ts";
import { webhook } from "./webhooks.ts";
import { asking } from "../../../test/support/asking.ts";

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

let clock = 0;
let paypal: Simulator;
let asked: Asked[] = [];
let instead: (request: Asked) => SimulatedAnswer | "cut" | undefined = () => undefined;
let context: LookContext<Config>;
let apiUrl = "";

const server = createServer((request, response) => {
  void text(request).then((body) => {
    const { pathname: path, searchParams: query } = new URL(request.url ?? "/", "http://localhost");
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
    const got = { method: request.method ?? "", path, headers, body };
    asked.push(got);
    const other = instead(got);
    if (other === "cut") {
      paypal.answer({ method: got.method, path, query, headers, body: parsed(body) });
      return request.socket.destroy();
    }
    const answer = other ?? paypal.answer({ method: got.method, path, query, headers, body: parsed(body) });
    response
      .writeHead(answer.status, answer.headers)
      .end(answer.text ?? (answer.body === undefined ? "" : JSON.stringify(answer.body)));
    return undefined;
  });
});

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  clock = Date.parse("2026-02-03T10:00:00.000Z");
  paypal = createSimulator(simulate, { now: () => clock });
  asked = [];
  instead = () => undefined;
  context = contextOf({});
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}

function contextOf(more: Readonly<Record<string, Json>>): LookContext<Config> {
  let made: Http | undefined;
  return {
    config: config.parse({ adapterId: "a", ...paypal.settings(apiUrl), ...more }),
    signal: new AbortController().signal,
    http({ authority, ...options }) {
      const bare = createHttp({ peer: "paypal", timeoutMs: 600, ...options });
      made ??= authority === undefined ? bare : withToken(bare, () => authority.authorize(bare), Date.now);
      return made;
    },
    ...asking(),
    payment: { paymentId: "p_1", amount: 10000, currency: "SEK", reference: null, upsell: null },
  };
}

function open(...acts: readonly (readonly [string, number?])[]): string {
  const callbackUrls = { webhook: "http://localhost/webhook" };
  const id = paypal.open({
    orderId: "o_1",
    paymentId: "p_1",
    amount: 10000,
    currency: "SEK",
    callbackUrls,
    recurring: true,
  });
  for (const [name, amount] of acts) {
    clock += 1_000;
    paypal.act(id, name, amount);
  }
  return id;
}

async function snapshot(id: string): Promise<Snapshot> {
  const found = await fetchSnapshot(id, context);
  if (found === null) throw new Error("PayPal does not know it");
  return found;
}

const money = async (id: string) => map(await snapshot(id), { kept: [], now: clock }).money;

async function tell(
  name: OperationName,
  id: string,
  amount: number,
  truth?: Snapshot,
  callId = "0b7e2f6a-6a5e-4d0c-9a58-0f2f0a3a1b11",
) {
  const call: OperationCall = { name, id: callId, amount, currency: "SEK", whole: false, now: clock };
  const operation = operations[name];
  if (operation === undefined) throw new Error("absent");
  return await operation(call, truth ?? (await snapshot(id)), context);
}

const posts = () => asked.filter(({ method, path }) => method === "POST" && path.startsWith("/v2/"));

describe("asking", () => {
  it("fetches one token for many looks, with the app's credentials", async () => {
    const id = open(["pay"]);
    await Promise.all([snapshot(id), snapshot(id), snapshot(id)]);
    const tokens = asked.filter(({ path }) => path === "/v1/oauth2/token");
    expect(tokens).toHaveLength(1);
    expect(tokens[0]).toMatchObject({
      body: "grant_type=client_credentials",
      headers: { "content-type": "application/x-www-form-urlencoded" },
    });
    expect(asked.at(-1)?.headers).not.toHaveProperty("paypal-auth-assertion");
  });

  it("names the seller for whom a platform acts", async () => {
    context = contextOf({ paypalMerchantId: "2BP3WP8PK6566" });
    await snapshot(open());
    const [header, payload, signature] = String(asked.at(-1)?.headers["paypal-auth-assertion"]).split(".");
    const read = (part = ""): unknown => JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    expect([read(header), read(payload), signature]).toEqual([
      { alg: "none" },
      { iss: "simulated-client", payer_id: "2BP3WP8PK6566" },
      "",
    ]);
  });

  it("fetches a new token once where the old one has died", async () => {
    const id = open();
    await snapshot(id);
    let dead = true;
    instead = ({ path }) => {
      if (!dead || !path.startsWith("/v2/")) return undefined;
      dead = false;
      return { status: 401, body: { error: "invalid_token" } };
    };
    await snapshot(id);
    expect(asked.filter(({ path }) => path === "/v1/oauth2/token")).toHaveLength(2);
  });
});

describe("capture", () => {
  it("captures a part and leaves the rest, then all of the rest", async () => {
    const id = open(["pay"]);
    expect(await tell("capture", id, 4000)).toMatchObject({ is: "done" });
    expect(parsed(posts()[0]?.body ?? "")).toEqual({
      amount: { currency_code: "SEK", value: "40.00" },
      final_capture: false,
    });
    expect(await tell("capture", id, 6000, undefined, "other-id-of-another-operation")).toMatchObject({ is: "done" });
    expect(parsed(posts()[1]?.body ?? "")).toMatchObject({ final_capture: true });
    expect(await money(id)).toEqual({ authorized: 10000, captured: 10000, refunded: 0, released: 0 });
  });

  it("sends the operation's id, so that a repeat captures once", async () => {
    const id = open(["pay"]);
    instead = ({ method, path }) => (method === "POST" && path.endsWith("/capture") ? "cut" : undefined);
    const truth = await snapshot(id);
    await expect(tell("capture", id, 10000, truth)).rejects.toMatchObject({ kind: "Unreachable" });
    instead = () => undefined;
    expect(await tell("capture", id, 10000, truth)).toMatchObject({ is: "done" });
    expect(await tell("capture", id, 10000), "against a newer truth").toMatchObject({ is: "done" });
    expect(new Set(posts().map(({ headers }) => headers["paypal-request-id"]))).toEqual(
      new Set(["0b7e2f6a-6a5e-4d0c-9a58-0f2f0a3a1b11"]),
    );
    expect((await money(id)).captured).toBe(10000);
  });

  it.each([["approve"], ["save"], ["pay-at-once"]])("is refused after %s: there is no authorization", async (act) => {
    expect(await tell("capture", open([act]), 10000)).toEqual({ is: "refused", reason: "NO_AUTHORIZATION" });
    expect(posts()).toEqual([]);
  });

  it("is refused for good by PayPal", async () => {
    const id = open(["pay"]);
    const truth = await snapshot(id);
    paypal.act(id, "cancel");
    expect(await tell("capture", id, 10000, truth)).toMatchObject({ is: "refused" });
  });

  it("that somebody else has made has reached its goal", async () => {
    const id = open(["pay"]);
    const truth = await snapshot(id);
    paypal.act(id, "capture");
    expect(await tell("capture", id, 10000, truth)).toEqual({ is: "done" });
  });

  it("of more than somebody else has captured for good has not reached it", async () => {
    const id = open(["pay"]);
    const truth = await snapshot(id);
    paypal.act(id, "capture-and-release", 3000);
    const body = { name: "UNPROCESSABLE_ENTITY", details: [{ issue: "AUTHORIZATION_ALREADY_CAPTURED" }] };
    instead = ({ path }) => (path.endsWith("/capture") ? { status: 422, body } : undefined);
    expect(await tell("capture", id, 7000, truth)).toMatchObject({ is: "refused" });
    expect(await tell("capture", id, 3000, truth)).toEqual({ is: "done" });
  });

  it("of what was captured before it has not reached it", async () => {
    const id = open(["pay"]);
    paypal.act(id, "capture", 4000);
    const truth = await snapshot(id);
    const body = { name: "UNPROCESSABLE_ENTITY", details: [{ issue: "AUTHORIZATION_ALREADY_CAPTURED" }] };
    instead = ({ path }) => (path.endsWith("/capture") ? { status: 422, body } : undefined);
    expect(await tell("capture", id, 4000, truth)).toMatchObject({ is: "refused" });
    paypal.act(id, "capture", 4000);
    expect(await tell("capture", id, 4000, truth)).toEqual({ is: "done" });
  });

  it("that is still under way at PayPal has an unknown outcome", async () => {
    const id = open(["pay"]);
    const body = { name: "RESOURCE_CONFLICT", details: [{ issue: "PREVIOUS_REQUEST_IN_PROGRESS" }] };
    instead = ({ path }) => (path.endsWith("/capture") ? { status: 409, body } : undefined);
    await expect(tell("capture", id, 10000)).rejects.toMatchObject({ kind: "Unreachable" });
  });

  it.each([
    ["PENDING", { is: "accepted", pspId: "C1" }],
    ["DECLINED", { is: "refused", reason: "DECLINED" }],
  ])("that PayPal answers with %s", async (status, result) => {
    const id = open(["pay"]);
    instead = ({ path }) => (path.endsWith("/capture") ? { status: 201, body: { id: "C1", status } } : undefined);
    expect(await tell("capture", id, 10000)).toEqual(result);
  });

  it("does not take a refused token for a refused capture", async () => {
    const id = open(["pay"]);
    const truth = await snapshot(id);
    context = contextOf({});
    instead = ({ path }) => (path === "/v1/oauth2/token" ? { status: 400, body: { error: "x" } } : undefined);
    await expect(tell("capture", id, 10000, truth)).rejects.toMatchObject({ kind: "Refused" });
  });
});

describe("cancel", () => {
  it("voids what is open, without a request id", async () => {
    const id = open(["pay"], ["capture", 4000]);
    expect(await tell("cancel", id, 6000)).toEqual({ is: "done" });
    expect(posts()[0]).toMatchObject({ body: "", headers: { "content-type": "application/json" } });
    expect(posts()[0]?.headers).not.toHaveProperty("paypal-request-id");
    expect(await money(id)).toEqual({ authorized: 10000, captured: 4000, refunded: 0, released: 6000 });
  });

  it("is done where somebody has voided it before", async () => {
    const id = open(["pay"]);
    const truth = await snapshot(id);
    paypal.act(id, "cancel");
    expect(await tell("cancel", id, 10000, truth)).toEqual({ is: "done" });
    expect(await tell("cancel", id, 10000)).toEqual({ is: "done" });
  });

  it("is too late where it has been captured", async () => {
    const id = open(["pay"]);
    const truth = await snapshot(id);
    paypal.act(id, "capture");
    expect(await tell("cancel", id, 10000, truth)).toEqual({ is: "refused", reason: "CAPTURED" });
  });
});

describe("refund", () => {
  const refunds = () => posts().filter(({ path }) => path.endsWith("/refund"));

  it("of one capture, marked with the operation behind the order's own id", async () => {
    const id = open(["pay-at-once"]);
    expect(await tell("refund", id, 2500)).toMatchObject({ is: "done" });
    expect(refunds()[0]?.headers["paypal-request-id"]).toBe("0b7e2f6a-6a5e-4d0c-9a58-0f2f0a3a1b11");
    expect(parsed(refunds()[0]?.body ?? "")).toEqual({
      amount: { currency_code: "SEK", value: "25.00" },
      custom_id: "p_1#0b7e2f6a-6a5e-4d0c-9a58-0f2f0a3a1b11",
    });
    expect((await money(id)).refunded).toBe(2500);
    const told = paypal.due(clock).at(-1);
    const [event] = webhook.parse(
      { method: "POST", url: "/", query: new URLSearchParams(), headers: {}, body: Buffer.from(told?.body ?? "") },
      { adapter: "paypal", merchant: "m", channel: "c" },
      context.config,
    );
    expect(event?.clues?.[0], "finds its payment").toEqual({ echo: "p_1" });
  });

  it("is shared over the captures, the oldest first, each part with a key of its own", async () => {
    const id = open(["pay"], ["capture", 4000], ["capture"]);
    expect(await tell("refund", id, 7000)).toMatchObject({ is: "done" });
    expect(refunds().map(({ body }) => (parsed(body) as { amount: { value: string } }).amount.value)).toEqual([
      "40.00",
      "30.00",
    ]);
    const keys = refunds().map(({ headers }) => headers["paypal-request-id"] ?? "");
    expect(new Set(keys).size).toBe(2);
    for (const key of keys) expect(key).toMatch(/^0b7e2f6a-6a5e-4d0c-9a58-0f2f0a3a1b11-[A-Z0-9]{17}$/);
    expect((await money(id)).refunded).toBe(7000);
  });

  it.each([0, 1])(
    "is paid out once, though the answer to part %i is lost and the next attempt sees a newer truth",
    async (lost) => {
      const id = open(["pay"], ["capture", 4000], ["capture"]);
      let sent = 0;
      instead = ({ path }) => (path.endsWith("/refund") && sent++ === lost ? "cut" : undefined);
      await expect(tell("refund", id, 7000)).rejects.toMatchObject({ kind: "Unreachable" });
      instead = () => undefined;
      expect(await tell("refund", id, 7000)).toMatchObject({ is: "done" });
      expect((await money(id)).refunded).toBe(7000);
      expect(await tell("refund", id, 7000), "once more").toMatchObject({ is: "done" });
      expect((await money(id)).refunded).toBe(7000);
    },
  );

  it("is refused above what is left", async () => {
    const id = open(["pay-at-once"], ["refund", 4000]);
    expect(await tell("refund", id, 6001)).toEqual({ is: "refused", reason: "ABOVE_CAPTURED" });
    expect(refunds()).toEqual([]);
  });

  it("that somebody has made before has reached its goal", async () => {
    const id = open(["pay-at-once"]);
    const truth = await snapshot(id);
    paypal.act(id, "refund");
    expect(await tell("refund", id, 10000, truth)).toEqual({ is: "done" });
  });
});
