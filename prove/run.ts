/**
 * `npm run prove`: real processes on a real engine, killed, frozen, rolled, cut off and emptied, while hundreds of payments live; at the end a
 * table says what became of everything that was acknowledged. Exits with 1 where anything was lost or doubled beyond what the engine promises.
 * Starts its own servers on free ports of the loopback interface, and ends them.
 */
import { appendFileSync, readFileSync } from "node:fs";
import { Command, Option } from "@commander-js/extra-typings";
import { type EngineName, engineNames } from "./engines.ts";
import { prove } from "./prove.ts";
import { type Counted, counted, sumTableOf } from "./sum.ts";
import { holds, tableOf } from "./table.ts";

const command = new Command("npm run prove --")
  .description("Real processes on real engines, with everything going wrong, and a table of what became of it.")
  .addOption(
    new Option("--engine <name...>", "several run side by side")
      .choices(engineNames)
      .default(["redis"] as EngineName[]),
  )
  .option("--adapter <folder...>", "only payments of these", [] as string[])
  .option("--minutes <n>", "how long trouble is made", Number, 3)
  .option("--seed <n>", "repeats the draws of an earlier run, not its timing", Number, Date.now() % 1_000_000)
  .option("--record <file>", "adds what each run came to, a line of JSON each")
  .option("--sum <file>", "runs nothing: prints what the runs recorded there come to, together")
  .action(async ({ engine: engines, adapter: adapters, minutes, seed, record, sum }) => {
    if (sum !== undefined) {
      const lines = readFileSync(sum, "utf8").trim().split("\n");
      console.log(sumTableOf(lines.map((line) => JSON.parse(line) as Counted)));
      return;
    }
    const worlds = engines.map((engine, index) => ({ engine, minutes, seed: seed + index, adapters }));
    const runs = await Promise.all(worlds.map((world) => prove(world)));
    for (const run of runs) {
      console.log(tableOf(run));
      console.log(holds(run) ? "nothing lost, nothing doubled" : "NOT what was promised");
      if (record !== undefined) appendFileSync(record, `${JSON.stringify(counted(run))}\n`);
    }
    process.exitCode = runs.every(holds) ? 0 : 1;
  });

// A signal ends this process the way that ends the others.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
// Each process that is started adds one: they end with this one, whatever happens.
process.setMaxListeners(0);
await command.parseAsync();
