import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { createSeam } from "../../src/queue/seam.ts";
import { laneName, operationsName } from "../../src/queue/names.ts";
import { startWorker } from "../../src/worker.ts";
import { type ServerEngine, serverEngines } from "../support/engines.ts";
import { meddlerOf } from "../support/meddler.ts";
import { openPassage } from "../support/passage.ts";
import { type Purchase, startWorld, type World } from "../support/service.ts";
import { until } from "../support/until.ts";

/**
 * A worker that is frozen (a VM's pause, SIGSTOP) after the engine gave it a job and before it heard of that. Its lock runs out, another one
 * has the job and ends it, and it wakes: with a job in its hands that it never lost as far as it knows.
 */

/** Longer than any lock lives, and than anybody waits for a write that may be carried out late. */
const asleepMs = 60_000;
/** How long the PSP takes where somebody is to wake up meanwhile; less than a request may take. */
const slowMs = 3_000;

/** A second worker process, as far as its connections to the engine go, that stands still when it is given a job. */
async function openSleeper(world: World, engine: ServerEngine, text: string) {
  const { redisUrl, queueUrl, ...settings } = engine.settings();
  const passage = await openPassage(Number(new URL(redisUrl ?? queueUrl ?? "").port));
  onTestFinished(() => passage.close());
  const through = (url: string): string => Object.assign(new URL(url), { port: String(passage.port) }).href;
  const { held, release } = passage.holdFrom(text);
  const { config, log, meters, now } = world;
  const own = await engine.open(log, {
    ...settings,
    ...(redisUrl === undefined ? {} : { redisUrl: through(redisUrl) }),
    ...(queueUrl === undefined ? {} : { queueUrl: through(queueUrl) }),
  });
  const worker = startWorker({ config, engine: own, queue: createSeam(own, { now }), log, meters, now });
  return {
    held,
    /** It goes on, and by the clock it has been away. */
    wake() {
      const clock = Date.now.bind(Date);
      vi.spyOn(Date, "now").mockImplementation(() => clock() + asleepMs);
      release();
    },
    /** What runs there comes to its end first. */
    async close() {
      await worker.close();
      await own.close();
    },
  };
}

/** Counts what Norce and the PSP are asked about the payment, and what they are told. */
function callsAbout({ norce, psp }: World, { key, reference }: Purchase) {
  const isWrite = (method: string): boolean => method !== "GET";
  const about = [
    norce.fault({ match: ({ method, paymentId }) => paymentId === key.paymentId && isWrite(method), slowMs: 0 }),
    psp.fault({ match: ({ method, path }) => path.includes(reference) && isWrite(method), slowMs: 0 }),
  ];
  const reads = [
    norce.fault({ match: ({ method, paymentId }) => paymentId === key.paymentId && !isWrite(method), slowMs: 0 }),
    psp.fault({ match: ({ method, path }) => path.includes(reference) && !isWrite(method), slowMs: 0 }),
  ];
  const sum = (faults: readonly { readonly struck: number }[]): number =>
    faults.reduce((all, { struck }) => all + struck, 0);
  return () => ({ writes: sum(about), reads: sum(reads) });
}

const keysOf = (purchase: Purchase): unknown[] =>
  purchase
    .transactions()
    .map(({ responseJson }) =>
      typeof responseJson === "string" ? (JSON.parse(responseJson) as { readonly eventKey?: unknown }).eventKey : null,
    );

