/** Norce, every PSP and the shop, in a process of their own, told what to do by messages. Their truth is in no engine and dies with no worker. */
import { loadAdapters } from "../src/adapters/registry.ts";
import type { SimulatedRequest, Simulator } from "../src/contract/simulator.ts";
import { createSigningKeys } from "../src/signatures/signing-keys.ts";
import { loadSimulator } from "../sandbox/kernel/load.ts";
import { createHistory } from "../sandbox/history.ts";
import { listenOnLoopback } from "../sandbox/loopback.ts";
import { createSandboxNorce } from "../sandbox/norce.ts";
import { createSandboxPsp } from "../sandbox/psp.ts";
import { demoChannels, demoMerchant } from "../sandbox/purchases.ts";
import { adapterIdOf, createShop } from "../sandbox/shop.ts";
import { differenceOf, judge } from "./judge.ts";
import { answerOf, createLives, insist, type Life, type Moved, note } from "./lives.ts";
import type { Progress, WorldMessage } from "./messages.ts";
import { createChance } from "./random.ts";

type Opening = Extract<WorldMessage, { ask: "open" }>;
type Moves = Record<Moved, number>;

/** Minutes of a PSP's schedule are a quarter of a second. */
const timeScale = 1 / 240;
/** Of so many requests to Norce and the PSPs something happens to one. */
const oneIn = 8;

async function openWorld({ seed, front, signingKey, adminToken, adapters: wanted }: Opening) {
  const chance = createChance(seed);
  const adapters = await loadAdapters();
  const faults: Record<string, number> = {};
  const struck = (fault: string): void => void (faults[fault] = (faults[fault] ?? 0) + 1);
  const moved = new Map<string, Moves>();
  const simulators = new Map<string, Simulator>();
  for (const folder of adapters.keys()) {
    if (wanted.length > 0 && !wanted.includes(folder)) continue;
    const simulator = await loadSimulator(folder, { timeScale });
    if (simulator !== undefined) simulators.set(folder, counting(folder, simulator));
  }

  /** What a call of the service's moved: nobody else calls the PSPs' APIs here. */
  function counting(folder: string, simulator: Simulator): Simulator {
    const ours = (): Life[] => [...lives.all.values()].filter(({ purchase }) => purchase.key.adapter === folder);
    /** The sums as they are now; what was authorized is remembered where it is the most so far. */
    const sumsOf = (life: Life): Moves => {
      const {
        authorized = 0,
        captured = 0,
        refunded = 0,
        released = 0,
      } = simulator.money(life.purchase.reference) ?? {};
      life.mostAuthorized = Math.max(life.mostAuthorized, authorized);
      return { captured, refunded, released };
    };
    return {
      ...simulator,
      act(reference, action, amount) {
        simulator.act(reference, action, amount);
        for (const life of ours()) if (life.purchase.reference === reference) sumsOf(life);
      },
      answer(request: SimulatedRequest) {
        if (request.method === "GET") return simulator.answer(request);
        const before = ours().map((life) => ({ life, sums: sumsOf(life) }));
        const answered = simulator.answer(request);
        for (const { life, sums } of before) {
          const { key } = life.purchase;
          const after = sumsOf(life);
          const all = moved.get(key.paymentId) ?? { captured: 0, refunded: 0, released: 0 };
          for (const sum of ["captured", "refunded", "released"] as const) {
            const more = Math.max(0, after[sum] - sums[sum]);
            if (more > 0) note(life, `the service's ${request.method} moved ${more} ${sum}`);
            all[sum] += more;
          }
          moved.set(key.paymentId, all);
        }
        return answered;
      },
    };
  }

  const norce = createSandboxNorce();
  const psp = createSandboxPsp({ simulators });
  const [norceServer, pspServer] = await Promise.all([listenOnLoopback(norce.handler), listenOnLoopback(psp.handler)]);
  const service = { base: front, keys: createSigningKeys([signingKey]), adminToken };
  const shop = createShop({
    norce,
    psp,
    history: createHistory(norce, psp, Date.now),
    adapters,
    service,
    now: Date.now,
  });
  const lives = createLives({ shop, psp, adapters, front, adminToken, chance: chance.for("lives"), struck });
  const counts = { webhooks: 0, begun: 0, over: 0 };
  psp.onWebhook(({ about = "", status, webhook }) => {
    if (status < 200 || status > 299) return;
    counts.webhooks += 1;
    const life = lives.all.get(about);
    if (life === undefined) return;
    life.announcedAt.push(Date.now());
    note(life, `${webhook}: ${status}`);
  });
  misbehave();

  /** Answers go wrong as chance wants it: one in so many, in all the ways in which a remote API fails. */
  function misbehave(): void {
    const often = chance.for("answers");
    const ways = [
      { name: "500", options: { status: 500 } },
      { name: "429", options: { status: 429, retryAfterSeconds: 1 } },
      { name: "HTML", options: { status: 403, html: "<html>blocked</html>" } },
      { name: "no answer, not done", options: { drop: "before" } },
      { name: "no answer, but done", options: { drop: "after" } },
      { name: "slow", options: { slowMs: 1_500 } },
      { name: "time-out, done later", options: { slowMs: 6_500 } },
    ] as const;
    for (const [peer, set] of [
      ["Norce", (options: object) => norce.fault(options)],
      ["PSP", (options: object) => psp.fault(options)],
    ] as const)
      for (const { name, options } of ways)
        set({
          ...options,
          match: () => {
            const strikes = often.is(1 / oneIn / ways.length);
            if (strikes) struck(`${peer}: ${name}`);
            return strikes;
          },
        });
  }

  const progress = (): Progress => {
    const ended = [...lives.all.values()].filter(({ isOver }) => isOver);
    const behind = ended.filter((life) => differenceOf({ norce, psp }, life) !== undefined).length;
    return { begun: counts.begun, over: counts.over, behind, acknowledged: counts.webhooks, faults };
  };

  return {
    where: {
      orderApi: `${norceServer.url}/checkout/order`,
      pspUrl: pspServer.url,
      token: norce.token,
      merchants: {
        [demoMerchant]: Object.fromEntries(
          demoChannels.map((channel) => [
            channel,
            Object.fromEntries(
              [...simulators].map(([folder, simulator]) => [
                folder,
                { adapterId: adapterIdOf(folder), ...simulator.settings(`${pspServer.url}/${folder}`) },
              ]),
            ),
          ]),
        ),
      },
    },
    begin(payments: number): void {
      for (let index = 0; index < payments; index += 1) {
        void lives.live(counts.begun++).finally(() => {
          counts.over += 1;
        });
      }
    },
    rest(): void {
      norce.clearFaults();
      psp.clearFaults();
      lives.rest();
    },
    /** Payments at once, on a day without faults: when each stands in Norce, in milliseconds after it was paid. */
    async burst(payments: number): Promise<readonly number[]> {
      const begun = Date.now();
      const paid = Array.from({ length: payments }, () => lives.payQuickly(counts.begun++));
      return await Promise.all(
        paid.map(async (life) => {
          while (differenceOf({ norce, psp }, life) !== undefined && Date.now() - begun < 90_000)
            await new Promise((done) => void setTimeout(done, 50));
          return Date.now() - begun;
        }),
      );
    },
    progress,
    judge: (told: ReadonlyMap<string, string>, excuses: Extract<WorldMessage, { ask: "judge" }>["excuses"]) => ({
      ...progress(),
      webhooks: counts.webhooks,
      looks: counts.over,
      ...judge({ norce, psp, lives: lives.all, moved }, told, excuses),
    }),
  };
}

