import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { createClosures } from "../../src/queue/closures.ts";
import type { StoredEvent } from "../../src/queue/jobs.ts";
import { startWorker } from "../../src/worker.ts";
import { createGates, type Gates } from "../../src/workers/gate/gates.ts";
import { embeddedEngine } from "../support/engines.ts";
import { startWorld, type World } from "../support/service.ts";
import { until } from "../support/until.ts";

/** A PSP that takes every request and answers none, as long as the test about it runs. */
let asked = 0;
let answers = false;
const silent = createServer((_, response) => {
  asked += 1;
  if (answers) response.writeHead(404).end();
});

const engine = embeddedEngine();
let world: World;
beforeAll(async () => {
  await engine.start();
  await new Promise<void>((listening) => silent.listen(0, "127.0.0.1", listening));
  const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const svea = {
    adapterId: "other_svea",
    apiUrl: url,
    orderManagementApiUrl: url,
    merchantId: "1",
    apiSecret: "canary-secret",
  };
  world = await startWorld({
    engine: engine.settings(),
    others: { other: { se: { "svea-checkout": svea } } },
  });
}, 300_000);
afterAll(async () => {
  silent.closeAllConnections();
  silent.close();
  await world.stop();
  await engine.stop();
});

function accountEvent(adapter: string, merchant: string, key: string, clue: { echo: string } | { reference: string }) {
  const event = { key, type: "anything", at: null, clues: [clue] };
  const reference = "reference" in clue ? { reference: clue.reference } : {};
  const target = { adapter, merchant, channel: "se" };
  return {
    target,
    webhook: "webhook",
    receivedAt: Date.now(),
    event: { ...event, ...reference },
  } satisfies StoredEvent;
}

test("a PSP that takes requests and never answers holds up nobody else's webhooks", async () => {
  const events = Array.from({ length: 40 }, (_, index) =>
    accountEvent("svea-checkout", "other", `silent-${index}`, { reference: String(1_000 + index) }),
  );
  await world.queue.inbox.add(events);
  await until(() => asked > 0, "the silent PSP to be asked");
  const purchase = world.purchase();
  purchase.act("pay");
  await purchase.push();
  await purchase.reaches("reserved");
  // Nothing was answered yet: had they stood in one line, the push would still wait behind them.
  expect(world.logged.filter((line) => line.includes('"event.')).length).toBeLessThan(events.length);
  answers = true;
  silent.closeAllConnections();
});

test("what one process learns of a PSP, the others know", async () => {
  const closures = createClosures(world.engine);
  const parts = { config: world.config, log: world.log, now: Date.now, closures };
  const [one, another] = [createGates(parts), createGates(parts)];
  onTestFinished(() => {
    one.close();
    another.close();
  });
  const whyNot = (gates: Gates, account: string): string | undefined => {
    const entry = gates.of("klarna-checkout").enter(account, 0);
    if (!entry.entered) return entry.why;
    entry.leave({ failed: false });
    return undefined;
  };
  const account = "an account of no other test";
  expect(whyNot(another, account)).toBeUndefined();
  const entry = one.of("klarna-checkout").enter(account, 0);
  if (entry.entered) entry.leave({ failed: true, retryAfterMs: 30_000 });
  await until(() => whyNot(another, account) !== undefined, "the other process to hear of it");
  expect(whyNot(another, account)).toBe("psp-busy");
  expect(whyNot(another, "somebody else's")).toBeUndefined();
});

test("an event for a merchant that only newer processes know waits for them", async () => {
  const purchase = world.purchase();
  purchase.act("pay");
  const [acme] = world.config.targets;
  if (acme === undefined) throw new Error("nobody is configured");
  const key = { ...purchase.key, merchant: "newcomer" };
  world.norce.createOrder({
    merchant: "newcomer",
    channel: "se",
    id: `${key.orderId}-new`,
    order: { currency: "SEK", country: "SE", culture: "sv-SE" },
  });
  world.norce.addPayment(`${key.orderId}-new`, { ...purchase.payment(), id: `${key.paymentId}-new` });
  const { adapter, merchant, channel } = key;
  const target = { adapter, merchant, channel, orderId: `${key.orderId}-new`, paymentId: `${key.paymentId}-new` };
  await world.queue.inbox.add([
    { target, webhook: "push", receivedAt: Date.now(), event: { key: "push", type: "push", at: null } },
  ]);
  await until(() => world.logged.some((line) => line.includes('"not-configured"')), "the old process to set it aside");
  expect(await world.queue.letters.list(10)).toEqual([]);
  const config = {
    ...world.config,
    targets: [...world.config.targets, { ...acme, merchant: "newcomer" }],
    find: (of: typeof target) => world.config.find(of.merchant === "newcomer" ? { ...of, merchant: "acme" } : of),
  };
  await world.stopWorker();
  const newer = startWorker({ ...world, config });
  onTestFinished(() => newer.close());
  await until(
    () => world.logged.some((line) => line.includes(target.orderId) && line.includes('"payment.')),
    "its payment to be looked at",
  );
});
