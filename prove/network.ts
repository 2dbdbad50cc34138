import { setTimeout as pause } from "node:timers/promises";
import type { Proxy } from "./proxy.ts";
import type { Chance } from "./random.ts";

/** What can happen to the network before the engine, for one process or for all of them at once. */
export const networkTroubles: readonly {
  readonly name: string;
  readonly weight: number;
  strike(proxies: readonly Proxy[], chance: Chance): Promise<void>;
}[] = [
  {
    name: "connections cut",
    weight: 6,
    async strike(proxies) {
      for (const proxy of proxies) proxy.cut();
    },
  },
  {
    name: "slow",
    weight: 4,
    strike: async (proxies, chance) => await slowFor(proxies, chance.between(20, 300), lastingOf(chance)),
  },
  {
    name: "silence",
    weight: 4,
    strike: async (proxies, chance) => await slowFor(proxies, Infinity, lastingOf(chance)),
  },
];

async function slowFor(proxies: readonly Proxy[], pieceMs: number, forMs: number): Promise<void> {
  for (const proxy of proxies) proxy.slow(pieceMs);
  await pause(forMs);
  for (const proxy of proxies) proxy.slow(0);
}

/** Mostly short; now and then for longer than anybody waits for an answer. */
function lastingOf(chance: Chance): number {
  return chance.is(0.2) ? chance.between(1_500, 6_000) : chance.between(200, 1_500);
}
