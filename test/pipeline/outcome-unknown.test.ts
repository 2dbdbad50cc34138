import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createNorceClient } from "../../src/norce/client.ts";
import { embeddedEngine } from "../support/engines.ts";
import { type Purchase, startWorld, type World } from "../support/service.ts";
import { until } from "../support/until.ts";

/** Avarda promises nothing about a repeated request and cannot be asked what came of it: what is not known, nobody finds out. */
const engine = embeddedEngine();
let world: World;
beforeAll(async () => {
  await engine.start();
  world = await startWorld({ engine: engine.settings(), adapter: "avarda-checkout" });
}, 300_000);
afterAll(async () => {
  await world.stop();
  await engine.stop();
});

const admin = { authorization: "Bearer an-admin-token-of-ours" };
const urlOf = ({ key }: Purchase, operation: string): string =>
  `${world.url}/${key.adapter}/api/order/v1/orders/${key.orderId}/payments/${key.paymentId}/${operation}?merchant=acme&channel=se`;

test("an operation whose outcome nobody knows is sent once, stands in the log, and needs a person", async () => {
  const purchase = world.purchase();
  purchase.act("pay");
  await purchase.refresh();
  await purchase.reaches("reserved");
  const isCapture = ({ method, path }: { method: string; path: string }): boolean =>
    method === "POST" && path.endsWith("/order");
  const lost = world.psp.fault({ match: isCapture, drop: "after" });
  const asked = await fetch(urlOf(purchase, "capture"), { method: "POST", headers: admin });
  const { operationId } = (await asked.json()) as { operationId: string };
  const looks = await world.looks();
  const outcome = async (): Promise<{ status: string }> => {
    const told = await fetch(`${urlOf(purchase, "capture")}&operationId=${operationId}`, { headers: admin });
    return (await told.json()) as { status: string };
  };
  await until(async () => (await outcome()).status === "unknown", "the operation to be given up");
  expect(await outcome()).toMatchObject({ status: "unknown", outcome: { reason: "outcome-unknown", amount: 100 } });
  expect(lost.struck, "never sent again").toBe(1);
  expect(purchase.transactions()).toContainEqual(
    expect.objectContaining({
      event: "paymentAction",
      pspEvent: "capture",
      pspStatus: "unknown",
      amount: 100,
      isSuccess: false,
      errorDetail: "outcome-unknown",
    }),
  );
  expect(await world.queue.letters.list(10)).toMatchObject([
    { kind: "Operation", key: { paymentId: purchase.key.paymentId }, context: { operationId } },
  ]);
  await until(async () => (await world.looks()) > looks, "the payment to be looked at again");
});

describe("an engine that came back empty", () => {
  const capture = async ({ key }: Purchase, idempotencyKey: string): Promise<{ id: string; outcome: unknown }> => {
    const id = await world.queue.operations.ask({ key, name: "capture" }, idempotencyKey);
    const outcome = async (): Promise<unknown> => (await world.queue.operations.read(id))?.state.outcome;
    await until(async () => (await outcome()) !== undefined, "the operation to end");
    return { id, outcome: await outcome() };
  };
  /** Norce's log as a sending leaves it that nobody remembers. */
  const announce = async ({ key }: Purchase, id: string): Promise<void> => {
    const { orderApi, token, version } = world.config.norce;
    const norce = createNorceClient({ orderApi, token, version, adapterIdOf: () => "ours" });
    const said = { pspEvent: "capture", pspStatus: "sending", amount: 10_000, success: true };
    await norce.appendTransaction(key, "SEK", { key: `sent:${id}`, event: "paymentAction", ...said });
  };

  test("sends nothing again that Norce's log tells of, whoever asks", async () => {
    const purchase = world.purchase();
    world.psp.clearFaults();
    const { id, outcome } = await capture(purchase, "one");
    expect(outcome).toMatchObject({ status: "refused", refusedBeforehand: true });
    await world.engine.store("patient").remove("operation", id);
    purchase.act("pay");
    await purchase.refresh();
    await purchase.reaches("reserved");
    const sent = world.psp.fault({ match: ({ path }) => path.endsWith("/order"), slowMs: 0 });
    await announce(purchase, id);
    expect((await capture(purchase, "two")).outcome).toMatchObject({ reason: "another-outcome-unknown" });
    expect(await capture(purchase, "one")).toMatchObject({ id, outcome: { status: "unknown" } });
    expect(sent.struck).toBe(0);
    // What came of it stands in the log by now, and a person was asked: the next one is another one.
    expect((await capture(purchase, "three")).outcome).toMatchObject({ status: "done" });
    expect(sent.struck).toBe(1);
  });
});
