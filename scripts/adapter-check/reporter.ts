import { writeFileSync } from "node:fs";
import { basename, relative } from "node:path";
import type { Reporter, TestCase, TestModule, TestSuite } from "vitest/node";

/** What came of one test file, as much as a score card needs. */
export interface FileReport {
  /** From the root of the tree. */
  readonly file: string;
  /** `golden` for `golden.test.ts`. */
  readonly name: string;
  /** What went wrong outside any test: the file could not be loaded, or a part of it could not begin. */
  readonly errors: readonly string[];
  readonly tests: readonly TestReport[];
}

export interface TestReport {
  /** The names of what it is in and its own, without the adapter's. */
  readonly path: readonly string[];
  readonly state: "passed" | "failed" | "skipped" | "pending";
  readonly errors: readonly string[];
}

/** Where the reports are written to. */
export const reportVariable = "ADAPTER_CHECK_REPORT";

/** Unlike the JSON that the test runner writes, these reports hold what went wrong before a test began. */
export default class CardReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    writeFileSync(process.env[reportVariable] ?? "", JSON.stringify(modules.map(reportOf)));
  }
}

function reportOf(module: TestModule): FileReport {
  const suites = [...module.children.allSuites()];
  return {
    file: relative(process.cwd(), module.moduleId),
    name: basename(module.moduleId, ".test.ts"),
    errors: [module, ...suites].flatMap((part) => textsOf(part.errors())),
    tests: [...module.children.allTests()].map((test) => {
      const { state, errors = [] } = test.result();
      return { path: pathOf(test).slice(1), state, errors: textsOf(errors) };
    }),
  };
}

function pathOf(test: TestCase | TestSuite): string[] {
  return [...(test.parent.type === "suite" ? pathOf(test.parent) : []), test.name];
}

function textsOf(errors: readonly { readonly message?: string }[]): string[] {
  return errors.map(({ message = "failed without a word" }) => message);
}
