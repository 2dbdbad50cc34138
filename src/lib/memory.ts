/**
 * Keeps V8 from taking more memory than it needs, for as long as the process runs; imported first by each process, before anything grows.
 * Left alone it lets the young generation double until 128 MB and collects the old one when it has doubled or more, because memory
 * is taken to be cheap. The command line could say so too (`--max-semi-space-size`), but the Procfile starts plain `node`.
 */
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";

/** How much of the live heap may pile up as garbage before it is collected. Measured: see the README's figures. */
const garbagePercent = 60;
const enoughBytes = 8 * 1024 * 1024;
const lookMs = 20;

// Two of V8's settings that are read again and again and not only at start-up.
setFlagsFromString(`--heap-growing-percent=${garbagePercent}`);
boundYoungGeneration();
setInterval(boundYoungGeneration, lookMs).unref();

function boundYoungGeneration(): void {
  setFlagsFromString(`--semi-space-growth-factor=${youngBytes() < enoughBytes ? 2 : 1}`);
}

function youngBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === "new_space")?.space_size ?? 0;
}
