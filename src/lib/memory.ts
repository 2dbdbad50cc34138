import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";

/**
 * How large V8's young generation may grow, in bytes. Under a flood it doubles until 128 MB, and most of a process's memory is that; with
 * 16 MB the same work takes as long. The command line could say so (`--max-semi-space-size`), but the Procfile starts plain `node`.
 */
const enoughBytes = 16 * 1024 * 1024;
const lookMs = 100;

/** Keeps V8's young generation from growing beyond need, for as long as the process runs. */
export function keepYoungGenerationSmall(): void {
  setInterval(() => {
    // The one of V8's settings for it that is read again whenever the space would grow.
    setFlagsFromString(`--semi-space-growth-factor=${youngBytes() < enoughBytes ? 2 : 1}`);
  }, lookMs).unref();
}

function youngBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === "new_space")?.space_size ?? 0;
}
