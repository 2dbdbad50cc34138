import { randomUUID } from "node:crypto";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { loadAdapters } from "../../src/adapters/registry.ts";
import { createConfig } from "../../src/config.ts";
import { createMeters } from "../../src/lib/meters.ts";
import { type Engine, openEngine } from "../../src/queue/engine.ts";
import { createLedger } from "../../src/queue/ledger.ts";
import { laneId } from "../../src/queue/names.ts";
import { createSeam } from "../../src/queue/seam.ts";
import { listenOnLoopback } from "../../sandbox/loopback.ts";
import { createSandboxNorce, type Document, type SandboxNorce } from "../../sandbox/norce.ts";
import { startWorker } from "../../src/worker.ts";
import { backends, embeddedEngine, type TestEngine } from "../support/engines.ts";
import { openPlace } from "../support/processes.ts";
import type { Purchase, World } from "../support/service.ts";
import { openWorldFor } from "../support/worlds.ts";
import { until } from "../support/until.ts";

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

type Line = Record<string, unknown>;
const linesOf = (logged: readonly string[], message: string): Line[] =>
  logged.filter((line) => line.includes(`"${message}"`)).map((line) => JSON.parse(line) as Line);

// What a sweep reads and decides is the same on every engine; what an engine has to do for it is below, and in the records' own laws.
describe("nothing depends on a webhook", () => {
  const engine = embeddedEngine();
  let world: World;

  /** Has it sweep now; resolves once a pass over the recent orders that began after now has ended. */
  const swept = async (): Promise<void> => {
    const passes = (): number =>
      linesOf(world.logged, "sweep.finished").filter(({ window }) => window === "recent").length;
    // The one that is under way may have begun before.
    for (let pass = 0; pass < 2; pass += 1) {
      const before = passes();
      world.advance(second);
      await world.engine.queue<object>("sweeps", "patient").add("sweep", {}, { removeOnComplete: true });
      await until(() => passes() > before, "a pass");
    }
  };
  const isWaiting = async ({ key }: Purchase): Promise<boolean> => {
    const timers = world.engine.queue<object>("timers", "patient");
    const ids = [laneId(key), `${laneId(key)}-sweep`].map(async (id) => await timers.getDeduplicationJobId(id));
    return (await Promise.all(ids)).some((id) => typeof id === "string");
  };
  const ledger = async (name: string): Promise<Line[]> => {
    const { drift } = await createLedger(world.engine, "patient").read({ from: 0, to: Infinity });
    return drift.filter((one) => one.name === name).map((one) => ({ ...one }));
  };
  const about = ({ key }: Purchase) => expect.objectContaining({ orderId: key.orderId, paymentId: key.paymentId });
  const letterOf = async ({ key }: Purchase) =>
    (await world.queue.letters.list(1_000)).find((letter) => letter.key.paymentId === key.paymentId);

  openWorldFor(engine, (opened) => (world = opened), {
    environment: { SWEEP_INTERVAL_SECONDS: "1" },
    others: { invoicer: { se: { nonpsp: { adapterId: "invoices" } } } },
  });
  afterEach(() => {
    world.norce.clearFaults();
    world.psp.clearFaults();
  });

  test("every webhook is lost, and all payments still end right, by name in the ledger", async () => {
    const [paid, captured, refunded] = [world.purchase(), world.purchase(), world.purchase()];
    for (const purchase of [paid, captured, refunded]) purchase.act("pay");
    captured.act("capture");
    refunded.act("capture");
    refunded.act("refund");
    await Promise.all([paid.reaches("reserved"), captured.reaches("captured"), refunded.reaches("credited")]);
    await until(async () => (await ledger("missed-event")).length >= 3, "the ledger");
    expect(await ledger("missed-event")).toEqual(expect.arrayContaining([paid, captured, refunded].map(about)));
    expect(await ledger("missed-event")).toContainEqual(expect.objectContaining({ from: "intent", to: "captured" }));
    // Captured in the PSP's portal, which sends nothing.
    world.advance(2 * minute);
    paid.act("capture");
    await paid.reaches("captured");
  });

  test("a webhook that comes after its repair makes it a late event", async () => {
    const purchase = world.purchase();
    purchase.act("pay");
    await purchase.reaches("reserved");
    await until(
      async () => (await ledger("missed-event")).some(({ orderId }) => orderId === purchase.key.orderId),
      "it",
    );
    await world.idle();
    await purchase.push();
    await until(async () => (await ledger("late-event")).some(({ orderId }) => orderId === purchase.key.orderId), "it");
    expect(await ledger("missed-event")).not.toContainEqual(about(purchase));
  });

  test("a webhook's own write is no drift", async () => {
    const held = world.norce.fault({
      match: ({ method, route }) => method === "GET" && route === "/orders",
      slowMs: 800,
    });
    const purchase = world.purchase();
    purchase.act("pay");
    await purchase.push();
    await purchase.reaches("reserved");
    held.clear();
    await swept();
    expect([...(await ledger("missed-event")), ...(await ledger("late-event"))]).not.toContainEqual(about(purchase));
  });

  test("what a timer's look repairs unannounced is drift, whether or not the sweep hurried it", async () => {
    const [hurried, left] = [world.purchase(), world.purchase()];
    for (const purchase of [hurried, left]) {
      purchase.act("pay-with-review");
      await purchase.push();
      await purchase.reaches("pending");
    }
    await world.idle();
    const ask = async (): Promise<Line> => {
      const headers = { authorization: "Bearer an-admin-token-of-ours" };
      return (await (await fetch(`${world.url}/report?from=2020-01-01&to=2100-01-01`, { headers })).json()) as Line;
    };
    const before = Number((await ask())["repaired"]);
    for (const purchase of [hurried, left]) purchase.act("accept");
    // What the payment set for itself is due.
    await world.queue.timers.set(left.key, world.now());
    for (const purchase of [hurried, left]) {
      await purchase.reaches("reserved");
      await until(
        async () => (await ledger("missed-event")).some(({ orderId }) => orderId === purchase.key.orderId),
        "it in the ledger",
      );
    }
    const of = async ({ key }: Purchase) =>
      (await ledger("missed-event")).filter(({ orderId }) => orderId === key.orderId);
    for (const purchase of [hurried, left])
      expect(await of(purchase)).toMatchObject([{ from: "pending", to: "reserved" }]);
    await until(async () => Number((await ask())["repaired"]) >= before + 2, "both to be compared");
  });

  test("a Norce that writes in a spelling of its own is written once", async () => {
    world.norce.respells = true;
    onTestFinished(() => {
      world.norce.respells = false;
    });
    const purchase = world.purchase({ recurring: true });
    purchase.act("pay");
    await purchase.push();
    await purchase.reaches("reserved");
    await until(() => purchase.transactions().length > 0, "its log");
    await world.idle();
    const linesAbout = (message: string): Line[] =>
      linesOf(world.logged, message).filter(({ orderId }) => orderId === purchase.key.orderId);
    const looked = linesAbout("payment.unchanged").length;
    await purchase.push();
    await until(() => linesAbout("payment.unchanged").length > looked, "a second look");
    expect(linesAbout("payment.written")).toHaveLength(1);
    expect(linesAbout("payment.later")).toEqual([]);
  });

  test("a PSP that is down for an hour loses nothing", async () => {
    const down = world.psp.fault({ status: 503 });
    const purchases = [world.purchase(), world.purchase()];
    for (const purchase of purchases) purchase.act("pay");
    await until(() => down.struck >= 2, "looks that fail");
    world.advance(hour);
    await swept();
    down.clear();
    world.advance(2 * minute);
    await Promise.all(purchases.map((purchase) => purchase.reaches("reserved")));
  });

  test("Norce that is down for a while does not end the sweep", async () => {
    const purchase = world.purchase();
    purchase.act("pay");
    const down = world.norce.fault({ match: ({ route }) => route === "/orders", status: 503 });
    const before = linesOf(world.logged, "sweep.later").length;
    await until(() => linesOf(world.logged, "sweep.later").length >= before + 2, "passes that fail");
    down.clear();
    await purchase.reaches("reserved");
  });

  test.each([
    ["forward", 3 * day],
    ["back", -5 * hour],
  ])("a clock that jumps %s stops nothing", async (_, ms) => {
    world.advance(ms);
    const purchase = world.purchase();
    purchase.act("pay");
    await purchase.reaches("reserved");
  });

  test("orders that are created while it pages are all found", async () => {
    const purchases: Purchase[] = [];
    let pages = 0;
    const paging = world.norce.fault({
      match: ({ method, route }) => {
        if (method === "GET" && route === "/orders" && (pages += 1) <= 3)
          purchases.push(...Array.from({ length: 4 }, () => world.purchase()));
        return false;
      },
    });
    // Enough for several pages; others' payments, so that nothing else is to be done.
    for (let index = 0; index < 250; index += 1) world.purchase({ payment: { adapterId: "another" } });
    await until(() => pages > 3, "pages");
    paging.clear();
    for (const purchase of purchases) purchase.act("pay");
    await Promise.all(purchases.map((purchase) => purchase.reaches("reserved")));
  });

  test("a settled payment costs no call to its PSP, and payments that agree are not written", async () => {
    const settled = world.purchase();
    settled.act("pay");
    settled.act("cancel");
    await settled.reaches("removed");
    // A pass that read the list before may have asked for one look more.
    await swept();
    await until(async () => !(await isWaiting(settled)), "the last look");
    await world.idle();
    const calls = world.psp.fault({ match: ({ path }) => path.includes(settled.reference), slowMs: 0 });
    const agreeing = world.purchase();
    const agreed = (): number =>
      linesOf(world.logged, "payment.unchanged").filter(({ orderId }) => orderId === agreeing.key.orderId).length;
    await until(() => agreed() > 0, "a look that finds them agreeing");
    const writes = (): unknown => ({ ...world.norce.writes });
    const before = writes();
    await until(() => agreed() > 1, "another one");
    await swept();
    expect(await isWaiting(settled)).toBe(false);
    expect(calls.struck).toBe(0);
    expect(writes()).toEqual(before);
  });

  test("what belongs to others, and what has no reference, is not looked at", async () => {
    const foreign = world.purchase({ payment: { adapterId: "klarna_checkout_adapter" } });
    const unbound = world.purchase({ referenced: false });
    for (const purchase of [foreign, unbound]) purchase.act("pay");
    const before = [foreign, unbound].map((purchase) => purchase.payment());
    const read = world.norce.fault({
      match: ({ paymentId }) => [foreign, unbound].some(({ key }) => key.paymentId === paymentId),
      slowMs: 0,
    });
    await swept();
    expect(await isWaiting(foreign)).toBe(false);
    expect(await isWaiting(unbound)).toBe(false);
    expect(read.struck).toBe(0);
    expect([foreign, unbound].map((purchase) => purchase.payment())).toEqual(before);
  });

  test("what stays unresolved ends as a dead letter by name, once", async () => {
    const purchase = world.purchase();
    purchase.act("pay-with-review");
    // The first look notes since when it has been so.
    await purchase.reaches("pending");
    const left = world.purchase();
    await until(() => left.payment()["attributes"] !== undefined, "our note on a checkout that nobody finishes");
    await swept();
    expect(await letterOf(purchase)).toBeUndefined();
    world.advance(30 * day + minute);
    await until(async () => (await letterOf(purchase)) !== undefined, "the dead letter");
    expect(await letterOf(purchase)).toMatchObject({ kind: "Unresolved", context: { reason: "unresolved" } });
    const told = (): Line[] =>
      linesOf(world.logged, "payment.dead").filter(({ orderId }) => orderId === purchase.key.orderId);
    await swept();
    expect(told()).toHaveLength(1);
    expect(await letterOf(purchase)).toBeDefined();
    expect(await letterOf(left), "a shopper who left is nobody's trouble").toBeUndefined();
  });

  test("an invoice that no PSP stands behind is nobody's trouble, however old it gets", async () => {
    const orderId = `o_${randomUUID()}`;
    world.norce.createOrder({
      merchant: "invoicer",
      channel: "se",
      id: orderId,
      order: { currency: "SEK", country: "SE", culture: "sv-SE" },
    });
    world.norce.addPayment(orderId, { adapterId: "invoices", name: "Invoice", amount: 100, state: "confirmed" });
    world.advance(31 * day);
    await swept();
    const settled = /norce_psp_sweep_payments_total\{adapter="nonpsp",judgement="settled"\} [1-9]/;
    await until(async () => settled.test(await world.meters.text()), "the invoice to be swept");
    expect(world.logged.filter((line) => line.includes(orderId))).toEqual([]);
  });

  test("a last look is not called off by a look that comes to rest before it", async () => {
    const purchase = world.purchase();
    purchase.act("pay-with-review");
    await purchase.reaches("pending");
    await world.queue.timers.setSweep(purchase.key, world.now() + 200, true);
    await world.queue.timers.clear(purchase.key);
    await until(async () => (await letterOf(purchase)) !== undefined, "the dead letter");
  });

  test("a last look that finds the payment ended leaves no letter", async () => {
    const purchase = world.purchase();
    purchase.act("pay");
    await purchase.reaches("reserved");
    const looks = (): number =>
      linesOf(world.logged, "payment.unchanged").filter(({ orderId }) => orderId === purchase.key.orderId).length;
    await world.queue.timers.setSweep(purchase.key, world.now());
    await until(() => looks() > 0, "a look that finds nothing to do");
    const before = looks();
    await world.queue.timers.setSweep(purchase.key, world.now(), true);
    await until(() => looks() > before, "the last look");
    expect(await letterOf(purchase)).toBeUndefined();
  });

  test("what a person should see is in the ledger: removed but paid, good but not accepted, two that live", async () => {
    const removed = world.purchase({ payment: { state: "removed" } });
    removed.act("pay");
    const good = world.purchase();
    good.act("pay");
    await good.reaches("reserved");
    world.norce.addPayment(good.key.orderId, {
      adapterId: "another",
      name: "x",
      amount: 100,
      state: "reserved",
      type: "default",
    });
    world.advance(16 * minute);
    for (const [name, purchase] of [
      ["paid-on-removed", removed],
      ["two-live-payments", good],
      ["payment-good-order-not-accepted", good],
    ] as const)
      await until(async () => (await ledger(name)).some(({ orderId }) => orderId === purchase.key.orderId), name);
    expect(await ledger("paid-on-removed")).toContainEqual(about(removed));
    expect(await ledger("two-live-payments")).toEqual([about(good)]);
    // It goes on: each is still one entry, which says that it is so today.
    world.advance(day + minute);
    for (const name of ["two-live-payments", "payment-good-order-not-accepted"]) {
      const entries = async (): Promise<Line[]> =>
        (await ledger(name)).filter(({ orderId }) => orderId === good.key.orderId);
      await until(async () => (await entries()).some(({ last }) => last !== undefined), `${name} on the day after`);
      const [entry, ...more] = await entries();
      expect(more).toEqual([]);
      expect(Number(entry?.["last"]) - Number(entry?.["at"])).toBeGreaterThan(day / 2);
    }
  });

  test("downtime is told, and what was missed is swept first", async () => {
    const purchase = world.purchase();
    await swept();
    const before = linesOf(world.logged, "sweep.resumed").length;
    purchase.act("pay");
    world.advance(6 * hour);
    await purchase.reaches("reserved");
    await until(() => linesOf(world.logged, "sweep.resumed").length > before, "the line");
    expect(linesOf(world.logged, "sweep.resumed").length).toBe(before + 1);
    expect(linesOf(world.logged, "sweep.resumed").at(-1)?.["gapMs"]).toBeGreaterThan(6 * hour - minute);
  });

  test("an operator reads the report with the admin token, and nobody without it", async () => {
    const ask = async (query: string, token = "an-admin-token-of-ours"): Promise<Response> =>
      await fetch(`${world.url}/report?${query}`, { headers: { authorization: `Bearer ${token}` } });
    expect((await ask("", "another-token-of-theirs")).status).toBe(401);
    expect((await ask("from=yesterday")).status).toBe(400);
    const repaired = world.purchase();
    repaired.act("pay");
    const removed = world.purchase({ payment: { state: "removed" } });
    removed.act("pay");
    await repaired.reaches("reserved");
    world.advance(2 * minute);
    await until(async () => (await letterOf(removed)) !== undefined, "a dead letter");
    const whole = "from=2020-01-01&to=2100-01-01";
    const report = async (query: string): Promise<Line> => (await (await ask(query)).json()) as Line;
    await until(async () => Number((await report(whole))["repaired"]) >= 1, "the tallies");
    const { compared, agreed, repaired: mended, unresolved, ...rest } = await report(whole);
    expect(Number(agreed) + Number(mended) + Number(unresolved)).toBe(compared);
    expect(rest).toMatchObject({ needsAttention: true, truncated: false });
    expect(rest["drift"]).toContainEqual(about(repaired));
    expect(rest["dead"]).toContainEqual(
      expect.objectContaining({ paymentId: removed.key.paymentId, reason: "paid-on-removed" }),
    );
    const unknown = { code: "malformed", message: "no such merchant is configured" };
    expect(await report(`${whole}&merchant=nobody`)).toEqual(unknown);
  });
});

