/** Plants the core's faults in copies of the tree, one after the other, and insists that the simulation finds each. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { simulatedFaults } from "../test/graveyard/simulated-faults.ts";
import { misfitOf } from "../test/graveyard/bury.ts";
import { copyTree } from "../test/support/tree.ts";

/** How many worlds a fault may take to be found, and how many seconds of processor time. */
const mostWorlds = 400;
const mostSeconds = 300;

/** @param words of the names of those that are planted; empty: all. @returns the exit status: 1 where one was not found */
export async function runGraveyard(words: string): Promise<number> {
  const chosen = simulatedFaults.filter(({ name }) => name.includes(words));
  const tree = copyTree();
  const took: number[] = [];
  try {
    for (const fault of chosen) {
      const misfit = misfitOf(fault, tree.path);
      if (misfit !== undefined) {
        console.log(`✗ ${fault.name}: ${misfit}`);
        continue;
      }
      const path = join(tree.path, fault.file);
      const whole = readFileSync(path, "utf8");
      writeFileSync(
        path,
        whole.replace(fault.find, () => fault.replace),
      );
      const adapter = fault.adapter === undefined ? "" : ` --adapter ${fault.adapter}`;
      const line = `node simulate/run.ts --seeds ${mostWorlds} --seconds ${mostSeconds} --bare --jobs 1${adapter}`;
      const { status, printed } = await tree.run(line);
      const seconds = Number(/ and ([\d.]+) s of processor time$/m.exec(printed)?.[1] ?? mostSeconds);
      const broken = /^ {2}(.*?): /m.exec(printed)?.[1];
      const isFound = status === 1 && broken !== undefined;
      if (isFound) took.push(seconds);
      console.log(`${isFound ? "✓" : "✗"} ${fault.name}: ${broken ?? "not found"}, ${seconds.toFixed(1)} s`);
      writeFileSync(path, whole);
    }
  } finally {
    tree.remove();
  }
  const middle = took.toSorted((one, other) => one - other)[Math.floor(took.length / 2)] ?? 0;
  console.log(
    `${took.length} of ${chosen.length} found; median ${middle.toFixed(1)} s, longest ${Math.max(0, ...took).toFixed(1)} s`,
  );
  return took.length === chosen.length && chosen.length > 0 ? 0 : 1;
}
