import { setTimeout as pause } from "node:timers/promises";
import type { EngineTrouble } from "./engines.ts";
import type { Kept } from "./fleet.ts";
import type { Excuse } from "./messages.ts";
import type { Chance } from "./random.ts";

/** What happened on purpose to processes, engines and networks. */
export interface Trouble {
  /** By name. */
  readonly struck: Readonly<Record<string, number>>;
  readonly excuses: readonly Excuse[];
  /** No more of it; resolves once what was going on is over and everything runs. */
  end(): Promise<void>;
}

export interface TroubleParts {
  readonly webs: readonly Kept[];
  readonly workers: readonly Kept[];
  readonly engine: readonly EngineTrouble[];
  readonly chance: Chance;
}

/** Between two of them, on average this long. */
const betweenMs = 600;
/** A lock lives ten seconds: some are frozen for longer. */
const longestFreezeMs = 15_000;

interface Choice {
  readonly name: string;
  readonly weight: number;
  /** What nothing else may be done to meanwhile. */
  readonly target: unknown;
  readonly forgetsMs?: number | undefined;
  strike(chance: Chance): Promise<void>;
}

/** Makes trouble until it is told to stop. */
export function makeTrouble({ webs, workers, engine, chance }: TroubleParts): Trouble {
  const struck: Record<string, number> = {};
  const excuses: Excuse[] = [];
  const busy = new Set<unknown>();
  const going = new Set<Promise<void>>();
  const over = new AbortController();
  const choices: Choice[] = [
    ...webs.flatMap((web) => processChoices(web, "web", 6_000)),
    ...workers.flatMap((worker) => processChoices(worker, "worker", longestFreezeMs)),
    ...engine.map((one) => ({ ...one, target: engine })),
  ];

  const next = (): Choice | undefined => {
    const free = choices.filter(({ target }) => !busy.has(target));
    let left = chance.next() * free.reduce((sum, { weight }) => sum + weight, 0);
    return free.find(({ weight }) => (left -= weight) <= 0);
  };
  const strike = async (choice: Choice): Promise<void> => {
    busy.add(choice.target);
    struck[choice.name] = (struck[choice.name] ?? 0) + 1;
    const from = Date.now();
    await choice.strike(chance.for(`${choice.name}-${struck[choice.name]}`)).catch((error: unknown) => {
      console.error(`${choice.name}: ${error instanceof Error ? error.message : String(error)}`);
    });
    if (choice.forgetsMs !== undefined)
      excuses.push({ from: from - choice.forgetsMs, to: Date.now(), why: choice.name });
    busy.delete(choice.target);
  };
  const loop = (async () => {
    while (!over.signal.aborted) {
      await pause(chance.between(betweenMs / 3, (betweenMs * 5) / 3));
      const choice = over.signal.aborted ? undefined : next();
      if (choice === undefined) continue;
      const one = strike(choice).finally(() => going.delete(one));
      going.add(one);
    }
  })();
  return {
    struck,
    excuses,
    async end() {
      over.abort();
      await loop;
      await Promise.all(going);
    },
  };
}

function processChoices(one: Kept, kind: string, mostMs: number): Choice[] {
  return [
    {
      name: `${kind} killed`,
      weight: 5,
      target: one,
      strike: async (chance) => await one.kill(chance.between(0, 1_500)),
    },
    {
      name: `${kind} frozen`,
      weight: 5,
      target: one,
      async strike(chance) {
        one.freeze();
        // Mostly short; now and then for longer than anything that it held.
        await pause(chance.is(0.3) ? chance.between(2_000, mostMs) : chance.between(50, 2_000));
        one.thaw();
      },
    },
    { name: `${kind} rolled`, weight: 2, target: one, strike: async () => await one.roll() },
  ];
}
