/** `npm run simulate`: worlds of the whole service on virtual time, one seed each. README.md says what it is and what it found. */
import { real } from "./edge.ts";
// The clocks and timers of everything that is loaded from here on are those of the world.
import { readArguments } from "./arguments.ts";

const { runGraveyard, runSeeds, serve } = await import("./rounds.ts");

// One of a crew.
if (process.connected) await serve();

const asked = readArguments(process.argv.slice(2), real.now());
process.exitCode =
  asked.graveyard === undefined
    ? await runSeeds(asked)
    : await runGraveyard(asked.graveyard, asked.jobs, asked.seconds);
// Meters look at the process for as long as there is one.
process.exit();
