import { describe, expect, onTestFinished, test } from "vitest";
import { type ServerEngine, serverEngines } from "../support/engines.ts";
import { meddlerOf } from "../support/meddler.ts";
import { type Purchase, startWorld } from "../support/service.ts";
import { until } from "../support/until.ts";

const admin = { authorization: "Bearer an-admin-token-of-ours" };
const eventsName = "events-adyen-dropin";

const linesOf = (purchase: Purchase): unknown[] => purchase.transactions().map(({ pspEvent }) => pspEvent);

describe.each(serverEngines())("on $name", (engine: ServerEngine) => {
  test("a worker that is killed six times while it holds eight events loses none: each is kept, or a letter by name", async () => {
    await engine.start();
    onTestFinished(() => engine.stop());
    const world = await startWorld({ engine: engine.settings(), adapter: "adyen-dropin", pushes: true });
    onTestFinished(() => world.stop());
    const meddler = await meddlerOf(engine);
    onTestFinished(async () => void (await meddler.close()));
    await world.stopWorker();
    const purchases = Array.from({ length: 8 }, () => world.purchase());
    const acknowledged = (): number => world.psp.webhooks().filter(({ status }) => status < 300).length;
    for (const [index, purchase] of purchases.entries()) {
      purchase.act("pay");
      await until(() => acknowledged() === index + 1, "its acknowledgement");
    }
    // What empties the inbox is killed again and again, and each of them came alone.
    expect(await meddler.allStalled("inbox", 6)).toBe(8);
    await world.restartWorker();
    await until(async () => (await world.queue.letters.count()) === 8, "eight letters");
    const first = await world.queue.letters.list(10);
    expect(purchases.map(linesOf)).toEqual(purchases.map(() => []));
    // The same, and they came together: one of them may be to blame, so each goes on alone.
    await world.stopWorker();
    await world.queue.inbox.add(first.flatMap(({ stored }) => stored ?? []));
    for (const { id } of first) await world.queue.letters.remove(id);
    expect(await meddler.allStalled("inbox", 6)).toBe(1);
    const [kept, held] = [purchases.slice(0, 4), purchases.slice(4)];
    const away = world.norce.fault({
      match: ({ paymentId }) => held.some(({ key }) => key.paymentId === paymentId),
      status: 503,
    });
    await world.restartWorker();
    await Promise.all(kept.map((purchase) => purchase.reaches("reserved")));
    const waits = (): string[] =>
      world.logged.filter((line) => line.includes('"msg":"event.later"') && line.includes('"why":"Unreachable"'));
    await until(async () => {
      const counts = await world.counts();
      const events = counts.filter(({ queue }) => queue === eventsName || queue === "inbox");
      return waits().length >= 4 && events.reduce((sum, { jobs }) => sum + jobs, 0) === 4;
    }, "the other four to wait as themselves");
    // Now their own workers are.
    await world.stopWorker();
    expect(await meddler.allStalled(eventsName, 6)).toBe(4);
    away.clear();
    await world.restartWorker();
    await until(async () => (await world.queue.letters.count()) === 4, "four letters");
    const letters = await world.queue.letters.list(10);
    for (const letter of letters)
      expect(letter).toMatchObject({
        kind: "Refused",
        context: { reason: "stalled" },
        event: { type: "AUTHORISATION" },
        key: { adapter: "adyen-dropin", merchant: "acme", channel: "se" },
      });
    const named = letters.map(({ stored }) => JSON.stringify(stored?.event));
    for (const { reference } of held) expect(named.filter((text) => text.includes(reference))).toHaveLength(1);
    expect(kept.map(linesOf)).toEqual(kept.map(() => ["AUTHORISATION"]));
    expect(held.map(linesOf)).toEqual(held.map(() => []));
    await until(async () => {
      const counts = await world.counts();
      return counts.every(({ queue, jobs }) => queue !== eventsName || jobs === 0);
    }, "the jobs to have given way to their letters");
    // A person found out what killed them: nothing has to be asked for again at the PSP.
    for (const { id } of letters)
      expect((await world.post(`${world.url}/report?retry=${id}`, { headers: admin })).status).toBe(200);
    await Promise.all(held.map((purchase) => purchase.reaches("reserved")));
    expect(held.map(linesOf)).toEqual(held.map(() => ["AUTHORISATION"]));
    expect(await world.queue.letters.count()).toBe(0);
  }, 300_000);

  test("a look whose workers die six times leaves a letter, which a later look takes away", async () => {
    await engine.start();
    onTestFinished(() => engine.stop());
    const world = await startWorld({ engine: engine.settings() });
    onTestFinished(() => world.stop());
    const meddler = await meddlerOf(engine);
    onTestFinished(async () => void (await meddler.close()));
    const purchase = world.purchase();
    purchase.act("pay");
    await purchase.push();
    await purchase.reaches("reserved");
    await world.idle();
    await world.stopWorker();
    await purchase.refresh();
    expect(await meddler.allStalled("payments-klarna-checkout", 6)).toBe(1);
    await world.restartWorker();
    await until(async () => (await world.queue.letters.count()) === 1, "the letter");
    expect(await world.queue.letters.list(2)).toMatchObject([{ kind: "Stalled", key: purchase.key }]);
    await world.idle();
    // It has nothing to write, and yet the payment needs nobody any more.
    await purchase.refresh();
    await until(async () => (await world.queue.letters.count()) === 0, "the letter to go");
    // An operation: nobody sends it any more, and a person is asked. A timer: what it would have asked for is asked for.
    await world.stopWorker();
    const id = await world.queue.operations.ask({ key: purchase.key, name: "capture" }, "a-key");
    const moved = world.purchase();
    moved.act("pay");
    await world.queue.timers.set(moved.key, Date.now());
    expect(await meddler.allStalled("operations", 6)).toBe(1);
    // Another payment's may stand there as well.
    expect(await meddler.allStalled("timers", 6)).toBeGreaterThan(0);
    await world.restartWorker();
    await until(async () => (await world.queue.letters.count()) === 1, "the operation's letter");
    expect(await world.queue.letters.list(2)).toMatchObject([
      { kind: "Operation", key: purchase.key, context: { reason: "could-not-be-sent", operationId: id } },
    ]);
    await until(async () => (await world.queue.operations.read(id))?.state.outcome !== undefined, "its end");
    expect((await world.queue.operations.read(id))?.state.outcome).toMatchObject({ status: "unknown" });
    await moved.reaches("reserved");
    expect(purchase.state()).toBe("reserved");
  }, 300_000);
});
