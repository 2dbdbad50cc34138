import { seeded } from "../sandbox/kernel/chance.ts";

/** Chance that can be repeated: the same seed makes the same draws. */
export interface Chance {
  /** From 0 to 1. */
  next(): number;
  /** True so often, from 0 to 1. */
  is(often: number): boolean;
  /** A whole number, both ends included. */
  between(least: number, most: number): number;
  /** @throws Error for an empty list. */
  pick<Item>(items: readonly Item[]): Item;
  /** A generator of its own for something that happens beside: what one draws does not change what another draws. */
  for(name: string): Chance;
}

/** Chance from a seed and a name. */
export function createChance(seed: number, name = ""): Chance {
  let begun = seed;
  for (const letter of name) begun = Math.imul(begun ^ letter.charCodeAt(0), 0xcc9e2d51);
  const next = seeded(begun);
  const between = (least: number, most: number): number => least + Math.floor(next() * (most - least + 1));
  return {
    next,
    is: (often) => next() < often,
    between,
    pick(items) {
      const item = items[between(0, items.length - 1)];
      if (item === undefined) throw new Error("nothing to pick from");
      return item;
    },
    for: (more) => createChance(seed, `${name}/${more}`),
  };
}
