import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { recordKey } from "../../src/norce/payment.ts";
import { embeddedEngine } from "../support/engines.ts";
import { type Purchase, startWorld, type World } from "../support/service.ts";
import { until } from "../support/until.ts";

/** Whose payment it is, and whether it was paid: the rules of `workers/look`, with the program around them. */
const engine = embeddedEngine();
let world: World;
beforeAll(async () => {
  await engine.start();
  world = await startWorld({ engine: engine.settings(), settings: { publishActions: "signed" } });
}, 300_000);
afterEach(() => world.idle());
afterAll(async () => {
  await world.stop();
  await engine.stop();
});

const recordOf = (purchase: Purchase): Record<string, unknown> =>
  ((purchase.payment()["attributes"] ?? {}) as Record<string, Record<string, unknown>>)[recordKey] ?? {};

const reasonFor = async ({ key }: Purchase): Promise<unknown> =>
  (await world.queue.letters.list(1_000)).find((letter) => letter.key.paymentId === key.paymentId)?.context?.["reason"];

/** Another session for the same payment, and the webhook that names it. */
function second(purchase: Purchase, amount = 100_00): { reference: string; push: () => Promise<Response> } {
  const reference = world.psp.open(purchase.key.adapter, {
    ...purchase.key,
    amount,
    currency: "SEK",
    callbackUrls: { push: purchase.pushUrl },
  });
  return { reference, push: () => world.post(purchase.pushUrl.replace(purchase.reference, reference)) };
}

test("one krona of a thousand is not paid, whatever was looked at before; Norce's amount stays, and a person is asked", async () => {
  const purchase = world.purchase({ amount: 1_00, payment: { amount: 1_000 } });
  await purchase.refresh();
  await until(() => recordOf(purchase)["bound"] === purchase.reference, "the first look");
  purchase.act("pay");
  await purchase.push();
  await purchase.reaches("pending");
  expect(purchase.payment()["amount"]).toBe(1_000);
  expect(recordOf(purchase)).toMatchObject({ authorized: 1_00, underpaid: { total: 1_00, asked: 1_000_00 } });
  expect(await reasonFor(purchase)).toBeUndefined();
  world.advance(61_000);
  await purchase.push();
  await until(async () => (await reasonFor(purchase)) === "underpaid", "a letter");
  world.norce.edit(purchase.key.orderId, purchase.key.paymentId, (payment) => ({ ...payment, amount: 1 }));
  await purchase.push();
  await purchase.reaches("reserved");
  await until(async () => (await reasonFor(purchase)) === undefined, "the letter to go");
});

test("a shopper who pays with another session has paid, and both ids are known", async () => {
  const purchase = world.purchase();
  await purchase.refresh();
  await until(() => recordOf(purchase)["bound"] === purchase.reference, "the first look");
  const other = second(purchase);
  world.psp.act(purchase.key.adapter, other.reference, "pay");
  await other.push();
  await purchase.reaches("reserved");
  expect(purchase.payment()["reference"]).toBe(other.reference);
  expect(recordOf(purchase)).toMatchObject({ bound: other.reference, earlier: [purchase.reference] });
});

test("a shopper who paid twice is told of, and the first payment stays", async () => {
  const purchase = world.purchase();
  purchase.act("pay");
  await purchase.push();
  await purchase.reaches("reserved");
  const other = second(purchase);
  world.psp.act(purchase.key.adapter, other.reference, "pay");
  await other.push();
  await until(async () => (await reasonFor(purchase)) === "paid-twice", "a letter");
  expect(purchase.payment()["reference"]).toBe(purchase.reference);
});

test("a reference that somebody blanked is the one that was bound", async () => {
  const purchase = world.purchase();
  purchase.act("pay");
  await purchase.push();
  await purchase.reaches("reserved");
  world.norce.edit(purchase.key.orderId, purchase.key.paymentId, (payment) => ({ ...payment, reference: "" }));
  purchase.act("capture");
  await purchase.refresh();
  await purchase.reaches("captured");
  expect(purchase.payment()["reference"]).toBe(purchase.reference);
});

test("of two orders that name one payment of a PSP that does not say whose it is, one is reserved", async () => {
  const { key } = world.purchase();
  const of = { ...key, orderId: "", paymentId: "" };
  const reference = world.psp.open(key.adapter, { ...of, amount: 100_00, currency: "SEK", callbackUrls: {} });
  world.psp.act(key.adapter, reference, "pay");
  const [first, other] = [world.purchase({ payment: { reference } }), world.purchase({ payment: { reference } })];
  await first.refresh();
  await first.reaches("reserved");
  await other.refresh();
  await until(async () => (await reasonFor(other)) === "reference-taken", "a letter");
  expect([first.state(), other.state()]).toEqual(["reserved", "intent"]);
});

test("what can be asked for is withdrawn at the last look: nobody renews its URLs any more", async () => {
  const typesOf = ({ payment }: Purchase): unknown =>
    (payment()["actions"] as { type: string }[]).map(({ type }) => type);
  const purchase = world.purchase();
  purchase.act("pay");
  await purchase.push();
  await purchase.reaches("reserved");
  expect(typesOf(purchase)).toEqual(["capture", "cancel"]);
  // A look before its time is not the last one.
  await world.queue.timers.setSweep(purchase.key, world.now() + 60_000, true);
  const looks = await world.looks();
  await purchase.push();
  await until(async () => (await world.looks()) > looks, "a look");
  await world.idle();
  expect(typesOf(purchase)).toEqual(["capture", "cancel"]);
  world.advance(61_000);
  await purchase.push();
  await until(() => (typesOf(purchase) as unknown[]).length === 0, "them to be withdrawn");
  expect(await reasonFor(purchase)).toBeUndefined();
});
