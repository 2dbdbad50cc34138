import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // A machine that is busy with other things takes its time: what is wrong is seen by what is expected, not by a clock.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // Files share a process and what it has loaded, which is half of the time. Who fakes the clock, answers requests or starts a server
    // gives it back at the end of the file.
    isolate: false,
    projects: [
      {
        // These wait more than they work, for servers, processes and time-outs: more of them at once than there are cores, and first, so
        // that what only works fills the cores to the end.
        extends: true,
        test: {
          name: "program",
          include: ["test/**/*.test.ts"],
          exclude: ["test/conformance/!(failures).test.ts"],
          maxWorkers: 4,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: "logic",
          include: ["src/**/*.test.ts", "sandbox/**/*.test.ts", "test/conformance/*.test.ts"],
          exclude: ["test/conformance/failures.test.ts"],
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
