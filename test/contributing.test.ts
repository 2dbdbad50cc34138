import { cpSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { copyTree, type Tree } from "./support/tree.ts";

const guide = readFileSync("CONTRIBUTING.md", "utf8");
const example = "examples/pebble-pay";
const folder = "src/adapters/pebble-pay";

/** A command in a step, and what the guide says that it prints. */
interface Command {
  readonly line: string;
  readonly prints: string;
}

/** What each step is called, the files of the example that it names, and its commands in their order. */
const steps = [...guide.matchAll(/^### (\d+\. .+)\n([^]*?)(?=^##)/gm)].map(([, title = "", text = ""]) => ({
  title,
  names: [...text.matchAll(/\]\(examples\/pebble-pay\/([^)]+)\)/g)].map(([, name = ""]) => name),
  commands: [...text.matchAll(/^```console\n([^]*?)^```$/gm)].flatMap(([, block = ""]) => commandsIn(block)),
}));

let tree: Tree;
beforeAll(() => {
  tree = copyTree();
});
afterAll(() => tree.remove());

function commandsIn(block: string): Command[] {
  return block
    .split(/^\$ /m)
    .slice(1)
    .map((text) => {
      const [line = "", ...printed] = text.trimEnd().split("\n");
      return { line, prints: printed.join("\n") };
    });
}

/** The score card without what is missing, as the guide shows it. */
function shortened(card: string): string {
  return card
    .split("\n")
    .filter((line) => /^ {2}[✓✗–] |^\d+ of \d+ laws/.test(line))
    .map((line) => line.replace(/^( {2}. .+?) {2,}.*$/, "$1"))
    .join("\n");
}

function filesIn(path: string): string[] {
  return readdirSync(path, { recursive: true, encoding: "utf8" })
    .filter((name) => statSync(join(path, name)).isFile())
    .toSorted();
}

test("there are eight steps", () => {
  expect(steps.map(({ title }) => title.split(".")[0])).toEqual(["1", "2", "3", "4", "5", "6", "7", "8"]);
});

describe("carried out one after the other", () => {
  test.each(steps)("$title", async ({ names, commands }) => {
    expect(names.length + commands.length).toBeGreaterThan(0);
    for (const name of names) cpSync(join(example, name), join(tree.path, folder, name), { recursive: true });
    for (const { line, prints } of commands) {
      const { printed, status } = await tree.run(line);
      if (line.includes("adapter:check")) {
        expect(shortened(printed), printed).toBe(prints);
        expect(status, "a card with something missing fails").toBe(prints.includes("✗") ? 1 : 0);
        continue;
      }
      expect(status, printed).toBe(0);
      if (prints !== "") expect(printed.trimEnd()).toBe(prints);
    }
  });

  test("the folder is the example, to the byte: nothing of it is unnamed, and its table is what its fixtures say", () => {
    const written = join(tree.path, folder);
    expect(filesIn(written)).toEqual(filesIn(example));
    for (const name of filesIn(example))
      expect(readFileSync(join(written, name), "utf8"), name).toBe(readFileSync(join(example, name), "utf8"));
  });

  test("what the last step has generated names the new PSP", () => {
    expect(readFileSync(join(tree.path, "README.md"), "utf8")).toContain(
      "[pebble-pay](src/adapters/pebble-pay/README.md)",
    );
    expect(readFileSync(join(tree.path, "config.example.yaml"), "utf8")).toContain("# pebble-pay:\n");
  });
});

test("the guide explains every law that the score card tells", () => {
  const card = steps.flatMap(({ commands }) => commands).findLast(({ line }) => line.includes("adapter:check"));
  const laws = [...(card?.prints ?? "").matchAll(/^ {2}[✓–] (.+)$/gm)].map(([, law = ""]) => law);
  const table = guide.split("## What the laws want")[1]?.split("\n## ")[0] ?? "";
  const explained = [...table.matchAll(/^\| ([a-z ]+) \| /gm)].map(([, law = ""]) => law);
  const house = ["its own tests", "types", "lint", "format"];
  expect(explained.filter((law) => law !== "law").toSorted()).toEqual(
    laws.filter((law) => !house.includes(law)).toSorted(),
  );
});
