import { describe, test, type TestContext } from "vitest";
import type { StoredEvent } from "../../src/queue/jobs.ts";
import { eventId, laneId } from "../../src/queue/names.ts";
import { embeddedEngine } from "../support/engines.ts";
import { type Purchase, startWorld, type World } from "../support/service.ts";
import { until } from "../support/until.ts";

/** Norce carries out what was asked of it after our five seconds, when we have given it up. What decides is ours: one engine shows it. */
const second = 1_000;
/** Longer than a request may take. */
const lateMs = 6.5 * second;
/** Three engines of their own, and a machine that is busy. */
const patientMs = 180 * second;

async function openWorld(context: TestContext, adapter: string, pushes = false): Promise<World> {
  const engine = embeddedEngine();
  await engine.start();
  context.onTestFinished(() => engine.stop());
  const world = await startWorld({ engine: engine.settings(), adapter, pushes });
  context.onTestFinished(() => world.stop());
  return world;
}

const said = (world: World, message: string, { key }: Purchase): Record<string, unknown>[] =>
  world.logged
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ msg, paymentId }) => msg === message && paymentId === key.paymentId);

/** Norce carries out the payment's next write of this method so late that nobody waits for its answer any more. */
function carryOutLate(world: World, { key }: Purchase, wanted: "PUT" | "POST", slowMs: number) {
  const match = ({ method, paymentId }: { readonly method: string; readonly paymentId: string }): boolean =>
    method === wanted && paymentId === key.paymentId;
  return world.norce.fault({ match, times: 1, slowMs });
}

/** When the payment's timer is due, in milliseconds from now; `undefined`: nothing is queued. */
async function timerOf({ engine, now }: World, { key }: Purchase): Promise<number | undefined> {
  const timers = engine.queue<object>("timers", "patient");
  const id = await timers.getDeduplicationJobId(laneId(key));
  const job = typeof id === "string" ? await timers.getJob(id) : undefined;
  return job === undefined ? undefined : job.timestamp + job.delay - now();
}

