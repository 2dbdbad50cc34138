import type { Act, Purchase, Stage } from "./stage.ts";

/** Whoever walks, and how far. */
export interface Walk {
  readonly stage: Stage;
  begin(): Purchase;
  /** Lets the service follow what has happened. `again`: it did so before, on another purchase. */
  follow(purchase: Purchase, again: boolean): Promise<void>;
  /** What has to hold now; asked once for each step that was never taken from this place before. */
  check(purchase: Purchase, way: readonly Act[]): Promise<void>;
  /** How many actions one after the other. */
  readonly deepest: number;
  /** How many steps that are new: those that only lead back to a place do not count. */
  readonly mostSteps: number;
}

interface Place {
  readonly name: string;
  /** The shortest way here. */
  readonly way: readonly Act[];
  readonly untried: Act[];
  /** Whether who sees only the end of the way comes here, too; `undefined`: nobody tried. */
  isSeenLate: boolean | undefined;
}

/**
 * Walks from place to place, the ones that are near first, and takes each step from each place once. Two ways lead to the same place where
 * the PSP, its actions and Norce's payment and log say the same: what follows there is the same, too. Says how many places there are.
 */
export async function walk(options: Walk): Promise<number> {
  const { stage, deepest, mostSteps, begin, follow, check } = options;
  const places = new Map<string, Place>();
  let steps = 0;

  const arrive = (purchase: Purchase, way: readonly Act[]): Place => {
    const name = placeOf(stage, purchase);
    const known = places.get(name);
    if (known !== undefined) return known;
    const untried = way.length < deepest ? actsOf(stage, purchase) : [];
    const place = { name, way, untried, isSeenLate: undefined };
    places.set(name, place);
    return place;
  };

  const first = begin();
  await told([], async () => {
    await follow(first, false);
    await check(first, []);
  });
  let purchase: Purchase | undefined = first;
  let place: Place | undefined = arrive(first, []);
  while (steps < mostSteps) {
    if (place === undefined || place.untried.length === 0 || purchase === undefined) {
      // Near places first; a new purchase is taken there.
      place = [...places.values()]
        .filter(({ untried }) => untried.length > 0)
        .toSorted((one, other) => one.way.length - other.way.length)[0];
      if (place === undefined) break;
      purchase = await again(options, place);
      if (purchase === undefined) {
        place.untried.length = 0;
        continue;
      }
    }
    const act = place.untried.shift();
    if (act === undefined) continue;
    const way: readonly Act[] = [...place.way, act];
    const walker: Purchase = purchase;
    // Not every amount is one that the PSP takes.
    if (!walker.act(act)) continue;
    steps += 1;
    await told(way, async () => {
      await follow(walker, false);
      await check(walker, way);
    });
    place = arrive(walker, way);
  }
  return places.size;
}

/** What can be done now: with a part of the amount, too, where the action takes one. */
export function actsOf(stage: Stage, purchase: Purchase): Act[] {
  return purchase.actions().flatMap((name) =>
    stage.simulator.takesAmount(name)
      ? [
          { name, part: false },
          { name, part: true },
        ]
      : [{ name, part: false }],
  );
}

/**
 * A new purchase, taken the same way; `undefined` where that is not possible. A service that sees only the end of a way is mostly where one
 * is that followed each step, at a fraction of the cost: the steps are followed one by one only where it is not.
 */
async function again(options: Walk, place: Place): Promise<Purchase | undefined> {
  if (place.way.length > 1 && place.isSeenLate !== false) {
    const late = await taken(options, place.way, "late");
    place.isSeenLate = late !== undefined && placeOf(options.stage, late) === place.name;
    if (place.isSeenLate) return late;
  }
  return await taken(options, place.way, "step by step");
}

async function taken(
  { begin, follow }: Walk,
  way: readonly Act[],
  followed: "late" | "step by step",
): Promise<Purchase | undefined> {
  const purchase = begin();
  const looks = (): Promise<void> => told(way, () => follow(purchase, true));
  if (followed === "step by step") await looks();
  for (const act of way) {
    if (!purchase.act(act)) return undefined;
    if (followed === "step by step") await looks();
  }
  if (followed === "late") await looks();
  return purchase;
}

function placeOf(stage: Stage, purchase: Purchase): string {
  const { key, reference } = purchase;
  const said = JSON.stringify([
    stage.simulator.describe(reference),
    stage.simulator.money(reference),
    purchase.actions(),
    purchase.state(),
    purchase.transactions().map(({ event, pspEvent }) => [event, pspEvent]),
  ]);
  // What tells this purchase from others is no place.
  return [reference, key.orderId, key.paymentId].reduce((rest, name) => rest.replaceAll(name, ""), said);
}

/** Says on which way it happened. */
async function told<T>(way: readonly Act[], walked: () => Promise<T>): Promise<T> {
  try {
    return await walked();
  } catch (error) {
    const names = way.map(({ name, part }) => (part ? `${name} a part` : name)).join(" → ");
    throw new Error(`after ${names || "nothing"}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}
