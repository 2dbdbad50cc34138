import { describe, expect, test } from "vitest";
import { createLedger } from "../../src/queue/ledger.ts";
import { engines, type TestEngine } from "../support/engines.ts";
import type { Purchase, World } from "../support/service.ts";
import { calmAfterEach, openWorldFor } from "../support/worlds.ts";
import { until } from "../support/until.ts";

const second = 1_000;
const minute = 60 * second;

const acks = async (purchase: Purchase, times: number): Promise<number[]> =>
  await Promise.all(Array.from({ length: times }, async () => (await purchase.push()).status));

const writesOf = ({ norce }: World): number => Object.values(norce.writes).reduce((sum, count) => sum + count, 0);

const eventsOf = (purchase: Purchase): unknown[] => purchase.transactions().map(({ event }) => event);

const log = (world: World, message: string): Record<string, unknown>[] =>
  world.logged.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ msg }) => msg === message);

describe.each(engines())("on $name", (engine: TestEngine) => {
  let world: World;

  openWorldFor(engine, (opened) => (world = opened));
  calmAfterEach(() => world);

  test("a push becomes a reserved payment with its transaction, and Klarna is told afterwards", async () => {
    const purchase = world.purchase();
    purchase.act("pay");
    expect((await purchase.push()).status).toBe(200);
    await purchase.reaches("reserved");
    await until(() => eventsOf(purchase).includes("confirm"), "the confirm transaction");
    expect(purchase.payment()).toMatchObject({ amount: 100, reference: purchase.reference });
    // The journal says which key proved the webhook, as the log does.
    const [received] = log(world, "webhook.received").filter(({ paymentId }) => paymentId === purchase.key.paymentId);
    const [first] = await world.queue.journal.read(purchase.key);
    expect(first).toMatchObject({ kind: "received", facts: { webhook: "push", by: received?.["by"] } });
    expect(received?.["by"]).toMatch(/^[\w-]{6}$/);
  });

  test("a body that is too large for a configured URL is a finding, once a day", async () => {
    const purchase = world.purchase();
    const body = "x".repeat(world.config.bodyLimitBytes + 1);
    const found = async (): Promise<unknown[]> =>
      (await createLedger(world.engine, "patient").read({ from: 0, to: Number.MAX_SAFE_INTEGER })).drift
        .filter(({ name }) => name === "body-too-large")
        .map(({ at: _at, ...drift }) => drift);
    for (const _ of ["first", "second"]) expect((await world.post(purchase.pushUrl, { body })).status).toBe(413);
    await until(async () => (await found()).length > 0, "the finding");
    const { adapter, merchant, channel } = purchase.key;
    const finding = { name: "body-too-large", adapter, merchant, channel, facts: { webhook: "push" } };
    expect(await found()).toMatchObject([finding]);
    expect(await world.meters.text()).toContain(`norce_psp_drift_total{adapter="${adapter}",name="body-too-large"} 1`);
  });

  test("what happens in the PSP's portal is found by a look", async () => {
    const purchase = world.purchase();
    purchase.act("pay");
    await purchase.push();
    await purchase.reaches("reserved");
    purchase.act("capture", 40_00);
    purchase.act("capture", 60_00);
    await purchase.refresh();
    await purchase.reaches("captured");
    purchase.act("refund", 100_00);
    await purchase.refresh();
    await purchase.reaches("credited");
    await world.idle();
    expect(eventsOf(purchase)).toEqual(["confirm", "capture", "capture", "refund"]);
    // Two captures of the same moment have no order: whichever comes first, the log says running totals.
    const [authorized, first, captured, refunded] = purchase.transactions().map(({ amount }) => amount);
    expect([authorized, captured, refunded]).toEqual([100, 100, 100]);
    expect([40, 60]).toContain(first);
  });

  test("a recurring token arrives and is never blanked", async () => {
    const purchase = world.purchase({ recurring: true });
    purchase.act("pay");
    await purchase.push();
    await until(
      () => typeof (purchase.payment()["recurring"] as { token?: string } | undefined)?.token === "string",
      "the token",
    );
    const { recurring } = purchase.payment();
    purchase.act("capture");
    await purchase.refresh();
    await purchase.reaches("captured");
    expect(purchase.payment()["recurring"]).toEqual(recurring);
  });

  test("twenty duplicates cost no further write", async () => {
    const purchase = world.purchase();
    purchase.act("pay");
    await purchase.push();
    await purchase.reaches("reserved");
    await world.idle();
    const before = writesOf(world);
    expect(new Set(await acks(purchase, 20))).toEqual(new Set([200]));
    await world.idle();
    expect(writesOf(world)).toBe(before);
    expect(eventsOf(purchase)).toEqual(["confirm"]);
  });

  test("ten events in a burst become at most two looks", async () => {
    const purchase = world.purchase();
    purchase.act("pay");
    const before = await world.looks();
    await acks(purchase, 10);
    await purchase.reaches("reserved");
    // Those that no look was handed for wait for a second, to see that none is needed.
    await until(async () => {
      const counts = await world.counts();
      return counts.every(({ queue, jobs }) => !/^(inbox|events|payments)/.test(queue) || jobs === 0);
    }, "every event to be done with");
    expect((await world.looks()) - before).toBeLessThanOrEqual(2);
    expect((await world.looks()) - before).toBeGreaterThanOrEqual(1);
  });

  test("an event that arrives during a look causes one more look", async () => {
    const purchase = world.purchase();
    purchase.act("pay");
    const slow = world.psp.fault({ times: 1, slowMs: 400 });
    const before = await world.looks();
    await purchase.push();
    await until(() => slow.struck === 1, "the look to be under way");
    await purchase.push();
    await purchase.push();
    await purchase.reaches("reserved");
    await until(async () => (await world.looks()) - before === 2, "two looks");
    await world.idle();
    expect((await world.looks()) - before).toBe(2);
  });

  test("a webhook that arrives during a look which then fails is looked at again at once, not after the backoff", async () => {
    const purchase = world.purchase();
    purchase.act("pay");
    // An hour is what the failing look has to wait; the next one must not.
    const failing = world.norce.fault({
      match: ({ method }) => method === "PUT",
      times: 1,
      slowMs: 300,
      status: 429,
      retryAfterSeconds: 3_600,
    });
    await purchase.push();
    await until(() => failing.struck === 1, "the look to be under way");
    await purchase.push();
    await purchase.reaches("reserved");
  });

  test("a push before the order exists is applied when it appears", async () => {
    const purchase = world.purchase({ present: false });
    purchase.act("pay");
    expect((await purchase.push()).status).toBe(200);
    await until(
      () =>
        log(world, "payment.later").some(
          ({ paymentId, why }) => paymentId === purchase.key.paymentId && why === "not-in-norce",
        ),
      "the look to find no order",
    );
    purchase.appear();
    await purchase.reaches("reserved");
  });

  test("a push before the payment has its reference binds it", async () => {
    const purchase = world.purchase({ referenced: false });
    purchase.act("pay");
    await purchase.push();
    await purchase.reaches("reserved");
    expect(purchase.payment()["reference"]).toBe(purchase.reference);
  });

  test("a push before the order exists binds its reference when the order appears without one", async () => {
    const purchase = world.purchase({ referenced: false, present: false });
    purchase.act("pay");
    await purchase.push();
    await until(
      () => log(world, "payment.later").some(({ paymentId }) => paymentId === purchase.key.paymentId),
      "the look to find no order",
    );
    purchase.appear();
    await purchase.reaches("reserved");
  });

  test("a reference whose purchase is not the payment's is not bound", async () => {
    const other = world.purchase();
    other.act("pay");
    const purchase = world.purchase({ referenced: false });
    await world.post(purchase.pushUrl.replace(purchase.reference, other.reference));
    await until(
      async () => (await world.queue.letters.list(1_000)).some(({ key }) => key.paymentId === purchase.key.paymentId),
      "a dead letter",
    );
    expect(purchase.payment()["reference"]).toBeUndefined();
    expect(purchase.state()).toBe("intent");
  });

  test("a different reference than the payment's is refused and counted", async () => {
    const other = world.purchase();
    other.act("pay");
    const purchase = world.purchase();
    await world.post(purchase.pushUrl.replace(purchase.reference, other.reference));
    await until(
      async () =>
        (await world.meters.text()).includes(
          'norce_psp_oddities_total{adapter="klarna-checkout",reason="reference-refused"}',
        ),
      "the count",
    );
    await world.idle();
    expect(purchase.payment()["reference"]).toBe(purchase.reference);
    expect(purchase.state()).toBe("intent");
  });

  test("a push without an order id looks at the payment's own reference", async () => {
    const purchase = world.purchase();
    purchase.act("pay");
    await world.post(purchase.pushUrl.replace(/&klarna_order_id=.*$/, ""));
    await purchase.reaches("reserved");
  });

  test("an answer dropped after success doubles nothing", async () => {
    const purchase = world.purchase();
    purchase.act("pay");
    world.norce.fault({ match: ({ method }) => method === "PUT", times: 1, drop: "after" });
    await purchase.push();
    await until(() => eventsOf(purchase).includes("confirm"), "the transaction");
    world.norce.fault({
      match: ({ method, route }) => method === "POST" && route.endsWith("/transactions"),
      times: 1,
      drop: "after",
    });
    purchase.act("capture");
    await purchase.refresh();
    await purchase.reaches("captured");
    await until(() => eventsOf(purchase).length >= 2, "the capture transaction");
    await purchase.refresh();
    await world.idle();
    expect(eventsOf(purchase)).toEqual(["confirm", "capture"]);
  });

  test("Klarna is acknowledged only after Norce has been written, and is when the first attempt fails", async () => {
    const purchase = world.purchase();
    purchase.act("pay");
    const refusing = world.psp.fault({ match: ({ path }) => path.endsWith("/acknowledge"), times: 1, status: 500 });
    await purchase.push();
    await until(() => refusing.struck === 1, "the first acknowledgement");
    expect(purchase.state()).toBe("reserved");
    await until(() => eventsOf(purchase).includes("confirm"), "the marker");
  });

  test("an old event never moves a payment backwards, and a lasting truth does", async () => {
    const purchase = world.purchase();
    purchase.act("pay");
    await purchase.push();
    await purchase.reaches("reserved");
    world.norce.edit(purchase.key.orderId, purchase.key.paymentId, (payment) => ({ ...payment, state: "captured" }));
    await purchase.push();
    await world.idle();
    expect(purchase.state()).toBe("captured");
    world.advance(61 * second);
    await purchase.push();
    await purchase.reaches("reserved");
  });

  test("a payment of another adapter is never touched", async () => {
    const purchase = world.purchase({ payment: { adapterId: "klarna_checkout_adapter" } });
    purchase.act("pay");
    const before = purchase.payment();
    await purchase.push();
    await until(
      async () => (await world.queue.letters.list(1_000)).some(({ key }) => key.paymentId === purchase.key.paymentId),
      "a dead letter",
    );
    expect(purchase.payment()).toEqual(before);
    expect(purchase.transactions()).toEqual([]);
  });

  test("money on a payment that somebody removed is left alone and called by name", async () => {
    const purchase = world.purchase({ payment: { state: "removed" } });
    purchase.act("pay");
    await purchase.push();
    const letter = async (): Promise<unknown> =>
      (await world.queue.letters.list(1_000)).find(({ key }) => key.paymentId === purchase.key.paymentId)?.context?.[
        "reason"
      ];
    await until(async () => (await letter()) === "paid-on-removed", "the dead letter");
    expect(purchase.state()).toBe("removed");
  });

  test("a PUT keeps properties we do not know", async () => {
    const purchase = world.purchase({
      payment: { attributes: { theirs: 1 }, futureField: { deep: [1, { x: null }] } },
    });
    purchase.act("pay");
    await purchase.push();
    await purchase.reaches("reserved");
    expect(purchase.payment()).toMatchObject({ futureField: { deep: [1, { x: null }] }, attributes: { theirs: 1 } });
  });

  test("an unproven webhook makes no request anywhere", async () => {
    const purchase = world.purchase();
    purchase.act("pay");
    await world.idle();
    const before = [world.norce.received, world.psp.received];
    const answer = await world.post(purchase.pushUrl.replace(/sig=./, (sig) => (sig === "sig=_" ? "sig=-" : "sig=_")));
    expect(answer.status).toBe(401);
    expect(await answer.json()).toEqual({ code: "not-proven", message: expect.any(String) });
    await world.idle();
    expect([world.norce.received, world.psp.received]).toEqual(before);
  });

  test("a dead letter disappears once a later look succeeds", async () => {
    const purchase = world.purchase({ payment: { adapterId: "someone_else" } });
    purchase.act("pay");
    await purchase.push();
    const dead = async (): Promise<boolean> =>
      (await world.queue.letters.list(1_000)).some(({ key }) => key.paymentId === purchase.key.paymentId);
    await until(dead, "a dead letter");
    world.norce.edit(purchase.key.orderId, purchase.key.paymentId, (payment) => ({
      ...payment,
      adapterId: "acme_klarna_adapter",
    }));
    await purchase.push();
    await purchase.reaches("reserved");
    await until(async () => !(await dead()), "the dead letter to go");
  });

  test("an order that never appears is a dead letter by name after a day", async () => {
    const purchase = world.purchase({ present: false });
    purchase.act("pay");
    await purchase.push();
    await until(
      () => log(world, "payment.later").some(({ paymentId }) => paymentId === purchase.key.paymentId),
      "the first look",
    );
    world.advance(25 * 60 * minute);
    await purchase.push();
    await until(
      () =>
        log(world, "payment.dead").some(
          ({ paymentId, reason }) => paymentId === purchase.key.paymentId && reason === "not-in-norce",
        ),
      "the dead letter",
    );
  });

  test("an operator learns what became of a refresh", async () => {
    const purchase = world.purchase();
    purchase.act("pay");
    const { pathname } = new URL(purchase.pushUrl);
    const path = pathname.replace("/api/checkout/v1/callback/", "/api/order/v1/").replace("/push", "/refresh");
    const headers = { authorization: "Bearer an-admin-token-of-ours", "x-merchant": "acme", "x-channel": "se" };
    const asked = await world.post(world.url + path, { headers });
    expect(asked.status).toBe(200);
    const { operationId } = (await asked.json()) as { operationId: string };
    const outcome = async (): Promise<unknown> =>
      (
        (await (await fetch(`${world.url}${path}?operationId=${operationId}`, { headers })).json()) as {
          outcome?: unknown;
        }
      ).outcome;
    await until(async () => (await outcome()) !== undefined, "the outcome");
    expect(await outcome()).toMatchObject({ outcome: "written", from: "intent", to: "reserved" });
  });
});
