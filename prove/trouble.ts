import { setTimeout as pause } from "node:timers/promises";
import type { EngineTrouble } from "./engines.ts";
import type { Kept } from "./fleet.ts";
import type { Excuse } from "./messages.ts";
import { networkTroubles } from "./network.ts";
import type { Chance } from "./random.ts";
import type { Moment } from "./wire.ts";

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
  /** Both in one process. */
  readonly services: readonly Kept[];
  readonly engine: readonly EngineTrouble[];
  readonly chance: Chance;
}

/** Between two of them, on average this long. */
const betweenMs = 600;
/** A lock lives ten seconds: some are frozen for longer. */
const longestFreezeMs = 15_000;
/** Longer than a lock lives and somebody else needs to take over. */
const pastItsLockMs = [11_000, 16_000] as const;
/** How long a chosen moment is waited for. */
const momentMs = 4_000;
/** Further than a timer, a lock or a write that is carried out late lasts. */
const furthestJumpSeconds = 90;

interface Choice {
  readonly name: string;
  readonly weight: number;
  /** What nothing else may be done to meanwhile. */
  readonly targets: readonly unknown[];
  readonly forgetsMs?: number | undefined;
  /** `false`: it did not come to that. */
  strike(chance: Chance): Promise<void | boolean>;
}

/** Makes trouble until it is told to stop. */
export function makeTrouble({ webs, workers, services, engine, chance }: TroubleParts): Trouble {
  const struck: Record<string, number> = {};
  const excuses: Excuse[] = [];
  const busy = new Set<unknown>();
  const going = new Set<Promise<void>>();
  const over = new AbortController();
  let number = 0;
  const choices: Choice[] = [
    ...webs.flatMap((web) => [...processChoices(web, "web", 6_000), ...aimedChoices(web, "web", asWebStores)]),
    ...[...workers, ...services].flatMap((worker) => {
      const kind = workers.includes(worker) ? "worker" : "service";
      return [...processChoices(worker, kind, longestFreezeMs), ...aimedChoices(worker, kind, inAJob)];
    }),
    ...networkChoices([...webs, ...workers, ...services]),
    ...engine.map((one) => ({ ...one, targets: [engine] })),
  ];

  const next = (): Choice | undefined => {
    const free = choices.filter(({ targets }) => !targets.some((target) => busy.has(target)));
    let left = chance.next() * free.reduce((sum, { weight }) => sum + weight, 0);
    return free.find(({ weight }) => (left -= weight) <= 0);
  };
  const strike = async ({ name, targets, forgetsMs, strike: happen }: Choice): Promise<void> => {
    for (const target of targets) busy.add(target);
    number += 1;
    const from = Date.now();
    const happened = await happen(chance.for(`${name}-${number}`)).catch((error: unknown) => {
      console.error(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    });
    if (happened !== false) struck[name] = (struck[name] ?? 0) + 1;
    if (forgetsMs !== undefined) excuses.push({ from: from - forgetsMs, to: Date.now(), why: name });
    for (const target of targets) busy.delete(target);
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
  const { jump } = one;
  return [
    {
      name: `${kind} killed`,
      weight: 2,
      targets: [one],
      strike: async (chance) => await one.kill(chance.between(0, 1_500)),
    },
    {
      name: `${kind} frozen`,
      weight: 5,
      targets: [one],
      async strike(chance) {
        one.freeze();
        // Mostly short; now and then for longer than anything that it held.
        await pause(chance.is(0.3) ? chance.between(2_000, mostMs) : chance.between(50, 2_000));
        one.thaw();
      },
    },
    { name: `${kind} rolled`, weight: 1, targets: [one], strike: async () => await one.roll() },
    {
      name: `${kind}'s clock jumps`,
      weight: jump === undefined ? 0 : 3,
      targets: [one],
      async strike(chance) {
        jump?.(chance.between(-furthestJumpSeconds, furthestJumpSeconds));
        await pause(chance.between(1_500, 6_000));
        jump?.(0);
      },
    },
  ];
}

/** The last thing before a webhook is acknowledged: its group leaves for the engine, or the answer to that comes. */
function asWebStores(chance: Chance): Moment {
  return { whom: "engine", way: "up", begins: /inbox/, after: chance.between(0, 2) };
}

/** Between being given a job and the end of it, wherever it waits: the engine's answer that brings it, or up to forty pieces later. */
function inAJob(chance: Chance, { wire }: Kept): Moment {
  const after = chance.is(0.25) ? 0 : chance.between(1, 40);
  return wire.toEngine.length > 0
    ? { whom: "engine", way: "down", begins: /processedOn|processed_on/, after }
    : { whom: "world", way: "up", begins: /^GET \S*\/payments\//, after };
}

/** One process at a time, so that another one can take over from it. */
function aimedChoices(one: Kept, kind: string, momentOf: (chance: Chance, of: Kept) => Moment): Choice[] {
  return [
    {
      name: `${kind} frozen at a chosen moment`,
      weight: 4,
      targets: [one, momentOf],
      async strike(chance) {
        if (!(await one.wire.at(momentOf(chance, one), one.freeze, momentMs))) return false;
        await pause(chance.between(...pastItsLockMs));
        one.thaw();
        return true;
      },
    },
    {
      name: `${kind} killed at a chosen moment`,
      weight: 4,
      targets: [one, momentOf],
      async strike(chance) {
        let back: Promise<void> | undefined;
        const kill = (): void => void (back = one.kill(chance.between(0, 1_500)));
        if (!(await one.wire.at(momentOf(chance, one), kill, momentMs))) return false;
        await back;
        return true;
      },
    },
  ];
}

function networkChoices(fleet: readonly Kept[]): Choice[] {
  const wired = fleet.filter(({ wire }) => wire.toEngine.length > 0);
  if (wired.length === 0) return [];
  const all = wired.flatMap(({ wire }) => wire.toEngine);
  return networkTroubles.flatMap(({ name, weight, strike }) => [
    {
      name: `network: ${name}`,
      weight,
      targets: [networkTroubles, ...wired.map(({ wire }) => wire)],
      strike: async (chance: Chance) => await strike(all, chance),
    },
    ...wired.map(({ wire }) => ({
      name: `network of one process: ${name}`,
      weight: weight / wired.length,
      targets: [wire],
      strike: async (chance: Chance) => await strike(wire.toEngine, chance),
    })),
  ]);
}
