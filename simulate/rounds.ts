/** World after world: says what each came to, makes a failing one smaller, and tells its story. */
import type { Asked } from "./arguments.ts";
import { type Crew, openCrew } from "./crew.ts";
import { real } from "./edge.ts";
import { shrink } from "./shrink.ts";
import { tellStory } from "./story.ts";
import { runWorld, type WorldOptions, type WorldResult } from "./world.ts";

export { serve } from "./crew.ts";
export { runGraveyard } from "./graveyard.ts";

/** How long a failing world is made smaller, in milliseconds. */
const shrinkMs = 120_000;

/** Runs the seeds, several at a time. @returns the exit status: 1 where a promise was broken */
export async function runSeeds(asked: Asked): Promise<number> {
  const crew = openCrew(asked.whole ? 1 : asked.jobs);
  try {
    return await runAll(asked, crew);
  } finally {
    crew.close();
  }
}

async function runAll(asked: Asked, crew: Crew): Promise<number> {
  const { seeds, seconds, goesOn } = asked;
  const results: WorldResult[] = [];
  const broken: { readonly options: WorldOptions; readonly result: WorldResult }[] = [];
  const left = [...seeds];
  const isOver = (): boolean => left.length === 0 || crew.spent() > seconds || (broken.length > 0 && !goesOn);
  const lane = async (): Promise<void> => {
    while (!isOver()) {
      const options = optionsOf(asked, left.shift() ?? 0);
      const result = await (asked.whole ? runWorld({ ...options, story: print }) : crew.run(options));
      results.push(result);
      console.log(lineOf(options.seed, result));
      if (result.violations.length === 0) continue;
      broken.push({ options, result });
      for (const { oracle, what } of result.violations) console.log(`  ${oracle}: ${what}`);
      console.log(`  found after ${results.length} worlds and ${crew.spent().toFixed(1)} s of processor time`);
    }
  };
  await Promise.all(Array.from({ length: crew.size }, lane));
  const [first] = broken;
  if (first !== undefined && !asked.bare && !goesOn) await explain(first.options, first.result, crew);
  if (first === undefined || goesOn) console.log(sumOf(results, broken.length, crew.spent()));
  return first === undefined ? 0 : 1;
}

function print(at: number, line: string): void {
  console.log(at.toFixed(1), line);
}

function optionsOf({ adapters, kinds, hours, payments }: Asked, seed: number): WorldOptions {
  return {
    seed,
    ...(adapters === undefined ? {} : { adapters }),
    ...(kinds === undefined ? {} : { kinds }),
    ...(hours === undefined ? {} : { hours }),
    ...(payments === undefined ? {} : { payments }),
  };
}

/** All worlds in three lines. */
function sumOf(results: readonly WorldResult[], broken: number, spent: number): string {
  const sum = (of: (result: WorldResult) => number): number => results.reduce((all, result) => all + of(result), 0);
  const [lives, looks] = [sum((result) => result.lives), sum((result) => result.looks)];
  const perHour = (count: number): string => Math.round((count / spent) * 3_600).toLocaleString("en");
  const said = broken === 0 ? "every promise held" : `a promise was broken in ${broken}`;
  return [
    `${results.length} worlds, ${(sum(({ passedMs }) => passedMs) / 3_600_000).toFixed(0)} hours in them: ${said}`,
    `${lives} payments (${sum(({ judged }) => judged)} compared at rest), ${looks} looks, ${sum(({ operations }) => operations)} operations, ${sum(({ struck }) => struck.length)} faults`,
    `${spent.toFixed(1)} s of processor time: ${perHour(lives)} payments and ${perHour(looks)} looks an hour and core`,
  ].join("\n");
}

/** A world in a line. */
function lineOf(seed: number, { hash, adapters, lives, looks, struck, letters, violations }: WorldResult): string {
  const of = Object.values(letters).reduce((count, one) => count + one, 0);
  const said = [`${lives} payments`, `${looks} looks`, `${struck.length} faults`, ...(of > 0 ? [`${of} letters`] : [])];
  return `${violations.length > 0 ? "✗" : "✓"} seed ${seed}  ${hash}  ${adapters.join(" + ")}: ${said.join(", ")}`;
}

/** The promise that was broken, and the shortest story in which it is. */
async function explain(options: WorldOptions, result: WorldResult, crew: Crew): Promise<void> {
  const began = real.now();
  const smaller = await shrink(options, result, crew, () => real.now() > began + shrinkMs);
  const [violation] = smaller.result.violations;
  const { only } = smaller.options;
  const took = `${smaller.tries} worlds and ${((real.now() - began) / 1_000).toFixed(0)} s`;
  console.log(
    `\nThe shortest story that was found, in ${took}: ${only?.size ?? result.lives} payments, ${smaller.result.struck.length} faults`,
  );
  for (const line of await tellStory(smaller.options, violation?.payment)) console.log(`  ${line}`);
  const of = [
    ...(options.adapters ?? []).map((adapter) => ` --adapter ${adapter}`),
    ...(options.kinds ?? []).map((kind) => ` --fault ${kind}`),
    ...(options.payments === undefined ? [] : [` --payments ${options.payments}`]),
    ...(options.hours === undefined ? [] : [` --hours ${options.hours}`]),
  ].join("");
  console.log(`\nAgain: npm run simulate -- --seed ${options.seed}${of}`);
}
