import express from "express";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AnyAdapter } from "../src/contract/adapter.ts";
import type { SimulatedPurchase, SimulatedWebhook, Simulator } from "../src/contract/simulator.ts";
import { callbackSignature } from "../src/signatures/signed-url.ts";
import { createSigningKeys } from "../src/signatures/signing-keys.ts";
import { callbackUrlsOf } from "./callbacks.ts";
import { createHistory, textOf } from "./history.ts";
import { type Loopback, listenOnLoopback } from "./loopback.ts";
import { createSandboxNorce, type SandboxNorce } from "./norce.ts";
import { createPage, type Page } from "./page.ts";
import { createSandboxPsp, type SandboxPsp } from "./psp.ts";
import type { Scenario } from "./scenarios.ts";
import { createShop, type Shop } from "./shop.ts";
import { followPayments } from "./storefront.ts";
import { moveLine } from "./terminal.ts";
import { printMoves, walk } from "./walk.ts";

/** A PSP that knows `pay` and `capture`, and calls once after `pay`. */
function fakeSimulator(): Simulator & { status(reference: string): string } {
  const held = new Map<string, { purchase: SimulatedPurchase; status: string }>();
  const queued: SimulatedWebhook[] = [];
  const of = (reference: string) => held.get(reference) ?? { purchase: undefined, status: "" };
  return {
    settings: (apiUrl) => ({ apiUrl }),
    answer: ({ path, query }) => ({ status: 200, body: { path, q: query.get("q") } }),
    open(purchase) {
      const reference = `psp-${held.size + 1}`;
      held.set(reference, { purchase, status: "open" });
      return reference;
    },
    actions: (reference) => ({ open: ["pay"], paid: ["capture"] })[of(reference).status] ?? [],
    act(reference, action) {
      const { purchase } = of(reference);
      if (purchase === undefined) throw new Error("unknown");
      if (action !== "pay" && action !== "capture") throw new Error(`nobody can ${action} this payment now`);
      held.set(reference, { purchase, status: action === "pay" ? "paid" : "taken" });
      const url = (purchase.callbackUrls["push"] ?? "").replace("{id}", reference);
      if (action === "pay") queued.push({ webhook: "push", method: "POST", url, headers: {}, body: "" });
    },
    isHarmless: () => true,
    takesAmount: () => false,
    money: () => null,
    disturb: () => undefined,
    answered: () => undefined,
    due: () => queued.splice(0),
    undelivered: () => 0,
    describe: (reference) => `${of(reference).status} <b>`,
    status: (reference) => of(reference).status,
  };
}

const adapter = {
  id: "fake-psp",
  title: "Fake & Co",
  webhooks: {
    push: { scope: "payment", placeholders: { id: "{id}" } },
    report: { scope: "account" },
  },
} as unknown as AnyAdapter;
const adapters = new Map([["fake-psp", adapter]]);
const signingKeys = createSigningKeys(["signing-key-0001"]);
const adminToken = "an-admin-token-of-ours";
const key = { adapter: "fake-psp", merchant: "demo", channel: "se", orderId: "o_1", paymentId: "p_1" };

describe("callback URLs", () => {
  const service = { base: "http://127.0.0.1:1", keys: signingKeys, adminToken };
  const [signingKey] = signingKeys.of("callback", key);

  it("are signed and keep the PSP's placeholders as they are", () => {
    const { push = "", report = "" } = callbackUrlsOf(service, adapter, key);
    expect(push).toContain(
      "/fake-psp/api/checkout/v1/callback/orders/o_1/payments/p_1/push?merchant=demo&channel=se&sig=",
    );
    expect(push.endsWith("&id={id}")).toBe(true);
    expect(new URL(push).searchParams.get("sig")).toBe(callbackSignature(signingKey, key, "push"));
    const { orderId: _, paymentId: __, ...account } = key;
    expect(report).toContain("/callback/orders/report?");
    expect(new URL(report).searchParams.get("sig")).toBe(callbackSignature(signingKey, account, "report"));
  });
});

