import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { quickWasm } from "./test/support/tree.ts";

/**
 * The files that take longest, in each project: what begins last with one of these ends with a processor that has nothing to do. Where the tree is
 * fresh nobody knows how long a file took the last time, and its size does not say it.
 */
const longest = [
  "pipeline/processes",
  "contributing",
  "kit",
  "pipeline/sweep",
  "browser/ops",
  "pipeline/outage",
  "cli",
  "pipeline/service",
  "simulate",
  "pipeline/doctor",
  "pipeline/letters",
  "pipeline/on-call",
  "conformance/convergence",
  "conformance/operations",
  "conformance/order",
].map((name) => `test/${name}.test.ts`);

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const place = longest.findIndex((name) => moduleId.endsWith(name));
      return place === -1 ? longest.length : place;
    };
    // oxlint-disable-next-line unicorn/no-array-sort -- a sequencer's `sort` is no list's
    const usual = await super.sort(files);
    return usual.toSorted((one, other) => rank(one) - rank(other));
  }
}

export default defineConfig({
  test: {
    // A machine that is busy with other things takes its time: what is wrong is seen by what is expected, not by a clock.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // Files share a process and what it has loaded, which is half of the time. Who fakes the clock, answers requests or starts a server
    // gives it back at the end of the file.
    isolate: false,
    execArgv: [quickWasm],
    sequence: { sequencer: LongestFirst },
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
