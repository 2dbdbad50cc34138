import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { copyTree, type Tree } from "./support/tree.ts";

const guide = readFileSync("CONTRIBUTING.md", "utf8");
interface Block {
  readonly language: string;
  readonly file: string | undefined;
  readonly content: string;
}

/** Headings in fenced blocks are not the guide's. */
const outline = guide.replaceAll(/^```[^]*?^```$/gm, (block) => block.replaceAll(/^#/gm, "\u0000"));
/** What each step is called, and its blocks in their order. */
const steps = [...outline.matchAll(/^### (\d+\. .+)\n([^]*?)(?=^##)/gm)].map(([, title = "", text = ""]) => ({
  title,
  blocks: [...text.matchAll(/^```(\w+)(?: file=(\S+))?\n([^]*?)^```$/gm)].map(
    ([, language = "", file, content = ""]): Block => ({ language, file, content: content.replaceAll("\u0000", "#") }),
  ),
}));

/** A command in a block, and what the guide says that it prints. */
interface Command {
  readonly line: string;
  readonly prints: string;
}

let tree: Tree;
beforeAll(() => {
  tree = copyTree();
});
afterAll(() => tree.remove());

function commandsIn(content: string): Command[] {
  return content
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

test("there are eight steps", () => {
  expect(steps.map(({ title }) => title.split(".")[0])).toEqual(["1", "2", "3", "4", "5", "6", "7", "8"]);
});

describe("carried out one after the other", () => {
  test.each(steps)(
    "$title",
    async ({ blocks }) => {
      expect(blocks).not.toHaveLength(0);
      for (const { language, file, content } of blocks) {
        if (file !== undefined) {
          mkdirSync(dirname(join(tree.path, file)), { recursive: true });
          writeFileSync(join(tree.path, file), content);
        }
        if (language !== "console") continue;
        for (const { line, prints } of commandsIn(content)) {
          const { printed, status } = await tree.run(line);
          if (line.includes("adapter:check")) {
            expect(shortened(printed), printed).toBe(prints);
            expect(status, "a card with something missing fails").toBe(prints.includes("✗") ? 1 : 0);
          } else expect(status, printed).toBe(0);
          if (prints !== "" && !line.includes("adapter:check")) expect(printed.trimEnd()).toBe(prints);
        }
      }
    },
    120_000,
  );

  test("what the last step has generated names the new PSP", () => {
    expect(readFileSync(join(tree.path, "README.md"), "utf8")).toContain(
      "[pebble-pay](src/adapters/pebble-pay/README.md)",
    );
    expect(readFileSync(join(tree.path, "config.example.yaml"), "utf8")).toContain("# pebble-pay:\n");
    expect(readFileSync(join(tree.path, "src/adapters/pebble-pay/README.md"), "utf8")).toContain("| authorized |");
  });
});

test("the guide explains every law that the score card tells, and names files that are there", () => {
  const card = steps.flatMap(({ blocks }) => blocks).findLast(({ content }) => content.includes("adapter:check"));
  const laws = [...(card?.content ?? "").matchAll(/^ {2}[✓–] (.+)$/gm)].map(([, law = ""]) => law);
  const table = outline.split("## What the laws want")[1]?.split("\n## ")[0] ?? "";
  const explained = [...table.matchAll(/^\| ([a-z ]+) \| /gm)].map(([, law = ""]) => law);
  const house = ["its own tests", "types", "lint", "format"];
  expect(explained.filter((law) => law !== "law").toSorted()).toEqual(
    laws.filter((law) => !house.includes(law)).toSorted(),
  );
  const prose = guide.replaceAll(/^```[^]*?^```$/gm, "");
  for (const [, file = ""] of prose.matchAll(/\]\((?!http|#)([^)#]+)/g))
    expect(() => readdirSync(dirname(file)).includes(file.split("/").at(-1) ?? ""), file).not.toThrow();
});
