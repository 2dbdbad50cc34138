import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { stringify } from "yaml";
import { type EngineName, openEngine, type ProvenEngine } from "./engines.ts";
import { keep, type Kept, type Plan } from "./fleet.ts";
import type { Progress, Verdict, Where, WorldMessage } from "./messages.ts";
import { openProxy } from "./proxy.ts";
import { type Chance, createChance } from "./random.ts";
import type { Recovery, Run } from "./table.ts";
import { makeTrouble } from "./trouble.ts";
import { createWire, type Moment } from "./wire.ts";

const signingKey = "prove-signing-key-of-32-characters";
const adminToken = "prove-admin-token-of-32-characters";
/** How many payments live at once: more would only make each other late on two cores. */
const atOnce = 100;
/** At rest everything that waits has come due by then: the longest wait after an outage is a few minutes, and the machine may be busy. */
const restMs = 10 * 60_000;
/** A worker asks Norce or a PSP. */
const workersMoment: Moment = { whom: "world", way: "up", begins: /^/, after: 5 };

/** What is proven: on which engine, for how long, with which draws, with payments of which adapters (none: all). */
export interface World {
  readonly engine: EngineName;
  readonly minutes: number;
  readonly seed: number;
  readonly adapters: readonly string[];
}

/** One world on one engine: trouble for some minutes, then rest, the judgement, and how long recovery takes. */
export async function prove({ engine: name, minutes, seed, adapters }: World): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), "norce-psp-prove-"));
  const says = (what: string): void => console.error(`${name}, seed ${seed}: ${what}`);
  says(`logs in ${folder}`);
  const chance = createChance(seed, "prove");
  const engine = await openEngine(name);
  const front = await openProxy();
  const world = openWorld();
  const fleet: Kept[] = [];
  try {
    const frontUrl = `http://127.0.0.1:${front.port}`;
    const opening = { ask: "open", seed, front: frontUrl, signingKey, adminToken, adapters } as const;
    const where = await world.ask<Where>(opening);
    const { webs, workers, services } = await startFleet(name, engine, folder, frontUrl, where);
    fleet.push(...webs, ...workers, ...services);
    front.lead([...webs, ...services].map(({ port }) => port));

    const trouble = makeTrouble({ webs, workers, services, engine: engine.troubles, chance: chance.for("trouble") });
    const early = new Map<string, number>();
    const end = Date.now() + minutes * 60_000;
    const began = Date.now();
    while (Date.now() < end) {
      const { begun, over } = await world.ask<Progress>({ ask: "progress" });
      const wanted = Math.max(0, atOnce - (begun - over));
      if (wanted > 0) await world.ask({ ask: "live", payments: wanted });
      if (early.size === 0 && Date.now() - began > (end - began) / 5)
        for (const { name: who, residentMb } of fleet) early.set(who, residentMb());
      await pause(1_000);
    }
    await trouble.end();
    await world.ask({ ask: "rest" });
    await untilRest(world, says);
    const memory = Object.fromEntries(
      fleet.map(({ name: who, residentMb }) => [who, [early.get(who) ?? 0, residentMb()] as const]),
    );
    const verdict = await world.ask<Verdict>({ ask: "judge", excuses: trouble.excuses });
    const recovery = await measureRecovery(world, workers[0] ?? services[0], engine, chance.for("recovery"));
    const notes = [
      ...(engine.notes?.() ?? []),
      ...(fleet.some(({ jump }) => jump) ? [] : ["no libfaketime: clocks did not jump"]),
    ];
    return {
      engine: name,
      promise: engine.promise,
      seed,
      minutes,
      struck: trouble.struck,
      verdict,
      recovery,
      memory,
      notes,
    };
  } finally {
    await Promise.all(fleet.map((one) => one.stop()));
    world.end();
    await front.close();
    await engine.stop();
  }
}

