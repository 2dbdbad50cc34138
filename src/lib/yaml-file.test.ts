import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { ConfigError } from "./document.ts";
import { readYamlFile } from "./yaml-file.ts";

/** What is said of a file with this text. */
function faultsOf(text: string): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), "norce-psp-yaml-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "config.yaml");
  writeFileSync(file, text);
  try {
    readYamlFile(file);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.split("\n").map((line) => line.replace(file, "FILE"));
  }
}

test.each([
  ["merchants:\n  acme: {se: [\n", /is not YAML: bad indent in line 3, column \d+/],
  ["norce:\n  token: a\n  token: canary\n", /is not YAML: duplicate key in line 3, column \d+/],
  ["norce:\n  token: !vault canary\n", /is not YAML: tag resolve failed in line 2, column 10/],
  ["norce:\n  token: a\n---\ntoken: canary\n", /is not YAML: multiple docs/],
  ["norce:\n\ttoken: canary\n", /is not YAML: .*(tab|indent).* in line 2, column \d+/],
])("a fault says why and where, and nothing of the line: %j", (text, wanted) => {
  const warn = vi.spyOn(process, "emitWarning").mockReturnValue();
  onTestFinished(() => {
    warn.mockRestore();
  });
  const said = faultsOf(text).join("\n");
  expect(said).toMatch(wanted);
  expect(said).not.toContain("canary");
  // Node prints warnings by itself.
  expect(warn).not.toHaveBeenCalled();
});

test("a file that is not there is one that cannot be read", () => {
  expect(() => readYamlFile("/no/such/config.yaml")).toThrow("cannot be read");
});

test("a key that is a collection is no reason to print it", () => {
  const warn = vi.spyOn(process, "emitWarning").mockReturnValue();
  onTestFinished(() => {
    warn.mockRestore();
  });
  expect(faultsOf("? {token: canary}\n: a\n")).toEqual([]);
  expect(warn).not.toHaveBeenCalled();
});