// On one engine: that a lock has one holder, and that a page is remembered, are laws of the store on all of them.
describe.each(backends().slice(-1))("one sweep at a time, on $name", (ring: TestEngine) => {
  let engine: Engine;
  const log = pino({ level: "silent" });

  beforeAll(async () => {
    await ring.start();
    engine = await openEngine(ring.settings(), log);
  }, 300_000);
  afterAll(async () => {
    await engine.close();
    await ring.stop();
  });

  /** A Norce of its own with `orders` orders, each with one payment, and workers that sweep it. */
  async function shop(orders: number, payment: Document, now: () => number = Date.now) {
    const norce = createSandboxNorce({ now });
    const server = await listenOnLoopback(norce.handler);
    const merchant = `shop-${randomUUID()}`;
    const open = (given: Document): void => addOrder(norce, merchant, given);
    for (let index = 0; index < orders; index += 1) open(payment);
    const settings = { adapterId: "acme_klarna", apiUrl: "http://127.0.0.1:9", username: "u", password: "p" };
    const config = createConfig(
      { URL_SIGNING_KEYS: "signing-key-of-ours", SWEEP_INTERVAL_SECONDS: "1" },
      {
        norce: { orderApi: `${server.url}/checkout/order`, token: norce.token },
        merchants: { [merchant]: { se: { "klarna-checkout": settings } } },
      },
      await loadAdapters(["klarna-checkout"]),
    );
    onTestFinished(async () => await server.close());
    const start = () => {
      const logged: string[] = [];
      const lines = pino({ level: "debug", base: null }, { write: (line: string) => void logged.push(line) });
      const running = startWorker({ config, engine, queue: createSeam(engine), log: lines, meters: createMeters() });
      let closing: Promise<void> | undefined;
      const close = async (): Promise<void> => await (closing ??= running.close());
      onTestFinished(close);
      return {
        logged,
        close,
        passes: () => linesOf(logged, "sweep.finished").filter(({ window }) => window === "recent"),
      };
    };
    return { norce, open, start };
  }

  test("10,000 settled orders are paged without a look, one page at a time", async () => {
    const { norce, start } = await shop(10_000, {
      state: "removed",
      attributes: { norcePspWorker: { removed: true } },
    });
    const worker = start();
    await until(() => worker.passes().length >= 1, "a pass");
    const [pass] = worker.passes();
    expect(pass).toMatchObject({ window: "recent", orders: 10_000, settled: 10_000, due: 0, pages: 101 });
    expect(norce.requests().every(({ route }) => route === "/orders")).toBe(true);
  });

  test("old orders are read as far back as their payments may still move, and no further", async () => {
    let age = 0;
    const { open, start } = await shop(0, {}, () => Date.now() - age);
    const captured = (ago: number): Document => {
      const since = new Date(Date.now() - ago).toISOString();
      return { state: "captured", attributes: { norcePspWorker: { phase: "confirmed", since } } };
    };
    age = 190 * day;
    open(captured(160 * day));
    open({ ...captured(31 * day), state: "pending" });
    age = 230 * day;
    for (let index = 0; index < 5; index += 1) open(captured(200 * day));
    age = 0;
    const worker = start();
    const passes = (): Line[] => linesOf(worker.logged, "sweep.finished").filter(({ window }) => window === "rest");
    await until(() => passes().length > 0, "a pass over old orders");
    expect(passes()[0]).toMatchObject({ orders: 2, due: 1, unresolved: 1, pages: 1 });
  });

  test("of two workers one sweeps; when it ends, the other reads on where it stopped", async () => {
    const { norce, start } = await shop(1_000, { state: "removed", attributes: { norcePspWorker: { removed: true } } });
    let asking = 0;
    let most = 0;
    norce.fault({
      match: ({ route }) => {
        if (route !== "/orders") return false;
        asking += 1;
        most = Math.max(most, asking);
        setTimeout(() => (asking -= 1), 150).unref();
        return true;
      },
      slowMs: 150,
    });
    const workers = [start(), start()];
    await until(() => norce.received >= 3, "the first pages");
    const began = Date.now();
    const [first, other] = workers;
    await first?.close();
    expect(Date.now() - began).toBeLessThan(5 * second);
    await until(() => (other?.passes().length ?? 0) + (first?.passes().length ?? 0) >= 1, "a pass");
    const pass = [...(other?.passes() ?? []), ...(first?.passes() ?? [])][0];
    // Eleven pages and no more: none was read twice, but for the one that the worker was at when it ended.
    expect(pass).toMatchObject({ orders: 1_000, pages: 11 });
    expect(most).toBe(1);
  });
});