/** Two of each; the embedded engine belongs to one process, which is both. Each has a wire of its own, and of two one has a clock of its own. */
async function startFleet(
  name: EngineName,
  engine: ProvenEngine,
  folder: string,
  publicUrl: string,
  { orderApi, pspUrl, token, merchants }: Where,
): Promise<Record<"webs" | "workers" | "services", readonly Kept[]>> {
  const start = async (called: string, script: Plan["script"]): Promise<Kept> => {
    const wire = createWire();
    const port = engine.port === undefined ? 0 : await wire.lead("engine", engine.port);
    const wired = async (text: string, url: string): Promise<string> => {
      const { origin } = new URL(url);
      const by = `http://127.0.0.1:${await wire.lead("world", Number(new URL(url).port))}`;
      // PayPal's certificates are looked for where its API is: at another address its webhooks would prove nothing.
      return text.replaceAll(origin, by).replaceAll(`${by}/paypal`, `${origin}/paypal`);
    };
    const settings = stringify({ norce: { orderApi, token }, merchants });
    writeFileSync(join(folder, `${called}.yaml`), await wired(await wired(settings, orderApi), pspUrl));
    const environment = {
      ...engine.environment(port),
      CONFIG_FILE: `${called}.yaml`,
      URL_SIGNING_KEYS: signingKey,
      ADMIN_TOKEN: adminToken,
      PUBLIC_URL: publicUrl,
      // What webhooks lose would be hidden by the sweep.
      SWEEP_INTERVAL_SECONDS: "86400",
    };
    return await keep({ name: called, script, folder, environment, wire, hasClock: !called.endsWith("1") });
  };
  if (name === "embedded") return { webs: [], workers: [], services: [await start("service", "start.ts")] };
  return {
    webs: await Promise.all(["web-1", "web-2"].map((called) => start(called, "web.ts"))),
    workers: await Promise.all(["worker-1", "worker-2"].map((called) => start(called, "worker.ts"))),
    services: [],
  };
}

/** Until every life is over and Norce says what the PSPs say, or the longest wait has come due. */
async function untilRest(world: Peers, says: (what: string) => void): Promise<void> {
  const deadline = Date.now() + restMs;
  for (let before = -1; Date.now() < deadline;) {
    const { begun, over, behind } = await world.ask<Progress>({ ask: "progress" });
    if (begun === over && behind === 0) return;
    if (behind !== before) says(`at rest: ${begun - over} lives go on, Norce is behind at ${behind}`);
    before = behind;
    await pause(2_000);
  }
}

/** How long a burst of twenty payments takes on a quiet day, and where something happens in the middle of it. Seconds. */
async function measureRecovery(
  world: Peers,
  worker: Kept | undefined,
  { troubles }: ProvenEngine,
  chance: Chance,
): Promise<Run["recovery"]> {
  const slowest = async (): Promise<number> =>
    Math.max(...(await world.ask<number[]>({ ask: "burst", payments: 20 }))) / 1_000;
  const found: Record<string, Recovery> = { quiet: { seconds: await slowest() } };
  if (worker !== undefined) {
    const burst = slowest();
    // It has looks in hand.
    await worker.wire.at(workersMoment, () => undefined, 1_000);
    const back = worker.kill(500);
    found["a worker killed in the middle"] = { seconds: await burst, goal: 15 };
    await back;
  }
  const restart = troubles.find(({ recoversFrom }) => recoversFrom !== undefined);
  if (restart !== undefined) {
    const { name, recoversFrom } = restart;
    let began = Date.now();
    const strike = async (): Promise<void> => {
      await restart.strike(chance);
      if (recoversFrom === "back") began = Date.now();
    };
    const back = strike();
    const burst = slowest();
    await back;
    const next = slowest();
    await burst;
    // What the engine gave away as it died, and nobody heard of, is found as a dead worker's would be.
    found[`${name}: what was under way`] = { seconds: (Date.now() - began) / 1_000, goal: 15 };
    found[`${name}: what came then`] = { seconds: await next, goal: 5 };
  }
  return found;
}

/** The process around the service. */
interface Peers {
  ask<Answer>(message: WorldMessage): Promise<Answer>;
  end(): void;
}

function openWorld(): Peers {
  const child: ChildProcess = fork(join(import.meta.dirname, "world.ts"), {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  process.once("exit", () => child.kill("SIGKILL"));
  let isWanted = true;
  const died = new Promise<never>((_, failed) =>
    child.once("exit", () => isWanted && failed(new Error("Norce and the PSPs ended by themselves"))),
  );
  died.catch(() => undefined);
  let last: Promise<unknown> = new Promise((ready) => child.once("message", ready));
  return {
    // One question after the other: an answer has no name.
    async ask<Answer>(message: WorldMessage) {
      const asked = last.then(
        () =>
          new Promise<Answer>((answered) => {
            child.once("message", (answer) => answered(answer as Answer));
            child.send(message);
          }),
      );
      last = asked;
      return await Promise.race([asked, died]);
    },
    end() {
      isWanted = false;
      child.kill("SIGKILL");
    },
  };
}
