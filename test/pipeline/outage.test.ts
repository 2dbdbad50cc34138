import { afterEach, describe, expect, onTestFinished, test } from "vitest";
import { type ServerEngine, serverEngines } from "../support/engines.ts";
import { crash, freezeAll, thawAll } from "../support/outages.ts";
import { type Purchase, startWorld, type World } from "../support/service.ts";
import { openWorldFor } from "../support/worlds.ts";
import { until } from "../support/until.ts";

const second = 1_000;
/** PostgreSQL may take a job's end with it into the grave; the job is found as a dead worker's would be. */
const recovery = 30 * second;

interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly tookMs: number;
}

async function timed(work: Promise<Response>): Promise<Answer> {
  const started = performance.now();
  const response = await work;
  await response.arrayBuffer();
  const { status, headers } = response;
  return { status, retryAfter: headers.get("retry-after"), tookMs: performance.now() - started };
}

function expectRefused(answers: readonly Answer[]): void {
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
  for (const { retryAfter } of answers) expect(Number(retryAfter)).toBeGreaterThan(0);
  // The service answers after 750 ms at the latest; what is above that is this machine's.
  expect(Math.max(...answers.map(({ tookMs }) => tookMs))).toBeLessThan(2 * second);
}

/** What the PSP does: it comes again until it is told that we have it. */
async function pushed(purchase: Purchase): Promise<void> {
  await until(async () => (await purchase.push()).status === 200, "a push to be taken");
}

function paid(world: World): Purchase {
  const purchase = world.purchase();
  purchase.act("pay");
  return purchase;
}

const health = async ({ url }: World, which: "live" | "ready"): Promise<Answer> =>
  await timed(fetch(`${url}/health/${which}`));

const said = ({ logged }: World, message: string): Record<string, unknown>[] =>
  logged.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ msg }) => msg === message);

interface Outage {
  readonly name: string;
  begin(engine: ServerEngine): Promise<void>;
  end(engine: ServerEngine): Promise<void>;
  /** Whether the server may find out later what it was asked meanwhile. */
  readonly remembers: boolean;
}

const outages: readonly Outage[] = [
  {
    name: "down",
    begin: (engine) => engine.kill(),
    end: (engine) => engine.restart(),
    remembers: false,
  },
  {
    name: "frozen",
    begin: async (engine) => freezeAll(engine),
    end: async (engine) => thawAll(engine),
    remembers: true,
  },
];