/** Payments that the service's own report says a person has to look at, and why. */
async function namedIn(front: string, adminToken: string): Promise<Map<string, string>> {
  // A process may be on its way up.
  const report = await insist(() =>
    answerOf(`${front}/report`, { headers: { authorization: `Bearer ${adminToken}` } }),
  );
  if (report === undefined) throw new Error("the service refused to report");
  const { dead, drift } = report as {
    readonly dead: readonly { readonly paymentId?: string; readonly reason: string }[];
    readonly drift: readonly { readonly paymentId?: string; readonly name: string; readonly attention: boolean }[];
  };
  return new Map([
    ...drift.filter(({ attention }) => attention).map(({ paymentId = "", name }) => [paymentId, name] as const),
    ...dead.map(({ paymentId = "", reason }) => [paymentId, reason] as const),
  ]);
}

let world: Awaited<ReturnType<typeof openWorld>> | undefined;
let opening: Opening | undefined;

process.on("message", (message: WorldMessage) => {
  void answer(message).then((value) => process.send?.(value));
});

async function answer(message: WorldMessage): Promise<object> {
  if (message.ask === "open") {
    opening = message;
    world = await openWorld(message);
    return world.where;
  }
  if (world === undefined || opening === undefined) throw new Error("the world is not open yet");
  switch (message.ask) {
    case "live":
      world.begin(message.payments);
      return {};
    case "rest":
      world.rest();
      return {};
    case "progress":
      return world.progress();
    case "burst":
      return await world.burst(message.payments);
    case "judge":
      return world.judge(await namedIn(opening.front, opening.adminToken), message.excuses);
  }
}

process.send?.("ready");