describe("the demo", () => {
  let norce: SandboxNorce;
  let psp: SandboxPsp;
  let shop: Shop;
  let page: Page;
  let servers: Loopback[];
  let base: string;
  let simulator: ReturnType<typeof fakeSimulator>;
  let lines: string[];

  /** Stands for the service: every webhook and every refresh is a look that writes what the PSP says. */
  beforeEach(async () => {
    lines = [];
    simulator = fakeSimulator();
    norce = createSandboxNorce();
    psp = createSandboxPsp({ simulators: new Map([["fake-psp", simulator]]) });
    const app = express().set("query parser", false);
    const server = await listenOnLoopback((request, response) => app(request, response));
    base = server.url;
    const history = createHistory(norce, psp, Date.now);
    shop = createShop({
      norce,
      psp,
      history,
      adapters,
      service: { base, keys: signingKeys, adminToken },
      now: Date.now,
    });
    page = createPage({ norce, psp, shop, history, adapters });
    app.post("/fake-psp/*rest", (request, response) => {
      const [, orderId = "", paymentId = ""] = /\/orders\/(\w+)\/payments\/(\w+)\//.exec(request.path) ?? [];
      const { reference } = shop.find(paymentId) ?? { reference: "" };
      const state = simulator.status(reference) === "paid" ? "reserved" : "captured";
      norce.edit(orderId, paymentId, (payment) => ({ ...payment, reference, state }));
      response.end();
    });
    app.use("/", page.router);
    followPayments(norce);
    servers = [server, await listenOnLoopback(psp.handler)];
  });

  afterEach(async () => {
    page.close();
    await psp.close();
    await Promise.all(servers.map((server) => server.close()));
  });

  const scenario: Scenario = {
    title: "Bought & taken",
    kind: "home",
    unbound: true,
    steps: [
      { act: "pay", says: "reserved" },
      { act: "capture", says: "captured", look: true },
    ],
  };
  const terminal = { colour: false, write: (line: string) => void lines.push(line) };

  it("walks a purchase through its states and says so", async () => {
    printMoves({ norce, shop, adapters, terminal });
    const summary = await walk({ norce, psp, shop, adapters, terminal, scenarios: [scenario], apartMs: 0 });
    expect(summary.purchases).toBe(1);
    expect(lines.map((line) => line.replaceAll(/\s+/g, " ").slice(18)).join("\n")).toMatch(
      /Fake & Co intent 1 148,54 SEK Bought & taken\n.*intent → reserved 1 148,54 SEK\n.*reserved → captured 1 148,54 SEK\n/,
    );
    const [order] = norce.orders();
    expect(order).toMatchObject({ merchant: "demo", channel: "se", state: { currentStatus: "completed" } });
    expect(psp.webhooks()).toMatchObject([{ adapter: "fake-psp", webhook: "push", status: 200 }]);
  });

  it("names the purchase that did not end as it should", async () => {
    const wrong: Scenario = { ...scenario, steps: [{ act: "pay", says: "declined" }] };
    const walking = walk({ norce, psp, shop, adapters, terminal, scenarios: [wrong], apartMs: 0, patienceMs: 150 });
    await expect(walking).rejects.toThrow(
      /Bought & taken \(o\w{7}\): after pay Norce should say declined, it says reserved/,
    );
  });

  it("is patient with a machine that is slow: patience counts from the last move of any payment", async () => {
    const slow: Scenario = { ...scenario, steps: [{ act: "pay", says: "failed" }] };
    let moves = 0;
    // Longer in all than the patience with one step.
    const moving = setInterval(() => {
      moves += 1;
      const [purchase] = shop.purchases();
      if (purchase === undefined) return;
      const { orderId, paymentId } = purchase.key;
      norce.edit(orderId, paymentId, (payment) => ({
        ...payment,
        amount: moves,
        ...(moves > 30 && { state: "failed" }),
      }));
    }, 20);
    try {
      const walking = walk({ norce, psp, shop, adapters, terminal, scenarios: [slow], apartMs: 0, patienceMs: 300 });
      expect((await walking).purchases).toBe(1);
    } finally {
      clearInterval(moving);
    }
  });

  it("leaves out what a PSP does not offer", async () => {
    const other: Scenario = { ...scenario, steps: [{ act: "levitate", says: "reserved" }] };
    const summary = await walk({ norce, psp, shop, adapters, terminal, scenarios: [other, scenario], apartMs: 0 });
    expect(summary).toMatchObject({ purchases: 1, leftOut: ["fake-psp: Bought & taken (no levitate)"] });
  });

  it("serves each PSP under its folder's name, and fails on demand", async () => {
    const url = servers[1]?.url ?? "";
    expect(await (await fetch(`${url}/fake-psp/v1/orders?q=1`)).json()).toEqual({ path: "/v1/orders", q: "1" });
    expect((await fetch(`${url}/nobody/v1`)).status).toBe(404);
    psp.fault({ times: 1, status: 503 });
    expect((await fetch(`${url}/fake-psp/v1`)).status).toBe(503);
    psp.fault({ times: 1, drop: "after" });
    await expect(fetch(`${url}/fake-psp/v1`)).rejects.toThrow();
  });

  async function press(path: string, fields: Record<string, string>): Promise<Response> {
    return await fetch(`${base}${path}`, { method: "POST", body: new URLSearchParams(fields), redirect: "manual" });
  }

  it("shows purchases on its page, escaped, under a strict policy", async () => {
    shop.startPurchase("subscription", { title: "<script>alert(1)</script>" });
    const answer = await fetch(base);
    const text = await answer.text();
    expect(answer.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(text).not.toContain("<script>alert");
    expect(text).toContain("&#60;script&#62;alert(1)");
    expect(text).toContain("Fake &#38; Co says");
    expect(text).toContain("open &#60;b&#62;");
    expect(text).toContain('<noscript><meta http-equiv="refresh"');
    expect(text).not.toMatch(/(?:src|href)="http/);
  });

  it("has buttons that work without a script and not from another site", async () => {
    const token = /name="token" value="([\w-]+)"/.exec(await (await fetch(base)).text())?.[1] ?? "";
    expect((await press("/sandbox/purchase", { kind: "travel" })).status).toBe(403);
    expect((await press("/sandbox/purchase", { token, kind: "travel" })).status).toBe(303);
    const [purchase] = shop.purchases();
    const { orderId = "", paymentId = "" } = purchase?.key ?? {};
    const pressed = await press("/sandbox/act", { token, payment: paymentId, action: "pay:" });
    expect(pressed.headers.get("location")).toBe(`/?open=${paymentId}#${paymentId}`);
    await expect.poll(() => textOf(norce.payment(orderId, paymentId) ?? {}, "state")).toBe("reserved");
    const impossible = await press("/sandbox/act", { token, payment: "nobody", action: "pay:" });
    const led = impossible.headers.get("location") ?? "";
    expect(led).toMatch(/^\/\?problem=.*&open=nobody&at=nobody#nobody$/);
    const undone = await press("/sandbox/act", {
      token,
      payment: paymentId,
      action: "levitate:",
      "shown-psp": "fake-psp",
    });
    expect(undone.headers.get("location")).toContain("/?psp=fake-psp&problem=");
    const told = await (await fetch(new URL(undone.headers.get("location") ?? "", base))).text();
    expect(told).toMatch(/class="problem" role="alert" data-place="psp">\s*[^<\s]/);
    expect((await press("/sandbox/norce", { token, mood: "down" })).status).toBe(303);
    expect(await (await fetch(base)).text()).toContain('value="down" aria-pressed="true"');
  });

  it("breaks a PSP, has it refuse our credentials and lose its webhooks, and mends it", async () => {
    const token = /name="token" value="([\w-]+)"/.exec(await (await fetch(base)).text())?.[1] ?? "";
    const url = `${servers[1]?.url ?? ""}/fake-psp/v1`;
    const make = async (mood: string) => await press("/sandbox/psp", { token, psp: "fake-psp", mood });
    await make("down");
    expect((await fetch(url)).status).toBe(503);
    expect(await (await fetch(base)).text()).toContain("Fake &#38; Co: Down");
    await make("refuses");
    expect((await fetch(url)).status).toBe(401);
    await make("loses");
    expect((await fetch(url)).status).toBe(200);
    const purchase = shop.startPurchase("home");
    shop.act(purchase, "pay");
    await expect.poll(() => psp.webhooks()).toMatchObject([{ webhook: "push", status: 0, lost: true }]);
    expect(textOf(norce.payment(purchase.key.orderId, purchase.key.paymentId) ?? {}, "state")).toBe("intent");
    expect(await (await fetch(base)).text()).toMatch(/POST http[^<]*\/payments\/[^<]*push/);
    await make("well");
    expect((await fetch(url)).status).toBe(200);
    expect((await make("on fire")).headers.get("location")).toMatch(/^\/\?problem=/);
  });

  it("buys with the PSP that was chosen, and shows what was chosen", async () => {
    const token = /name="token" value="([\w-]+)"/.exec(await (await fetch(base)).text())?.[1] ?? "";
    await press("/sandbox/purchase", { token, kind: "home", psp: "fake-psp" });
    expect(shop.purchases()[0]?.key.adapter).toBe("fake-psp");
    const cards = async (query: string): Promise<number> =>
      [...(await (await fetch(`${base}/?${query}`)).text()).matchAll(/class="purchase"/g)].length;
    for (let count = 0; count < 5; count += 1) shop.startPurchase("home");
    expect([await cards(""), await cards("psp=fake-psp"), await cards("state=captured")]).toEqual([3, 6, 0]);
  });

  it("tells browsers that something changed", async () => {
    const answer = await fetch(`${base}/sandbox/changes`);
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    await reader?.read();
    shop.startPurchase("home");
    expect((await reader?.read())?.value).toBe("data: changed\n\n");
    await reader?.cancel();
  });
});

describe("a line for people", () => {
  const move = {
    at: 0,
    orderId: "o3fG7Kd2",
    psp: "Klarna Checkout",
    from: "reserved",
    to: "captured",
    amount: 114_854,
    currency: "SEK",
  };

  it("says what moved", () => {
    expect(moveLine(move, false).replaceAll("\u00A0", " ").slice(8)).toBe(
      "  o3fG7Kd2  Klarna Checkout  reserved → captured   1 148,54 SEK",
    );
  });

  it("has colours only where they are shown", () => {
    expect(moveLine(move, true)).toContain("\u001B[");
    expect(moveLine(move, false)).not.toContain("\u001B[");
  });
});
