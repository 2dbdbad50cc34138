/** World after world: says what each came to, makes a failing one smaller, and tells its story. */
import type { Asked } from "./arguments.ts";
import { real } from "./edge.ts";
import { shrink } from "./shrink.ts";
import { tellStory } from "./story.ts";
import { runWorld, type WorldOptions, type WorldResult } from "./world.ts";

export { runGraveyard } from "./graveyard.ts";

/** How long a failing world is made smaller, in milliseconds. */
const shrinkMs = 120_000;

/** Runs the seeds. @returns the exit status: 1 where a promise was broken */
export async function runSeeds(asked: Asked): Promise<number> {
  const { seeds, whole, seconds, adapters, hours, payments } = asked;
  const sum = { worlds: 0, lives: 0, judged: 0, looks: 0, operations: 0, faults: 0, passedMs: 0 };
  const began = process.cpuUsage();
  const spent = (): number => process.cpuUsage(began).user / 1e6 + process.cpuUsage(began).system / 1e6;
  for (const seed of seeds) {
    if (spent() > seconds) break;
    const options: WorldOptions = {
      seed,
      ...(adapters === undefined ? {} : { adapters }),
      ...(hours === undefined ? {} : { hours }),
      ...(payments === undefined ? {} : { payments }),
    };
    const story = whole ? { story: (at: number, line: string) => console.log(at.toFixed(1), line) } : {};
    const result = await runWorld({ ...options, ...story });
    console.log(lineOf(seed, result));
    if (result.violations.length > 0) {
      for (const { oracle, what } of result.violations) console.log(`  ${oracle}: ${what}`);
      console.log(`  found after ${sum.worlds + 1} worlds and ${spent().toFixed(1)} s of processor time`);
      if (!asked.bare) await explain(options, result);
      return 1;
    }
    sum.worlds += 1;
    sum.lives += result.lives;
    sum.judged += result.judged;
    sum.looks += result.looks;
    sum.operations += result.operations;
    sum.faults += result.struck.length;
    sum.passedMs += result.passedMs;
  }
  const perHour = (count: number): string => Math.round((count / spent()) * 3_600).toLocaleString("en");
  console.log(
    [
      `${sum.worlds} worlds, ${(sum.passedMs / 3_600_000).toFixed(0)} hours in them: every promise held`,
      `${sum.lives} payments (${sum.judged} compared at rest), ${sum.looks} looks, ${sum.operations} operations, ${sum.faults} faults`,
      `${spent().toFixed(1)} s of processor time: ${perHour(sum.lives)} payments and ${perHour(sum.looks)} looks an hour`,
    ].join("\n"),
  );
  return 0;
}

/** A world in a line. */
function lineOf(seed: number, { hash, adapters, lives, looks, struck, letters, violations }: WorldResult): string {
  const of = Object.values(letters).reduce((count, one) => count + one, 0);
  const said = [`${lives} payments`, `${looks} looks`, `${struck.length} faults`, ...(of > 0 ? [`${of} letters`] : [])];
  return `${violations.length > 0 ? "✗" : "✓"} seed ${seed}  ${hash}  ${adapters.join(" + ")}: ${said.join(", ")}`;
}

/** The promise that was broken, and the shortest story in which it is. */
async function explain(options: WorldOptions, result: WorldResult): Promise<void> {
  const until = real.now() + shrinkMs;
  const smaller = await shrink(options, result, () => real.now() > until);
  const [violation] = smaller.result.violations;
  const { only } = smaller.options;
  console.log(
    `\nThe shortest story that was found, in ${smaller.tries} worlds: ${only?.size ?? result.lives} payments, ${smaller.result.struck.length} faults`,
  );
  for (const line of await tellStory(smaller.options, violation?.payment)) console.log(`  ${line}`);
  const of = (options.adapters ?? []).map((adapter) => ` --adapter ${adapter}`).join("");
  console.log(`\nAgain: npm run simulate -- --seed ${options.seed}${of}`);
}
