import { afterEach, describe, expect, test } from "vitest";
import { backends, type TestEngine } from "../support/engines.ts";
import type { Purchase, World } from "../support/service.ts";
import { openWorldFor } from "../support/worlds.ts";
import { until } from "../support/until.ts";

const admin = { authorization: "Bearer an-admin-token-of-ours" };

describe.each(backends())("events are the truth, on $name", (engine: TestEngine) => {
  let world: World;

  openWorldFor(engine, (opened) => (world = opened), { adapter: "adyen-dropin", pushes: true });
  afterEach(() => {
    world.norce.clearFaults();
    world.psp.clearFaults();
  });

  const eventsOf = (purchase: Purchase): unknown[] => purchase.transactions().map(({ pspEvent }) => pspEvent);

  async function ask(purchase: Purchase, operation: string): Promise<unknown> {
    const { adapter, orderId, paymentId } = purchase.key;
    const path = `/${adapter}/api/order/v1/orders/${orderId}/payments/${paymentId}/${operation}?merchant=acme&channel=se`;
    const response = await fetch(world.url + path, { method: "POST", headers: admin });
    return { http: response.status, ...((await response.json()) as object) };
  }

  test("an account-level event finds its payment by what the PSP echoes, and is kept in its log", async () => {
    const purchase = world.purchase({ referenced: false });
    purchase.act("pay");
    await purchase.reaches("reserved");
    expect(purchase.payment()).toMatchObject({ reference: purchase.reference, amount: 100 });
    expect(eventsOf(purchase)).toEqual(["AUTHORISATION"]);
    const [received, placed] = await world.queue.journal.read(purchase.key);
    expect(received).toMatchObject({
      kind: "received",
      facts: { webhook: "webhook", by: expect.stringMatching(/^[\w-]{6}$/) },
    });
    expect(placed).toMatchObject({ kind: "placed" });
  });

  test("a capture and a refund are asked for once, and carried out when the PSP's events say so", async () => {
    const purchase = world.purchase();
    purchase.act("pay");
    await purchase.reaches("reserved");
    expect(await ask(purchase, "capture")).toMatchObject({ http: 200 });
    await purchase.reaches("captured");
    expect(await ask(purchase, "refund")).toMatchObject({ http: 200 });
    await purchase.reaches("credited");
    expect(await ask(purchase, "refund")).toMatchObject({ http: 409, code: "nothing-to-refund" });
  });

  test("an event that comes before its payment waits for it, and holds nobody back", async () => {
    const early = world.purchase({ present: false });
    early.act("pay");
    await until(() => world.psp.webhooks().some(({ status }) => status === 202 || status === 200), "the early webhook");
    const other = world.purchase();
    other.act("pay");
    await other.reaches("reserved");
    early.appear();
    await early.reaches("reserved");
  });

  test("a refused attempt is declined, and a later one still reserves", async () => {
    const purchase = world.purchase();
    purchase.act("refuse");
    await purchase.reaches("declined");
    purchase.act("pay");
    await purchase.reaches("reserved");
  });

  test("an answer that Norce loses after the line was written doubles nothing", async () => {
    const purchase = world.purchase();
    world.norce.fault({ match: ({ method }) => method === "POST", times: 1, drop: "after" });
    purchase.act("pay");
    await purchase.reaches("reserved");
    await until(() => eventsOf(purchase).length > 0, "the line");
    await world.idle();
    expect(eventsOf(purchase)).toEqual(["AUTHORISATION"]);
  });

  test("a capture that fails later goes back to reserved at once: the PSP says why", async () => {
    const purchase = world.purchase();
    purchase.act("pay");
    await purchase.reaches("reserved");
    purchase.act("capture");
    await purchase.reaches("captured");
    purchase.act("fail-capture");
    await purchase.reaches("reserved");
  });
});
