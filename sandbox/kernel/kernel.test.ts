import { describe, expect, it } from "vitest";
import type { Kernel, OutgoingWebhook, SimulatedHeld, Simulation, Simulator } from "../../src/contract/simulator.ts";
import { createSimulator, type SimulatorOptions } from "./kernel.ts";

interface Held extends SimulatedHeld {
  taken: number;
}

const second = 1_000;
let clock = 0;

/** A PSP that takes money in parts, and calls as `outgoing` says. */
function open(outgoing: Partial<OutgoingWebhook> = {}, options: SimulatorOptions = {}) {
  clock = Date.parse("2026-02-03T10:00:00.000Z");
  const simulate = (kernel: Kernel<Held>): Simulation<Held> => ({
    settings: (apiUrl) => ({ admin: `${apiUrl}/admin` }),
    currencies: ["SEK"],
    refuse: ({ headers }) => (kernel.isGranted(headers["authorization"]) ? undefined : { status: 401 }),
    grants: { "POST /token": () => ({ status: 200, body: { token: kernel.grant(60 * second) } }) },
    idempotency: { header: "key", windowMs: 60 * second, keeps: ({ status }) => status < 300 },
    routes: {
      "GET /orders/{id}": ({ part }) => ({ status: 200, body: { taken: kernel.find(part("id"))?.taken ?? null } }),
      "GET /orders/all": () => ({ status: 200, body: kernel.all().map(({ reference }) => reference) }),
      "POST /orders/{id}/take": ({ part, fields }) => {
        const held = kernel.find(part("id"));
        if (held === undefined) return { status: 404 };
        held.taken += Number(fields["amount"]);
        return { status: 201, body: { taken: held.taken } };
      },
      "GET /pages": ({ query }) => {
        const { items, next } = kernel.page(["a", "b", "c"], Number(query.get("from") ?? 0), 2);
        return { status: 200, body: { items: kernel.listed(items), next: next ?? null } };
      },
    },
    open: (payment) => ({ payment, reference: payment.uuid(), taken: 0 }),
    actions: {
      call: { possible: () => true, act: ({ payment }) => payment.send({ webhook: "push", ...outgoing }) },
      take: {
        possible: ({ taken }) => taken < 100,
        amount: { most: ({ taken }) => 100 - taken },
        act: (held, amount) => void (held.taken += amount),
      },
    },
    money: ({ taken }) => ({ authorized: 100, captured: taken, refunded: 0, released: 0, currency: "SEK" }),
    describe: ({ taken }) => `taken ${taken}`,
  });
  const psp = createSimulator(simulate, { now: () => clock, ...options });
  const purchase = { orderId: "o_1", paymentId: "p_1", amount: 100, currency: "SEK" };
  const reference = psp.open({ ...purchase, callbackUrls: { push: "http://localhost/push?id={id}&x=%7Bid%7D" } });
  return { psp, reference, purchase: { ...purchase, callbackUrls: {} } };
}

function ask(psp: Simulator, method: string, url: string, body?: unknown, headers: Record<string, string> = {}) {
  const { pathname: path, searchParams: query } = new URL(url, "http://psp");
  return psp.answer({ method, path, query, headers, body });
}

function authorized(psp: Simulator): Record<string, string> {
  const { body } = ask(psp, "POST", "/token");
  return { authorization: `Bearer ${(body as { token: string }).token}` };
}

describe("calls", () => {
  it("find their route by method and path, written segments first; others are unknown", () => {
    const { psp, reference } = open();
    const headers = authorized(psp);
    expect(ask(psp, "GET", `/orders/${reference}`, undefined, headers)).toEqual({ status: 200, body: { taken: 0 } });
    expect(ask(psp, "GET", "/orders/all", undefined, headers).body).toEqual([reference]);
    for (const path of ["/orders", "/orders/", `/orders/${reference}/take/more`])
      expect(ask(psp, "GET", path, undefined, headers)).toEqual({ status: 404 });
    expect(ask(psp, "POST", `/orders/${reference}/take`, "amount=7", headers).body).toEqual({ taken: 7 });
  });

  it("need credentials that were granted and still live, except those that fetch them", () => {
    const { psp } = open();
    const headers = authorized(psp);
    expect(ask(psp, "GET", "/orders/all")).toEqual({ status: 401 });
    expect(ask(psp, "GET", "/orders/all", undefined, headers).status).toBe(200);
    clock += 60 * second;
    expect(ask(psp, "GET", "/orders/all", undefined, headers)).toEqual({ status: 401 });
    expect(psp.preliminary?.({ method: "POST", path: "/token" })).toBe(true);
    expect(psp.preliminary?.({ method: "GET", path: "/orders/all" })).toBe(false);
  });

  it("with a key that was seen are answered as the first time, while the key is known and the answer was kept", () => {
    const { psp, reference } = open();
    const headers = { ...authorized(psp), key: "k-1" };
    const take = (path: string, amount: number) => ask(psp, "POST", path, { amount }, headers);
    expect(take("/orders/none/take", 1)).toEqual({ status: 404 });
    expect(take(`/orders/${reference}/take`, 40)).toEqual({ status: 201, body: { taken: 40 } });
    expect(take(`/orders/${reference}/take`, 60)).toEqual({ status: 201, body: { taken: 40 } });
    clock += 60 * second;
    const later = { ...authorized(psp), key: "k-1" };
    expect(ask(psp, "POST", `/orders/${reference}/take`, { amount: 60 }, later).body).toEqual({ taken: 100 });
  });

  it("get lists in pages of whichever length, and in whichever order", () => {
    const all = (psp: Simulator): unknown[] => {
      const items: unknown[] = [];
      for (let from: number | null = 0; from !== null;) {
        const { body } = ask(psp, "GET", `/pages?from=${from}`, undefined, authorized(psp));
        const page = body as { items: unknown[]; next: number | null };
        items.push(page.items);
        from = page.next;
      }
      return items;
    };
    expect(all(open().psp)).toEqual([["a", "b"], ["c"]]);
    expect(all(open({}, { lists: { page: 1 } }).psp)).toEqual([["a"], ["b"], ["c"]]);
    expect(all(open({}, { lists: { order: "reversed" } }).psp)).toEqual([["b", "a"], ["c"]]);
    const orders = Array.from({ length: 20 }, (_, seed) =>
      JSON.stringify(all(open({}, { lists: { order: "shuffled" }, random: () => (seed % 3) / 3 }).psp)),
    );
    expect(orders.every((order) => order.includes("a") && order.includes("b"))).toBe(true);
  });
});

