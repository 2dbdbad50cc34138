/**
 * The law: acknowledged means looked at. Whatever makes a job run twice, and whatever shape an event has: once its webhook was acknowledged,
 * its payment ends right, with the sweep off and nobody calling again.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { embeddedEngine } from "../support/engines.ts";
import { type Purchase, type PurchaseOptions, startWorld, type World } from "../support/service.ts";
import { until } from "../support/until.ts";

/** How an event comes: which adapter, and whether its payment has its reference. Each payment is told of by its own webhooks, once. */
const shapes: readonly { readonly name: string; readonly adapter: string; readonly referenced: boolean }[] = [
  { name: "a hint whose URL names the payment", adapter: "klarna-checkout", referenced: true },
  { name: "a hint that names the reference to bind", adapter: "klarna-checkout", referenced: false },
  { name: "an account-level event that is kept", adapter: "adyen-dropin", referenced: true },
  { name: "an account-level hint", adapter: "svea-checkout", referenced: true },
  { name: "an account-level event that may have to be proven later", adapter: "paypal", referenced: true },
];

/** What goes wrong, from before the webhook on; `purchases` says how many payments there are. */
interface Trouble {
  readonly name: string;
  readonly purchases?: number;
  readonly options?: PurchaseOptions;
  begin?(world: World): void;
  /** Once every webhook is acknowledged. */
  goOn?(world: World, purchases: readonly Purchase[]): Promise<void>;
}

/** How often somebody asked for a proof in vain. */
let askedInVain = 0;

const troubles: readonly Trouble[] = [
  {
    // First of all: once a certificate is known nobody asks for it again.
    name: "a prover that is down at first",
    begin({ psp }) {
      askedInVain = 0;
      psp.fault({ match: isCertificate, status: 503 });
      psp.fault({ match: (request) => isProof(request) && ++askedInVain > 0, status: 503 });
    },
    async goOn({ psp }, purchases) {
      // Of each event more often than a client repeats a question by itself: whoever took silence for a no has asked for the last time.
      const events = psp.webhooks().filter(({ about }) => purchases.some(({ key }) => key.paymentId === about)).length;
      if (adapterOf(purchases) === "paypal")
        await until(() => askedInVain > 3 * events, "PayPal to be asked for each proof, and once more", 60_000);
      psp.clearFaults();
    },
  },
  { name: "nothing" },
  {
    name: "a PSP that asks to be left alone",
    begin: ({ psp }) => psp.fault({ times: 1, status: 429, retryAfterSeconds: 1 }),
  },
  { name: "a PSP that is down for a while", begin: ({ psp }) => psp.fault({ times: 4, status: 503 }) },
  {
    name: "Norce that answers 500 once to what is asked first",
    begin: ({ norce }) => norce.fault({ times: 1, status: 500 }),
  },
  {
    name: "Norce that loses the answer to a write",
    begin: ({ norce }) => norce.fault({ match: isWrite, times: 1, drop: "after" }),
  },
  { name: "a crowd", purchases: 30, begin: ({ norce }) => norce.fault({ times: 60, slowMs: 30 }) },
  {
    name: "an order that is not there yet",
    options: { present: false },
    async goOn(world, purchases) {
      await until(() => world.norce.received > 0, "somebody to look for it");
      for (const purchase of purchases) purchase.appear();
    },
  },
  {
    name: "a worker that stops in the middle, and another one",
    begin: ({ norce }) => norce.fault({ times: 3, slowMs: 400 }),
    async goOn(world) {
      await world.restartWorker();
    },
  },
];

function adapterOf([purchase]: readonly Purchase[]): string | undefined {
  return purchase?.key.adapter;
}

function isCertificate({ path }: { readonly path: string }): boolean {
  return path.includes("/certs/");
}

function isProof({ path }: { readonly path: string }): boolean {
  return path.includes("webhooks-events");
}

function isWrite({ method }: { readonly method: string }): boolean {
  return method !== "GET";
}

const adapters = [...new Set(shapes.map(({ adapter }) => adapter))];

describe.each(adapters)("%s: acknowledged means looked at", (adapter) => {
  const engine = embeddedEngine();
  let world: World;

  beforeAll(async () => {
    await engine.start();
    world = await startWorld({
      engine: engine.settings(),
      adapter,
      pushes: true,
      environment: { WORKER_CONCURRENCY: "4" },
    });
  }, 300_000);
  afterEach(() => {
    world.norce.clearFaults();
    world.psp.clearFaults();
  });
  afterAll(async () => {
    await world.stop();
    await engine.stop();
  });

  const cases = shapes
    .filter((shape) => shape.adapter === adapter)
    .flatMap((shape) => troubles.map((trouble) => ({ ...shape, trouble, told: `${shape.name}, ${trouble.name}` })));

  test.each(cases)("$told", { timeout: 300_000 }, async ({ trouble, referenced }) => {
    trouble.begin?.(world);
    const purchases = Array.from({ length: trouble.purchases ?? 1 }, () =>
      world.purchase({ referenced, ...trouble.options }),
    );
    const sent = world.psp.webhooks().length;
    for (const purchase of purchases) purchase.act("pay");
    const acknowledged = (): number =>
      world.psp
        .webhooks()
        .slice(sent)
        .filter(({ status }) => status < 300).length;
    await until(() => acknowledged() >= purchases.length, "the webhooks to be acknowledged");
    await trouble.goOn?.(world, purchases);
    for (const { key, state } of purchases)
      await until(() => state() === "reserved" || state() === "captured", `${key.paymentId} to end right`, 45_000);
    for (const { key } of purchases) expect(await world.queue.letters.has(key)).toBe(false);
  });
});
