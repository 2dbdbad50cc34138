/** A smaller world in which the same promise is broken: payments first, then faults. */
import type { Crew } from "./crew.ts";
import type { WorldOptions, WorldResult } from "./world.ts";

/** What is left of a world. */
export interface Smaller {
  readonly options: WorldOptions;
  readonly result: WorldResult;
  /** How many worlds it took. */
  readonly tries: number;
}

/** How long a world goes on after its last fault where the promise is broken soon enough, in hours. */
const shortHours = 1;

/** Makes a world that fails smaller, as long as there is time. @param isOver whether it has taken long enough */
export async function shrink(
  options: WorldOptions,
  result: WorldResult,
  crew: Pick<Crew, "size" | "run">,
  isOver: () => boolean,
): Promise<Smaller> {
  const oracle = result.violations[0]?.oracle;
  let smallest: Smaller = { options, result, tries: 0 };
  let tries = 0;
  /** The first of these worlds in which the same promise is broken, too: then it is the smallest so far. */
  const attempt = async (worlds: readonly WorldOptions[]): Promise<number> => {
    if (isOver()) return -1;
    tries += worlds.length;
    const found = await Promise.all(worlds.map(async (world) => await crew.run(world)));
    const at = found.findIndex(({ violations }) => violations.some((violation) => violation.oracle === oracle));
    const [world, became] = [worlds[at], found[at]];
    if (world !== undefined && became !== undefined) smallest = { options: world, result: became, tries };
    return at;
  };

  const all = options.only ?? new Set(Array.from({ length: result.lives }, (_, index) => index));
  const whose = result.violations.flatMap(({ payment }) => payment ?? []);
  const alone = { ...options, only: new Set(whose) };
  if (whose.length === 0 || (await attempt([{ ...alone, hours: shortHours }, alone])) === -1) {
    await attempt([{ ...options, hours: shortHours }]);
    await halve([...all], crew.size, async (lists) => {
      const { options: so } = smallest;
      return await attempt(lists.map((left) => ({ ...so, only: new Set(left) })));
    });
  }
  const struck = smallest.result.struck.map(({ id }) => id);
  await halve(struck, crew.size, async (lists) => {
    const { options: so } = smallest;
    return await attempt(
      lists.map((left) => {
        const kept = new Set(left);
        return { ...so, without: new Set([...(options.without ?? []), ...struck.filter((id) => !kept.has(id))]) };
      }),
    );
  });
  return { ...smallest, tries };
}

/**
 * Leaves out as much of a list as can be left out: halves first, single ones at last.
 * @param size how many lists are tried at a time. @param firstEnough says which of them is enough; -1: none.
 */
async function halve<Item>(
  items: readonly Item[],
  size: number,
  firstEnough: (lists: readonly (readonly Item[])[]) => Promise<number>,
): Promise<void> {
  if (items.length === 0 || (await firstEnough([[]])) === 0) return;
  let left = [...items];
  for (let part = Math.ceil(left.length / 2); part >= 1; part = part === 1 ? 0 : Math.ceil(part / 2)) {
    for (let at = 0; at < left.length;) {
      const starts = Array.from({ length: size }, (_, index) => at + index * part).filter(
        (start) => start < left.length,
      );
      const lists = starts.map((start) => [...left.slice(0, start), ...left.slice(start + part)]);
      const enough = await firstEnough(lists);
      if (enough === -1) at += part * starts.length;
      else {
        left = lists[enough] ?? left;
        at = starts[enough] ?? at;
      }
    }
  }
}