describe("actions", () => {
  it("take an amount where they say so, up to what they say", () => {
    const { psp, reference } = open();
    expect(psp.takesAmount("take")).toBe(true);
    expect(psp.takesAmount("call")).toBe(false);
    expect(() => psp.act(reference, "call", 1)).toThrow("takes no amount");
    for (const amount of [0, -1, 101, 1.5, Number.NaN])
      expect(() => psp.act(reference, "take", amount)).toThrow("not an amount");
    psp.act(reference, "take", 40);
    expect(psp.money(reference)).toMatchObject({ captured: 40, currency: "SEK" });
    psp.act(reference, "take");
    expect(psp.actions(reference)).toEqual(["call"]);
    expect(() => psp.act(reference, "constructor")).toThrow("nobody can constructor");
  });

  it("are of payments that are known, in currencies that are sold in", () => {
    const { psp, purchase } = open();
    expect(() => psp.actions("nobody's")).toThrow("knows no payment");
    expect(() => psp.open({ ...purchase, currency: "EUR" })).toThrow("sells nothing in EUR");
  });

  it("give ids that are the same in every run, and no two of them", () => {
    const [one, other] = [open(), open()];
    expect(one.reference).toBe(other.reference);
    const { psp, purchase } = one;
    expect(psp.open(purchase)).not.toBe(one.reference);
  });
});

describe("webhooks", () => {
  const schedule = [0, 2 * second, 5 * second];
  const ok = { status: 200, type: "application/json", body: '{"received":true}' };

  it("are attempted by the schedule until they are delivered, one attempt at a time", () => {
    const { psp, reference } = open({ schedule, body: { a: 1 }, placeholders: { "{id}": "x" } });
    psp.act(reference, "call");
    const [first] = psp.due(clock);
    expect(first).toMatchObject({ method: "POST", url: "http://localhost/push?id=x&x=x", body: '{"a":1}' });
    expect(psp.due(clock)).toEqual([]);
    clock += 10 * second;
    const again = psp.due(clock);
    expect(again).toEqual([first]);
    expect(psp.due(clock, new Set([first?.id ?? ""]))).toEqual([]);
    if (first !== undefined) psp.answered(first, ok);
    expect(psp.due(clock)).toEqual([]);
  });

  it("are given up at the end of the schedule, and when there is nothing to tell any more", () => {
    let over = false;
    for (const given of [{ schedule }, { schedule, isOver: () => over }]) {
      over = false;
      const { psp, reference } = open(given);
      psp.act(reference, "call");
      expect(psp.due(clock)).toHaveLength(1);
      over = true;
      clock += 60 * second;
      const left = "isOver" in given ? 0 : 2;
      expect([psp.due(clock), psp.due(clock), psp.due(clock)].flat()).toHaveLength(left);
    }
  });

  it("are delivered by the very answer that the PSP wants", () => {
    const { psp, reference } = open({ schedule, delivered: ({ body }) => body === ok.body });
    psp.act(reference, "call");
    const [first] = psp.due(clock);
    if (first === undefined) throw new Error("nothing was sent");
    psp.answered(first, { status: 200, body: "" });
    clock += 10 * second;
    expect(psp.due(clock)).toHaveLength(1);
    psp.answered(first, ok);
    expect(psp.due(clock)).toEqual([]);
  });

  it("get lost, late, repeated and out of turn where somebody has them so", () => {
    const { psp, reference } = open({ schedule });
    psp.act(reference, "call");
    psp.disturb(reference, "lose");
    expect(psp.due(clock)).toEqual([]);
    psp.disturb(reference, "delay");
    expect(psp.due(clock + 2 * second)).toEqual([]);
    psp.disturb(reference, "repeat");
    expect(psp.due(clock + 30 * 60 * second + 2 * second)).toHaveLength(2);
    psp.act(reference, "call");
    psp.disturb(reference, "reorder");
    const ids = psp.due(clock + 40 * 60 * second).map(({ id }) => id);
    expect(ids).toEqual(["webhook-2", "webhook-1"]);
  });

  it("are not sent where nobody gave a URL", () => {
    const { psp, purchase } = open();
    psp.act(psp.open(purchase), "call");
    expect(psp.due(clock)).toEqual([]);
  });
});
