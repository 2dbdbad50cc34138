/**
 * `npm run prove`: real processes on a real engine, killed, frozen, rolled, cut off and emptied, while hundreds of payments live; at the end a
 * table says what became of everything that was acknowledged. Exits with 1 where anything was lost or doubled beyond what the engine promises.
 * Starts its own servers on free ports of the loopback interface, and ends them.
 */
import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Command, Option } from "@commander-js/extra-typings";
import { stringify } from "yaml";
import { type EngineName, engineNames, openEngine, type ProvenEngine } from "./engines.ts";
import { keep, type Kept } from "./fleet.ts";
import type { Progress, Verdict, WorldMessage } from "./messages.ts";
import { openProxy } from "./proxy.ts";
import { createChance } from "./random.ts";
import { holds, type Run, tableOf } from "./table.ts";
import { makeTrouble } from "./trouble.ts";

const signingKey = "prove-signing-key-of-32-characters";
const adminToken = "prove-admin-token-of-32-characters";
/** How many payments live at once: more would only make each other late on two cores. */
const atOnce = 60;
/** At rest everything that waits has come due by then: the longest wait after an outage is a few minutes. */
const restMs = 5 * 60_000;

interface Options {
  readonly engine: EngineName;
  readonly minutes: number;
  readonly seed: number;
  readonly adapter?: string[] | undefined;
}

const command = new Command("npm run prove --")
  .description("Real processes on a real engine, with everything going wrong, and a table of what became of it.")
  .addOption(new Option("--engine <name>").choices(engineNames).default("redis"))
  .option("--adapter <folder...>", "only payments of these")
  .option("--minutes <n>", "how long trouble is made", Number, 3)
  .option("--seed <n>", "repeats the draws of an earlier run, not its timing", Number, Date.now() % 1_000_000)
  .action(async (options) => {
    const run = await prove(options);
    console.log(tableOf(run));
    console.log(holds(run) ? "nothing lost, nothing doubled" : "NOT what was promised");
    process.exitCode = holds(run) ? 0 : 1;
  });

async function prove({ engine: name, minutes, seed, adapter = [] }: Options): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), "norce-psp-prove-"));
  console.error(`seed ${seed}; logs in ${folder}`);
  const chance = createChance(seed, "prove");
  const engine = await openEngine(name);
  const front = await openProxy();
  const world = openWorld();
  const fleet: Kept[] = [];
  try {
    const frontUrl = `http://127.0.0.1:${front.port}`;
    const { orderApi, token, merchants } = await world.ask<{ orderApi: string; token: string; merchants: object }>({
      ask: "open",
      seed,
      front: frontUrl,
      signingKey,
      adminToken,
      adapters: adapter,
    });
    writeFileSync(join(folder, "config.yaml"), stringify({ norce: { orderApi, token }, merchants }));
    const { webs, workers } = await startFleet(name, engine, folder, frontUrl);
    fleet.push(...new Set([...webs, ...workers]));
    front.lead(webs.map(({ port }) => port));

    const trouble = makeTrouble({
      webs,
      workers: workers.filter((one) => !webs.includes(one)),
      engine: engine.troubles,
      chance: chance.for("trouble"),
    });
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
    await untilRest(world);
    const memory = Object.fromEntries(
      fleet.map(({ name: who, residentMb }) => [who, [early.get(who) ?? 0, residentMb()] as const]),
    );
    const verdict = await world.ask<Verdict>({ ask: "judge", excuses: trouble.excuses });
    const recovery = await measureRecovery(world, workers, engine, chance.for("recovery"));
    return { engine: name, promise: engine.promise, seed, minutes, struck: trouble.struck, verdict, recovery, memory };
  } finally {
    await Promise.all(fleet.map((one) => one.stop()));
    world.end();
    await front.close();
    await engine.stop();
  }
}

/** Two of each; the embedded engine belongs to one process, which is both. */
async function startFleet(
  name: EngineName,
  engine: ProvenEngine,
  folder: string,
  publicUrl: string,
): Promise<{ webs: readonly Kept[]; workers: readonly Kept[] }> {
  const environment = {
    ...engine.environment(),
    CONFIG_FILE: "config.yaml",
    URL_SIGNING_KEYS: signingKey,
    ADMIN_TOKEN: adminToken,
    PUBLIC_URL: publicUrl,
    // What webhooks lose would be hidden by the sweep.
    SWEEP_INTERVAL_SECONDS: "86400",
  };
  if (name === "embedded") {
    const both = await keep("service", "start.ts", folder, environment);
    return { webs: [both], workers: [both] };
  }
  return {
    webs: await Promise.all(["web-1", "web-2"].map((one) => keep(one, "web.ts", folder, environment))),
    workers: await Promise.all(["worker-1", "worker-2"].map((one) => keep(one, "worker.ts", folder, environment))),
  };
}

/** Until every life is over and Norce says what the PSPs say, or the longest wait has come due. */
async function untilRest(world: World): Promise<void> {
  const deadline = Date.now() + restMs;
  for (let before = -1; Date.now() < deadline;) {
    const { begun, over, behind } = await world.ask<Progress>({ ask: "progress" });
    if (begun === over && behind === 0) return;
    if (behind !== before) console.error(`at rest: ${begun - over} lives go on, Norce is behind at ${behind}`);
    before = behind;
    await pause(2_000);
  }
}

/** How long a burst of twenty payments takes on a quiet day, after a worker was killed, and after the engine came back. */
async function measureRecovery(
  world: World,
  workers: readonly Kept[],
  { troubles }: ProvenEngine,
  chance: ReturnType<typeof createChance>,
): Promise<Record<string, number>> {
  const slowest = async (): Promise<number> =>
    Math.max(...(await world.ask<number[]>({ ask: "burst", payments: 20 }))) / 1_000;
  const found: Record<string, number> = { quiet: await slowest() };
  const dying = workers[0]?.kill(500);
  found["a worker killed"] = await slowest();
  await dying;
  const restart = troubles.find(({ name }) => /killed, and back|stopped at once|failover/.test(name));
  if (restart !== undefined) {
    const back = restart.strike(chance);
    const burst = slowest();
    await back;
    const began = Date.now();
    await burst;
    found[restart.name] = (Date.now() - began) / 1_000;
  }
  return found;
}

/** The process around the service. */
interface World {
  ask<Answer>(message: WorldMessage): Promise<Answer>;
  end(): void;
}

function openWorld(): World {
  const child: ChildProcess = fork(join(import.meta.dirname, "world.ts"), {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  process.once("exit", () => child.kill("SIGKILL"));
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
      return await asked;
    },
    end: () => void child.kill("SIGKILL"),
  };
}

// A signal ends this process the way that ends the others.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
// Each process that is started adds one: they end with this one, whatever happens.
process.setMaxListeners(0);
await command.parseAsync();
