/** A smaller world in which the same promise is broken: payments first, then faults. */
import { runWorld, type WorldOptions, type WorldResult } from "./world.ts";

/** What is left of a world. */
export interface Smaller {
  readonly options: WorldOptions;
  readonly result: WorldResult;
  /** How many worlds it took. */
  readonly tries: number;
}

/** Makes a world that fails smaller, as long as there is time. @param isOver whether it has taken long enough */
export async function shrink(options: WorldOptions, result: WorldResult, isOver: () => boolean): Promise<Smaller> {
  const oracle = result.violations[0]?.oracle;
  let smallest: Smaller = { options, result, tries: 0 };
  let tries = 0;
  /** Whether the same promise is broken in that world, too: then it is the smallest so far. */
  const attempt = async (smaller: WorldOptions): Promise<boolean> => {
    if (isOver()) return false;
    tries += 1;
    const found = await runWorld(smaller);
    if (!found.violations.some((violation) => violation.oracle === oracle)) return false;
    smallest = { options: smaller, result: found, tries };
    return true;
  };

  const all = options.only ?? new Set(Array.from({ length: result.lives }, (_, index) => index));
  const whose = result.violations.flatMap(({ payment }) => payment ?? []);
  if (!(await attempt({ ...options, only: new Set(whose) })) || whose.length === 0)
    await halve([...all], async (left) => await attempt({ ...smallest.options, only: new Set(left) }));
  const struck = smallest.result.struck.map(({ id }) => id);
  await halve(struck, async (left) => {
    const without = new Set([...(options.without ?? []), ...struck.filter((id) => !left.includes(id))]);
    return await attempt({ ...smallest.options, without });
  });
  return { ...smallest, tries };
}

/** Leaves out as much of a list as can be left out: halves first, single ones at last. */
async function halve<Item>(
  items: readonly Item[],
  isEnough: (left: readonly Item[]) => Promise<boolean>,
): Promise<void> {
  if (await isEnough([])) return;
  let left = [...items];
  for (let size = Math.ceil(left.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < left.length;) {
      const rest = [...left.slice(0, at), ...left.slice(at + size)];
      if (rest.length < left.length && (await isEnough(rest))) left = rest;
      else at += size;
    }
  }
}
