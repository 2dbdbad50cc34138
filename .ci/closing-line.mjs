// Says in one plain line what the test runner counted: its own closing line is coloured and indented.
import { readFileSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";

const text = stripVTControlCharacters(readFileSync(0, "utf8"));
const line = text.split("\n").findLast((candidate) => /^\s*Tests\s+\d/.test(candidate)) ?? "";
const count = (word) => Number(new RegExp(`(\\d+) ${word}`).exec(line)?.[1] ?? 0);
const passed = count("passed");
console.log(`tests: ${passed} passed, ${count("failed")} failed, ${count("skipped")} skipped`);
if (passed === 0) process.exit(1);