test("by command: what would change, what is changed, and what is left for a person", async () => {
  const place = await openPlace(onTestFinished, true);
  const token = "an-admin-token-of-ours";
  const { url } = await place.serve("start.ts", { SWEEP_INTERVAL_SECONDS: "3600", ADMIN_TOKEN: token });
  const command = async (script: string, ...parameters: string[]): Promise<{ code: number | null; output: string }> => {
    const program = place.run(script, { parameters, environment: { PUBLIC_URL: url, ADMIN_TOKEN: token } });
    const { code } = await program.exited;
    return { code, output: program.output() };
  };
  const purchases = [place.purchase(), place.purchase(), place.purchase()];
  const today = new Date().toISOString().slice(0, 10);
  const window = ["acme", "se", "--from", today];

  const dry = await command("cli/reconcile.ts", ...window, "--dry-run");
  expect(dry.output).toContain("3 payments, 3 would-write");
  expect(dry.code).toBe(0);
  expect(purchases.map((purchase) => purchase.state())).toEqual(["intent", "intent", "intent"]);
  expect(place.norce.writes).toMatchObject({ replacePayment: 0, appendTransaction: 0 });

  const real = await command("cli/reconcile.ts", ...window, "--to", today);
  expect(real.output).toContain("3 payments, 3 written");
  expect(real.code).toBe(0);
  expect(purchases.map((purchase) => purchase.state())).toEqual(["reserved", "reserved", "reserved"]);
  const again = await command("cli/reconcile.ts", "acme", "se", purchases[0]?.key.orderId ?? "", "--json");
  expect(JSON.parse(again.output)).toMatchObject({
    payments: [{ ...purchases[0]?.key, outcome: "unchanged" }],
    counts: { unchanged: 1 },
  });

  expect(await command("cli/report.ts", "--from", today)).toMatchObject({ code: 0 });
  const removed = place.purchase();
  place.norce.edit(removed.key.orderId, removed.key.paymentId, (payment) => ({ ...payment, state: "removed" }));
  expect(await command("cli/reconcile.ts", "acme", "se", removed.key.orderId)).toMatchObject({ code: 1 });
  const report = await command("cli/report.ts");
  expect(report.output).toMatch(new RegExp(`letters \\(1\\)\n.*${removed.key.paymentId}.*paid-on-removed`));
  expect(report.code).toBe(1);
});

function addOrder(norce: SandboxNorce, merchant: string, payment: Document): void {
  const order = { currency: "SEK", country: "SE", culture: "sv-SE" };
  const orderId = norce.createOrder({ merchant, channel: "se", order });
  norce.addPayment(orderId, {
    adapterId: "acme_klarna",
    name: "Klarna",
    type: "default",
    currency: "SEK",
    amount: 100,
    reference: "k_1",
    ...payment,
  });
}
