import { afterAll, afterEach, beforeAll } from "vitest";
import type { TestEngine } from "./engines.ts";
import { startWorld, type World, type WorldOptions } from "./service.ts";

/**
 * One world for all tests of a `describe`, or of a file: it begins before the first on an engine that is started for it, and both end after the last.
 * @param take is given the world once it is there.
 */
export function openWorldFor(
  engine: TestEngine,
  take: (world: World) => void,
  options: Omit<WorldOptions, "engine"> = {},
): void {
  let world: World;
  beforeAll(async () => {
    await engine.start();
    world = await startWorld({ engine: engine.settings(), ...options });
    take(world);
  }, 300_000);
  afterAll(async () => {
    await world.stop();
    await engine.stop();
  });
}

/** After each test nothing goes wrong any more, and nothing is under way. */
export function calmAfterEach(world: () => World): void {
  afterEach(async () => {
    const { norce, psp, idle } = world();
    norce.clearFaults();
    psp.clearFaults();
    await idle();
  });
}
