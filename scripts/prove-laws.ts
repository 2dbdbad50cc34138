/** Plants every fault of test/graveyard in a copy of the tree, and insists that each is found: `npm run prove:laws [words of its name]`. */
import { misfitOf, prove } from "../test/graveyard/bury.ts";
import { asked } from "./asked.ts";
import { faults } from "../test/graveyard/faults.ts";

const usage =
  "npm run prove:laws -- [words of a fault's name]  plants every fault in a copy of the tree, and insists that each is found";
const words = asked(usage, { allowPositionals: true }).positionals.join(" ");
const chosen = faults.filter(({ name }) => name.includes(words));
for (const fault of chosen) {
  const misfit = misfitOf(fault);
  if (misfit !== undefined) {
    console.error(`${fault.name}: ${misfit}`);
    process.exitCode = 1;
  }
}
if (process.exitCode === undefined) {
  const all = await prove(chosen, ({ name, foundBy }, isFound) =>
    console.log(isFound ? `✓ ${name}` : `✗ ${name}: ${foundBy} does not find it`),
  );
  const none = `no fault has ${words} in its name`;
  console.log(
    all ? (chosen.length === 0 ? none : `${chosen.length} faults planted, each found`) : "some are not found",
  );
  process.exitCode = all && chosen.length > 0 ? 0 : 1;
}
