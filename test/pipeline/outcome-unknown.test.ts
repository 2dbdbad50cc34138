import { afterAll, beforeAll, expect, test } from "vitest";
import { embeddedEngine } from "../support/engines.ts";
import { type Purchase, startWorld, type World } from "../support/service.ts";
import { until } from "../support/until.ts";

/** Avarda promises nothing about a repeated request and cannot be asked what came of it: what is not known, nobody finds out. */
const engine = embeddedEngine();
let world: World;
beforeAll(async () => {
  await engine.start();
  world = await startWorld({ engine: engine.settings(), adapter: "avarda-checkout" });
}, 120_000);
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
