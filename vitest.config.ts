import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // A machine that is busy with other things takes its time: what is wrong is seen by what is expected, not by a clock.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    projects: [
      {
        // Each file has a process of its own: it starts servers, and ends them. They wait more than they work, so there is one more of
        // them than there are cores; and they come first, so that what only works can fill the cores to the end.
        extends: true,
        test: {
          name: "program",
          include: ["test/**/*.test.ts"],
          exclude: ["test/conformance/**"],
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
      {
        // These only work, two cores full; files share a process and what it has loaded, which is half of the time. Who fakes the clock
        // or answers requests gives both back at the end of the file (test/support/nock.ts).
        extends: true,
        test: {
          name: "logic",
          include: ["src/**/*.test.ts", "sandbox/**/*.test.ts", "test/conformance/**/*.test.ts"],
          isolate: false,
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
