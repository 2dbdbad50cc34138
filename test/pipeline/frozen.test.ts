import { describe, expect, test } from "vitest";
import type { StoredEvent } from "../../src/queue/jobs.ts";
import { eventId, eventsName, operationsName } from "../../src/queue/names.ts";
import { pauses } from "../../src/workers/patience.ts";
import { embeddedEngine } from "../support/engines.ts";
import { handWorker, jobOf } from "../support/hand-worker.ts";
import type { Purchase, World } from "../support/service.ts";
import { openWorldFor } from "../support/worlds.ts";
import { until } from "../support/until.ts";

/**
 * A worker that is frozen (a VM's pause, SIGSTOP) at any moment after the engine gave it a job, loses it to another one, and wakes when
 * that one is done.
 */

/** More than there are moments at which one job waits for somebody. */
const mostMoments = 40;
const asLongAsItTakes = 300_000;

/** A job, and whoever may take it over. */
interface Scene {
  readonly world: World;
  readonly queue: string;
  readonly data: unknown;
  /** Whatever it held runs out while it stands still. */
  readonly runsOut?: () => Promise<unknown>;
  /** The job belongs to somebody else now: it runs there, until this says that it is done. */
  readonly isDone: () => Promise<boolean>;
  /** Right before the frozen one goes on. */
  readonly beforeItWakes?: () => void;
}

/** Runs it, frozen at that moment. @returns whether it ended before. */
async function freezeAt(moment: number, scene: Scene): Promise<boolean> {
  const { world, queue, data, runsOut, isDone, beforeItWakes } = scene;
  const [frozen, thawed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let [passed, lost] = [0, false];
  const passes = async (): Promise<void> => {
    passed += 1;
    if (passed !== moment + 1) return;
    frozen.resolve();
    await thawed.promise;
  };
  const running = handWorker(world, passes)(queue)(jobOf(queue, data, () => !lost));
  const ended = await Promise.race([frozen.promise.then(() => false), running.then(() => true)]);
  if (!ended) {
    lost = true;
    await runsOut?.();
    // What the frozen one may have sent to Norce is waited for.
    world.advance(pauses.lateWriteMs);
    const other = handWorker(world, async () => undefined)(queue);
    await until(async () => {
      await other(jobOf(queue, data, () => true));
      return await isDone();
    }, "the other worker to end it");
  }
  beforeItWakes?.();
  thawed.resolve();
  await running;
  return ended;
}

const keysOf = (purchase: Purchase): unknown[] =>
  purchase
    .transactions()
    .map(({ responseJson }) =>
      typeof responseJson === "string" ? (JSON.parse(responseJson) as { readonly eventKey?: unknown }).eventKey : null,
    );

// Avarda promises nothing about a repeated request: what is sent twice is captured twice.
describe("an operation", () => {
  let world: World;
  openWorldFor(embeddedEngine(), (opened) => (world = opened), { adapter: "avarda-checkout" });

  test(
    "is sent once at most, wherever its worker was frozen when it lost it",
    { timeout: asLongAsItTakes },
    async () => {
      const purchases = Array.from({ length: 24 }, () => world.purchase());
      for (const purchase of purchases) {
        purchase.act("pay");
        await purchase.refresh();
      }
      for (const purchase of purchases) await purchase.reaches("reserved");
      await world.stopWorker();
      /** What became of each, and how often the PSP was told. */
      const told: string[] = [];
      for (const [moment, purchase] of purchases.entries()) {
        const { key, reference } = purchase;
        const id = await world.queue.operations.ask({ key, name: "capture" }, `key-${moment}`);
        const captures = world.psp.fault({
          match: ({ method, path }) => method === "POST" && path.includes(reference) && path.endsWith("/order"),
          slowMs: 0,
        });
        const outcome = async (): Promise<string | undefined> =>
          (await world.queue.operations.read(id))?.state.outcome?.status;
        const isDone = async (): Promise<boolean> => (await outcome()) !== undefined;
        const ended = await freezeAt(moment, { world, queue: operationsName, data: { id }, isDone });
        const lines = purchase.transactions().map((line) => JSON.stringify(line["responseJson"] ?? null));
        const linesOf = (name: string): number => lines.filter((line) => line.includes(`${name}:${id}`)).length;
        expect({ moment, sent: linesOf("sent"), ended: linesOf("operation") }).toEqual({ moment, sent: 1, ended: 1 });
        told.push(`${await outcome()} ${captures.struck}`);
        if (ended) break;
      }
      // Frozen before that it is sent was written down, the other one captures. From then on nobody does who has not, and a person is asked.
      const before = told.indexOf("unknown 0");
      const after = told.indexOf("unknown 1");
      expect(told.slice(0, before), told.join()).toEqual(Array.from({ length: before }, () => "done 1"));
      expect([before > 5, after > before], told.join()).toEqual([true, true]);
      expect(new Set(told)).toEqual(new Set(["done 1", "unknown 0", "unknown 1"]));
      // The last one came to its end before it could be frozen.
      expect([told.length < purchases.length, told.at(-1)]).toEqual([true, "done 1"]);
    },
  );
});

/** Counts what the payment was written with. */
const writesTo = (world: World, { key }: Purchase) =>
  world.norce.fault({ match: ({ method, paymentId }) => method !== "GET" && paymentId === key.paymentId, slowMs: 0 });

describe("an event that is kept", () => {
  let world: World;
  openWorldFor(embeddedEngine(), (opened) => (world = opened), { adapter: "adyen-dropin", pushes: true });

  test("is kept once, wherever its worker was frozen when it lost it", { timeout: asLongAsItTakes }, async () => {
    await world.stopWorker();
    let moments = 0;
    for (let ended = false; !ended; moments += 1) {
      const purchase = world.purchase();
      const event = await eventOf(purchase);
      const looks = async (): Promise<boolean> => (await world.queue.looks.read(purchase.key)).asked !== undefined;
      const writes = writesTo(world, purchase);
      let written = 0;
      ended = await freezeAt(moments, {
        world,
        queue: eventsName("adyen-dropin"),
        data: event,
        runsOut: async () => await world.engine.store("patient").remove("lock", `event-${eventId(event)}`),
        isDone: looks,
        beforeItWakes: () => (written = writes.struck),
      });
      const late = ended ? 0 : writes.struck - written;
      const [kept, asked] = [keysOf(purchase).length, await looks()];
      expect({ moments, late, kept, asked }).toEqual({ moments, late: 0, kept: 1, asked: true });
      expect(moments).toBeLessThan(mostMoments);
    }
    expect(moments).toBeGreaterThan(5);
  });

  /** What a worker is given once the purchase was paid. */
  async function eventOf(purchase: Purchase): Promise<StoredEvent> {
    const inbox = world.engine.queue<{ readonly events: readonly StoredEvent[] }>("inbox", "patient");
    purchase.act("pay");
    const found: StoredEvent[] = [];
    await until(async () => {
      found.push(...(await inbox.getJobs(["waiting"])).flatMap(({ data }) => data.events));
      return found.length > 0;
    }, "its event");
    await inbox.drain();
    const [event] = found;
    if (event === undefined) throw new Error("no event");
    return event;
  }
});
