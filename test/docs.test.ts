import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadAdapters } from "../src/adapters/registry.ts";

/** A text of this tree that may cite a page of docs/. */
interface Page {
  readonly file: string;
  readonly text: string;
}

const places = ["src", "sandbox", "test", "scripts", "bench", "examples", "docs"].filter((place) => existsSync(place));
const pages: readonly Page[] = [
  ...places.flatMap((place) =>
    readdirSync(place, { recursive: true, encoding: "utf8" })
      .filter((name) => /\.(?:ts|md|txt)$/.test(name) && !name.includes("node_modules"))
      .map((name) => `${place}/${name}`),
  ),
  ...readdirSync(".").filter((name) => name.endsWith(".md")),
].map((file) => ({ file, text: readFileSync(file, "utf8") }));
const sheets = pages.filter(({ file }) => /^docs\/(?:norce\.md|psp\/)/.test(file));
const documents = pages.filter(({ file }) => file.endsWith(".md"));
/** Everything but this file, whose own examples cite nothing. */
const citing = pages.filter(({ file }) => file !== "test/docs.test.ts");

/** `(b.2)`, `b2` and `b.2` are one section. */
function plain(section: string): string {
  return section.replaceAll(/[().]/g, "").toLowerCase();
}

/** The sections of a fact sheet by what they are called by: `a`, `b2`, `23`. */
function sectionsOf(file: string): ReadonlySet<string> {
  const found = readFileSync(file, "utf8").matchAll(/^#{2,3} (\([a-j]\)|[a-j]\.?\d|\d+(?:\.\d+)?)\.? /gm);
  return new Set([...found].map(([, name = ""]) => plain(name)));
}

const section = String.raw`(?:\([a-j](?:\.?\d)?\)|[a-j](?:\.?\d)?(?=[),:;]| and | rows? )|\d+(?:\.\d+)?)`;
const citation = new RegExp(
  String.raw`docs/((?:norce|psp/[\w-]+)\.md)(?:,((?: ${section})(?:(?:,| and) ${section})*))?`,
  "g",
);

/** What a text says of the fact sheets: the file, and the sections, if it names any. */
function citationsIn(text: string): readonly { readonly file: string; readonly sections: readonly string[] }[] {
  // A comment may break its line in the middle of a citation.
  return [...text.replaceAll(/\s*\n\s*(?:\*|\/\/)?\s*/g, " ").matchAll(citation)].map(([, name = "", told = ""]) => ({
    file: `docs/${name}`,
    sections: told
      .split(/,| and /)
      .map((part) => plain(part.trim()))
      .filter((part) => part !== ""),
  }));
}

describe("what is cited is there", () => {
  test("the grammar of citations", () => {
    expect(citationsIn("(docs/norce.md, 1.3, 1.4 and 2.2)")).toEqual([
      { file: "docs/norce.md", sections: ["13", "14", "22"] },
    ]);
    expect(citationsIn("after docs/psp/adyen.md, (b.1) and (e) row 3.\n * (docs/psp/walley.md,\n * b1 and e)")).toEqual(
      [
        { file: "docs/psp/adyen.md", sections: ["b1", "e"] },
        { file: "docs/psp/walley.md", sections: ["b1", "e"] },
      ],
    );
  });

  test("every section of a fact sheet", () => {
    const missing = citing.flatMap(({ file: from, text }) =>
      citationsIn(text)
        .filter(({ file, sections }) => !existsSync(file) || !sections.every((name) => sectionsOf(file).has(name)))
        .map(({ file, sections }) => `${from}: ${file}, ${sections.join(", ")}`),
    );
    expect(missing).toEqual([]);
  });

  test("every row of a numbered table", () => {
    const rows = (file: string): number => {
      const table =
        readFileSync(file, "utf8")
          .split(/^## \(e\).*$/m)[1]
          ?.split(/^## /m)[0] ?? "";
      return table.split("\n").filter((line) => line.startsWith("| ")).length - 1;
    };
    const missing = citing.flatMap(({ file: from, text }) =>
      [...text.matchAll(/(docs\/psp\/[\w-]+\.md), \(e\) rows? (\d{1,2})\b(?: and (\d+))?/g)]
        .filter(([, file = "", first, second = first]) => Math.max(Number(first), Number(second)) > rows(file))
        .map(([told]) => `${from}: ${told}`),
    );
    expect(missing).toEqual([]);
  });

  test("every fixture, comment and page calls them by their file", () => {
    const vague = citing.filter(({ file, text }) => !file.startsWith("docs/") && /fact sheet/i.test(text));
    expect(vague.map(({ file }) => file)).toEqual([]);
  });

  test("every other page, and its heading where one is named", () => {
    const missing = citing.flatMap(({ file: from, text }) =>
      [...text.matchAll(/docs\/((?!norce\.md)[a-z-]+\.md)(?:, ([A-Z]\w+(?: \w+)*))?/g)]
        .filter(([, page = "", heading]) => {
          const file = `docs/${page}`;
          return !existsSync(file) || (heading !== undefined && !anchorsOf(file).has(anchorOf(heading)));
        })
        .map(([told]) => `${from}: ${told}`),
    );
    expect(missing).toEqual([]);
  });

  test("every link between pages", () => {
    const missing = documents.flatMap(({ file, text }) =>
      [
        ...text
          .replaceAll(/^```[^]*?^```$/gm, "")
          .matchAll(/\]\((?!https?:|mailto:)((?:[^)#\s]*[./][^)#\s]*)?)(?:#([\w-]+))?\)/g),
      ]
        .filter(([, path = "", anchor]) => {
          const target = path === "" ? file : join(dirname(file), path);
          return !existsSync(target) || (anchor !== undefined && !anchorsOf(target).has(anchor));
        })
        .map(([link]) => `${file}: ${link}`),
    );
    expect(missing).toEqual([]);
  });
});

/** As the usual renderers make them of headings. */
function anchorsOf(file: string): ReadonlySet<string> {
  const headings = readFileSync(file, "utf8")
    .replaceAll(/^```[^]*?^```$/gm, "")
    .matchAll(/^#{1,4} (.+)$/gm);
  return new Set([...headings].map(([, heading = ""]) => anchorOf(heading)));
}

function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");
}

test("URLs are signed in one way: no sheet joins a signature's text of ours with bars", () => {
  // Adyen's, PayPal's and others' own schemes are theirs; ours are those over order and payment.
  const ours =
    /["`][^"`\n]*\b(?:psp|kind|merchant|channel|orderId)\\?\|[^"`\n]*\b(?:orderId|paymentId)\b|"\|" *\+ *paymentId|worker-url-key/;
  expect(sheets.filter(({ text }) => ours.test(text)).map(({ file }) => file)).toEqual([]);
  expect("`psp|kind|merchant|channel|orderId|paymentId`").toMatch(ours);
});

test("nothing here needs what is not here", () => {
  const outside = /\/work\/|\bshared\/|\breference\/(?:norce|psp)\b|\bissue \d+ of this\b|design\.md/;
  expect(documents.filter(({ text }) => outside.test(text)).map(({ file }) => file)).toEqual([]);
});

describe("docs/doctor.md", () => {
  const page = readFileSync("docs/doctor.md", "utf8");
  /** The cells of the rows of the table that begins so. */
  const table = (heading: string): string[][] =>
    (page.split(`| ${heading} |`)[1]?.split("\n\n")[0] ?? "")
      .split("\n")
      .slice(2)
      .map((line) =>
        line
          .split("|")
          .map((cell) => cell.trim())
          .slice(1, -1),
      );
  const namesIn = (cells: readonly string[][]): string[] =>
    cells.flatMap(([first = ""]) => [...first.matchAll(/`(--\w+)/g)].map(([, name = ""]) => name));

  test("lists every option", () => {
    const source = readFileSync("src/cli/doctor.ts", "utf8");
    const options = [...source.matchAll(/\.option\("(--\w+)/g)].map(([, name = ""]) => name);
    expect(namesIn(table("option")).toSorted()).toEqual(options.toSorted());
  });

  test("lists every check", () => {
    const checks = readdirSync("src/doctor/checks").flatMap((file) =>
      [...readFileSync(`src/doctor/checks/${file}`, "utf8").matchAll(/\bcheck: ["`]([^"`$]+)/g)].map(([, name = ""]) =>
        name.trim(),
      ),
    );
    expect(checks.length).toBeGreaterThan(5);
    const listed = table("check").map(([first = ""]) => first.replaceAll(/`| …/g, ""));
    expect(listed.toSorted()).toEqual(checks.toSorted());
  });

  test("lists every PSP whose webhooks can be registered, and whether it has a test", async () => {
    const registering = [...(await loadAdapters()).values()].flatMap(({ id, registrations }) =>
      registrations === undefined ? [] : [`${id} ${registrations.test === undefined ? "–" : "yes"}`],
    );
    const listed = table("adapter").map(
      ([id = "", , tested = ""]) => `${id.replaceAll("`", "")} ${tested.startsWith("yes") ? "yes" : "–"}`,
    );
    expect(listed.toSorted()).toEqual(registering.toSorted());
  });
});
