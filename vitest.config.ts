import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "sandbox/**/*.test.ts", "test/**/*.test.ts"],
    // A machine that is busy with other things takes its time: what is wrong is seen by what is expected, not by a clock.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Two cores: more files at once only make each other late.
    maxWorkers: 2,
  },
});