describe.each(serverEngines())("on $name", (engine: ServerEngine) => {
  let world: World;

  openWorldFor(engine, (opened) => (world = opened));
  afterEach(async () => {
    world.norce.clearFaults();
    world.psp.clearFaults();
    await until(async () => (await health(world, "ready")).status === 200, "the queue to be there again");
    await world.idle();
  });

  /** An outage that ends with its test, at the latest. */
  async function during<T>(outage: Outage, act: () => Promise<T>): Promise<T> {
    await outage.begin(engine);
    try {
      return await act();
    } finally {
      await outage.end(engine);
    }
  }

  test.each(outages)(
    "answers 503 with Retry-After within a second while the queue is $name, and recovers by itself",
    async (outage) => {
      const [before, meanwhile, refused] = [paid(world), paid(world), paid(world)];
      await pushed(before);
      await before.reaches("reserved");
      await world.idle();
      const lines = world.logged.length;
      await during(outage, async () => {
        for (const _ of ["at first", "and later"]) {
          const pushes = Array.from({ length: 20 }, () => timed(meanwhile.push()));
          const others = [timed(refused.push()), timed(meanwhile.refresh()), health(world, "ready")];
          expectRefused(await Promise.all([...pushes, ...others]));
        }
        expect(await health(world, "live")).toMatchObject({ status: 200 });
      });
      await pushed(meanwhile);
      await meanwhile.reaches("reserved");
      expect(await health(world, "ready")).toMatchObject({ status: 200 });
      await world.idle();
      // What the server never heard of must not happen by itself: the PSP was told to come again.
      if (!outage.remembers) expect(refused.state()).toBe("intent");
      await pushed(refused);
      await refused.reaches("reserved");
      // The outage is told once and not once per connection or webhook.
      const told = world.logged.slice(lines).filter((line) => line.includes('"msg":"queue.unreachable"'));
      expect(told.length).toBeLessThan(5);
    },
  );

  test("acknowledges only after the queue has the event", async () => {
    const purchases = Array.from({ length: 10 }, () => paid(world));
    freezeAll(engine);
    try {
      expectRefused(await Promise.all(purchases.map((purchase) => timed(purchase.push()))));
    } finally {
      thawAll(engine);
    }
    await Promise.all(purchases.map(pushed));
    await Promise.all(purchases.map((purchase) => purchase.reaches("reserved")));
  });

  test("settles a look that ended while the queue was down", async () => {
    const [written, failed] = [paid(world), paid(world)];
    const slow = world.psp.fault({ match: ({ path }) => path.includes(written.reference), times: 1, slowMs: 700 });
    const failing = world.norce.fault({
      match: ({ method, paymentId }) => method === "PUT" && paymentId === failed.key.paymentId,
      times: 1,
      slowMs: 700,
      status: 500,
    });
    await Promise.all([pushed(written), pushed(failed)]);
    await until(() => slow.struck === 1 && failing.struck === 1, "both looks to be under way");
    const lines = said(world, "job.unsettled").length;
    await engine.kill();
    try {
      await until(() => said(world, "job.unsettled").length > lines || engine.name === "redis", "trouble to be told");
      // Whoever cannot prove that the look is still its own writes nothing.
      expect(written.state()).toBe("intent");
    } finally {
      await engine.restart();
    }
    // The failed look's next one was owed to a timer that could not be written while the server was down.
    await Promise.all([written.reaches("reserved"), failed.reaches("reserved")]);
    const done = (purchase: Purchase): boolean =>
      said(world, "payment.written").some(({ paymentId }) => paymentId === purchase.key.paymentId);
    await until(() => done(written) && done(failed), "both looks to be told");
    for (const purchase of [written, failed]) {
      purchase.act("capture");
      await pushed(purchase);
    }
    await Promise.all(
      [written, failed].map((purchase) => until(() => purchase.state() === "captured", "the next look", recovery)),
    );
  }, 300_000);
});

describe.each(serverEngines().filter(({ name }) => name === "redis"))("on $name", (engine: ServerEngine) => {
  test("comes up while Redis is down, answers 503, and works once it is there", async () => {
    await engine.start();
    onTestFinished(() => engine.stop());
    await engine.kill();
    const world = await startWorld({ engine: engine.settings() });
    const purchase = paid(world);
    expectRefused([await timed(purchase.push()), await health(world, "ready")]);
    expect(await health(world, "live")).toMatchObject({ status: 200 });
    await engine.restart();
    await pushed(purchase);
    await purchase.reaches("reserved");
    expect(await health(world, "ready")).toMatchObject({ status: 200 });
    await world.idle();
    await world.stop();
  });
});

// Finding what the server took with it takes ten seconds by its nature: the engines do so side by side.
describe.concurrent("an event that was acknowledged", () => {
  test.for(serverEngines())(
    "is applied when $name is killed right after",
    { timeout: 300 * second },
    async (engine, context) => {
      await engine.start();
      context.onTestFinished(() => engine.stop());
      const world = await startWorld({ engine: engine.settings() });
      // Norce is away, so that everything is still owed when the server dies.
      const away = world.norce.fault({ status: 503 });
      const acknowledged: Purchase[] = [];
      const crashed = new AbortController();
      const shop = async (): Promise<void> => {
        while (!crashed.signal.aborted) {
          const purchase = paid(world);
          if ((await purchase.push()).status === 200) acknowledged.push(purchase);
        }
      };
      const shops = Array.from({ length: 6 }, shop);
      await until(() => acknowledged.length >= 60, "acknowledgements");
      await crash(engine);
      crashed.abort();
      await Promise.all(shops);
      context.expect(acknowledged.every(({ state }) => state() === "intent")).toBe(true);
      away.clear();
      await engine.restart();
      const applied = (): boolean => acknowledged.every(({ state }) => state() === "reserved");
      await until(applied, "every acknowledged event to be applied", recovery);
      await world.idle();
      context.expect(await world.queue.letters.list(10)).toEqual([]);
      await world.stop();
    },
  );
});
