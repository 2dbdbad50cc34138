/** Plants the core's faults in copies of the tree, two side by side, and insists that the simulation finds each. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type SimulatedFault, simulatedFaults } from "../test/graveyard/simulated-faults.ts";
import { misfitOf } from "../test/graveyard/bury.ts";
import { copyTree, type Tree } from "../test/support/tree.ts";

/** How many worlds a fault may take to be found, and how many seconds of processor time. */
const mostWorlds = 400;
const mostSeconds = 300;

/**
 * @param words of the names of those that are planted; empty: all. @param jobs how many at a time. @param seconds of processor time that
 * each may take to be found. @returns the exit status: 1 where one was not found
 */
export async function runGraveyard(words: string, jobs: number, seconds: number): Promise<number> {
  const chosen = simulatedFaults.filter(({ name }) => name.includes(words));
  const left = [...chosen];
  const took: number[] = [];
  const lane = async (): Promise<void> => {
    const tree = copyTree();
    try {
      for (let fault = left.shift(); fault !== undefined; fault = left.shift()) {
        const { seconds: found, said } = await find(fault, tree, Math.min(seconds, mostSeconds));
        if (found !== undefined) took.push(found);
        console.log(`${found === undefined ? "✗" : "✓"} ${fault.name}: ${said}`);
      }
    } finally {
      tree.remove();
    }
  };
  await Promise.all(Array.from({ length: jobs }, lane));
  const middle = took.toSorted((one, other) => one - other)[Math.floor(took.length / 2)] ?? 0;
  console.log(
    `${took.length} of ${chosen.length} found; median ${middle.toFixed(1)} s, longest ${Math.max(0, ...took).toFixed(1)} s of processor time`,
  );
  return took.length === chosen.length && chosen.length > 0 ? 0 : 1;
}

/** Plants one fault and runs worlds until a promise is broken. @returns after how many seconds of processor time; `undefined`: never */
async function find(
  fault: SimulatedFault,
  tree: Tree,
  most: number,
): Promise<{ readonly seconds?: number; readonly said: string }> {
  const misfit = misfitOf(fault, tree.path);
  if (misfit !== undefined) return { said: misfit };
  const path = join(tree.path, fault.file);
  const whole = readFileSync(path, "utf8");
  writeFileSync(
    path,
    whole.replace(fault.find, () => fault.replace),
  );
  try {
    const adapter = fault.adapter === undefined ? "" : ` --adapter ${fault.adapter}`;
    const kinds = (fault.kinds ?? []).map((kind) => ` --fault ${kind}`).join("");
    const line = `node simulate/run.ts --seeds ${mostWorlds} --seconds ${most} --bare --jobs 1${adapter}${kinds}`;
    const { status, printed } = await tree.run(line);
    const broken = /^ {2}(.*?): /m.exec(printed)?.[1];
    const [, worlds = "", seconds] = /found after (\d+) worlds and ([\d.]+) s of/.exec(printed) ?? [];
    if (status !== 1 || broken === undefined || seconds === undefined)
      return { said: `not found; ${printed.trimEnd().split("\n").at(-1) ?? ""}` };
    return { seconds: Number(seconds), said: `${broken}, ${worlds} worlds, ${seconds} s` };
  } finally {
    writeFileSync(path, whole);
  }
}