// Time-outs take their time: side by side.
describe.concurrent("what Norce carries out late", () => {
  test(
    "a payment: it is written by nobody meanwhile, and turned back for no longer than a minute",
    async (context) => {
      const { expect } = context;
      const world = await openWorld(context, "klarna-checkout");
      const purchase = world.purchase();
      purchase.act("pay");
      const late = carryOutLate(world, purchase, "PUT", lateMs + 2 * second);
      const states: string[] = [];
      world.norce.onChange(({ paymentId }) => {
        if (paymentId === purchase.key.paymentId && states.at(-1) !== purchase.state()) states.push(purchase.state());
      });
      await purchase.push();
      // Its sender may die before it hears the answer: until when the write may still be carried out is noted before it leaves.
      await until(() => late.struck === 1, "the write to leave");
      const { known } = await world.queue.looks.read(purchase.key);
      expect((known?.notBefore ?? 0) - world.now()).toBeGreaterThan(25 * second);
      await until(() => said(world, "payment.later", purchase).length > 0, "the write to be given up");
      expect([late.struck, purchase.state()]).toEqual([1, "intent"]);
      purchase.act("capture");
      // A webhook that comes meanwhile does not have it written, nor is it forgotten.
      const writes = (): unknown => ({ ...world.norce.writes });
      const before = writes();
      await purchase.push();
      await world.idle();
      expect(writes()).toEqual(before);
      const due = await timerOf(world, purchase);
      expect(due).toBeGreaterThan(20 * second);
      expect(due).toBeLessThanOrEqual(31 * second);
      // Half a minute later it is written, and Norce carries out the old write still later.
      world.advance(31 * second);
      await purchase.push();
      await purchase.reaches("captured");
      await until(() => purchase.state() === "reserved", "the late write");
      await world.idle();
      // Nobody calls any more: the look that turns it right is planned already.
      const timers = world.engine.queue<object>("timers", "patient");
      const id = await timers.getDeduplicationJobId(laneId(purchase.key));
      await (await timers.getJob(id ?? ""))?.promote();
      await purchase.reaches("captured");
      await world.idle();
      expect(states).toEqual(["captured", "reserved", "captured"]);
      expect(purchase.transactions().map(({ event }) => event)).toEqual(["confirm", "capture"]);
    },
    patientMs,
  );

  test(
    "a line of its log: it stands there once",
    async (context) => {
      const { expect } = context;
      const world = await openWorld(context, "klarna-checkout");
      const purchase = world.purchase();
      purchase.act("pay");
      const late = carryOutLate(world, purchase, "POST", lateMs);
      await purchase.push();
      await until(() => said(world, "payment.later", purchase).length > 0, "the write to be given up");
      for (const _ of ["again", "and again"]) await purchase.push();
      await until(() => purchase.transactions().length > 0, "the late line");
      expect(late.struck).toBe(1);
      world.advance(31 * second);
      const looked = said(world, "payment.unchanged", purchase).length;
      await purchase.push();
      await until(() => said(world, "payment.unchanged", purchase).length > looked, "a look that finds it");
      expect(purchase.transactions().map(({ event }) => event)).toEqual(["confirm"]);
    },
    patientMs,
  );

  test(
    "the line of what came of an operation: it stands there once",
    async (context) => {
      const { expect } = context;
      const world = await openWorld(context, "klarna-checkout");
      const purchase = world.purchase();
      purchase.act("pay");
      await purchase.push();
      await purchase.reaches("reserved");
      await world.idle();
      const late = carryOutLate(world, purchase, "POST", lateMs);
      const id = await world.queue.operations.ask({ key: purchase.key, name: "capture" }, "a-key");
      const stateOf = async () => (await world.queue.operations.read(id))?.state;
      const lines = (): unknown[] => purchase.transactions().filter(({ event }) => event === "paymentAction");
      await until(() => late.struck === 1, "the line to leave");
      // Its sender may die before it hears the answer: until when the line may still be written is noted before it leaves.
      expect(((await stateOf())?.notBefore ?? 0) - world.now()).toBeGreaterThan(25 * second);
      const jobs = world.engine.queue<object>("operations", "patient");
      const goesOn = async (): Promise<void> => {
        await until(async () => (await jobs.getJobCounts("delayed"))["delayed"] === 1, "the operation to wait");
        for (const job of await jobs.getJobs(["delayed"])) await job.promote();
      };
      // Whoever has it next, too early, does not write it again, nor forget it.
      await goesOn();
      await until(() => lines().length === 1, "the late line");
      world.advance(31 * second);
      await goesOn();
      await until(async () => (await stateOf())?.outcome !== undefined, "its end");
      expect([(await stateOf())?.outcome?.status, late.struck, lines().length]).toEqual(["done", 1, 1]);
      await purchase.reaches("captured");
    },
    patientMs,
  );

  test(
    "an event that is kept: it is kept once, however often its webhook comes again",
    async (context) => {
      const { expect } = context;
      const world = await openWorld(context, "adyen-dropin", true);
      const purchase = world.purchase();
      const late = carryOutLate(world, purchase, "POST", lateMs);
      purchase.act("pay");
      await until(() => world.logged.some((line) => line.includes('"event.later"')), "the write to be given up");
      expect([late.struck, purchase.transactions().length]).toEqual([1, 0]);
      const events = world.engine.queue<StoredEvent>("events-adyen-dropin", "patient");
      const [job] = await events.getJobs(["delayed"]);
      if (job === undefined) throw new Error("the event does not wait");
      // The PSP sends it again: another copy, which may not append while the first may still be carried out.
      await world.queue.inbox.add([job.data]);
      await until(async () => (await events.getJobCounts("delayed", "active"))["delayed"] === 2, "the copy to wait");
      await until(() => purchase.transactions().length > 0, "the late line");
      // Later than any write is carried out.
      await world.engine.store("patient").remove("lock", `event-${eventId(job.data)}`);
      for (const waiting of await events.getJobs(["delayed"])) await waiting.promote().catch(() => undefined);
      await purchase.reaches("reserved");
      await until(async () => (await events.getJobCounts("delayed", "active", "waiting"))["delayed"] === 0, "its end");
      await world.idle();
      expect(purchase.transactions().map(({ pspEvent }) => pspEvent)).toEqual(["AUTHORISATION"]);
    },
    patientMs,
  );
});