describe.each(serverEngines())("on $name, who wakes up with a job that is somebody else's by now", (engine) => {
  beforeAll(() => engine.start(), 300_000);
  afterAll(() => engine.stop());
  async function openWorld(): Promise<World> {
    // Avarda promises nothing about a repeated request: what is sent twice is captured twice.
    const world = await startWorld({ engine: engine.settings(), adapter: "avarda-checkout" });
    onTestFinished(() => world.stop());
    onTestFinished(() => void vi.restoreAllMocks());
    return world;
  }

  /** A job of this queue is given to a worker that is frozen, and after that to another one, until this holds. */
  async function sleepThrough(world: World, queue: string, text: string, isSo: () => Promise<boolean>) {
    const sleeper = await openSleeper(world, engine, text);
    await sleeper.held;
    const meddler = await meddlerOf(engine);
    onTestFinished(async () => void (await meddler.close()));
    expect(await meddler.allRunOut(queue), "it was given one job, and its lock").toBe(1);
    await world.restartWorker();
    await until(isSo, "the other worker to come so far");
    return sleeper;
  }

  /** Payments that can be captured, and nobody who works. */
  async function reserve(world: World, count: number): Promise<Purchase[]> {
    const purchases = Array.from({ length: count }, () => world.purchase());
    for (const purchase of purchases) {
      purchase.act("pay");
      await purchase.refresh();
    }
    for (const purchase of purchases) await purchase.reaches("reserved");
    await world.idle();
    await world.stopWorker();
    return purchases;
  }
  /** An operation of 40 of 100, how it stands, and how often the PSP was told. */
  async function ask(world: World, purchase: Purchase, more: { readonly slowMs: number } = { slowMs: 0 }) {
    const told = world.psp.fault({
      match: ({ method, path }) => method === "POST" && path.includes(purchase.reference) && path.endsWith("/order"),
      ...more,
    });
    const id = await world.queue.operations.ask({ key: purchase.key, name: "capture", amount: 40 }, purchase.reference);
    const status = async (): Promise<string | undefined> =>
      (await world.queue.operations.read(id))?.state.outcome?.status;
    return { id, told, isDone: async () => (await status()) === "done", status };
  }
  async function expectOnce(world: World, purchase: Purchase, { id, told, status }: Awaited<ReturnType<typeof ask>>) {
    expect([told.struck, await status(), await world.queue.letters.count()]).toEqual([1, "done", 0]);
    const keys = keysOf(purchase);
    expect(keys).toEqual([...new Set(keys)]);
    expect(keys.filter((key) => String(key).endsWith(id))).toEqual([`sent:${id}`, `ledger:${id}`, `operation:${id}`]);
  }

  test("begins nothing: an operation was sent once and has one end", async () => {
    const world = await openWorld();
    const [purchase, next] = await reserve(world, 2);
    if (purchase === undefined || next === undefined) throw new Error("no purchases");
    const capture = await ask(world, purchase);
    const sleeper = await sleepThrough(world, operationsName, capture.id, capture.isDone);
    await world.idle();
    await world.stopWorker();
    const calls = callsAbout(world, purchase);
    sleeper.wake();
    // What it is given next it carries out: by then it has dealt with the one it held.
    const other = await ask(world, next);
    await until(other.isDone, "the next operation");
    await sleeper.close();
    expect(calls()).toEqual({ writes: 0, reads: 0 });
    await expectOnce(world, purchase, capture);
  }, 300_000);

  test("judges nothing: what is just being sent has the end that the PSP's answer gives it", async () => {
    const world = await openWorld();
    const [purchase] = await reserve(world, 1);
    if (purchase === undefined) throw new Error("no purchase");
    const capture = await ask(world, purchase, { slowMs });
    const isAsked = async (): Promise<boolean> => capture.told.struck === 1;
    const sleeper = await sleepThrough(world, operationsName, capture.id, isAsked);
    sleeper.wake();
    await until(async () => (await capture.status()) !== undefined, "the operation's end");
    await sleeper.close();
    await world.idle();
    await expectOnce(world, purchase, capture);
  }, 300_000);

  test("begins nothing: a look's lines stand once", async () => {
    const world = await openWorld();
    const [purchase, next] = [world.purchase(), world.purchase()];
    await world.stopWorker();
    purchase.act("pay");
    await purchase.refresh();
    const { key } = purchase;
    // Asked for without its webhook in between: the text stands in no other answer.
    const inbox = world.engine.queue<object>("inbox", "patient");
    await inbox.drain();
    await world.queue.looks.ask([{ key, by: "webhook", journal: [] }], "patient");
    const reserved = async (): Promise<boolean> => purchase.state() === "reserved";
    const sleeper = await sleepThrough(world, laneName("avarda-checkout"), key.paymentId, reserved);
    await world.idle();
    await world.stopWorker();
    const calls = callsAbout(world, purchase);
    const lines = purchase.transactions().length;
    sleeper.wake();
    next.act("pay");
    await world.queue.looks.ask([{ key: next.key, by: "webhook", journal: [] }], "patient");
    await next.reaches("reserved");
    await sleeper.close();
    expect(calls()).toEqual({ writes: 0, reads: 0 });
    expect([purchase.state(), purchase.transactions().length]).toEqual(["reserved", lines]);
    const keys = keysOf(purchase);
    expect([keys.length > 0, keys]).toEqual([true, [...new Set(keys)]]);
  }, 300_000);
});
